"""Databento's DBN with market-by-order records, from a tape, through the package databento-dbn.

An execution is a Trade of the aggressor, a Fill of the resting order (neither changes the book), and a Cancel of the
executed quantity; a replaced order is cancelled and added. Times are the session's clock taken as UTC on its date;
prices are in the format's 1e-9 of the currency. The last record of each message has the flag F_LAST. Symbols are ASCII
in this format: other characters are percent-encoded, as in a URL.
"""

from __future__ import annotations

import datetime as dt
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import numpy as np

from lob.errors import InputError
from lob.recorded_files import file_bytes
from lob.units import SECOND_NS
from sim.files.growing import GrowingFile
from sim.formats.orders import Action, EventFeed, units_of_lot, whole_sizes

__all__ = ["MBO", "DbnWriter", "read_dbn"]

Rows = np.ndarray[Any, Any]
MBO: np.dtype[Any] = np.dtype(
    [
        ("length", "u1"), ("rtype", "u1"), ("publisher_id", "<u2"), ("instrument_id", "<u4"), ("ts_event", "<u8"),
        ("order_id", "<u8"), ("price", "<i8"), ("size", "<u4"), ("flags", "u1"), ("channel_id", "u1"),
        ("action", "S1"), ("side", "S1"), ("ts_recv", "<u8"), ("ts_in_delta", "<i4"), ("sequence", "<u4"),
    ]
)  # fmt: skip
"""One record, 56 bytes, as the format lays it out."""
RTYPE_MBO, F_LAST, VERSION = 160, 128, 3
SCALE = 10**9
MAX_PRICE = 2**63 - 2
"""The largest int64 means that there is no price."""
MAX_SYMBOL = 70
YEARS = range(1970, 2262)
"""Whose nanoseconds since 1970 fit 63 bits, as most readers keep them."""
_HEADER = struct.Struct("<3sBI")


def package() -> Any:
    """Return databento_dbn; one line if it is not installed."""
    try:
        import databento_dbn
    except ModuleNotFoundError:
        raise InputError("format dbn needs the package databento-dbn; install outcry-sim[dbn]") from None
    return databento_dbn


class DbnWriter:
    """A sink that writes one day of one symbol as `path`.

    Args:
        path: the file.
        ticker: the instrument's name.
        date: "YYYY-MM-DD".
        min_price_ticks: lowest price of the instrument.
        n_prices: number of its prices.
        tick_size: one tick in the currency.
        symbol: index of the instrument on the tape; the record's instrument_id is one more.
        lot_size: one lot in shares; sizes are shares if that is a whole number, else lots.

    Raises:
        InputError: if the package is missing, tick, prices, name or date do not fit the format, or the file cannot be
            written.
    """

    def __init__(
        self,
        path: Path,
        ticker: str,
        date: str,
        min_price_ticks: int,
        n_prices: int,
        tick_size: float = 0.01,
        symbol: int = 0,
        lot_size: float = 1.0,
    ) -> None:
        dbn = package()
        day = dt.date.fromisoformat(date)
        if day.year not in YEARS:
            raise InputError(f"date {date}: allowed in DBN files: {YEARS[0]} to {YEARS[-1]}")
        raw_symbol = _raw_symbol(ticker)
        self._midnight_ns = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) * SECOND_NS
        self._price_unit = _unit_of(tick_size, ticker, min_price_ticks, min_price_ticks + n_prices - 1)
        self.symbol, self.n_records, self._lot = symbol, 0, units_of_lot(lot_size)
        interval = SimpleNamespace(start_date=day, end_date=day + dt.timedelta(days=1), symbol=str(symbol + 1))
        metadata = dbn.Metadata(
            dataset="OUTCRY.SIM", start=self._midnight_ns, stype_in=dbn.SType.RAW_SYMBOL,
            stype_out=dbn.SType.INSTRUMENT_ID, schema=dbn.Schema.MBO, symbols=[raw_symbol],
            mappings=[SimpleNamespace(raw_symbol=raw_symbol, intervals=[interval])], version=VERSION,
        )  # fmt: skip
        self._file = GrowingFile(path)
        self._file.write(metadata.encode())
        self._feed = EventFeed(min_price_ticks, n_prices, 1)

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

    def _write(self, events: Rows) -> None:
        events = events[events["action"] != Action.PHASE]
        if len(events) == 0:
            return
        executed = events["action"] == Action.EXECUTE
        hidden = events["action"] == Action.HIDDEN
        copies = np.where(executed, 3, 1)  # of an order that is not shown only the trade is told
        source = np.repeat(np.arange(len(events)), copies)
        which = np.arange(len(source)) - np.repeat(np.cumsum(copies) - copies, copies)
        e = events[source]
        records = np.zeros(len(source), MBO)
        records["length"], records["rtype"] = MBO.itemsize // 4, RTYPE_MBO
        records["instrument_id"] = self.symbol + 1
        records["ts_event"] = records["ts_recv"] = self._midnight_ns + e["time_ns"]
        is_execution = (e["action"] == Action.EXECUTE) | hidden[source]
        trade = is_execution & (which == 0)
        records["order_id"] = np.where(trade, e["contra_order_id"], e["order_id"])
        records["price"] = e["price_ticks"].astype(np.int64) * self._price_unit
        records["price"] += e["half_ticks"].astype(np.int64) * self._price_unit // 2
        records["size"] = whole_sizes(e["qty_lots"], self._lot, self._file.path)
        bid = (e["side"] > 0) != trade
        records["side"] = np.where(bid, b"B", b"A")
        plain = np.where(e["action"] == Action.ADD, b"A", b"C")
        records["action"] = np.where(is_execution, np.array([b"T", b"F", b"C"])[which], plain)
        last = (e["is_last"] > 0) & (which == np.repeat(copies, copies) - 1)
        records["flags"] = np.where(last, F_LAST, 0)
        records["sequence"] = (self.n_records + np.arange(len(records)) + 1) % 2**32
        self.n_records += len(records)
        self._file.write(records.tobytes())


