"""The depth of a book through time, from tape rows alone."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from sim.rebuilt_book import RebuiltBook

__all__ = ["DepthHistory"]

Ints = np.ndarray[Any, np.dtype[np.int64]]


class DepthHistory:
    """A sink that keeps the book of one symbol at the end of each bin.

    Attributes:
        snapshots: by bin, (price_ticks, lots) of the occupied levels, bids with positive and asks with negative
            lots; bins without a row are left out (the book did not change).

    Args:
        open_ns: start of the first bin.
        close_ns: end of the last bin.
        bin_ns: width of a bin.
        min_price_ticks: lowest price of the instrument.
        n_prices: number of its prices.
        symbol: index of the instrument.
        max_levels: levels kept on each side, from the touch outwards.
    """

    def __init__(
        self,
        open_ns: int,
        close_ns: int,
        bin_ns: int,
        min_price_ticks: int,
        n_prices: int,
        symbol: int = 0,
        max_levels: int = 500,
    ) -> None:
        self.open_ns, self.bin_ns, self.symbol = open_ns, bin_ns, symbol
        self.n_bins = max(1, math.ceil((close_ns - open_ns) / bin_ns))
        self.snapshots: dict[int, tuple[Ints, Ints]] = {}
        self._book = RebuiltBook(min_price_ticks, n_prices)
        self._max_levels = max_levels
        self._bin = 0

    def __call__(self, rows: np.ndarray[Any, Any]) -> None:
        """Take a stretch of rows."""
        mine = rows["symbol"] == self.symbol
        if not mine.all():
            rows = rows[mine]
        if len(rows) == 0:
            return
        bins = np.clip((rows["time_ns"] - self.open_ns) // self.bin_ns, 0, self.n_bins - 1)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(bins)) + 1, [len(rows)]])
        for first, end in itertools.pairwise(starts.tolist()):
            if bins[first] > self._bin:
                self._keep()
                self._bin = int(bins[first])
            self._book.apply(rows[first:end])

    def _keep(self) -> None:
        lots = self._book.lots
        bids = np.flatnonzero(lots[0])[-self._max_levels :]
        asks = np.flatnonzero(lots[1])[: self._max_levels]
        prices = np.concatenate([bids, asks]) + self._book.min_price_ticks
        self.snapshots[self._bin] = (prices, np.concatenate([lots[0][bids], -lots[1][asks]]))

    def finish(self) -> None:
        """Keep the book of the bin that is still open; more rows may follow."""
        self._keep()
