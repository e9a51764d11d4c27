"""Draws that several rule policies share: Poisson waiting times and order sizes."""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticCustomError

from sim.policy import decision, exponential, normal
from sim.rng import exp_portable

__all__ = ["check_size", "order_size_lots", "poisson_delay_ns"]

MAX_SIZE_RATIO = 100.0


def check_size(settings: Any) -> Any:
    """Refuse a size that is no whole number where there is no spread of which it is the median; for a validator.

    Raises:
        PydanticCustomError: if `size_sigma` is 0 and `size_lots` a number with a fraction.
    """
    size, sigma = settings.size_lots, settings.size_sigma
    if sigma == 0.0 and isinstance(size, float) and not (size.is_integer() and size >= 1.0):
        what = {
            "key": "size_lots",
            "bad": f"{size:g}",
            "allowed": "a whole number of lots, at least 1, with size_sigma = 0",
        }
        raise PydanticCustomError("wrong_key", "{key} = {bad}; allowed: {allowed}", what)
    return settings


@decision
def poisson_delay_ns(agent: Any, index: int, mean_s: float) -> int:
    """Waiting time of a Poisson process with the given mean, in ns, at least 1."""
    return int(exponential(agent, index, mean_s) * 1e9) + 1


@decision
def order_size_lots(agent: Any, index: int, median_lots: float, sigma: float) -> int:
    """Lognormal order size, to the nearest lot, at least 1 and at most 100 medians; sigma 0: always the median."""
    if sigma <= 0.0:
        return max(1, int(median_lots + 0.5))
    ratio = min(exp_portable(sigma * normal(agent, index)), MAX_SIZE_RATIO)
    return max(1, int(median_lots * ratio + 0.5))
