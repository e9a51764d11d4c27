"""The best prices of one symbol after each row of its tape, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.types import NO_PRICE

__all__ = ["Touch", "touch_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Rows = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Touch:
    """The best prices of one symbol after each row of its tape.

    Attributes:
        time_ns: shape (n,).
        mid_ticks: midpoint, shape (n,); while a side is empty, the last one that was known.
        spread_ticks: shape (n,), nan while a side is empty.
        depth_lots: quantity at both best prices, shape (n,).
        before_ticks: what counts as the midpoint before the first one.
    """

    time_ns: Ints
    mid_ticks: Floats
    spread_ticks: Floats
    depth_lots: Floats
    before_ticks: float = float("nan")

    def mid_at(self, times_ns: Ints | list[int]) -> Floats:
        """Return the midpoint just after each time."""
        k = np.searchsorted(self.time_ns, times_ns, side="right") - 1
        if len(self.mid_ticks) == 0:
            return np.full(len(k), self.before_ticks)
        return np.where(k >= 0, self.mid_ticks[np.maximum(k, 0)], self.before_ticks)


def touch_of(rows: Rows, before_ticks: float = float("nan")) -> Touch:
    """Return the touch after each row.

    Args:
        rows: tape rows of one symbol.
        before_ticks: what counts as the midpoint before the first one; default: not known.
    """
    bid, ask = rows["bid_ticks"].astype(np.float64), rows["ask_ticks"].astype(np.float64)
    quoted = (rows["bid_ticks"] != NO_PRICE) & (rows["ask_ticks"] != NO_PRICE)
    mid = np.where(quoted, (bid + ask) / 2, np.nan)
    last = np.maximum.accumulate(np.where(quoted, np.arange(len(rows)), -1))
    filled = np.where(last >= 0, mid[np.maximum(last, 0)], before_ticks) if len(rows) else mid
    spread = np.where(quoted, ask - bid, np.nan)
    depth = (rows["bid_lots"] + rows["ask_lots"]).astype(np.float64)
    return Touch(rows["time_ns"].astype(np.int64), filled, spread, depth, before_ticks)
