"""A file that is written piece by piece under a temporary name and has its own only when it is complete."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from sim.files.atomic import temporary_name, write_error

__all__ = ["GrowingFile"]

GZIP = 16 + zlib.MAX_WBITS
"""Window of a gzip stream; zlib writes no time into its header."""


class GrowingFile:
    """An output file; one whose name ends in .gz is gzip, the same bytes for the same data.

    Args:
        path: its name once it is complete.

    Raises:
        InputError: if it cannot be written.
        RunError: when the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = temporary_name(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._temporary.open("wb")
            self._gzip = zlib.compressobj(wbits=GZIP) if path.suffix == ".gz" else None
        except OSError as error:
            raise write_error(path, error) from None

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        try:
            self._file.write(data if self._gzip is None else self._gzip.compress(data))
        except OSError as error:
            self.discard()
            raise write_error(self.path, error) from None

    def close(self) -> Path:
        """Give the file its name and return it."""
        try:
            if self._gzip is not None:
                self._file.write(self._gzip.flush())
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(self.path)
        except OSError as error:
            self.discard()
            raise write_error(self.path, error) from None
        return self.path

    def discard(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)
