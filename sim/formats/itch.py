"""NASDAQ TotalView-ITCH 5.0: its messages about orders as dtypes, and a writer of a tape in this format.

Files hold one message after the other, each with its length in two bytes in front; all numbers are big-endian. Times
are ns since midnight, prices 1/10,000 of the currency in 32 bits, stocks eight characters with blanks behind. Source:
"Nasdaq TotalView-ITCH 5.0" (specification, nasdaqtrader.com).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError
from lob.lobster import PRICE_UNITS, units_of_tick
from lob.types import Phase
from sim.files.growing import GrowingFile
from sim.formats.orders import Action, EventFeed, units_of_lot, whole_sizes

__all__ = ["LAYOUTS", "LENGTHS", "ItchWriter"]

Rows = np.ndarray[Any, Any]
_HEAD = [("type", "S1"), ("locate", ">u2"), ("tracking", ">u2"), ("time", "V6")]
LAYOUTS: dict[str, np.dtype[Any]] = {
    kind: np.dtype([*_HEAD, *fields])
    for kind, fields in {
        "S": [("event", "S1")],
        "R": [("stock", "S8"), ("rest", "V20")],
        "H": [("stock", "S8"), ("state", "S1"), ("reserved", "S1"), ("reason", "S4")],
        "A": [("order_id", ">u8"), ("side", "S1"), ("size", ">u4"), ("stock", "S8"), ("price", ">u4")],
        "E": [("order_id", ">u8"), ("size", ">u4"), ("match", ">u8")],
        "X": [("order_id", ">u8"), ("size", ">u4")],
        "D": [("order_id", ">u8")],
        "P": [
            ("order_id", ">u8"),
            ("side", "S1"),
            ("size", ">u4"),
            ("stock", "S8"),
            ("price", ">u4"),
            ("match", ">u8"),
        ],
        "U": [("order_id", ">u8"), ("new_id", ">u8"), ("size", ">u4"), ("price", ">u4")],
    }.items()
}
"""The messages that are written, by their letter."""
LENGTHS = {
    "S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21, "A": 36, "F": 40,
    "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19, "I": 50, "N": 20, "O": 48,
}  # fmt: skip
"""Bytes of every message of version 5.0."""
MAX_PRICE = 2**32 - 1
MAX_STOCK = 8


def _times(time_ns: Rows) -> Rows:
    """Return times as six bytes, big-endian."""
    wide = np.ascontiguousarray(time_ns.astype(">u8")).view(np.uint8).reshape(-1, 8)
    return np.ascontiguousarray(wide[:, 2:]).view("V6").ravel()


class ItchWriter:
    """A sink that writes one day of one symbol as a TotalView-ITCH 5.0 file.

    Args:
        path: the file.
        ticker: the instrument's name: up to 8 ASCII characters.
        open_ns: beginning of the session, in ns since midnight.
        min_price_ticks: lowest price of the instrument.
        n_prices: number of its prices.
        tick_size: one tick in the currency.
        symbol: index of the instrument on the tape; its stock locate is one more.
        lot_size: one lot in shares; sizes are shares if that is a whole number, else lots.

    Raises:
        InputError: if name, tick or prices do not fit the format, or the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        ticker: str,
        open_ns: int,
        min_price_ticks: int,
        n_prices: int,
        tick_size: float = 0.01,
        symbol: int = 0,
        lot_size: float = 1.0,
    ) -> None:
        if not (ticker.isascii() and ticker.isprintable() and 1 <= len(ticker) <= MAX_STOCK and " " not in ticker):
            raise InputError(f"symbol {ticker!r}: allowed in ITCH files: 1 to {MAX_STOCK} ASCII characters, no blanks")
        self._unit = units_of_tick(tick_size, "tick_size")
        highest = (min_price_ticks + n_prices - 1) * self._unit
        if min_price_ticks < 0 or highest > MAX_PRICE:
            raise InputError(
                f"{ticker}: prices from {min_price_ticks} to {min_price_ticks + n_prices - 1} ticks of {tick_size:g}: "
                f"ITCH prices are from 0 to {MAX_PRICE / PRICE_UNITS:g}; allowed: a range of such prices"
            )
        self.symbol, self._ticker, self.n_messages = symbol, ticker.encode(), 0
        self._feed, self._lot = EventFeed(min_price_ticks, n_prices, 1), units_of_lot(lot_size)
        self._file = GrowingFile(path)
        start = np.array([open_ns])
        self._put("S", start, event=b"O")
        self._put("R", start, stock=self._ticker.ljust(MAX_STOCK), rest=b"Q")
        self._put("H", start, stock=self._ticker.ljust(MAX_STOCK), state=b"T")

    def __call__(self, rows: Rows) -> None:
        """Take a stretch of tape rows."""
        mine = rows["symbol"] == self.symbol
        self._write(self._feed(rows if mine.all() else rows[mine])[0])

    def close(self) -> list[Path]:
        """Complete the file and return its path."""
        self._write(self._feed.finish()[0])
        return [self._file.close()]

    def discard(self) -> None:
        """Leave nothing behind."""
        self._file.discard()

    def _put(self, kind: str, time_ns: Rows, **fields: Any) -> None:
        self._file.write(b"".join(_framed(self._records(kind, time_ns, fields))))

    def _records(self, kind: str, time_ns: Rows, fields: dict[str, Any]) -> Rows:
        records = np.zeros(len(time_ns), LAYOUTS[kind])
        records["type"], records["locate"], records["time"] = kind.encode(), self.symbol + 1, _times(time_ns)
        for name, values in fields.items():
            records[name] = values
        self.n_messages += len(records)
        return records

    def _write(self, events: Rows) -> None:
        if len(events) == 0:
            return
        action = events["action"]
        if ((events["price_ticks"] < 0) & (action != Action.PHASE)).any():
            raise InputError(f"{self._file.path}: prices below 0; allowed in ITCH files: 0 and above")
        framed = np.empty(len(events), object)
        stock = self._ticker.ljust(MAX_STOCK)

        def sizes(e: Rows) -> Rows:
            return whole_sizes(e["qty_lots"], self._lot, self._file.path)

        phases = np.where(events["qty_lots"] == Phase.HALTED, b"H", b"T")
        kinds: tuple[tuple[str, int, Any], ...] = (
            ("A", Action.ADD, lambda e: {
                "order_id": e["order_id"], "side": np.where(e["side"] > 0, b"B", b"S"), "size": sizes(e),
                "stock": stock, "price": e["price_ticks"].astype(np.int64) * self._unit,
            }),
            ("X", Action.REDUCE, lambda e: {"order_id": e["order_id"], "size": sizes(e)}),
            ("D", Action.DELETE, lambda e: {"order_id": e["order_id"]}),
            ("E", Action.EXECUTE, lambda e: {"order_id": e["order_id"], "size": sizes(e)}),
            ("P", Action.HIDDEN, lambda e: {
                "side": b"B", "size": sizes(e), "stock": stock,
                "price": e["price_ticks"].astype(np.int64) * self._unit + e["half_ticks"] * self._unit // 2,
            }),
            ("H", Action.PHASE, lambda e: {"stock": stock, "state": phases[action == Action.PHASE]}),
        )  # fmt: skip
        for kind, which, fields in kinds:
            mine = action == which
            if mine.any():
                e = events[mine]
                framed[mine] = _framed(self._records(kind, e["time_ns"], fields(e)))
        self._file.write(b"".join(framed))


def _framed(records: Rows) -> list[bytes]:
    """Return each record with its length in front."""
    size = records.dtype.itemsize
    wide = np.zeros(len(records), [("length", ">u2"), ("body", f"V{size}")])
    wide["length"], wide["body"] = size, records.view(f"V{size}")
    data = wide.tobytes()
    return [data[at : at + size + 2] for at in range(0, len(data), size + 2)]
