"""Tape rows in memory: one stretch without a gap, cut where a market goes back to an earlier state."""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.types import EVENT

__all__ = ["KeptRows"]

Rows = np.ndarray[Any, Any]


class KeptRows:
    """A stretch of a market's tape.

    Attributes:
        first_row: rows that were written before the stretch.
    """

    def __init__(self) -> None:
        self.first_row = 0
        self._parts: list[Rows] = []

    @property
    def rows(self) -> Rows:
        """The stretch, an EVENT array."""
        if not self._parts:
            return np.empty(0, EVENT)
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    def add(self, rows: Rows, n_rows: int) -> None:
        """Take a copy of the last of `n_rows` rows written so far.

        If rows before them went elsewhere, the stretch begins anew: a tape with a hole would be taken for whole.
        """
        first = n_rows - len(rows)
        if self.first_row + sum(map(len, self._parts)) != first:
            self._parts, self.first_row = [], first
        self._parts.append(rows.copy())

    def go_to(self, n_rows: int, last_row: bytes) -> None:
        """Keep what led to a state of so many rows with this last one; nothing if it is the state of another course."""
        kept = self.rows[: max(0, n_rows - self.first_row)]
        is_complete = self.first_row + len(kept) == n_rows
        if not is_complete or (len(kept) and kept[-1].tobytes() != last_row):
            self._parts, self.first_row = [], n_rows
        elif len(kept) < len(self.rows):
            self._parts = [kept.copy()]
