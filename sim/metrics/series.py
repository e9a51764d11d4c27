"""Prices, spread, depth at the touch and volume of one symbol, bin by bin through the session."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lob.types import NO_PRICE, EventKind, Phase
from lob.units import MINUTE_NS, SECOND_NS

__all__ = ["MarketSeries", "bin_width_ns"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
_WIDTHS_S = (0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60)


def bin_width_ns(open_ns: int, close_ns: int, max_bins: int = 800) -> int:
    """Return a round bin width, at most a minute and a divisor of it, that gives at most `max_bins` if it can."""
    for width_s in _WIDTHS_S:
        width = round(width_s * SECOND_NS)
        if close_ns - open_ns <= max_bins * width:
            return width
    return MINUTE_NS


class MarketSeries:
    """A sink that keeps one value per bin of one symbol. Times in ns, prices in ticks, quantities in lots.

    Prices and quantities at the touch are those after the last row of a bin; a bin without rows repeats the one
    before it (see `touch`). Sums of trades are exact. Arrays have shape (n_bins,), nan where nothing is known.

    Args:
        open_ns: start of the first bin.
        close_ns: end of the last bin; later rows count to the last bin.
        bin_ns: width of a bin.
        symbol: index of the instrument.
    """

    def __init__(self, open_ns: int, close_ns: int, bin_ns: int, symbol: int = 0) -> None:
        self.open_ns, self.close_ns, self.bin_ns, self.symbol = open_ns, close_ns, bin_ns, symbol
        self.n_bins = max(1, math.ceil((close_ns - open_ns) / bin_ns))
        self._touch = np.full((5, self.n_bins), np.nan)
        self._seen = np.zeros(self.n_bins, bool)
        self.n_trades = np.zeros(self.n_bins, np.int64)
        self.buy_lots, self.sell_lots = np.zeros(self.n_bins), np.zeros(self.n_bins)
        self.buy_value, self.sell_value = np.zeros(self.n_bins), np.zeros(self.n_bins)
        self.open_ticks, self.close_ticks = np.full((2, self.n_bins), np.nan)
        self.high_ticks, self.low_ticks = np.full((2, self.n_bins), np.nan)
        self.last_time_ns = open_ns
        self._before: np.ndarray[Any, Any] | None = None
        # Whole numbers: the mean must not depend on how the rows were cut into stretches.
        self._spread_ns = 0
        self._quoted_ns = 0

    def __call__(self, rows: np.ndarray[Any, Any]) -> None:
        """Take a stretch of rows."""
        mine = rows["symbol"] == self.symbol
        if not mine.all():
            rows = rows[mine]
        if len(rows) == 0:
            return
        bins = np.clip((rows["time_ns"] - self.open_ns) // self.bin_ns, 0, self.n_bins - 1)
        ends = np.append(np.flatnonzero(np.diff(bins)), len(rows) - 1)
        last, at = rows[ends], bins[ends]
        self._seen[at] = True
        for row, name in enumerate(("bid_ticks", "ask_ticks")):
            prices = last[name].astype(np.float64)
            prices[last[name] == NO_PRICE] = np.nan
            self._touch[row, at] = prices
        for row, name in enumerate(("bid_lots", "ask_lots", "phase"), start=2):
            self._touch[row, at] = last[name]
        self._weigh_spread(rows)
        trades = rows["kind"] == EventKind.EXECUTE
        if trades.any():
            self._add_trades(rows[trades], bins[trades])
        self.last_time_ns = int(rows["time_ns"][-1])

    def _weigh_spread(self, rows: np.ndarray[Any, Any]) -> None:
        """Add spread x time while both sides were quoted in continuous trading."""
        before = rows[:1] if self._before is None else self._before
        times = np.concatenate([before["time_ns"], rows["time_ns"]])
        bid = np.concatenate([before["bid_ticks"], rows["bid_ticks"][:-1]]).astype(np.int64)
        ask = np.concatenate([before["ask_ticks"], rows["ask_ticks"][:-1]]).astype(np.int64)
        phase = np.concatenate([before["phase"], rows["phase"][:-1]])
        quoted = (bid != NO_PRICE) & (ask != NO_PRICE) & (phase == Phase.CONTINUOUS)
        held_ns = np.diff(times) * quoted
        self._spread_ns += int(np.dot(held_ns, (ask - bid) * quoted))
        self._quoted_ns += int(held_ns.sum())
        self._before = rows[-1:].copy()

    def _add_trades(self, trades: np.ndarray[Any, Any], bins: np.ndarray[Any, Any]) -> None:
        starts = np.concatenate([[0], np.flatnonzero(np.diff(bins)) + 1])
        ends = np.append(starts[1:], len(bins)) - 1
        at = bins[starts]
        price, lots = trades["price_ticks"].astype(np.float64), trades["qty_lots"].astype(np.float64)
        buys = trades["side"] > 0
        self.n_trades[at] += ends - starts + 1
        self.buy_lots[at] += np.add.reduceat(lots * buys, starts)
        self.sell_lots[at] += np.add.reduceat(lots * ~buys, starts)
        self.buy_value[at] += np.add.reduceat(price * lots * buys, starts)
        self.sell_value[at] += np.add.reduceat(price * lots * ~buys, starts)
        fresh = np.isnan(self.open_ticks[at])
        self.open_ticks[at[fresh]] = price[starts[fresh]]
        self.close_ticks[at] = price[ends]
        self.high_ticks[at] = np.fmax(self.high_ticks[at], np.maximum.reduceat(price, starts))
        self.low_ticks[at] = np.fmin(self.low_ticks[at], np.minimum.reduceat(price, starts))

    # ---- reading ----------------------------------------------------------------------------------------------

    @property
    def times_ns(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Start of each bin and the end of the last, shape (n_bins + 1,)."""
        return self.open_ns + self.bin_ns * np.arange(self.n_bins + 1, dtype=np.int64)

    @property
    def touch(self) -> dict[str, Floats]:
        """State at the end of each bin: bid_ticks, ask_ticks, bid_lots, ask_lots, phase."""
        source = np.maximum.accumulate(np.where(self._seen, np.arange(self.n_bins), -1))
        values = np.where(source >= 0, self._touch[:, np.maximum(source, 0)], np.nan)
        # Nothing is known beyond the last row.
        reached = min((self.last_time_ns - self.open_ns) // self.bin_ns, self.n_bins - 1)
        values[:, reached + 1 :] = np.nan
        names = ("bid_ticks", "ask_ticks", "bid_lots", "ask_lots", "phase")
        return dict(zip(names, values, strict=True))

    @property
    def mid_ticks(self) -> Floats:
        """Midpoint at the end of each bin."""
        touch = self.touch
        return (touch["bid_ticks"] + touch["ask_ticks"]) / 2

    @property
    def last_mid_ticks(self) -> float | None:
        """Midpoint after the last row, None unless both sides are there."""
        if self._before is None:
            return None
        bid, ask = int(self._before["bid_ticks"][0]), int(self._before["ask_ticks"][0])
        return None if NO_PRICE in (bid, ask) else (bid + ask) / 2

    @property
    def spread_ticks(self) -> Floats:
        """Spread at the end of each bin."""
        touch = self.touch
        return touch["ask_ticks"] - touch["bid_ticks"]

    @property
    def volume_lots(self) -> Floats:
        """Quantity traded in each bin."""
        return self.buy_lots + self.sell_lots

    @property
    def mean_spread_ticks(self) -> float | None:
        """Time-weighted mean of the spread while both sides were quoted in continuous trading."""
        return self._spread_ns / self._quoted_ns if self._quoted_ns else None

    def volatility_bps(self, interval_ns: int = MINUTE_NS) -> float | None:
        """Root mean square of the log returns of the midpoint over an interval, in basis points.

        The interval is a multiple of the bin width. None with fewer than two returns.
        """
        step = max(1, interval_ns // self.bin_ns)
        mids = self.mid_ticks[step - 1 :: step]
        mids = mids[np.isfinite(mids) & (mids > 0)]
        if len(mids) < 3:
            return None
        returns = np.diff(np.log(mids))
        return float(np.sqrt(np.mean(returns**2)) * 1e4)
