"""Gode and Sunder 1993 through the engine: budget constraints alone bring allocative efficiency near 100%."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from agents.rules import zi_c
from bench.theory.markets import theory_market
from bench.theory.oracles.gode_sunder import efficiency, maximum_surplus
from bench.theory.oracles.intervals import mean_interval
from bench.theory.rows import Row, at_least
from sim.settings import Latency, Population

__all__ = ["measure"]

# Symmetric supply and demand: 12 buyers and 12 sellers of three units each, prices between 0 and 200 as in the paper.
BASE_TICKS = 99_000
N_TRADERS, N_UNITS, STEP = 12, 3, 20
FIRST = np.linspace(185, 75, N_TRADERS)


def _market(constrained: bool, seed: int) -> tuple[Any, Any, Any]:
    populations, values, costs = [], [], []
    for k in range(N_TRADERS):
        value, cost = BASE_TICKS + round(FIRST[k]), BASE_TICKS + round(200 - FIRST[k])
        values += [value - STEP * unit for unit in range(N_UNITS)]
        costs += [cost + STEP * unit for unit in range(N_UNITS)]
        for name, side, first in (("buyer", 1, value), ("seller", -1, cost)):
            settings = zi_c.ZeroIntelligenceConstrained(
                side=side, value_ticks=float(first), value_step_ticks=float(STEP), n_units=N_UNITS, interval_s=1.0,
                low_ticks=float(BASE_TICKS), high_ticks=float(BASE_TICKS + 200), constrained=constrained,
            )  # fmt: skip
            populations.append(Population(f"{name} {k}", 1, zi_c.policy, settings, latency=Latency(a_ns=1000.0)))
    return theory_market(populations, 600, seed), np.array(values), np.array(costs)


def session_efficiency(constrained: bool, seed: int) -> float:
    """Realised over largest possible surplus of one session."""
    market, values, costs = _market(constrained, seed)
    market.run(None, [lambda rows: None])
    n_traded = np.abs(market.world.accounts["position_lots"][:, 0])
    bought = [values[k * N_UNITS : k * N_UNITS + n_traded[2 * k]] for k in range(N_TRADERS)]
    sold = [costs[k * N_UNITS : k * N_UNITS + n_traded[2 * k + 1]] for k in range(N_TRADERS)]
    return efficiency(np.concatenate(bought), np.concatenate(sold), maximum_surplus(values, costs))


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield the efficiency of ZI-C traders, and how far unconstrained ones stay behind."""
    seeds = range(20 if quick else 200)
    constrained = [session_efficiency(True, seed) for seed in seeds]
    free = [session_efficiency(False, seed) for seed in seeds]
    interval = mean_interval(constrained)
    yield at_least("gode-sunder", "Gode-Sunder: mean efficiency of ZI-C", interval, 0.97, f"{len(seeds)} sessions")
    gap = mean_interval(np.array(constrained) - np.array(free))
    what = "Gode-Sunder: efficiency of ZI-C less that of unconstrained ZI-U"
    yield at_least("gode-sunder-gap", what, gap, 0.05, f"ZI-U {np.mean(free):.3f}; {len(seeds)} pairs of sessions")
