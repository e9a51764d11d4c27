"""LOBSTER files: a day of one stock as a message file and the order book after each message.

Format (lobsterdata.com, "Data structure"): `TICKER_YYYY-MM-DD_startms_endms_message_LEVELS.csv`, no header. Message
columns: time in seconds after midnight, type (1 new order, 2 partial cancel, 3 delete, 4 visible execution, 5 hidden
execution, 6 cross, 7 halt), order id, size, price in 1/10,000 of the currency, direction (1 buy, -1 sell *limit order*;
an execution with -1 is buyer-initiated). The price of a halt is -1 when trading stops, 0 when quotes are taken again, 1
when trading goes on. Book columns: ask price, ask size, bid price, bid size of level 1, of level 2, and so on; an empty
level has price +-9,999,999,999 and size 0.

Read as well: gzip files, both files in one zip, a header line, a seventh column, blank lines at the end, Windows line
ends, and a message file alone. The files do not tell the tick: it is the largest usual one of which all visible prices
are multiples, unless the caller knows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError
from lob.lobster_text import (
    EMPTY_PRICE,
    HALTED,
    LOBSTER_MESSAGE,
    QUOTING,
    RESUMED,
    read_book,
    read_messages,
)
from lob.recorded_files import file_bytes, is_zip, zip_members

__all__ = [
    "EMPTY_PRICE",
    "HALTED",
    "LOBSTER_MESSAGE",
    "PRICE_UNITS",
    "PRICE_UNITS_PER_TICK",
    "QUOTING",
    "RESUMED",
    "TICKS_UNITS",
    "LobsterDay",
    "check_tick",
    "read_book",
    "read_day",
    "read_messages",
    "units_of_tick",
    "with_tick",
]

PRICE_UNITS = 10_000
"""File prices are 1/10,000 of the currency."""
PRICE_UNITS_PER_TICK = 100
"""Of the usual tick, one cent."""
TICKS_UNITS = (10_000, 2_500, 500, 100, 50, 10, 5, 1)
"""Ticks that are recognised from prices, in units of the files: 1, 0.25, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001.
Each divides the one before, so that the tick of several days is the smallest of theirs."""
LAST_VISIBLE = 4
"""Highest type of message whose price is a visible order's; hidden executions may lie between ticks."""

_NAME = re.compile(r"(?P<ticker>[^_/:]+)_(?P<date>\d{4}-\d\d-\d\d)_.*?(message|orderbook)_(?P<levels>\d+)")


