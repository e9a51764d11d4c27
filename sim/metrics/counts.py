"""How often each thing happened: rows by kind, messages, rejects by reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.types import EventKind, Flag, Reject

__all__ = ["TapeCounts"]


class TapeCounts:
    """A sink that counts the rows of all symbols."""

    def __init__(self) -> None:
        self._kinds = np.zeros(256, np.int64)
        self._reasons = np.zeros(256, np.int64)
        self.n_rows = 0
        self.n_messages = 0
        self.volume_lots = 0

    def __call__(self, rows: np.ndarray[Any, Any]) -> None:
        """Take a stretch of rows."""
        kinds = rows["kind"]
        self._kinds += np.bincount(kinds, minlength=256)
        self._reasons += np.bincount(rows["reason"][kinds == EventKind.REJECT], minlength=256)
        self.n_rows += len(rows)
        self.n_messages += int(np.count_nonzero(rows["flags"] & Flag.FIRST))
        traded = rows["qty_lots"][kinds == EventKind.EXECUTE]
        self.volume_lots += int(traded.sum(dtype=np.int64))

    @property
    def by_kind(self) -> dict[str, int]:
        """Rows of each kind that occurred."""
        return {k.name.lower(): int(self._kinds[k]) for k in EventKind if self._kinds[k]}

    @property
    def rejects(self) -> dict[str, int]:
        """Refused messages by reason, most frequent first."""
        found = {r.name.lower(): int(self._reasons[r]) for r in Reject if self._reasons[r]}
        return dict(sorted(found.items(), key=lambda item: -item[1]))
