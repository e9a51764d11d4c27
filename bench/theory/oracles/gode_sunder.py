"""Allocative efficiency of a market with induced values (Smith 1962; Gode and Sunder 1993)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["efficiency", "maximum_surplus"]

Values = NDArray[np.float64] | NDArray[np.int64]


def maximum_surplus(values: Values, costs: Values) -> float:
    """Return the surplus of the competitive allocation: the highest values served by the lowest costs.

    Args:
        values: what each unit is worth to its buyer.
        costs: what each unit costs its seller.
    """
    n = min(len(values), len(costs))
    gains = np.sort(values)[::-1][:n] - np.sort(costs)[:n]
    return float(gains[gains > 0].sum())


def efficiency(bought: Values, sold: Values, largest: float) -> float:
    """Return realised over largest surplus; prices cancel out between buyers and sellers.

    Args:
        bought: values of the units that were bought.
        sold: costs of the units that were sold.
        largest: see `maximum_surplus`.
    """
    return float(bought.sum() - sold.sum()) / largest