@dataclass(frozen=True)
class LobsterDay:
    """A recorded day.

    Attributes:
        name: ticker and date as far as the file names tell them.
        messages: shape (n,), dtype LOBSTER_MESSAGE.
        book: shape (n, levels, 4), int64: ask price, ask size, bid price, bid size after each message, as in the file;
            0 levels where there is no orderbook file.
        tick_units: one tick, in the 1/10,000 of the currency that prices are in.
    """

    name: str
    messages: np.ndarray[Any, Any]
    book: np.ndarray[Any, np.dtype[np.int64]]
    tick_units: int = PRICE_UNITS_PER_TICK

    @property
    def levels(self) -> int:
        """Recorded levels on each side; 0: no book was recorded."""
        return int(self.book.shape[1])

    @property
    def tick_size(self) -> float:
        """One tick in the currency."""
        return self.tick_units / PRICE_UNITS

    @property
    def is_visible(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which messages are about visible orders, shape (n,)."""
        return np.asarray(self.messages["type"] <= LAST_VISIBLE)

    @property
    def is_occupied(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which levels hold quantity, shape (n, levels, 2), the ask first."""
        return np.asarray((self.book[:, :, 1::2] > 0) & (np.abs(self.book[:, :, 0::2]) != EMPTY_PRICE))


def units_of_tick(tick_size: float, where: str) -> int:
    """Return a tick in units of the files.

    Raises:
        InputError: if it is no multiple of 0.0001.
    """
    units = round(tick_size * PRICE_UNITS) if 0 < tick_size < 1e9 else 0
    if units < 1 or abs(units - tick_size * PRICE_UNITS) > 1e-6 * units:
        raise InputError(f"{where} = {tick_size:g}: LOBSTER prices are multiples of 0.0001; allowed: such a tick")
    return units


def with_tick(day: LobsterDay, tick_size: float | None = None) -> LobsterDay:
    """Return a day with its tick: the given one, or the largest of TICKS_UNITS that fits all visible prices.

    Raises:
        InputError: if a visible price is no multiple of the given tick.
    """
    own, levels = day.messages["price"][day.is_visible], day.book[:, :, 0::2][day.is_occupied]
    if tick_size is None:
        divisor = int(np.gcd.reduce(levels, initial=np.gcd.reduce(own, initial=0)))
        fitting = next(units for units in TICKS_UNITS if divisor % units == 0)
        return replace(day, tick_units=fitting if divisor else PRICE_UNITS_PER_TICK)
    given = replace(day, tick_units=units_of_tick(tick_size, "tick"))
    check_tick(given)
    return given


def check_tick(day: LobsterDay) -> None:
    """Raise InputError if a visible price lies between ticks."""
    messages, cells = day.messages["price"], day.book[:, :, 0::2]
    off = day.is_visible & (messages % day.tick_units != 0)
    off_cells = day.is_occupied & (cells % day.tick_units != 0)
    for what, prices, bad in (("message", messages, off), ("row", cells, off_cells)):
        if bad.any():
            where = tuple(int(k[0]) for k in np.nonzero(bad))
            raise InputError(
                f"{day.name}, {what} {where[0] + 1}: price {prices[where]} (in 1/10,000) is between ticks of "
                f"{day.tick_size:g}; allowed: multiples of {day.tick_units}, or another tick"
            )


def _beside(message: Path) -> Path | None:
    """Return the orderbook file that stands beside a message file under the usual name."""
    name = message.name.replace("_message_", "_orderbook_")
    plain = name.removesuffix(".gz")
    for candidate in (name, plain, f"{plain}.gz"):
        if "_message_" in message.name and message.with_name(candidate).is_file():
            return message.with_name(candidate)
    return None


def read_day(
    message_path: Path | str, book_path: Path | str | None = None, tick_size: float | None = None
) -> LobsterDay:
    """Return a recorded day.

    Args:
        message_path: the message file, or one zip that holds both files.
        book_path: the orderbook file; default: the one beside the message file, and none if there is none.
        tick_size: one tick in the currency; default: see `with_tick`.

    Raises:
        InputError: for a missing, truncated, corrupt or mismatched file; one line with file, line and what is allowed.
    """
    path = Path(message_path)
    book: tuple[str, bytes] | None = None
    if book_path is None and is_zip(path):
        found = zip_members(path, ("message", "orderbook"))
        if "message" not in found:
            raise InputError(f"{path}: 0 message files; expected exactly one *_message_*.csv")
        messages, book = found["message"], found.get("orderbook")
    else:
        messages = str(path), file_bytes(path)
        beside = Path(book_path) if book_path is not None else _beside(path)
        book = (str(beside), file_bytes(beside)) if beside is not None else None
    rows = read_messages(messages[1], messages[0])
    name = _NAME.search(Path(messages[0]).name)
    title = f"{name['ticker']} {name['date']}" if name else path.stem
    if book is None:
        return with_tick(LobsterDay(title, rows, np.zeros((len(rows), 0, 4), np.int64)), tick_size)
    cells = read_book(book[1], book[0])
    _check_pair(messages[0], book[0], len(rows), cells)
    return with_tick(LobsterDay(title, rows, cells), tick_size)


def _check_pair(messages: str, book: str, n_messages: int, cells: np.ndarray[Any, Any]) -> None:
    """Raise InputError if a message and an orderbook file do not belong together."""
    if n_messages != len(cells):
        raise InputError(
            f"{book}: {len(cells)} rows, but {messages} has {n_messages}; one row for each message is needed"
        )
    one, other = (_NAME.search(Path(place).name) for place in (messages, book))
    for field in ("ticker", "date"):
        if one and other and one[field] != other[field]:
            raise InputError(f"{book}: is of {other[field]}, the messages are of {one[field]}")
    if other and int(other["levels"]) != cells.shape[1]:
        raise InputError(f"{book}: the name says {other['levels']} levels, the columns {cells.shape[1]}")
