"""Tails of a distribution: the share beyond each size, and Hill's estimate of a power law's exponent.

Hill 1975 (Annals of Statistics 3, "A simple general approach to inference about the tail of a distribution").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm

__all__ = ["TailIndex", "gaussian_tail_index", "hill", "share_beyond"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class TailIndex:
    """Exponent a of P(x > s) ~ s^-a.

    Attributes:
        alpha: the exponent; nan without a tail to look at.
        low, high: its interval, as for independent values; clustering makes it too narrow.
        threshold: where the tail begins.
        n: number of values beyond.
        gaussian: what the same estimate says of that share of Gaussian values; a heavier tail has a smaller exponent.
    """

    alpha: float
    low: float
    high: float
    threshold: float
    n: int
    gaussian: float


def hill(values: Any, share: float = 0.05, confidence: float = 0.95) -> TailIndex:
    """Return Hill's estimate over the largest values.

    Args:
        values: shape (n,), at least 0, as in absolute returns.
        share: of the values that count as the tail, above 0 and below 1.
        confidence: of the interval, alpha (1 -+ z / sqrt(k)) with k values in the tail.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    k = int(share * len(ordered))
    gaussian = gaussian_tail_index(share)
    threshold = float(ordered[-k - 1]) if 0 < k < len(ordered) else math.nan
    excess = float(np.log(ordered[-k:] / threshold).mean()) if threshold > 0 else 0.0
    if excess <= 0:
        return TailIndex(math.nan, math.nan, math.nan, threshold, k, gaussian)
    alpha, reach = 1 / excess, float(ndtri((1 + confidence) / 2)) / math.sqrt(k)
    return TailIndex(alpha, alpha * (1 - reach), alpha * (1 + reach), threshold, k, gaussian)


def gaussian_tail_index(share: float) -> float:
    """Return what `hill` tends to for absolute values of a Gaussian: 1 / E[log(|z| / u) given |z| > u]."""
    from scipy.integrate import quad

    u = float(norm.isf(share / 2))
    # E[log(|z|/u); |z| > u] = integral of P(|z| > s) / s, by parts.
    above, _ = quad(lambda s: 2 * float(norm.sf(s)) / s, u, u + 40)
    return share / float(above)


def share_beyond(values: Any, at: Any) -> Floats:
    """Return the complementary distribution P(x > s) at each size s, shape as `at`."""
    ordered = np.sort(np.asarray(values, np.float64))
    return 1.0 - np.searchsorted(ordered, np.asarray(at, np.float64), side="right") / max(len(ordered), 1)
