"""One line of the theory table: what was estimated, its interval, the exact value, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Row", "at_least", "covers", "exactly"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A comparison with theory.

    Attributes:
        id: short unique name.
        what: what is compared, in words, with its source.
        estimate: what the engine gave.
        low, high: its confidence interval (equal to the estimate where there is no chance in it).
        target: the exact value, or the bound.
        rule: how estimate and target are compared, in words.
        passed: whether they agree.
        detail: sample size and whatever else the reader should know.
    """

    id: str
    what: str
    estimate: float
    low: float
    high: float
    target: float
    rule: str
    passed: bool
    detail: str = ""


def covers(id: str, what: str, interval: tuple[float, float, float], target: float, detail: str = "") -> Row:
    """Return a row that passes if the interval (estimate, low, high) covers the target."""
    estimate, low, high = interval
    return Row(id, what, estimate, low, high, target, "interval covers", low <= target <= high, detail)


def exactly(id: str, what: str, estimate: float, target: float, tolerance: float = 0.0, detail: str = "") -> Row:
    """Return a row without chance in it, which passes if both agree to a tolerance."""
    rule = "equal" if tolerance == 0 else f"within {tolerance:g}"
    return Row(id, what, estimate, estimate, estimate, target, rule, abs(estimate - target) <= tolerance, detail)


def at_least(id: str, what: str, interval: tuple[float, float, float], bound: float, detail: str = "") -> Row:
    """Return a row that passes if the whole interval lies at or above a bound."""
    estimate, low, high = interval
    return Row(id, what, estimate, low, high, bound, "interval at or above", low >= bound, detail)
