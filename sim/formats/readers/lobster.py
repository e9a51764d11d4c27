"""LOBSTER files; what they are stands in lob/lobster.py."""

from __future__ import annotations

from pathlib import Path

from lob.errors import InputError
from lob.lobster import read_day
from lob.recorded_files import SEVEN_ZIP, ZIP
from lob.recording import Recording
from sim.formats.reading import Format, ReadOptions

__all__ = ["FORMAT"]


def _is_mine(path: Path, start: bytes) -> bool:
    if start.startswith((ZIP, SEVEN_ZIP)):
        return path.suffix.lower() != ".npz"
    first = start.lstrip(b"\xef\xbb\xbf").split(b"\n")[0]
    is_text = all(byte >= 32 or byte in b"\t\r" for byte in first)
    return "_message_" in path.name or (is_text and first.count(b",") in (5, 6) and b"direction," not in first)


def _read(path: Path, options: ReadOptions) -> Recording:
    if options.lot_size not in (None, 1.0):
        raise InputError(f"lot = {options.lot_size:g}: LOBSTER sizes are shares; allowed: 1")
    return read_day(path, options.book, options.tick_size)


FORMAT = Format(
    "lobster",
    "LOBSTER message files with the orderbook file beside them, or both in a zip or 7z",
    _is_mine,
    _read,
    ("book", "lot_size"),
)
