"""The bytes of recorded data on disk: plain, packed, or inside an archive, read piece by piece up to a stated limit."""

from __future__ import annotations

import gzip
import importlib
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from lob.errors import InputError

__all__ = [
    "FREE_BYTES", "MAX_BYTES", "MAX_RATIO", "Source", "archive_members", "file_bytes", "file_start", "is_archive",
    "opened", "opened_member", "unpacked",
]  # fmt: skip

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
    bounded = _Bounded(source, compressed, where)
    return b"".join(iter(lambda: bounded.read(PIECE), b""))


def _checked(path: Path) -> None:
    """Raise InputError unless the path is a file; a device or a pipe would be waited for."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; allowed: a file")
    if not path.exists():
        raise InputError(f"{path}: not found")
    if not path.is_file():
        raise InputError(f"{path}: is no regular file; allowed: a file")


ZIP, SEVEN_ZIP, GZIP, ZSTANDARD = b"PK", b"7z\xbc\xaf", b"\x1f\x8b", b"(\xb5/\xfd"


def is_archive(path: Path) -> bool:
    """Whether a file is meant as a zip or 7z, by its name or its first bytes."""
    return path.suffix.lower() in (".zip", ".7z") or file_start(path).startswith((ZIP, SEVEN_ZIP))


def file_start(path: Path, size: int = 6) -> bytes:
    """Return a file's first bytes as they stand on disk.

    Raises:
        InputError: if there is no such file, or it cannot be read.
    """
    _checked(path)
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


class _Bounded:
    """A source that is left as soon as it gives more than a compressed file of its size may."""

    def __init__(self, source: Source, compressed: int, where: str) -> None:
        self._source, self._compressed, self._where = source, compressed, where
        self._n, self._limit = 0, _limit(compressed)

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""
        piece = self._source.read(size)
        self._n += len(piece)
        if self._n > self._limit:
            raise _too_much(self._where, self._compressed)
        return piece


def _too_much(where: str, compressed: int) -> InputError:
    return InputError(
        f"{where}: {compressed} bytes unpack to more than {_limit(compressed)}; allowed: at most {MAX_RATIO} times the "
        f"size (or {FREE_BYTES >> 20} MiB), and {MAX_BYTES >> 30} GiB"
    )


def _package(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise InputError(f"{what} needs the package {name}; install outcry-sim[recordings]") from None


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a file for reading from front to back, unpacked if it is gzip or zstandard.

    Raises:
        InputError: if it cannot be read, is damaged, unpacks to too much, or is packed in another way.
    """
    start = file_start(path)
    if start.startswith((SEVEN_ZIP, ZIP, b"\xfd7zXZ", b"BZh")):
        raise InputError(f"{path}: packed in a way that is not read; allowed: plain text, .gz, .zst, .zip or .7z")
    size = path.stat().st_size
    try:
        if start.startswith(GZIP):
            with gzip.open(path) as source:
                yield _Bounded(source, size, str(path))
        elif start.startswith(ZSTANDARD):
            zstandard = _package("zstandard", f"{path}: zstandard")
            with path.open("rb") as file:
                try:
                    reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
                    yield _Bounded(reader, size, str(path))
                except zstandard.ZstdError as error:
                    raise InputError(f"{path}: not a readable zstandard file ({error})") from None
        else:
            with path.open("rb") as file:
                yield file
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path}: not a readable gzip file ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def file_bytes(path: Path) -> bytes:
    """Return a file's bytes, unpacked as `opened` does.

    Raises:
        InputError: if it cannot be read, is damaged, unpacks to too much, or is packed in another way.
    """
    with opened(path) as source:
        return b"".join(iter(lambda: source.read(PIECE), b""))


def _inside(names: Iterable[str]) -> Iterator[str]:
    """Names of files, without a Mac's resource forks."""
    return (name for name in names if not name.startswith("__MACOSX/") and not name.endswith("/"))


@contextmanager
def _archive(path: Path) -> Iterator[Any]:
    """Open a zip or 7z; every way in which it can be bad is one line."""
    seven = file_start(path).startswith(SEVEN_ZIP)
    if not seven:
        try:
            with zipfile.ZipFile(path) as archive:
                yield archive
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            # RuntimeError: the zip is encrypted, or compressed in a way that Python does not know.
            raise InputError(f"{path}: not a readable zip file ({error})") from None
        return
    py7zr = _package("py7zr", f"{path}: 7z")
    try:
        with py7zr.SevenZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except (py7zr.exceptions.ArchiveError, lzma.LZMAError, OSError, EOFError, ValueError, struct.error) as error:
        raise InputError(f"{path}: not a readable 7z file ({error or type(error).__name__})") from None


def archive_members(path: Path, kinds: tuple[str, ...]) -> dict[str, str]:
    """Return the csv files inside a zip or 7z whose names hold `_KIND_`: kind -> name. A kind may be missing.

    Raises:
        InputError: if there are two of a kind, or the archive cannot be read.
    """
    found: dict[str, str] = {}
    with _archive(path) as archive:
        names = archive.namelist() if isinstance(archive, zipfile.ZipFile) else archive.getnames()
        inside = list(_inside(names))
    for kind in kinds:
        ours = [name for name in inside if f"_{kind}_" in name and name.endswith(".csv")]
        if len(ours) > 1:
            raise InputError(f"{path}: {len(ours)} {kind} files; expected exactly one *_{kind}_*.csv")
        if ours:
            found[kind] = ours[0]
    return found


@contextmanager
def opened_member(path: Path, name: str) -> Iterator[Source]:
    """Open a file inside a zip or 7z for reading from front to back.

    Raises:
        InputError: if it cannot be read or unpacks to too much.
    """
    where = f"{path}:{name}"
    with _archive(path) as archive:
        if isinstance(archive, zipfile.ZipFile):
            with archive.open(name) as source:
                yield _Bounded(source, archive.getinfo(name).compress_size, where)
            return
        packed = path.stat().st_size
        if sum(entry.uncompressed for entry in archive.list() if entry.filename == name) > _limit(packed):
            raise _too_much(where, packed)
        with tempfile.TemporaryDirectory() as folder:
            archive.extract(folder, targets=[name])
            with (Path(folder) / name).open("rb") as file:
                yield file
