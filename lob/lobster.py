"""LOBSTER files: a day of one stock as a message file and the order book after each message.

Format (lobsterdata.com, "Data structure"): `TICKER_YYYY-MM-DD_startms_endms_message_LEVELS.csv`, no header. Message
columns: time in seconds after midnight, type (1 new order, 2 partial cancel, 3 delete, 4 visible execution, 5 hidden
execution, 6 cross, 7 halt), order id, size, price in 1/10,000 of the currency, direction (1 buy, -1 sell *limit order*;
an execution with -1 is buyer-initiated). The price of a halt is -1 when trading stops, 0 when quotes are taken again, 1
when trading goes on. Book columns: ask price, ask size, bid price, bid size of level 1, of level 2, and so on; an empty
level has price +-9,999,999,999 and size 0.

Read as well: files packed with gzip or zstandard, both files in one zip or 7z, a header line, a seventh column, blank
lines at the end, Windows line ends, and a message file alone. Files are read some megabytes at a time. They do not tell
the tick: it is the largest usual one of which all visible prices are multiples, unless the caller knows it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError
from lob.lobster_text import EMPTY_PRICE, book_pieces, message_pieces, read_book, read_messages
from lob.recorded_files import Source, archive_members, is_archive, opened, opened_member
from lob.recording import (
    HALTED,
    LOBSTER_TICKS,
    QUOTING,
    RECORDED,
    RESUMED,
    Recording,
    check_tick,
    tick_in_units,
    usual_tick,
)

__all__ = [
    "EMPTY_PRICE",
    "HALTED",
    "LOBSTER_MESSAGE",
    "PRICE_UNITS",
    "QUOTING",
    "RESUMED",
    "LobsterDay",
    "read_book",
    "read_day",
    "read_messages",
    "units_of_tick",
]

PRICE_UNITS = 10_000
"""File prices are 1/10,000 of the currency."""
LobsterDay = Recording
LOBSTER_MESSAGE = RECORDED
KEPT_BYTES = 1 << 30
"""A larger book lies in a file that has no name, so that memory stays bounded."""
MAX_TICKS = 2**31 - 1

_NAME = re.compile(r"(?P<ticker>[^_/:]+)_(?P<date>\d{4}-\d\d-\d\d)_.*?(message|orderbook)_(?P<levels>\d+)")


def units_of_tick(tick_size: float, where: str) -> int:
    """Return a tick in units of the files.

    Raises:
        InputError: if it is no multiple of 0.0001.
    """
    return tick_in_units(tick_size, PRICE_UNITS, where, "LOBSTER prices")


def _beside(message: Path) -> Path | None:
    """Return the orderbook file that stands beside a message file under the usual name."""
    name = message.name.replace("_message_", "_orderbook_")
    plain = name.removesuffix(".gz").removesuffix(".zst")
    for candidate in (name, plain, f"{plain}.gz", f"{plain}.zst"):
        if "_message_" in message.name and message.with_name(candidate).is_file():
            return message.with_name(candidate)
    return None


class _Pair:
    """Where the two files of a day are: beside each other, or in one archive."""

    def __init__(self, path: Path, book_path: Path | None) -> None:
        self._archive = path if book_path is None and is_archive(path) else None
        if self._archive is not None:
            found = archive_members(path, ("message", "orderbook"))
            if "message" not in found:
                raise InputError(f"{path}: 0 message files; expected exactly one *_message_*.csv")
            self.message, self.book = (f"{path}:{found[kind]}" if kind in found else None for kind in KINDS)
            self._members = {f"{path}:{name}": name for name in found.values()}
        else:
            beside = book_path if book_path is not None else _beside(path)
            self.message, self.book = str(path), str(beside) if beside is not None else None

    @contextmanager
    def opened(self, place: str) -> Iterator[Source]:
        """Open one of the two."""
        if self._archive is None:
            with opened(Path(place)) as source:
                yield source
        else:
            with opened_member(self._archive, self._members[place]) as source:
                yield source


KINDS = ("message", "orderbook")


def read_day(
    message_path: Path | str, book_path: Path | str | None = None, tick_size: float | None = None
) -> Recording:
    """Return a recorded day.

    Args:
        message_path: the message file, or one zip or 7z that holds both files.
        book_path: the orderbook file; default: the one beside the message file, and none if there is none.
        tick_size: one tick in the currency; default: the largest usual one that fits all visible prices.

    Raises:
        InputError: for a missing, truncated, corrupt or mismatched file; one line with file, line and what is allowed.
    """
    path = Path(message_path)
    pair = _Pair(path, None if book_path is None else Path(book_path))
    assert pair.message is not None
    with pair.opened(pair.message) as source:
        rows = np.concatenate(list(message_pieces(source, pair.message)))
    found = _NAME.search(Path(pair.message).name)
    title, date = (f"{found['ticker']} {found['date']}", found["date"]) if found else (path.stem, "")
    day = Recording(title, rows, np.zeros((len(rows), 0, 4), np.int32), date=date)
    given = None if tick_size is None else units_of_tick(tick_size, "tick")
    if given is not None:
        day = replace(day, tick_units=given)
        check_tick(day)
    own = int(np.gcd.reduce(rows["price"][day.is_visible], initial=0))
    if pair.book is None:
        return day if given is not None else replace(day, tick_units=usual_tick(own, PRICE_UNITS, LOBSTER_TICKS))
    with pair.opened(pair.book) as source:
        cells = _Cells(pair, title, len(rows), given)
        for piece in book_pieces(source, pair.book):
            cells.add(piece)
    tick = given if given is not None else usual_tick(int(np.gcd(own, cells.divisor)), PRICE_UNITS, LOBSTER_TICKS)
    return replace(day, book=cells.in_ticks(tick), tick_units=tick)


class _Cells:
    """The rows of an orderbook file as they come, in units of a common divisor of all prices so far."""

    def __init__(self, pair: _Pair, title: str, n_messages: int, tick: int | None) -> None:
        self._pair, self._title, self._n_messages, self._tick = pair, title, n_messages, tick
        self._n_rows, self._book = 0, np.zeros((0, 0, 4), np.int32)
        self.divisor = 0

    def add(self, piece: np.ndarray[Any, Any]) -> None:
        """Take the next rows."""
        if self._n_rows == 0:
            _check_names(self._pair, piece.shape[1])
            self._book = _room((self._n_messages, piece.shape[1], 4))
        first, self._n_rows = self._n_rows, self._n_rows + len(piece)
        if self._n_rows > self._n_messages:
            return
        prices, lots = piece[:, :, 0::2], piece[:, :, 1::2]
        empty = (lots == 0) | (np.abs(prices) == EMPTY_PRICE)
        prices[empty], lots[empty] = 0, 0
        if self._tick is not None:
            self._check(prices, first)
            divisor = self._tick
        else:
            divisor = int(np.gcd(self.divisor, np.gcd.reduce(prices, axis=None)))
        # Sample files have few divisors: what was kept is rarely counted anew.
        if 0 < divisor < self.divisor:
            self._book[:first, :, 0::2] *= self.divisor // divisor
        self.divisor = divisor
        steps = prices // max(1, divisor)
        if np.abs(steps).max(initial=0) > MAX_TICKS:
            raise InputError(
                f"{self._title}: prices up to {np.abs(prices).max()} (in 1/{PRICE_UNITS:,}) are more than {MAX_TICKS} "
                f"ticks of {divisor / PRICE_UNITS:g}; allowed: a larger tick"
            )
        self._book[first : self._n_rows, :, 0::2] = steps
        self._book[first : self._n_rows, :, 1::2] = lots

    def _check(self, prices: np.ndarray[Any, Any], first: int) -> None:
        off = prices % self._tick != 0
        if off.any():
            row, level, side = (int(k[0]) for k in np.nonzero(off))
            assert self._tick is not None
            raise InputError(
                f"{self._title}, row {first + row + 1}: price {prices[row, level, side]} (in 1/10,000) is between "
                f"ticks of {self._tick / PRICE_UNITS:g}; allowed: multiples of {self._tick}, or another tick"
            )

    def in_ticks(self, tick: int) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Return the whole book."""
        if self._n_rows != self._n_messages:
            raise InputError(
                f"{self._pair.book}: {self._n_rows} rows, but {self._pair.message} has {self._n_messages}; one row for "
                "each message is needed"
            )
        if self.divisor > tick:
            widest = np.abs(self._book[:, :, 0::2]).max(initial=0) * (self.divisor // tick)
            if widest > MAX_TICKS:
                raise InputError(f"{self._title}: prices up to {widest} ticks; allowed: {MAX_TICKS}, a larger tick")
            self._book[:, :, 0::2] *= self.divisor // tick
        return self._book


def _room(shape: tuple[int, int, int]) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return an array of zeros; a large one stands on disk, in a file without a name."""
    if 4 * int(np.prod(shape)) <= KEPT_BYTES:
        return np.zeros(shape, np.int32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.int32, "w+", shape=shape)


def _check_names(pair: _Pair, n_levels: int) -> None:
    """Raise InputError if a message and an orderbook file do not belong together."""
    one, other = (_NAME.search(Path(place).name) for place in (str(pair.message), str(pair.book)))
    for field in ("ticker", "date"):
        if one and other and one[field] != other[field]:
            raise InputError(f"{pair.book}: is of {other[field]}, the messages are of {one[field]}")
    if other and int(other["levels"]) != n_levels:
        raise InputError(f"{pair.book}: the name says {other['levels']} levels, the columns {n_levels}")
