"""One door for recordings: whatever file of order data a user has, read as `lob.recording.Recording`.

Each module of `sim.formats.readers` has a FORMAT, which says what its files look like and reads them. Nothing else
knows their names: a new format is a new module there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import Argument, InputError
from lob.recorded_files import SEVEN_ZIP, ZIP, file_start, opened
from lob.recording import Recording

__all__ = ["Format", "ReadOptions", "formats", "read_recording", "read_recordings"]

START_BYTES = 1 << 12
ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".zip", ".7z", ".dbn", ".dbn.zst", ".itch", ".itch.gz", ".npz", ".gz", ".bin")


@dataclass(frozen=True)
class ReadOptions:
    """What a user may have to say about a file.

    Attributes:
        tick_size: one tick in the currency; default: inferred from the prices.
        lot_size: one lot in shares, contracts or coins; default: inferred from the sizes.
        symbol: the instrument, where a file holds several.
        book: LOBSTER's orderbook file; default: the one beside the message file.
        mapping: a file that says what the columns of a CSV or Parquet file mean.
        zone: time zone of the exchange, as in "America/New_York", for files in UTC; default: UTC.
    """

    tick_size: float | None = None
    lot_size: float | None = None
    symbol: str | None = None
    book: Path | None = None
    mapping: Path | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Format:
    """A format of recordings.

    Attributes:
        name: short name.
        about: one line for users.
        is_mine: whether a file is of this format, by its path and its first bytes, unpacked.
        read: returns what a file holds.
        options: fields of ReadOptions that it makes use of, besides tick_size.
    """

    name: str
    about: str
    is_mine: Callable[[Path, bytes], bool]
    read: Callable[[Path, ReadOptions], Recording]
    options: tuple[str, ...] = ()


@cache
def formats() -> tuple[Format, ...]:
    """Return all formats that are read."""
    package = importlib.import_module("sim.formats.readers")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(importlib.import_module(f"sim.formats.readers.{name}").FORMAT for name in names)


def _format_of(path: Path, options: ReadOptions) -> Format:
    by_name = {known.name: known for known in formats()}
    if options.mapping is not None:
        return by_name["mapped"]
    start = file_start(path)
    if not start.startswith((ZIP, SEVEN_ZIP)):
        with opened(path) as source:
            start = source.read(START_BYTES)
    for known in formats():
        if known.is_mine(path, start):
            return known
    about = "; ".join(known.about for known in formats())
    raise InputError(f"{path}: no recording that is known; allowed: {about}")


def read_recording(path: Path | str, options: ReadOptions = ReadOptions()) -> Recording:
    """Return what a file of order data holds.

    Args:
        path: the file.
        options: what the file does not say by itself.

    Raises:
        InputError: if it cannot be read: one line with file, place and what is allowed.
    """
    path = Path(path)
    if path.is_dir():
        days = recorded_files(path)
        if len(days) == 1:
            return read_recording(days[0], options)
        found = f"holds {len(days)} recordings: {', '.join(day.name for day in days[:4])}" if days else "holds none"
        raise InputError(f"{path}: is a folder that {found}; allowed: one file of them")
    form = _format_of(path, options)
    for name in ("lot_size", "symbol", "book", "mapping", "zone"):
        if getattr(options, name) is not None and name not in form.options:
            raise InputError(Argument(name), f": {form.name} files have no use for it; allowed: nothing there")
    return replace(form.read(path, options), format=form.name)


def recorded_files(folder: Path) -> list[Path]:
    """Return the files of a folder that look like recordings, by their names; orderbook files belong to others."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name.endswith(ENDINGS))
    return [path for path in files if "_orderbook_" not in path.name and not path.name.startswith(".")]


def read_recordings(place: Path, options: ReadOptions = ReadOptions()) -> list[Recording]:
    """Return the recordings of a file, or of all files of a folder in the order of their names, in one tick.

    Raises:
        InputError: as `read_recording`; if a folder holds none.
    """
    files = recorded_files(place) if place.is_dir() else [place]
    if not files:
        raise InputError(f"{place}: holds no recording")
    days = [read_recording(file, options) for file in files]
    # A quiet day may have shown round prices only.
    sizes = [day.tick_size for day in days]
    smallest = days[int(np.argmin(sizes))]
    return [in_ticks(day, smallest.tick_units, smallest.price_units) for day in days]


def in_ticks(day: Recording, tick_units: int, price_units: int) -> Recording:
    """Return a recording counted in another tick, of which its own is a multiple."""
    if day.tick_units * price_units == tick_units * day.price_units:
        return day
    factor, rest = divmod(day.tick_units * price_units, tick_units * day.price_units)
    if rest:
        raise InputError(
            f"{day.name}: its tick {day.tick_size:g} is no multiple of {tick_units / price_units:g}, that of another "
            "day; allowed: one tick for all, or the tick (",
            Argument("tick_size"),
            ")",
        )
    book: Any = np.array(day.book)
    book[:, :, 0::2] *= factor
    return replace(day, book=book, tick_units=day.tick_units // factor)
