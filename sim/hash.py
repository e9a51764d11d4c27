"""The tape hash: SHA-256 over the rows' little-endian bytes in order, whatever the buffers and part files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from lob.types import EVENT

__all__ = ["TapeHash", "hash_tape"]


class TapeHash:
    """A sink that hashes every row; EVENT has no padding and a fixed byte order, so its bytes are canonical."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def __call__(self, rows: np.ndarray[Any, Any]) -> None:
        """Take a stretch of rows."""
        if rows.dtype != EVENT:
            raise TypeError(f"rows have dtype {rows.dtype}; needed: lob.types.EVENT")
        self._digest.update(np.ascontiguousarray(rows).view(np.uint8).data)

    def hexdigest(self) -> str:
        """Return the hash of all rows so far; more rows may follow."""
        return self._digest.hexdigest()


def hash_tape(folder: Path | str) -> str:
    """Return the hash of a stored tape, read part by part.

    Raises:
        InputError: if the folder holds no tape or a part cannot be read.
    """
    from sim.writer import read_parts

    digest = TapeHash()
    for rows in read_parts(folder):
        digest(rows)
    return digest.hexdigest()
