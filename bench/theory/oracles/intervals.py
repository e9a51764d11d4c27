"""Confidence intervals, and their level when many are looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

__all__ = ["mean_interval", "proportion_interval", "sidak_level", "slope_interval"]

LEVEL = 0.99


def sidak_level(n: int, level: float = LEVEL) -> float:
    """Level of each of n independent intervals so that all hold together with probability `level` (Sidak 1967)."""
    return float(level ** (1 / n))


def proportion_interval(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Clopper-Pearson interval of a probability."""
    found = stats.binomtest(successes, trials).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)


def mean_interval(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> tuple[float, float, float]:
    """Return mean, low, high of Student's interval of independent values."""
    x = np.asarray(values, float)
    mean, error = float(x.mean()), float(x.std(ddof=1) / math.sqrt(len(x)))
    reach = float(stats.t.ppf(0.5 + level / 2, len(x) - 1)) * error
    return mean, mean - reach, mean + reach


def slope_interval(
    x: np.ndarray, y: np.ndarray, level: float = LEVEL, weights: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Return slope, low, high of a straight line through points with independent errors of y."""
    w = np.ones(len(x)) if weights is None else weights
    xm, ym = np.average(x, weights=w), np.average(y, weights=w)
    sxx = float((w * (x - xm) ** 2).sum())
    slope = float((w * (x - xm) * (y - ym)).sum() / sxx)
    residuals = y - ym - slope * (x - xm)
    error = math.sqrt(float((w * residuals**2).sum()) / (len(x) - 2) / sxx)
    reach = float(stats.t.ppf(0.5 + level / 2, len(x) - 2)) * error
    return slope, slope - reach, slope + reach
