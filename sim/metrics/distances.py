"""Two distances between samples: total variation of histograms, and Wasserstein-1 in units of the reference.

LOB-Bench (Nagy et al. 2025) compares samples by the L1 distance of histograms and by the Wasserstein distance of
standardised values. Here the first is total variation, half the L1 (0: alike, 1: disjoint), on Freedman-Diaconis bins,
at least 10 and at most 200, over the middle 99% of both samples together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["bin_edges", "total_variation", "wasserstein"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


def bin_edges(one: Floats, other: Floats) -> Floats:
    """Return Freedman-Diaconis edges over the middle 99% of two samples together: 10 to 200 bins."""
    both = np.concatenate([one, other])
    low, quarter, three, high = np.percentile(both, [0.5, 25, 75, 99.5])
    if high <= low:
        return np.array([low - 0.5, low + 0.5])
    width = 2 * (three - quarter) / len(both) ** (1 / 3)
    n = int((high - low) / width) if width > 0 else 200
    return np.asarray(np.linspace(low, high, min(max(n, 10), 200) + 1))


def total_variation(one: Floats, other: Floats) -> float:
    """Return half the L1 distance of two histograms on common bins; what lies beyond counts to the ends.

    1 if one sample is empty, nan if both are.
    """
    if len(one) == 0 or len(other) == 0:
        return float("nan") if len(one) == len(other) else 1.0
    edges = bin_edges(one, other)
    shares = [np.histogram(np.clip(x, edges[0], edges[-1]), edges)[0] / len(x) for x in (one, other)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def wasserstein(sample: Floats, reference: Floats) -> float:
    """Return the Wasserstein-1 distance in standard deviations of the reference; nan if either has no spread."""
    from scipy.stats import wasserstein_distance  # most of a second to import

    scale = float(reference.std()) if len(reference) else 0.0
    if len(sample) == 0 or scale == 0:
        return float("nan")
    return float(wasserstein_distance(sample / scale, reference / scale))
