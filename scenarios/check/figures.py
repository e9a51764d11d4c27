"""Totals of a tape that a summary also states: rows by kind, rejects by reason, trades and prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.types import NO_PRICE, EventKind, Flag, Reject

__all__ = ["Figures", "Trades"]

VENUE = (int(EventKind.PHASE), int(EventKind.NEWS))


@dataclass
class Trades:
    """Executions of one instrument, and its last touch."""

    n: int = 0
    volume_lots: int = 0
    first_ticks: int = 0
    last_ticks: int = 0
    high_ticks: int = -(2**62)
    low_ticks: int = 2**62
    bid_ticks: int = NO_PRICE
    ask_ticks: int = NO_PRICE

    def mark_ticks(self, reference_ticks: int) -> float:
        """Price at which open positions are valued: the last midpoint, else the last trade, else the reference."""
        if NO_PRICE not in (self.bid_ticks, self.ask_ticks):
            return (self.bid_ticks + self.ask_ticks) / 2
        return float(self.last_ticks if self.n else reference_ticks)


class Figures:
    """A sink that counts."""

    def __init__(self, n_symbols: int) -> None:
        self.trades = [Trades() for _ in range(n_symbols)]
        self.n_rows = 0
        self.n_messages = 0
        self.last_ns = -1
        self._kinds = np.zeros(256, np.int64)
        self._reasons = np.zeros(256, np.int64)

    def __call__(self, rows: np.ndarray[Any, Any]) -> None:
        """Take a stretch of rows."""
        if not len(rows):
            return
        kinds = rows["kind"]
        self.n_rows += len(rows)
        self.n_messages += int(np.count_nonzero((rows["flags"] & Flag.FIRST != 0) & ~np.isin(kinds, VENUE)))
        self.last_ns = int(rows["time_ns"][-1])
        self._kinds += np.bincount(kinds, minlength=256)
        self._reasons += np.bincount(rows["reason"][kinds == EventKind.REJECT], minlength=256)
        for symbol, trades in enumerate(self.trades):
            own = rows[rows["symbol"] == symbol]
            if not len(own):
                continue
            trades.bid_ticks, trades.ask_ticks = int(own["bid_ticks"][-1]), int(own["ask_ticks"][-1])
            done = own[own["kind"] == EventKind.EXECUTE]
            if len(done):
                price = done["price_ticks"]
                trades.first_ticks = trades.first_ticks if trades.n else int(price[0])
                trades.last_ticks = int(price[-1])
                trades.high_ticks = max(trades.high_ticks, int(price.max()))
                trades.low_ticks = min(trades.low_ticks, int(price.min()))
                trades.n += len(done)
                trades.volume_lots += int(done["qty_lots"].sum(dtype=np.int64))

    def n_of(self, *kinds: EventKind) -> int:
        """Rows of these kinds."""
        return int(self._kinds[list(kinds)].sum())

    @property
    def by_kind(self) -> dict[str, int]:
        """Rows of each kind that occurred."""
        return {k.name.lower(): int(self._kinds[k]) for k in EventKind if self._kinds[k]}

    @property
    def rejects(self) -> dict[str, int]:
        """Refused messages by reason."""
        return {r.name.lower(): int(self._reasons[r]) for r in Reject if self._reasons[r]}
