"""Databento's market-by-order files (DBN), plain or zstandard, of any version; the header through databento-dbn.

The package's own decoder makes a Python object of each record; a file of market-by-order records is an array of 56
bytes each (64 with ts_out), which NumPy reads as it stands. Files of a live session hold other records between them,
which are passed over.

Each record becomes a row of a feed: Add, Cancel, Modify, cleaR, Trade, Fill; None changes nothing. A record with F_TOB
tells the best price of a whole side, an undefined price that the side is empty. Times are ts_event; a snapshot's
records (F_SNAPSHOT) say what rests, at the time of the snapshot (ts_recv).
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from lob.errors import Argument, InputError
from lob.recorded_files import Source, opened
from lob.recording import Recording
from lob.units import DAY_NS, SECOND_NS
from sim.formats.dbn import F_LAST, MBO, RTYPE_MBO, SCALE, package
from sim.formats.feed import FEED, LAST, SNAPSHOT, Act, Feed
from sim.formats.reading import Format, ReadOptions
from sim.formats.units import recording_of

__all__ = ["FORMAT", "midnight_of", "records_of"]

Rows = np.ndarray[Any, Any]
F_TOB, F_SNAPSHOT, F_MBP, F_BAD_TIME = 64, 32, 16, 8
UNDEFINED_PRICE, UNDEFINED_TIME = 2**63 - 1, 2**64 - 1
PIECE_BYTES = 1 << 24
ACTS = np.full(256, -1, np.int8)
for _letter, _act in (
    ("A", Act.ADD), ("C", Act.CANCEL), ("M", Act.MODIFY), ("R", Act.CLEAR), ("T", Act.TRADE), ("F", Act.FILL),
    ("N", Act.NOTHING),
):  # fmt: skip
    ACTS[ord(_letter)] = _act
SIDES = np.full(256, -2, np.int8)
for _letter, _side in (("B", 1), ("A", -1), ("N", 0)):
    SIDES[ord(_letter)] = _side


def _header(source: Source, path: Path) -> tuple[Any, int]:
    """Return a file's metadata and the size of its records."""
    start = source.read(8)
    if len(start) < 8 or start[:3] != b"DBN":
        raise InputError(f"{path}: not a DBN file (it does not begin with DBN); allowed: .dbn, .dbn.zst")
    (length,) = struct.unpack_from("<I", start, 4)
    rest = _exactly(source, length)
    if len(rest) < length:
        raise InputError(f"{path}: {8 + len(rest)} bytes, but its header alone has {8 + length}; it was cut off")
    dbn = package()
    try:
        return dbn.Metadata.decode(start + rest), length
    except Exception as error:
        raise InputError(f"{path}: not a readable DBN header ({error})") from None


