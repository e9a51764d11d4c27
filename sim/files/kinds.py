"""What a file is, by its content: so that a file given to the wrong command is told by what it is."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from lob.errors import InputError

__all__ = ["MAX_UNPACKED_BYTES", "check_archive", "what_it_is"]

MAX_UNPACKED_BYTES = 16 * 2**30
"""Of all files of an archive together; a year's busiest day of a LOBSTER stock has a tenth of it."""
_STARTS = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive, as stable-baselines3 and torch save models",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet table",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x7fELF": "a program",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"OUTCRY-SNAPSHOT": "a snapshot of a run",
    b"DBN": "a DBN file",
    b"GGUF": "a GGUF model",
    b"\x80": "a pickle",
    b"<!doctype html": "an HTML page",
}
_MAX_HEADER = 10**7


def what_it_is(path: Path | str) -> str:
    """Return in words what a file holds, as far as its beginning shows; "another file" if it shows nothing."""
    place = Path(path)
    if place.is_dir():
        return "a run folder" if (place / "summary.json").is_file() else "a folder"
    if not place.is_file():
        return "no regular file" if place.exists() else "no file"
    try:
        with place.open("rb") as file:
            head = file.read(64)
            size = int.from_bytes(head[:8], "little")
            header = (head + file.read(size))[8 : 8 + size] if head[8:9] == b"{" and size <= _MAX_HEADER else b""
    except OSError:
        return "a file that cannot be read"
    if not head:
        return "an empty file"
    if header:
        return _weights(header)
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), "another file")


def _weights(header: bytes) -> str:
    """Return what a safetensors file holds."""
    try:
        metadata = json.loads(header).get("__metadata__") or {}
    except (ValueError, AttributeError, RecursionError):
        return "another file"
    if "outcry_flow" in metadata:
        return "the weights of a learned order flow (outcry train flow)"
    if "task" in metadata:
        return f"the weights of a policy for {metadata['task']} (outcry train rl)"
    return "a safetensors file without a description of ours"


def check_archive(path: Path | str, where: str = "") -> None:
    """Refuse an archive that would unpack to more than a machine holds; what is no archive passes.

    Args:
        path: the file.
        where: stands before its name in the message.

    Raises:
        InputError: if it is a zip whose files are larger than MAX_UNPACKED_BYTES together.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return  # told better by whoever reads it
    if unpacked > MAX_UNPACKED_BYTES:
        raise InputError(
            f"{where}{path}: would unpack to {unpacked / 2**30:,.0f} GiB; allowed: {MAX_UNPACKED_BYTES / 2**30:.0f} GiB"
        )
