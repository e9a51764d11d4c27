"""Bootstrap over pairs: BCa intervals of any smooth function of means.

Every estimate of an experiment is a function of means over pairs (a mean, a ratio of means, a slope of logarithms of
means, a ratio of variances). So one set of resampling weights serves all of them at once, as a matrix product, and all
stay jointly resampled: pairs are drawn, never runs of one arm.

BCa: Efron 1987, "Better bootstrap confidence intervals", J. Amer. Statist. Assoc. 82. The tests compare it with
scipy.stats.bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from lob.errors import InputError

__all__ = ["Interval", "Intervals", "bootstrap", "check_confidence", "jackknife", "percent"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Function = Callable[[Floats], Floats]
"""From means of shape (..., n_columns) to estimates of shape (..., n_estimates)."""
N_RESAMPLES = 4000
_KNOWN = 0.99
"""Share of the resamples that must give a number for an interval to be given."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """Estimates with intervals, arrays of shape (n_estimates,); nan where one resample in a hundred has no value."""

    value: Floats
    low: Floats
    high: Floats

    def __getitem__(self, k: int) -> Interval:
        """Return one of them."""
        return Interval(float(self.value[k]), float(self.low[k]), float(self.high[k]))


def check_confidence(confidence: float) -> None:
    """Raise InputError unless the confidence is one that an interval can have; nan is none."""
    if not 0.5 <= confidence < 1:
        raise InputError(f"confidence = {confidence:g}; allowed: from 0.5 to below 1")


def percent(confidence: float) -> str:
    """Return a confidence as people write it, without rounding 99.9% to 100%."""
    return f"{100 * confidence:.6g}%"


def jackknife(columns: Floats, function: Function) -> Floats:
    """Return the estimates with each pair left out in turn, shape (n_pairs, n_estimates)."""
    n = len(columns)
    return function((columns.sum(axis=0) - columns) / (n - 1))


def bootstrap(
    columns: Floats,
    function: Function = lambda means: means,
    *,
    confidence: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Return estimates with BCa intervals.

    Args:
        columns: one row for each pair, shape (n_pairs, n_columns), without nan.
        function: the estimates as functions of the columns' means; default: the means.
        confidence: of each interval.
        n_resamples: number of resamples.
        seed: of the resampling.
    """
    columns = np.asarray(columns, np.float64)
    n = len(columns)
    if n == 0:
        empty = function(np.full((1, columns.shape[1]), np.nan))[0]
        return Intervals(empty * np.nan, empty * np.nan, empty * np.nan)
    value = function(columns.mean(axis=0, keepdims=True))[0]
    if n < 3:
        return Intervals(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(n, np.full(n, 1 / n), size=n_resamples) / n
    with np.errstate(all="ignore"):
        # Around the mean, so that large common levels do not eat the digits.
        centre = columns.mean(axis=0)
        resampled = function(weights @ (columns - centre) + centre)
        left_out = jackknife(columns, function)
        low, high = _bca(value, resampled, left_out, confidence)
    return Intervals(value, low, high)


def _bca(value: Floats, resampled: Floats, left_out: Floats, confidence: float) -> tuple[Floats, Floats]:
    # Ties count half, so that a discrete statistic is not taken for a biased one.
    near = np.isclose(resampled, value, rtol=1e-12, atol=0.0)
    known = np.isfinite(resampled)
    count = np.maximum(known.sum(axis=0), 1)
    below = ((resampled < value) & ~near & known).sum(axis=0) + 0.5 * (near & known).sum(axis=0)
    least = 0.5 / count
    bias = ndtri(np.clip(below / count, least, 1 - least))
    gaps = left_out.mean(axis=0) - left_out
    cubes, squares = (gaps**3).sum(axis=0), (gaps**2).sum(axis=0)
    acceleration = np.where(squares > 0, cubes / (6.0 * np.maximum(squares, 1e-300) ** 1.5), 0.0)
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + ndtri(tail)
        at = ndtr(bias + z / (1 - acceleration * z))
        ends.append(
            np.array(
                [
                    np.quantile(column[ok], q) if ok.mean() >= _KNOWN and np.isfinite(q) else np.nan
                    for column, ok, q in zip(resampled.T, known.T, at, strict=True)
                ]
            )
        )
    return ends[0], ends[1]
