"""Rollouts from many processes or a Ray cluster: every task runs whole episodes of some markets under one policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lob.errors import RunError
from scenarios.build.missing import MissingHere
from scenarios.build.variant import Variant
from scenarios.many_runs.map_runs import Failed, check_executor, map_runs
from scenarios.training.environments import MarketFactory, environment_options
from sim.files.claim import RESUME

if TYPE_CHECKING:
    from agents.rl.ppo import Agent, Rollout
    from agents.rl.vector_env import MarketVectorEnv

__all__ = ["episode_rollouts"]

MARKETS_PER_TASK = 16
"""Fixed, so that a training is the same whatever the number of workers."""
SEEDS_PER_UPDATE, N_SEEDS = 1_000_003, 2**31 - 10**6
MOST_KEPT = 4

_kept: dict[str, MarketVectorEnv] = {}
"""Environments of this process, so that a worker makes them once and not for every task."""


@dataclass(frozen=True)
class _Task:
    factory: MarketFactory
    options: Mapping[str, Any]
    n_markets: int
    seed: int
    agent: Agent


def _run(task: _Task) -> Rollout:
    import torch

    from agents.rl.episodes import whole_episodes
    from agents.rl.vector_env import MarketVectorEnv

    torch.set_num_threads(1)
    key = repr((task.factory.__getstate__(), dict(task.options), task.n_markets))
    if key not in _kept:
        while len(_kept) >= MOST_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = MarketVectorEnv(task.factory, task.n_markets, **environment_options(task.factory, task.options))
    return whole_episodes(_kept[key], task.agent, task.seed)


def episode_rollouts(
    factory: MarketFactory,
    options: Mapping[str, Any],
    n_markets: int,
    seed: int,
    *,
    executor: str = "process",
    workers: int | None = None,
) -> Callable[[Agent, int], Rollout]:
    """Return a source of rollouts for `agents.rl.ppo.train`: one whole episode of each market for every update.

    Args:
        factory: makes the markets.
        options: of MarketVectorEnv: features, reward, reward_settings; functions by their names, as my_module:NAME.
        n_markets: episodes in an update; 16 to a task.
        seed: of the training; market m of update u has seed + 1,000,003 (u + 1) + m, below the seeds of evaluations.
        executor: "process", "ray" or "serial", see `map_runs`; the result is the same with all of them.
        workers: processes.

    Raises:
        InputError: if the executor cannot be used.
    """
    check_executor(executor, workers)
    missing = MissingHere.of([Variant.read(factory.scenario, factory.overrides)]) if executor == "ray" else None

    def rollouts(agent: Agent, update: int) -> Rollout:
        from agents.rl.episodes import joined

        first = seed + SEEDS_PER_UPDATE * (update + 1)
        tasks = [
            _Task(factory, options, min(MARKETS_PER_TASK, n_markets - m), (first + m) % N_SEEDS, agent)
            for m in range(0, n_markets, MARKETS_PER_TASK)
        ]
        found: dict[int, Rollout] = {}
        for k, result in map_runs(_run, tasks, executor=executor, workers=workers, missing=missing):
            if isinstance(result, Failed):
                raise RunError(f"rollouts of update {update + 1}: {result.reason}; go on with ", RESUME)
            found[k] = result
        return joined([found[k] for k in range(len(tasks))])

    return rollouts
