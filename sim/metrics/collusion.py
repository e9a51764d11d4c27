"""How far a spread lies between competition and monopoly, when orders reach an exponential distance beyond the value.

A maker alone at distance d earns d exp(-k d) for each order of either side; makers at the same distance share it, wider
ones earn nothing. The game is finite, since distances are: its competitive outcome is the widest distance at which no
maker of several gains by another one (a symmetric Nash equilibrium), the monopoly's is the best for one maker alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lob.errors import InputError

__all__ = ["SpreadBenchmarks", "collusion_index", "spread_benchmarks"]


@dataclass(frozen=True)
class SpreadBenchmarks:
    """Half spreads in ticks.

    Attributes:
        competitive_ticks: of the symmetric Nash equilibrium with the widest quotes.
        monopoly_ticks: best for one maker alone, or for all together.
    """

    competitive_ticks: float
    monopoly_ticks: float


def spread_benchmarks(distances_ticks: Sequence[float], k_per_tick: float, n_makers: int) -> SpreadBenchmarks:
    """Return the benchmarks of a game.

    Args:
        distances_ticks: from which makers choose, ascending.
        k_per_tick: 1 / mean reach of an order.
        n_makers: makers; one alone is a monopolist, and is compared with two.

    Raises:
        InputError: if there are no distances, or no maker.
    """
    if not len(distances_ticks) or n_makers < 1 or not k_per_tick > 0:
        raise InputError("spread benchmarks: allowed: at least one distance and one maker, k_per_tick above 0")
    d = np.asarray(distances_ticks, np.float64)
    alone = d * np.exp(-k_per_tick * d)
    shared = alone / max(2, n_makers)
    is_stable = [shared[a] >= alone[:a].max(initial=0.0) for a in range(len(d))]
    competitive = max((a for a, stable in enumerate(is_stable) if stable), default=0)
    return SpreadBenchmarks(float(d[competitive]), float(d[int(np.argmax(alone))]))


def collusion_index(half_spread_ticks: float, benchmarks: SpreadBenchmarks) -> float:
    """Return 0 at the competitive and 1 at the monopoly half spread; nan where both are the same."""
    gap = benchmarks.monopoly_ticks - benchmarks.competitive_ticks
    return (half_spread_ticks - benchmarks.competitive_ticks) / gap if gap > 0.0 else float("nan")
