"""Files that are whole under their name or not there at all: written under another one, put on the disk, renamed."""

from __future__ import annotations

import errno
import io
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lob.errors import InputError, OutcryError, RunError

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "is_temporary",
    "remove_temporaries",
    "temporary_name",
    "whole_file",
    "write_atomically",
    "write_error",
    "write_parquet",
]


def write_error(path: Path, error: OSError) -> OutcryError:
    """Return the error that tells a user in one line why a file could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError(f"{path}: the disk is full; what was complete before is kept")
    reason = (error.strerror or str(error)).lower()
    return InputError(f"{path}: cannot be written ({reason}); allowed: a writable folder")


_TEMPORARY = re.compile(r".+\.[0-9a-f]{12}\.tmp")


def temporary_name(path: Path) -> Path:
    """Return a name beside `path` that nobody else uses, for what gets the name `path` when it is complete."""
    return path.with_name(f"{path.name}.{secrets.token_hex(6)}.tmp")


def is_temporary(path: Path) -> bool:
    """Whether a name is one of `temporary_name`."""
    return _TEMPORARY.fullmatch(path.name) is not None


def remove_temporaries(folder: Path) -> None:
    """Delete the files that interrupted writes left in a folder; only where nobody else writes meanwhile."""
    for path in folder.glob("*.tmp"):
        if is_temporary(path) and path.is_file():
            path.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing under a temporary name; at the end put it on the disk and rename it.

    The file is whole or not there, and at no time there is another one under a name that two writers could share.

    Raises:
        RunError: if the disk is full.
        InputError: if the folder cannot be written to.
    """
    temporary = temporary_name(path)
    try:
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise write_error(path, error) from None


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write a file under a temporary name, put it on the disk and rename it: it is whole or not there.

    Raises:
        RunError: if the disk is full.
        InputError: if the folder cannot be written to.
    """
    with whole_file(path) as file:
        file.write(data)


def write_parquet(path: Path, frame: pl.DataFrame, **options: Any) -> None:
    """Write a table as a Parquet file that is whole or not there.

    Args:
        path: of the file.
        frame: the table.
        options: of `polars.DataFrame.write_parquet`.

    Raises:
        RunError: if the disk is full.
        InputError: if the folder cannot be written to.
    """
    # Made in memory: a full disk is then an error of our own writing, with a name, not one from within polars.
    buffer = io.BytesIO()
    frame.write_parquet(buffer, **options)
    with buffer.getbuffer() as data:
        write_atomically(path, data)
