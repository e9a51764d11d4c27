"""The bytes of recorded data on disk: plain, gzip, or members of a zip, read piece by piece up to a stated limit."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from lob.errors import InputError

__all__ = ["FREE_BYTES", "MAX_BYTES", "MAX_RATIO", "file_bytes", "is_zip", "unpacked", "zip_members"]

MAX_RATIO = 250
"""A compressed file may unpack to so many times its size; quiet days of large-tick stocks reach 75."""
FREE_BYTES = 64 << 20
"""Up to here whatever the ratio."""
MAX_BYTES = 16 << 30
"""No file may unpack to more."""
PIECE = 1 << 22


class Source(Protocol):
    """Gives unpacked bytes piece by piece, nothing at its end."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""


def _limit(compressed: int) -> int:
    return min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * compressed))


def unpacked(source: Source, compressed: int, where: str) -> bytes:
    """Return what a stream unpacks to; it is left as soon as that is too much.

    Args:
        source: gives the unpacked bytes.
        compressed: size of what it unpacks.
        where: its name for messages.

    Raises:
        InputError: if it unpacks to more than MAX_RATIO, FREE_BYTES and MAX_BYTES allow.
    """
    pieces: list[bytes] = []
    n, limit = 0, _limit(compressed)
    while piece := source.read(PIECE):
        pieces.append(piece)
        n += len(piece)
        if n > limit:
            raise InputError(
                f"{where}: {compressed} bytes unpack to more than {limit}; allowed: at most {MAX_RATIO} times the size "
                f"(or {FREE_BYTES >> 20} MiB), and {MAX_BYTES >> 30} GiB"
            )
    return b"".join(pieces)


def _checked(path: Path) -> None:
    """Raise InputError unless the path is a file; a device or a pipe would be waited for."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; allowed: a file")
    if not path.exists():
        raise InputError(f"{path}: not found")
    if not path.is_file():
        raise InputError(f"{path}: is no regular file; allowed: a file")


def is_zip(path: Path) -> bool:
    """Whether a file is meant as a zip, by its name or its first bytes."""
    return path.suffix.lower() == ".zip" or _start(path).startswith(b"PK")


def _start(path: Path) -> bytes:
    _checked(path)
    try:
        with path.open("rb") as file:
            return file.read(6)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def file_bytes(path: Path) -> bytes:
    """Return a file's bytes, unpacked if it is gzip.

    Raises:
        InputError: if it cannot be read, is damaged, unpacks to too much, or is packed in another way.
    """
    start = _start(path)
    if start.startswith((b"7z\xbc\xaf", b"\xfd7zXZ", b"BZh", b"(\xb5/\xfd")):
        raise InputError(f"{path}: packed in a way that is not read; allowed: plain text, .gz or .zip")
    try:
        if not start.startswith(b"\x1f\x8b"):
            return path.read_bytes()
        with gzip.open(path) as source:
            return unpacked(source, path.stat().st_size, str(path))
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path}: not a readable gzip file ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _inside(names: Iterable[str]) -> Iterator[str]:
    """Names of files, without a Mac's resource forks."""
    return (name for name in names if not name.startswith("__MACOSX/") and not name.endswith("/"))


def zip_members(path: Path, kinds: tuple[str, ...]) -> dict[str, tuple[str, bytes]]:
    """Return the csv files inside a zip whose names hold `_KIND_`: kind -> (name for messages, bytes).

    A kind that is not there is left out.

    Raises:
        InputError: if there are two of a kind, or the zip cannot be read or unpacks to too much.
    """
    found: dict[str, tuple[str, bytes]] = {}
    _checked(path)
    try:
        with zipfile.ZipFile(path) as archive:
            inside = list(_inside(archive.namelist()))
            for kind in kinds:
                names = [n for n in inside if f"_{kind}_" in n and n.endswith(".csv")]
                if len(names) > 1:
                    raise InputError(f"{path}: {len(names)} {kind} files; expected exactly one *_{kind}_*.csv")
                for name in names:
                    with archive.open(name) as source:
                        size = archive.getinfo(name).compress_size
                        found[kind] = f"{path}:{name}", unpacked(source, size, f"{path}:{name}")
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        # RuntimeError: the zip is encrypted, or compressed in a way that Python does not know.
        raise InputError(f"{path}: not a readable zip file ({error})") from None
    return found