def _exactly(source: Source, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (piece := source.read(min(size, PIECE_BYTES))):
        parts.append(piece)
        size -= len(piece)
    return b"".join(parts)


def records_of(path: Path) -> Iterator[Any]:
    """Yield the metadata of a file, then its market-by-order records, dtype MBO, some megabytes at a time.

    Raises:
        InputError: if it is no such file, or was cut off.
    """
    with opened(path) as source:
        metadata, _ = _header(source, path)
        yield metadata
        schema = str(metadata.schema) if metadata.schema is not None else "mbo"
        if schema != "mbo":
            raise InputError(f"{path}: schema {schema}; allowed: mbo, which tells each order")
        stride = MBO.itemsize + (8 if metadata.ts_out else 0)
        held, n_before = b"", 0
        while piece := source.read(PIECE_BYTES):
            held += piece
            rows, n_used = _mbo_records(held, stride, path, n_before)
            held = held[n_used:]
            n_before += len(rows)
            yield rows
        if held:
            raise InputError(
                f"{path}, record {n_before + 1}: {len(held)} of {stride} bytes; allowed: whole records (it was cut off)"
            )


def _mbo_records(body: bytes, stride: int, path: Path, n_before: int) -> tuple[Rows, int]:
    """Return the market-by-order records of some bytes, and how many bytes are done."""
    wide = MBO if stride == MBO.itemsize else np.dtype([("mbo", MBO), ("ts_out", "<u8")])
    n_whole = len(body) // stride
    rows = np.frombuffer(body, wide, n_whole)
    records = rows if stride == MBO.itemsize else rows["mbo"]
    if ((records["rtype"] == RTYPE_MBO) & (records["length"] == stride // 4)).all():
        return records, n_whole * stride
    kept: list[bytes] = []
    at = 0
    while at + 2 <= len(body):
        size, rtype = 4 * body[at], body[at + 1]
        if size < 16:
            raise InputError(
                f"{path}, record {n_before + len(kept) + 1}: {size} bytes, rtype {rtype}; allowed: market-by-order "
                f"records ({RTYPE_MBO}) of {stride} bytes, and whole others between them"
            )
        if at + size > len(body):
            break
        if rtype == RTYPE_MBO and size == stride:
            kept.append(body[at : at + MBO.itemsize])
        at += size
    return np.frombuffer(b"".join(kept), MBO), at


def _names(metadata: Any) -> dict[int, str]:
    """Return the names of a file's instruments by their numbers."""
    names: dict[int, str] = {}
    for raw, intervals in dict(metadata.mappings).items():
        for interval in intervals:
            number = interval["symbol"] if isinstance(interval, dict) else interval.symbol
            if str(number).isdigit():
                names[int(number)] = raw
    return names


def _told(keys: Collection[tuple[int, int]], names: dict[int, str]) -> dict[tuple[int, int], str]:
    """Return what (publisher, instrument) are called; with "@" and the publisher where a name stands for several."""
    plain = {key: names.get(key[1], str(key[1])) for key in keys}
    several = {name for name in plain.values() if sum(other == name for other in plain.values()) > 1}
    return {key: f"{name}@{key[0]}" if name in several else name for key, name in plain.items()}


def _wanted(records: Rows, symbol: str | None, names: dict[int, str]) -> Any:
    """Return which records may be of the symbol, a mask."""
    if symbol is None:
        return np.ones(len(records), bool)
    name, _, publisher = symbol.partition("@")
    numbers = [number for number, raw in names.items() if raw == name] or ([int(name)] if name.isdigit() else [])
    mask = np.isin(records["instrument_id"], numbers)
    return mask & (records["publisher_id"] == int(publisher)) if publisher.isdigit() else mask


def midnight_of(first_ns: int, zone: str | None) -> tuple[int, str]:
    """Return the UTC nanoseconds since 1970 of a day's midnight in a time zone, and its date.

    Where the clock is changed during a recording, times go on from that midnight.

    Raises:
        InputError: if there is no such zone.
    """
    try:
        place = ZoneInfo(zone) if zone else dt.UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"zone {zone}: no such time zone; allowed: a name as in America/New_York") from None
    seconds, _ = divmod(first_ns, SECOND_NS)
    moment = dt.datetime.fromtimestamp(seconds, place)
    offset = moment.utcoffset()
    assert offset is not None
    offset_ns = int(offset.total_seconds()) * SECOND_NS
    return (first_ns + offset_ns) // DAY_NS * DAY_NS - offset_ns, moment.date().isoformat()


def _rows(records: Rows, midnight_ns: int, first_record: int, path: Path) -> Rows:
    """Return records of one instrument as rows of a feed."""
    action, side = (records[name].view(np.uint8) for name in ("action", "side"))
    acts, sides = ACTS[action], SIDES[side]
    flags = records["flags"]
    undefined = records["price"] == UNDEFINED_PRICE
    top = (flags & F_TOB) != 0
    rows = np.zeros(len(records), FEED)
    rows["act"], rows["side"] = acts, sides
    is_trade = acts == Act.TRADE
    rows["side"][is_trade] *= -1  # of a trade it is the aggressor's
    rows["time_ns"] = records["ts_event"].astype(np.int64) - midnight_ns
    snapshot = (flags & F_SNAPSHOT) != 0
    rows["time_ns"][snapshot] = records["ts_recv"][snapshot].astype(np.int64) - midnight_ns
    rows["order_id"], rows["price"] = records["order_id"].view(np.int64), records["price"]
    rows["size"] = records["size"]
    rows["flags"] = np.where(flags & F_LAST, LAST, 0) | np.where(snapshot, SNAPSHOT, 0)
    rows["side"][acts == Act.CLEAR] = 0
    bad = [
        ("action", acts < 0, "A, C, M, R, T, F, N"),
        ("side", sides == -2, "B, A, N"),
        ("side", (sides == 0) & np.isin(acts, (Act.ADD, Act.MODIFY)) & ~undefined, "B or A of an order"),
        ("size", np.isin(acts, (Act.ADD, Act.MODIFY)) & (records["size"] == 0) & ~undefined, "above 0 of an order"),
        ("price", undefined & np.isin(acts, (Act.ADD, Act.MODIFY)) & ~top, "a price"),
        ("ts_event", records["ts_event"] >= np.uint64(2**63), "a time"),
        ("flags", (flags & F_MBP) != 0, "orders, not price levels (F_MBP)"),
    ]
    for name, mask, allowed in bad:
        if mask.any():
            at = int(np.argmax(mask))
            raise InputError(
                f"{path}, record {first_record + at + 1}: {name} = {_shown(records[name][at])}; allowed: {allowed}"
            )
    return _with_whole_sides(rows, top, undefined) if top.any() else rows


def _shown(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _with_whole_sides(rows: Rows, top: Rows, undefined: Rows) -> Rows:
    """A record about the best of a side stands for all of it: what was there goes first."""
    top = top & (rows["act"] == Act.ADD)
    copies = np.where(top & ~undefined, 2, 1)
    out = np.repeat(rows, copies)
    is_first = np.zeros(len(out), bool)
    is_first[np.cumsum(copies) - copies] = True
    whole = np.repeat(top, copies)
    out["act"][whole & is_first] = Act.CLEAR
    out["flags"][whole & is_first & np.repeat(copies == 2, copies)] &= ~LAST
    level = whole & ~is_first
    out["order_id"][level] = np.where(out["side"][level] > 0, 1, 2)
    return out


def _read(path: Path, options: ReadOptions) -> Recording:
    stream = records_of(path)
    names = _names(next(stream))
    counts: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], None] = {}
    feed, midnight_ns, date, seen = Feed(), 0, "", 0
    for records in stream:
        for pair, count in _counted(records):
            counts[pair] = counts.get(pair, 0) + count
        records = records[_wanted(records, options.symbol, names)]
        found |= dict.fromkeys(pair for pair, _ in _counted(records))
        if len(records) == 0:
            continue
        # Of several, the first: the others are told at the end, and none of them fills the memory until then.
        publisher, instrument = next(iter(found))
        records = records[(records["publisher_id"] == publisher) & (records["instrument_id"] == instrument)]
        if seen == 0:
            midnight_ns, date = _day_of(records, options.zone, path)
        feed(_rows(records, midnight_ns, seen, path))
        seen += len(records)
    if not counts:
        raise InputError(f"{path}: holds no market-by-order record")
    told = _told(counts, names)
    busiest = sorted(told, key=lambda key: -counts[key])[:8]
    listed = ", ".join(told[key] for key in busiest) + (", ..." if len(told) > 8 else "")
    if len(found) > 1:
        raise InputError(f"{path}: holds {len(found)} instruments; allowed: one as ", Argument("symbol"), f": {listed}")
    if not found:
        raise InputError(f"symbol {options.symbol}: {path} has none of this name; allowed: {listed}")
    return recording_of(
        f"{told[next(iter(found))]} {date}", feed.messages(), SCALE, 1, options.tick_size, options.lot_size,
        date=date, notes=feed.notes,
    )  # fmt: skip


def _counted(records: Rows) -> list[tuple[tuple[int, int], int]]:
    """Return ((publisher, instrument), records) in the order of their first ones."""
    keys = records["publisher_id"].astype(np.int64) << 32 | records["instrument_id"]
    different, first, count = np.unique(keys, return_index=True, return_counts=True)
    order = np.argsort(first)
    return [((int(different[k]) >> 32, int(different[k]) & 0xFFFFFFFF), int(count[k])) for k in order]


def _day_of(records: Rows, zone: str | None, path: Path) -> tuple[int, str]:
    known = records["ts_event"][records["ts_event"] != UNDEFINED_TIME]
    first_ns = int(known[0]) if len(known) else 0
    if not 0 < first_ns < 2**63:
        raise InputError(f"{path}, record 1: ts_event = {first_ns}; allowed: ns since 1970")
    return midnight_of(first_ns, zone)


FORMAT = Format(
    "dbn",
    "Databento market-by-order files (.dbn, .dbn.zst)",
    lambda _path, start: start.startswith(b"DBN"),
    _read,
    ("symbol", "lot_size", "zone"),
)
