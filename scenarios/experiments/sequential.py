"""Stopping as soon as an interval is narrow enough, with an interval that holds however often one has looked.

An ordinary 95% interval that is looked at after every batch of pairs, until it is narrow or excludes zero, covers less
often than 95%. A confidence sequence covers at all looks at once, so one may stop at any of them. Used here is the
asymptotic one of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, "Time-uniform central limit theory and
asymptotic confidence sequences", Ann. Statist. 52), their Theorem 2.2 with the tuning of its equation for rho: after t
values with mean m and standard deviation s,

    m +- s sqrt(2 (t rho^2 + 1) / (t^2 rho^2) * log(sqrt(t rho^2 + 1) / alpha)).

It is wider than a fixed interval by a factor of about 1.5: the price of looking. Estimates that are no means enter by
their jackknife pseudo-values, whose mean is the estimate to first order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.errors import InputError
from scenarios.experiments.bootstrap import Function, Interval, jackknife

__all__ = ["StoppingRule", "confidence_sequence", "pseudo_values"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
FIRST_LOOK = 30
"""Pairs before the first look; the theory is of large samples."""


@dataclass(frozen=True)
class StoppingRule:
    """Run until the interval of an estimate is narrow enough, or the budget is spent.

    Attributes:
        estimate: name of the estimate, as in the table of results.
        half_width: asked for, in the estimate's unit.
        batch: pairs between two looks.
    """

    estimate: str
    half_width: float
    batch: int = 20

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 < self.half_width < math.inf:
            raise InputError(f"half_width = {self.half_width:g}; allowed: above 0, and finite")
        if self.batch < 1:
            raise InputError(f"batch = {self.batch}; allowed: at least 1")


def confidence_sequence(values: Floats, budget: int, confidence: float = 0.95) -> Interval:
    """Return the mean of the values with an interval that is valid at every number of values.

    Args:
        values: shape (n,).
        budget: the number of values at which the sequence is tightest; no condition of its validity.
        confidence: that the sequence covers the mean at all times.
    """
    n = len(values)
    if n < 2:
        return Interval(float(np.mean(values)) if n else math.nan, math.nan, math.nan)
    alpha = 1.0 - confidence
    c = -2.0 * math.log(alpha)
    rho2 = (c + math.log(c) + 1.0) / max(budget, FIRST_LOOK)
    t = n * rho2 + 1.0
    margin = float(np.std(values, ddof=1)) * math.sqrt(2.0 * t / (n * n * rho2) * math.log(math.sqrt(t) / alpha))
    mean = float(np.mean(values))
    return Interval(mean, mean - margin, mean + margin)


def pseudo_values(columns: Floats, function: Function, k: int) -> Floats:
    """Return the jackknife pseudo-values of estimate `k`, shape (n_pairs,)."""
    n = len(columns)
    value = function(columns.mean(axis=0, keepdims=True))[0, k]
    pseudo: Floats = n * value - (n - 1) * jackknife(columns, function)[:, k]
    return pseudo
