"""LOBSTER files from a tape: a message file and the order book after each message.

The rules of the format are in lob/lobster.py, which also reads it. As in the recorded files only messages that change
the best levels are written, executions always; a replaced order is a deletion and a new order, and the next part of an
iceberg is a new order with its number; rejects and expiries are no messages. An execution against an order that is not
shown is a message of type 5, with order number 0. A halt is a message of type 7 with price -1, the return to trading
one with price 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import polars as pl

from lob.errors import InputError, OutcryError
from lob.lobster import EMPTY_PRICE, units_of_tick
from lob.types import Phase
from lob.units import SECOND_NS
from sim.files.growing import GrowingFile
from sim.formats.orders import Action, EventFeed, units_of_lot

__all__ = ["LobsterWriter"]

Rows = np.ndarray[Any, Any]
_RESUMED, _HALTED = 1, -1
MAX_PRICE = 2**62


class LobsterOptions(TypedDict, total=False):
    """Further keywords of LobsterWriter.

    Attributes:
        tick_size: one tick in the currency; a multiple of 0.0001. Default: 0.01.
        depth: levels of the orderbook file. Default: 10.
        symbol: index of the instrument on the tape. Default: 0.
        lot_size: one lot in shares; sizes are shares if that is a whole number, else lots. Default: 1.
        compress: write .csv.gz. Default: False.
    """

    tick_size: float
    lot_size: float
    compress: bool
    depth: int
    symbol: int


class LobsterWriter:
    """A sink that writes one day of one symbol.

    Args:
        folder: where both files go.
        ticker: name of the instrument in the file names.
        date: "YYYY-MM-DD".
        open_ns: beginning of the session, in ns since midnight.
        close_ns: its end.
        min_price_ticks: lowest price of the instrument.
        n_prices: number of its prices.
        options: see LobsterOptions.

    Raises:
        InputError: if the tick or the prices cannot be written in the format's units, or the files cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        ticker: str,
        date: str,
        open_ns: int,
        close_ns: int,
        min_price_ticks: int,
        n_prices: int,
        **options: Unpack[LobsterOptions],
    ) -> None:
        tick_size, depth = options.get("tick_size", 0.01), options.get("depth", 10)
        self._unit = units_of_tick(tick_size, "tick_size")
        highest = (min_price_ticks + n_prices - 1) * self._unit
        if min_price_ticks < 0 or highest > MAX_PRICE or (highest >= EMPTY_PRICE and EMPTY_PRICE % self._unit == 0):
            raise InputError(
                f"{ticker}: prices from {min_price_ticks} to {min_price_ticks + n_prices - 1} ticks of {tick_size:g}: "
                f"LOBSTER prices are above 0, of 64 bits in 1/10,000, and not {EMPTY_PRICE}; allowed: a range of such "
                "prices, or another format"
            )
        self.symbol, self.n_messages = options.get("symbol", 0), 0
        stem = f"{ticker}_{date}_{open_ns // 1_000_000}_{close_ns // 1_000_000}"
        ending = "csv.gz" if options.get("compress", False) else "csv"
        self._messages = GrowingFile(folder / f"{stem}_message_{depth}.{ending}")
        self._book = GrowingFile(folder / f"{stem}_orderbook_{depth}.{ending}")
        self._feed = EventFeed(min_price_ticks, n_prices, depth)
        self._lot = units_of_lot(options.get("lot_size", 1.0))
        self._halted = False

    def __call__(self, rows: Rows) -> None:
        """Take a stretch of tape rows."""
        mine = rows["symbol"] == self.symbol
        self._write(*self._feed(rows if mine.all() else rows[mine]))

    def close(self) -> list[Path]:
        """Complete both files and return their paths."""
        self._write(*self._feed.finish())
        paths = [self._messages.close()]
        try:
            return [*paths, self._book.close()]
        except OutcryError:
            paths[0].unlink(missing_ok=True)  # half a day is none
            raise

    def discard(self) -> None:
        """Leave nothing behind."""
        self._messages.discard()
        self._book.discard()

    def _write(self, events: Rows, book: Rows) -> None:
        keep = (events["is_visible"] > 0) & self._is_message(events)
        events, book = events[keep], book[keep]
        if len(events) == 0:
            return
        self.n_messages += len(events)
        phase = events["action"] == Action.PHASE
        if (events["price_ticks"][~phase] <= 0).any():
            price = events["price_ticks"][~phase].min()
            raise InputError(f"{self._messages.path}: a price of {price} ticks; allowed in LOBSTER files: above 0")
        halt = np.where(events["qty_lots"] == Phase.HALTED, _HALTED, _RESUMED)
        times = events["time_ns"]
        table = pl.DataFrame(
            {
                "seconds": times // SECOND_NS,
                "ns": times % SECOND_NS,
                "type": events["action"],
                "order_id": np.where(phase | (events["action"] == Action.HIDDEN), 0, events["order_id"]),
                "size": np.where(phase, 0, events["qty_lots"].astype(np.int64) * self._lot),
                "price": np.where(phase, halt, _prices(events, self._unit)),
                "direction": np.where(phase, -1, events["side"]).astype(np.int64),
            }
        )
        time = pl.format("{}.{}", "seconds", pl.col("ns").cast(pl.String).str.zfill(9)).alias("time")
        self._messages.write(_csv(table.select(time, "type", "order_id", "size", "price", "direction")))
        prices, lots = book[:, :, 0::2], book[:, :, 1::2] * self._lot
        file_prices = np.where(prices >= 0, self._feed.prices_ticks(prices) * self._unit, [EMPTY_PRICE, -EMPTY_PRICE])
        columns = np.stack([file_prices, lots], axis=3).reshape(len(events), -1)
        self._book.write(_csv(pl.DataFrame(columns, orient="row")))

    def _is_message(self, events: Rows) -> Rows:
        """Phases count only where trading stops, and where it goes on afterwards."""
        keep = np.ones(len(events), bool)
        for k in np.flatnonzero(events["action"] == Action.PHASE):
            halted = int(events["qty_lots"][k]) == Phase.HALTED
            keep[k] = halted or (self._halted and int(events["qty_lots"][k]) == Phase.CONTINUOUS)
            self._halted = halted
        return keep


def _prices(events: Rows, unit: int) -> Rows:
    """Prices in units of which a tick has so many; half a unit is not to be had, and is cut."""
    return np.asarray(events["price_ticks"].astype(np.int64) * unit + events["half_ticks"].astype(np.int64) * unit // 2)


def _csv(frame: pl.DataFrame) -> bytes:
    return frame.write_csv(include_header=False).encode()
