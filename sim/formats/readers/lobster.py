"""LOBSTER files; what they are stands in lob/lobster.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lob.errors import InputError
from lob.lobster import read_day
from lob.recorded_files import SEVEN_ZIP, ZIP
from lob.recording import HALT, Recording
from sim.formats.reading import Format, ReadOptions

__all__ = ["FORMAT"]


def _is_mine(path: Path, start: bytes) -> bool:
    if start.startswith((ZIP, SEVEN_ZIP)):
        return path.suffix.lower() != ".npz"
    first = start.lstrip(b"\xef\xbb\xbf").split(b"\n")[0]
    is_text = all(byte >= 32 or byte in b"\t\r" for byte in first)
    return "_message_" in path.name or (is_text and first.count(b",") in (5, 6) and b"direction," not in first)


def _read(path: Path, options: ReadOptions) -> Recording:
    day = read_day(path, options.book, options.tick_size)
    return day if options.lot_size is None else _in_lots(day, options.lot_size)


def _in_lots(day: Recording, lot_size: float) -> Recording:
    """Return a day in lots of several shares."""
    lot = round(lot_size)
    if lot != lot_size or lot < 1:
        raise InputError(f"lot = {lot_size:g}: LOBSTER sizes are shares; allowed: a whole number of them")
    off = (day.messages["size"] % lot != 0) & (day.messages["type"] != HALT)
    if off.any():
        row = int(np.argmax(off))
        raise InputError(
            f"{day.name}, message {row + 1}: size = {day.messages['size'][row]}; allowed: multiples of the lot, {lot}"
        )
    messages, book = day.messages.copy(), np.array(day.book)
    messages["size"] //= lot
    book[:, :, 1::2] //= lot
    return replace(day, messages=messages, book=book, lot_size=float(lot))


FORMAT = Format(
    "lobster",
    "LOBSTER message files with the orderbook file beside them, or both in a zip or 7z",
    _is_mine,
    _read,
    ("book", "lot_size"),
)
