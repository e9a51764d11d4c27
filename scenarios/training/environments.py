"""Environments over any scenario: `make_market(seed)` from a scenario file, and the registered Gymnasium ids.

    import gymnasium
    env = gymnasium.make("scenarios.environments:outcry/Execution-v0", scenario="rmsc", settings={"quantity_lots": 600})

After `import scenarios.environments` the ids are known without the module in front. A scenario that holds a learning
agent is used as it is; into any other, one is put, named `learner`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lob.errors import InputError

if TYPE_CHECKING:
    from agents.rl.env import MarketEnv
    from agents.rl.parallel_env import MarketParallelEnv
    from agents.rl.task import Task
    from agents.rl.vector_env import MarketVectorEnv
    from scenarios.build.market import Built
    from sim.market import Market
    from sim.settings import Latency, Population

__all__ = [
    "ENVIRONMENTS",
    "MarketFactory",
    "environment_options",
    "make_env",
    "make_parallel_env",
    "make_vector_env",
    "register",
]

ENVIRONMENTS = {
    "outcry/Execution-v0": "execution",
    "outcry/MarketMaking-v0": "market_making",
    "outcry/Directional-v0": "directional",
}
"""Registered ids and their tasks."""
LEARNER = "learner"
LATENCY = {"kind": "constant", "delay_us": 50.0}
"""Of a learner that is put into a scenario, unless the user gives one."""
TAPE_ROWS = 4096
"""Of the market's own tape, which environments hardly use; results do not depend on it."""


class MarketFactory:
    """`make_market` of a scenario and a task; can be sent to another process.

    Args:
        scenario: file or library name.
        task: name of the task, see agents.rl.tasks; "my_module:TASK", beside the scenario or installed; or a Task.
        settings: settings of the learning agent, where the scenario has none of the task. Units of price and size that
            are not given are what is usual in the scenario, see scenarios.training.rl_units.
        overrides: as in `outcry run --set`.
        learners: number of learning agents that are put in.
        latency: of their messages: a table as in a scenario file, such as {"kind": "constant", "delay_us": 200}, or a
            sim.settings.Latency; default: constant, 50 us.

    Raises:
        InputError: if the scenario or a setting is wrong, or settings are given and the scenario has a learner.
    """

    def __init__(
        self,
        scenario: str | Path = "rmsc",
        task: str | Task = "execution",
        settings: Mapping[str, Any] | None = None,
        overrides: Sequence[str] = (),
        learners: int = 1,
        latency: Mapping[str, Any] | Latency | None = None,
    ) -> None:
        from agents.rl._checks import whole

        if not isinstance(settings or {}, Mapping):
            raise InputError(f"settings = {settings!r}; allowed: a table, such as {{'step_s': 2.0}}")
        if isinstance(overrides, str):
            raise InputError(f"overrides = {overrides!r}; allowed: a list, such as ['population.value.count=50']")
        self.scenario, self.task = str(scenario), task
        self.learners = whole(learners, "learners", 1)
        self.settings, self.overrides, self.latency = dict(settings or {}), tuple(overrides), latency
        self._usual: dict[str, Any] | None = None
        assert self._populations

    def __getstate__(self) -> dict[str, Any]:
        names = ("scenario", "task", "learners", "settings", "overrides", "latency", "_usual")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def built(self) -> Built:
        """The scenario's checked parts."""
        from scenarios.build.market import build
        from scenarios.schema.load import load_scenario

        return build(load_scenario(self.scenario, self.overrides))

    @property
    def folder(self) -> Path:
        """Where the scenario stands, and modules that are named beside it."""
        from scenarios.schema.load import find_scenario

        return find_scenario(self.scenario).parent

    @cached_property
    def learning_task(self) -> Task:
        """What the learners do."""
        from agents.rl.task import Task, find_task

        if isinstance(self.task, Task):
            return self.task
        if ":" not in str(self.task):
            return find_task(self.task)
        return _object(self.task, self.folder, "task", Task, "an agents.rl.Task object")

    @cached_property
    def _populations(self) -> tuple[Population, ...]:
        from scenarios.schema.load import validate
        from scenarios.training.rl_units import usual_settings
        from sim.settings import Population

        task, built = self.learning_task, self.built
        if any(p.policy is task.policy for p in built.populations):
            if self.settings or self.learners != 1 or self.latency is not None:
                raise InputError(f"scenario {self.scenario}: has a learner of its own; allowed: no settings beside it "
                                 f"(change it with population.NAME.settings)")  # fmt: skip
            return built.populations
        kind, where = task.policy.settings, f"task {task.name}"
        given = {"untrained": True, **self.settings}
        checked = validate(kind, given, where, "settings")
        if self._usual is None:
            self._usual = usual_settings(built, self.settings, checked)
        settings = validate(kind, {**self._usual, **given}, where, "settings") if self._usual else checked
        return (*built.populations, Population(LEARNER, self.learners, task.policy, settings, latency=self._latency()))

    def _latency(self) -> Latency:
        from scenarios.build.market import latency_of
        from scenarios.schema.agents import LatencyHolder
        from scenarios.schema.load import validate
        from sim.settings import Latency

        if isinstance(self.latency, Latency):
            return self.latency
        given = LATENCY if self.latency is None else self.latency
        table = dict(given) if isinstance(given, Mapping) else given
        return latency_of(validate(LatencyHolder, {"latency": table}, "learner").latency)

    def __call__(self, seed: int) -> Market:
        """Return the market of a seed, before its open."""
        from sim.market import Market

        built = self.built
        return Market(
            built.listings, self._populations, built.session, built.schedule, seed,
            max_in_flight=built.scenario.max_in_flight, tape_rows=TAPE_ROWS,
        )  # fmt: skip


