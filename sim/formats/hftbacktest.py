"""hftbacktest's market-by-order events (its L3 feed) from a tape, as one compressed npz file.

An execution is a trade of the aggressor and a fill of the resting order, which is then modified to what is left, or
cancelled; a reduced order is modified. Times are ns since midnight; the feed arrives `feed_latency_ns` later.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError
from lob.recorded_files import unpacked
from sim.files.atomic import write_atomically, write_error
from sim.formats.orders import Action, EventFeed

__all__ = ["HFT_EVENT", "HftbacktestWriter", "read_hftbacktest"]

Rows = np.ndarray[Any, Any]
HFT_EVENT: np.dtype[Any] = np.dtype(
    [
        ("ev", "<u8"),
        ("exch_ts", "<i8"),
        ("local_ts", "<i8"),
        ("px", "<f8"),
        ("qty", "<f8"),
        ("order_id", "<u8"),
        ("ival", "<i8"),
        ("fval", "<f8"),
    ],
    align=True,
)
EXCHANGE, LOCAL, BUY, SELL = 1 << 31, 1 << 30, 1 << 29, 1 << 28
TRADE, CLEAR, ADD, CANCEL, MODIFY, FILL = 2, 3, 10, 11, 12, 13
MAX_DECIMALS = 15
"""Beyond, rounding to decimals loses more than it mends."""


class HftbacktestWriter:
    """A sink that writes one day of one symbol; the whole day is held in memory until `close`, as the format needs.

    Args:
        path: the file.
        min_price_ticks: lowest price of the instrument.
        n_prices: number of its prices.
        tick_size: one tick in the currency.
        symbol: index of the instrument on the tape.
        feed_latency_ns: time from an event to its arrival at a listener.
        lot_size: one lot in shares or coins, which quantities are in.

    Raises:
        InputError: if a price would be no number; at `close`, if the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        min_price_ticks: int,
        n_prices: int,
        tick_size: float = 0.01,
        symbol: int = 0,
        feed_latency_ns: int = 0,
        lot_size: float = 1.0,
    ) -> None:
        self.path, self.symbol = path, symbol
        largest = max(abs(min_price_ticks), abs(min_price_ticks + n_prices)) * tick_size
        if not (tick_size > 0 and math.isfinite(largest)):
            raise InputError(f"tick_size = {tick_size:g}: prices up to {largest:g}; allowed: finite prices above 0")
        self._tick_size, self._latency_ns = tick_size, feed_latency_ns
        # As many decimals as the tick is written with: 0.005 has three.
        self._decimals = _decimals(tick_size)
        self._lot_size, self._size_decimals = lot_size, _decimals(lot_size)
        self._parts: list[Rows] = []
        self._feed = EventFeed(min_price_ticks, n_prices, 1)

    @property
    def n_events(self) -> int:
        """Events so far."""
        return sum(map(len, self._parts))

    def __call__(self, rows: Rows) -> None:
        """Take a stretch of tape rows."""
        mine = rows["symbol"] == self.symbol
        self._take(self._feed(rows if mine.all() else rows[mine])[0])

    def close(self) -> list[Path]:
        """Write the file and return its path."""
        self._take(self._feed.finish()[0])
        buffer = io.BytesIO()
        data = np.concatenate(self._parts) if self._parts else np.zeros(0, HFT_EVENT)
        np.savez_compressed(buffer, data=data)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(self.path, error) from None
        write_atomically(self.path, buffer.getvalue())
        return [self.path]

    def discard(self) -> None:
        """Forget everything."""
        self._parts = []

    def _take(self, events: Rows) -> None:
        events = events[events["action"] != Action.PHASE]
        executed = events["action"] == Action.EXECUTE
        copies = np.where(executed, 3, 1)
        source = np.repeat(np.arange(len(events)), copies)
        which = np.arange(len(source)) - np.repeat(np.cumsum(copies) - copies, copies)
        e = events[source]
        is_execution = (e["action"] == Action.EXECUTE) | (e["action"] == Action.HIDDEN)  # the latter: a trade only
        trade = is_execution & (which == 0)
        rest = is_execution & (which == 2)
        left = e["leaves_lots"]
        kind = np.where(e["action"] == Action.ADD, ADD, np.where(e["action"] == Action.REDUCE, MODIFY, CANCEL))
        kind = np.where(trade, TRADE, np.where(is_execution & (which == 1), FILL, kind))
        kind = np.where(rest, np.where(left > 0, MODIFY, CANCEL), kind)
        buys = (e["side"] > 0) != trade
        out = np.zeros(len(e), HFT_EVENT)
        out["ev"] = EXCHANGE | LOCAL | np.where(buys, BUY, SELL) | kind
        out["exch_ts"] = e["time_ns"]
        out["local_ts"] = e["time_ns"] + self._latency_ns
        # Ticks x tick size, without the last digits that binary fractions leave.
        prices = (e["price_ticks"] + e["half_ticks"] / 2) * self._tick_size
        decimals = self._decimals + 1  # a midpoint may lie between two ticks
        out["px"] = np.round(prices, decimals) if decimals <= MAX_DECIMALS else prices
        sizes = np.where((kind == MODIFY) | rest, left, e["qty_lots"]) * self._lot_size
        out["qty"] = np.round(sizes, self._size_decimals) if self._size_decimals <= MAX_DECIMALS else sizes
        out["order_id"] = np.where(trade, e["contra_order_id"], e["order_id"])
        self._parts.append(out)


def _decimals(step: float) -> int:
    """Return with how many decimals a tick or lot is written."""
    return max(0, -int(Decimal(repr(float(step))).normalize().as_tuple().exponent))


def read_hftbacktest(path: Path | str) -> Rows:
    """Return the events of an npz file, dtype HFT_EVENT.

    Raises:
        InputError: if it is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open("data.npy") as source:
            packed = archive.getinfo("data.npy").compress_size
            text = io.BytesIO(unpacked(source, packed, str(path)))
        data: Rows = np.lib.format.read_array(text, allow_pickle=False)
    except (
        OSError, ValueError, KeyError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error
    ) as error:  # fmt: skip
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: not an hftbacktest npz file ({reason})") from None
    if data.dtype != HFT_EVENT or data.ndim != 1:
        raise InputError(f"{path}: events of shape {data.shape}, dtype {data.dtype}; allowed: one row of {HFT_EVENT}")
    return data
