"""Environment steps a second, at one second of market time a step, in the populations of ABIDES' RMSC04.

Execution over an hour, with random actions; making each episode's market is part of the time. The learned background
(`learned_market`) is another order flow, each order of which comes out of a network; it is stated separately.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from agents.rl.env import MarketEnv
from agents.rl.vector_env import MarketVectorEnv
from bench.yardstick import at_least
from scenarios.environments import MarketFactory

__all__ = ["run"]

SETTINGS = {"step_s": 1.0, "start_s": 1800.0, "duration_s": 3600.0, "quantity_lots": 20_000}
N_ENVS, N_THREADS = 64, 2
N_LEARNED_ENVS = 8
MIN_STEPS_PER_S, MIN_VECTOR_STEPS_PER_S = 20_000, 250_000


def single(factory: MarketFactory, n_steps: int = 10_000) -> float:
    """Return steps a second of one environment, resets included."""
    env = MarketEnv(factory)
    actions = np.random.default_rng(1).integers(env.batch.n_actions, size=n_steps).tolist()
    env.reset(seed=1)
    start = time.perf_counter()
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    return n_steps / (time.perf_counter() - start)


def vector(factory: MarketFactory, threads: int, n_steps: int = 4_000, n_envs: int = N_ENVS) -> tuple[float, float]:
    """Return steps a second of all environments together, and other agents' orders and cancels a step."""
    envs = MarketVectorEnv(factory, n_envs, threads=threads)
    actions = np.random.default_rng(1).integers(envs.batch.n_actions, size=(n_steps, n_envs))
    envs.reset(seed=1)
    before = _background(envs)
    n_orders = n_counted = 0
    start = time.perf_counter()
    for t in range(n_steps):
        _, _, terminated, truncated, _ = envs.step(actions[t])
        if t == n_steps // 2 and not (terminated | truncated).any():
            n_orders, n_counted = _background(envs) - before, n_envs * (t + 1)
    return n_steps * n_envs / (time.perf_counter() - start), n_orders / max(1, n_counted)


def _background(envs: MarketVectorEnv) -> int:
    """Messages of all agents but the learners, in all markets."""
    markets = [market for market in envs.batch.markets if market is not None]
    return sum(m.n_messages - int(m.world.accounts["n_messages"][-1].sum()) for m in markets)


def run() -> dict[str, Any]:
    """Return the figures of this bench; each is the best of three runs."""
    factory = MarketFactory("rmsc", "execution", SETTINGS)
    single(factory, 500)
    vector(factory, N_THREADS, 100)
    steps = max(single(factory) for _ in range(3))
    several = [vector(factory, N_THREADS) for _ in range(3)]
    alone = max(vector(factory, 1)[0] for _ in range(2))
    threaded = max(rate for rate, _ in several)
    learned_factory = MarketFactory("learned_market", "execution", SETTINGS)
    vector(learned_factory, N_THREADS, 2, N_LEARNED_ENVS)
    learned, learned_orders = vector(learned_factory, N_THREADS, 600, N_LEARNED_ENVS)
    best = max(threaded, alone)  # two threads share the memory of one machine: whoever uses it takes what is faster
    return {
        "steps_per_s": round(steps),
        "vector_steps_per_s": round(best),
        "vector_steps_per_s_one_thread": round(alone),
        "vector_steps_per_s_two_threads": round(threaded),
        "vector_steps_per_s_learned": round(learned),
        "background_orders_per_step_learned": round(learned_orders, 2),
        "background_orders_per_step": round(several[0][1], 2),
        "environments": N_ENVS,
        "threads": N_THREADS,
        "pass": at_least(steps, MIN_STEPS_PER_S) and at_least(best, MIN_VECTOR_STEPS_PER_S),
    }