def environment_options(factory: MarketFactory, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of an environment in which functions named "my_module:NAME" have been found.

    Raises:
        InputError: if one is not there or no function.
    """
    found = dict(options)
    for name in ("reward", "observation"):
        if isinstance(found.get(name), str) and ":" in found[name]:
            what = _object(found[name], factory.folder, name, object, "a function")
            if not callable(what):
                raise InputError(f"{name} = {found[name]!r}: is a {type(what).__name__}; allowed: a function")
            found[name] = what() if isinstance(what, type) else what
    return found


def _object(name: str, folder: Path, where: str, kind: type[Any], allowed: str) -> Any:
    from scenarios.build.kinds import find_object

    found = find_object(name, folder, where)
    if not isinstance(found, kind):
        raise InputError(f"{where} = {name!r}: is a {type(found).__name__}; allowed: {allowed}")
    return found


def _parts(kind: type[Any], options: dict[str, Any]) -> tuple[MarketFactory, dict[str, Any]]:
    """Return the factory, and the options of an environment; raise InputError if one is unknown."""
    from agents.rl.options import option_names
    from scenarios.schema.load import nearest

    if "max_episode_steps" in options:  # Gymnasium's name for it
        limit = options.pop("max_episode_steps")
        options.setdefault("max_steps", None if limit == -1 else limit)
    of_market = list(inspect.signature(MarketFactory).parameters)
    of_env = [name for name in option_names(kind) if name not in ("make_market", "num_envs", "task")]
    for name in options:
        if name not in (*of_market, *of_env):
            raise InputError(f"{name}: no such option{nearest(name, [*of_market, *of_env])}; "
                             f"allowed: {', '.join([*of_market, *of_env])}")  # fmt: skip
    factory = MarketFactory(**{name: value for name, value in options.items() if name in of_market})
    rest = {name: value for name, value in options.items() if name not in of_market}
    return factory, environment_options(factory, rest)


def make_env(**options: Any) -> MarketEnv:
    """Return a MarketEnv; options are those of MarketFactory and of MarketEnv."""
    from agents.rl.env import MarketEnv

    factory, rest = _parts(MarketEnv, options)
    return MarketEnv(factory, **rest)


def make_vector_env(num_envs: int = 64, **options: Any) -> MarketVectorEnv:
    """Return a MarketVectorEnv; options are those of MarketFactory and of MarketVectorEnv."""
    from agents.rl.vector_env import MarketVectorEnv

    factory, rest = _parts(MarketVectorEnv, options)
    return MarketVectorEnv(factory, num_envs, **rest)


def make_parallel_env(learners: int = 2, **options: Any) -> MarketParallelEnv:
    """Return a MarketParallelEnv with so many learners; options are those of MarketFactory and of the environment."""
    from agents.rl.parallel_env import MarketParallelEnv

    factory, rest = _parts(MarketParallelEnv, {"task": "market_making", "learners": learners, **options})
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
