"""How fast this machine is just now, beside the one on which bounds were set: 1.0 there, 0.5 on one half as fast.

Two measurements, of what our programs are made of: bourse's own NumPy benchmark (a matching engine in Rust, our peer),
and a walk through 32 MB, past the caches of a core, each step of which needs the one before. `machine` is the mean
(geometric) of rate over reference rate and of reference latency over latency. Machines differ twofold, and one from
hour to hour: bounds on absolute rates are compared after scaling by it, ratios are ratios anyway.
"""

from __future__ import annotations

import time
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numba import njit

__all__ = ["at_least", "at_most", "bourse_own_rate", "latency_ns", "machine"]

REFERENCE_BOURSE_PER_S = 3.5e6
REFERENCE_LATENCY_NS = 95.0
"""Medians of nine on the reference machine: two cores of an Intel Xeon server, otherwise idle."""
N_CELLS = 4 * 2**20
N_HOPS = 400_000


def bourse_own_rate(n_steps: int = 2_000) -> float:
    """Messages a second of bourse's engine in its own NumPy benchmark: 200 random agents.

    Every agent sends one limit order a step; submitting and stepping is timed, drawing the orders is not.
    """
    import bourse
    from bourse.step_sim.agents import NumpyRandomAgents

    n_agents = 200
    env = bourse.core.StepEnvNumpy(101, 0, 2, 100_000)
    agents = NumpyRandomAgents(n_agents, (10, 100), (20, 50), 2)
    rng = np.random.default_rng(1)
    spent = 0.0
    for _ in range(n_steps):
        instructions = agents.update(rng, env.level_2_data())
        start = time.perf_counter()
        env.submit_instructions(instructions)
        env.step()
        spent += time.perf_counter() - start
    return n_agents * n_steps / spent


@njit(nogil=True)
def _walk(following: Any, at: int, n_hops: int) -> int:
    for _ in range(n_hops):
        at = following[at]
    return at


def latency_ns(repeats: int = 5) -> float:
    """Nanoseconds of one step through 32 MB in random order, the best of some walks."""
    # One cycle through all cells: each names the next in a random order.
    order = np.random.default_rng(1).permutation(N_CELLS)
    following = np.empty(N_CELLS, np.int64)
    following[order] = np.roll(order, -1)
    _walk(following, 0, 10)
    best = np.inf
    for k in range(repeats):
        start = time.perf_counter()
        _walk(following, int(order[k * N_HOPS % N_CELLS]), N_HOPS)
        best = min(best, (time.perf_counter() - start) / N_HOPS)
    return best * 1e9


@cache
def machine() -> float:
    """Return this machine's speed, measured once in a process (about two seconds); by latency alone without bourse."""
    nearer = REFERENCE_LATENCY_NS / latency_ns()
    if find_spec("bourse") is None:
        return nearer
    rate = max(bourse_own_rate(1_000) for _ in range(3))
    return float(np.sqrt(rate / REFERENCE_BOURSE_PER_S * nearer))


def at_least(rate: float, bound: float) -> bool:
    """Whether a rate reaches the bound of the reference machine, scaled to this one."""
    return rate >= bound * machine()


def at_most(seconds: float, bound: float) -> bool:
    """Whether a time stays within the bound of the reference machine, scaled to this one."""
    return seconds <= bound / machine()
