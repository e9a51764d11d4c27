"""NASDAQ TotalView-ITCH 5.0 files (plain, .gz, .zst): the messages of one stock, streamed.

A file holds a day of all stocks. Bytes come in pieces; compiled code finds the messages, keeps those of the stock that
is wanted and turns them into rows of a feed, so that memory holds a piece of the file and one stock's messages. The
parsers on PyPI (itchfeed, itchcpp, meatpy) make a Python object of each message of every stock.

Executions at another price than the order's (type C) take the order at its own; trades with hidden orders (P) and
crosses (Q) are told; broken trades (B) are counted. A trading action (H) is a halt, a quotation period or the return to
trading.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numba import int64

from lob.compiled import kernel, leaf
from lob.errors import Argument, InputError
from lob.lobster import PRICE_UNITS
from lob.recorded_files import opened
from lob.recording import HALTED, QUOTING, RESUMED, Recording
from sim.formats.feed import FEED, Feed
from sim.formats.itch import LENGTHS
from sim.formats.reading import Format, ReadOptions
from sim.formats.units import recording_of

__all__ = ["FORMAT", "stocks_of"]

Rows = np.ndarray[Any, Any]
PIECE_BYTES = 1 << 24
SIZES = np.zeros(256, np.int64)
for _letter, _size in LENGTHS.items():
    SIZES[ord(_letter)] = _size
NO_STOCK = -1
"""No stock is wanted: only count."""
(A, B, C, D, E, F, H, P, Q, R, S, T, U, X) = (ord(letter) for letter in "ABCDEFHPQRSTUX")
ADD, CANCEL, DELETE, EXECUTE, REPLACE, HIDDEN, CROSS, PHASE = 1, 2, 3, 5, 6, 10, 11, 12
"""Of sim.formats.feed.Act."""


@leaf
def _number(data: Any, at: int, size: int) -> int:
    value = int64(0)
    for k in range(size):
        value = (value << 8) | int64(data[at + k])
    return value


@kernel
def _scan(data: Any, stock: Any, wanted: int, locates: Any, counts: Any, broken: Any, rows: Any) -> tuple[int, int]:
    """Turn the messages of a stock into rows; return the bytes that are done and the count of rows.

    stock: eight bytes; its number comes with its directory message (R) and is kept in locates[0], -1 before; its state
    of trading in locates[2]. counts: messages about orders by stock locate. A bad message ends the scan: locates[1]
    then holds its type.
    """
    at, n = int64(0), int64(0)
    while at + 2 <= len(data):
        size = _number(data, at, int64(2))
        if at + 2 + size > len(data):
            break
        if size == 0:  # the end of a session
            at += 2
            continue
        here = at + 2
        kind = int64(data[here])
        if SIZES[kind] == 0 or SIZES[kind] > size:
            locates[1] = kind
            return at, n
        locate = _number(data, here + 1, int64(2))
        if kind == R and wanted >= 0:
            same = True
            for k in range(8):
                same = same and data[here + 11 + k] == stock[k]
            if same:
                locates[0] = locate
        is_order = kind == A or kind == F or kind == E or kind == C or kind == X or kind == D or kind == U
        if is_order:
            counts[locate] += 1
        if wanted >= 0 and locate == locates[0]:
            row = rows[n]
            row.time_ns = _number(data, here + 5, int64(6))
            row.flags, row.other_id, row.act = 0, 0, 0
            row.order_id = _number(data, here + 11, int64(8)) if is_order else int64(0)
            if kind == A or kind == F:
                row.act = ADD
                row.side = 1 if data[here + 19] == B else -1
                row.size, row.price = _number(data, here + 20, int64(4)), _number(data, here + 32, int64(4))
            elif kind == E or kind == C:
                row.act, row.size = EXECUTE, _number(data, here + 19, int64(4))
            elif kind == X:
                row.act, row.size = CANCEL, _number(data, here + 19, int64(4))
            elif kind == D:
                row.act = DELETE
            elif kind == U:
                row.act, row.other_id = REPLACE, _number(data, here + 19, int64(8))
                row.size, row.price = _number(data, here + 27, int64(4)), _number(data, here + 31, int64(4))
            elif kind == P:
                row.act, row.side = HIDDEN, (1 if data[here + 19] == B else -1)
                row.size, row.price = _number(data, here + 20, int64(4)), _number(data, here + 32, int64(4))
            elif kind == Q:
                row.act, row.side = CROSS, -1
                row.size, row.price = _number(data, here + 11, int64(8)), _number(data, here + 27, int64(4))
                if row.size == 0:  # a cross in which nothing was traded
                    row.act = 0
            elif kind == H:
                state = int64(data[here + 19])
                row.act = PHASE if state != locates[2] else 0
                row.price = int64(RESUMED) if state == T else int64(QUOTING) if state == Q else int64(HALTED)
                locates[2] = state
            elif kind == B:
                broken[0] += 1
            if row.act > 0:
                n += 1
        at += 2 + size
    return at, n


def _scanned(path: Path, symbol: str | None) -> tuple[Feed, Rows, int]:
    """Return a stock's feed, the counts of messages by stock locate, and the broken trades."""
    feed = Feed()
    name = np.frombuffer((symbol or "").encode("ascii", "replace").ljust(8)[:8], np.uint8)
    locates, broken = np.array([-1, -1, T]), np.zeros(1, np.int64)
    counts = np.zeros(65_536, np.int64)
    held, done = b"", 0
    wanted = NO_STOCK if symbol is None else 0
    with opened(path) as source:
        while piece := source.read(PIECE_BYTES):
            data = held + piece
            rows = np.zeros(len(data) // 21 + 1, FEED)  # the shortest of an order: 19 bytes and its length
            at, n = _scan(np.frombuffer(data, np.uint8), name, wanted, locates, counts, broken, rows)
            if locates[1] >= 0:
                size = int.from_bytes(data[at : at + 2], "big")
                raise InputError(
                    f"{path}, byte {done + at + 1}: a message of type {chr(locates[1])!r} and {size} bytes; allowed: "
                    "TotalView-ITCH 5.0, each message with its length in front"
                )
            _check(rows[:n], path)
            feed(rows[:n])
            held, done = data[at:], done + at
    if held:
        raise InputError(
            f"{path}, byte {done + 1}: {len(held)} bytes of a message; allowed: whole ones (it was cut off)"
        )
    return feed, counts, int(broken[0])


def _check(rows: Rows, path: Path) -> None:
    """Raise InputError about an order without quantity."""
    bad = np.isin(rows["act"], (ADD, REPLACE)) & (rows["size"] <= 0)
    if bad.any():
        order = int(rows["order_id"][int(np.argmax(bad))])
        raise InputError(f"{path}: order {order} has no quantity; allowed: above 0")


def stocks_of(path: Path) -> dict[str, int]:
    """Return the stocks of a file with their messages about orders, the busiest first.

    Raises:
        InputError: if the file cannot be read.
    """
    counts = _scanned(path, None)[1]
    names: dict[int, str] = {}
    held = b""
    with opened(path) as source:
        while (piece := source.read(PIECE_BYTES)) and len(names) < np.count_nonzero(counts):
            data = held + piece
            at = 0
            while at + 2 <= len(data) and at + 2 + (size := int.from_bytes(data[at : at + 2], "big")) <= len(data):
                if data[at + 2] == R:
                    names[int.from_bytes(data[at + 3 : at + 5], "big")] = (
                        data[at + 13 : at + 21].decode("latin-1").strip()
                    )
                at += 2 + size
            held = data[at:]
    order = np.argsort(-counts, kind="stable")
    return {names.get(int(k), f"locate {k}"): int(counts[k]) for k in order if counts[k] > 0}


def _read(path: Path, options: ReadOptions) -> Recording:
    symbol = options.symbol
    if symbol is None:
        stocks = stocks_of(path)
        if len(stocks) != 1:
            shown = ", ".join(list(stocks)[:8]) + (", ..." if len(stocks) > 8 else "")
            raise InputError(f"{path}: holds {len(stocks)} stocks; allowed: one as ", Argument("symbol"), f": {shown}")
        symbol = next(iter(stocks))
    feed, counts, n_broken = _scanned(path, symbol)
    fine = feed.messages()
    if len(fine) == 0:
        n = int(np.count_nonzero(counts))
        raise InputError(
            f"symbol {symbol}: {path} has no order of this name among its {n} stocks; allowed: one of them"
        )
    notes = feed.notes + ((f"{n_broken:,} broken trades, which stay in",) if n_broken else ())
    return recording_of(symbol, fine, PRICE_UNITS, 1, options.tick_size, options.lot_size, notes=notes)


FORMAT = Format(
    "itch",
    "NASDAQ TotalView-ITCH 5.0 files (plain, .gz)",
    lambda _path, start: len(start) > 2 and start[0] == 0 and LENGTHS.get(chr(start[2])) == start[1],
    _read,
    ("symbol", "lot_size"),
)
