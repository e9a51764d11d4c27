"""Databento's DBN with market-by-order records, from a tape, through the package databento-dbn.

An execution is a Trade of the aggressor, a Fill of the resting order (neither changes the book), and a Cancel of the
executed quantity; a replaced order is cancelled and added. Times are the session's clock taken as UTC on its date;
prices are in the format's 1e-9 of the currency. The last record of each message has the flag F_LAST.
"""

from __future__ import annotations

import datetime as dt
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from lob.errors import InputError
from sim.formats.files import GrowingFile
from sim.formats.orders import Action, EventFeed

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
_HEADER = struct.Struct("<3sBI")


def _package() -> Any:
    try:
        import databento_dbn
    except ModuleNotFoundError:
        raise InputError("format dbn needs the package databento-dbn; install openoutcry[dbn]") from None
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

    Raises:
        InputError: if the package is missing, or the file cannot be written.
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
    ) -> None:
        dbn = _package()
        day = dt.date.fromisoformat(date)
        self._midnight_ns = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) * 1_000_000_000
        self._price_unit = round(tick_size * SCALE)
        self.symbol, self.n_records = symbol, 0
        interval = SimpleNamespace(start_date=day, end_date=day + dt.timedelta(days=1), symbol=str(symbol + 1))
        metadata = dbn.Metadata(
            dataset="OUTCRY.SIM", start=self._midnight_ns, stype_in=dbn.SType.RAW_SYMBOL,
            stype_out=dbn.SType.INSTRUMENT_ID, schema=dbn.Schema.MBO, symbols=[ticker],
            mappings=[SimpleNamespace(raw_symbol=ticker, intervals=[interval])], version=VERSION,
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
        copies = np.where(executed, 3, 1)
        source = np.repeat(np.arange(len(events)), copies)
        which = np.arange(len(source)) - np.repeat(np.cumsum(copies) - copies, copies)
        e = events[source]
        records = np.zeros(len(source), MBO)
        records["length"], records["rtype"] = MBO.itemsize // 4, RTYPE_MBO
        records["instrument_id"] = self.symbol + 1
        records["ts_event"] = records["ts_recv"] = self._midnight_ns + e["time_ns"]
        is_execution = e["action"] == Action.EXECUTE
        trade = is_execution & (which == 0)
        records["order_id"] = np.where(trade, e["contra_order_id"], e["order_id"])
        records["price"] = e["price_ticks"].astype(np.int64) * self._price_unit
        records["size"] = e["qty_lots"]
        bid = (e["side"] > 0) != trade
        records["side"] = np.where(bid, b"B", b"A")
        plain = np.where(e["action"] == Action.ADD, b"A", b"C")
        records["action"] = np.where(is_execution, np.array([b"T", b"F", b"C"])[which], plain)
        last = (e["is_last"] > 0) & (which == np.repeat(copies, copies) - 1)
        records["flags"] = np.where(last, F_LAST, 0)
        records["sequence"] = (self.n_records + np.arange(len(records)) + 1) % 2**32
        self.n_records += len(records)
        self._file.write(records.tobytes())


def read_dbn(path: Path | str) -> Rows:
    """Return the market-by-order records of an uncompressed DBN file, dtype MBO.

    Raises:
        InputError: if it is no such file.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) < _HEADER.size or data[:3] != b"DBN":
        raise InputError(f"{path}: not a DBN file (it does not begin with DBN); allowed: uncompressed DBN")
    _, _, length = _HEADER.unpack_from(data)
    body = data[_HEADER.size + length :]
    if len(body) % MBO.itemsize:
        raise InputError(f"{path}: {len(body)} bytes of records; allowed: whole records of {MBO.itemsize} bytes")
    records = np.frombuffer(body, MBO)
    if len(records) and not (records["rtype"] == RTYPE_MBO).all():
        raise InputError(f"{path}: holds other records than market-by-order (rtype {records['rtype'].max()})")
    return records
