"""Environments over any scenario: `make_market(seed)` from a scenario file, and the registered Gymnasium ids.

    import gymnasium, scenarios.environments
    env = gymnasium.make("outcry/Execution-v0", scenario="rmsc", settings={"quantity_lots": 600})

A scenario that holds a learning agent is used as it is; into any other, one is put, named `learner`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lob.errors import InputError

if TYPE_CHECKING:
    from agents.rl.env import MarketEnv
    from agents.rl.parallel_env import MarketParallelEnv
    from agents.rl.vector_env import MarketVectorEnv
    from scenarios.build import Built
    from sim.market import Market
    from sim.settings import Population

__all__ = ["ENVIRONMENTS", "MarketFactory", "make_env", "make_parallel_env", "make_vector_env", "register"]

ENVIRONMENTS = {
    "outcry/Execution-v0": "execution",
    "outcry/MarketMaking-v0": "market_making",
    "outcry/Directional-v0": "directional",
}
"""Registered ids and their tasks."""
LEARNER = "learner"
LATENCY_NS = 50_000.0
TAPE_ROWS = 4096
"""Of the market's own tape, which environments hardly use; results do not depend on it."""


class MarketFactory:
    """`make_market` of a scenario and a task; can be sent to another process.

    Args:
        scenario: file or library name.
        task: name of the task, see agents.rl.tasks.
        settings: settings of the learning agent, where the scenario has none of the task.
        overrides: as in `outcry run --set`.
        learners: number of learning agents that are put in.

    Raises:
        InputError: if the scenario or a setting is wrong, or settings are given and the scenario has a learner.
    """

    def __init__(
        self,
        scenario: str | Path = "rmsc",
        task: str = "execution",
        settings: Mapping[str, Any] | None = None,
        overrides: Sequence[str] = (),
        learners: int = 1,
    ) -> None:
        self.scenario, self.task, self.learners = str(scenario), task, learners
        self.settings, self.overrides = dict(settings or {}), tuple(overrides)
        assert self._populations

    def __getstate__(self) -> dict[str, Any]:
        names = ("scenario", "task", "learners", "settings", "overrides")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def built(self) -> Built:
        """The scenario's checked parts."""
        from scenarios.build import build
        from scenarios.load import load_scenario

        return build(load_scenario(self.scenario, self.overrides))

    @cached_property
    def _populations(self) -> tuple[Population, ...]:
        from agents.rl.task import find_task
        from scenarios.load import validate
        from sim.settings import Latency, Population

        task, built = find_task(self.task), self.built
        if any(p.policy is task.policy for p in built.populations):
            if self.settings or self.learners != 1:
                raise InputError(f"scenario {self.scenario}: has a learner of its own; allowed: no settings beside it "
                                 f"(change it with population.NAME.settings)")  # fmt: skip
            return built.populations
        settings = validate(task.policy.settings, {"untrained": True, **self.settings}, f"task {self.task}", "settings")
        latency = Latency(a_ns=LATENCY_NS)
        return (*built.populations, Population(LEARNER, self.learners, task.policy, settings, latency=latency))

    def __call__(self, seed: int) -> Market:
        """Return the market of a seed, before its open."""
        from sim.market import Market

        built = self.built
        return Market(
            built.listings, self._populations, built.session, built.schedule, seed,
            max_in_flight=built.scenario.max_in_flight, tape_rows=TAPE_ROWS,
        )  # fmt: skip


def _parts(options: dict[str, Any]) -> tuple[MarketFactory, dict[str, Any]]:
    own = {name: options.pop(name) for name in ("scenario", "task", "settings", "overrides", "learners")
           if name in options}  # fmt: skip
    return MarketFactory(**own), options


def make_env(**options: Any) -> MarketEnv:
    """Return a MarketEnv; options are those of MarketFactory and of MarketEnv."""
    from agents.rl.env import MarketEnv

    factory, rest = _parts(options)
    return MarketEnv(factory, **rest)


def make_vector_env(num_envs: int = 64, **options: Any) -> MarketVectorEnv:
    """Return a MarketVectorEnv; options are those of MarketFactory and of MarketVectorEnv."""
    from agents.rl.vector_env import MarketVectorEnv

    factory, rest = _parts(options)
    return MarketVectorEnv(factory, num_envs, **rest)


def make_parallel_env(learners: int = 2, **options: Any) -> MarketParallelEnv:
    """Return a MarketParallelEnv with so many learners; options are those of MarketFactory and of the environment."""
    from agents.rl.parallel_env import MarketParallelEnv

    factory, rest = _parts({"task": "market_making", "learners": learners, **options})
    return MarketParallelEnv(factory, **rest)


def register() -> None:
    """Register the ids with Gymnasium; done when this module is imported."""
    import gymnasium

    for name, task in ENVIRONMENTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point="scenarios.environments:make_env",
                vector_entry_point="scenarios.environments:make_vector_env",
                kwargs={"task": task},
            )


register()