def _raw_symbol(ticker: str) -> str:
    """Return a name as the format can hold it; `urllib.parse.unquote` gives it back."""
    symbol = ticker if ticker.isascii() and ticker.isprintable() and "%" not in ticker else quote(ticker, safe=" /-.")
    if not 1 <= len(symbol) <= MAX_SYMBOL:
        raise InputError(
            f"symbol {ticker!r}: {len(symbol)} characters in ASCII; allowed in DBN files: 1 to {MAX_SYMBOL}"
        )
    return symbol


def _unit_of(tick_size: float, ticker: str, lowest: int, highest: int) -> int:
    """Return one tick in 1e-9 of the currency."""
    unit = round(tick_size * SCALE) if 0 < tick_size <= MAX_PRICE / SCALE else 0
    if unit < 1 or abs(unit - tick_size * SCALE) > 1e-12 * unit:
        raise InputError(f"tick_size = {tick_size:g}: DBN prices are multiples of 1e-9; allowed: such a tick")
    if max(abs(lowest), abs(highest)) * unit > MAX_PRICE:
        raise InputError(
            f"{ticker}: prices from {lowest} to {highest} ticks of {tick_size:g}: DBN prices are below "
            f"{MAX_PRICE // SCALE}; allowed: a range of such prices, or another format"
        )
    return unit


def read_dbn(path: Path | str) -> Rows:
    """Return the market-by-order records of an uncompressed DBN file, dtype MBO.

    Raises:
        InputError: if it is no such file.
    """
    path = Path(path)
    data = file_bytes(path)
    if len(data) < _HEADER.size or data[:3] != b"DBN":
        raise InputError(f"{path}: not a DBN file (it does not begin with DBN); allowed: uncompressed DBN")
    _, _, length = _HEADER.unpack_from(data)
    if len(data) < _HEADER.size + length:
        raise InputError(f"{path}: {len(data)} bytes, but its header alone has {_HEADER.size + length}; it was cut off")
    body = data[_HEADER.size + length :]
    if len(body) % MBO.itemsize:
        raise InputError(f"{path}: {len(body)} bytes of records; allowed: whole records of {MBO.itemsize} bytes")
    records = np.frombuffer(body, MBO)
    other = (records["rtype"] != RTYPE_MBO) | (records["length"] != MBO.itemsize // 4)
    if other.any():
        row = int(np.argmax(other))
        raise InputError(
            f"{path}, record {row + 1}: rtype {records['rtype'][row]}; allowed: market-by-order records ({RTYPE_MBO})"
        )
    return records
