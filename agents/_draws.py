"""Draws that several rule policies share: Poisson waiting times and order sizes."""

from __future__ import annotations

from typing import Any

from sim.policy import decision, exponential, normal
from sim.rng import exp_portable

__all__ = ["order_size_lots", "poisson_delay_ns"]

MAX_SIZE_RATIO = 100.0


@decision
def poisson_delay_ns(agent: Any, index: int, mean_s: float) -> int:
    """Waiting time of a Poisson process with the given mean, in ns, at least 1."""
    return int(exponential(agent, index, mean_s) * 1e9) + 1


@decision
def order_size_lots(agent: Any, index: int, median_lots: float, sigma: float) -> int:
    """Lognormal order size in lots, at least 1 and at most 100 medians; sigma 0: always the median."""
    if sigma <= 0.0:
        return max(1, int(median_lots + 0.5))
    ratio = min(exp_portable(sigma * normal(agent, index)), MAX_SIZE_RATIO)
    return max(1, int(median_lots * ratio + 0.5))
