"""The tape's buffer: a block with a small header and EVENT rows, filled by the exchange and emptied by a writer."""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.blocks import allocate, element_of, header_of
from lob.types import EVENT

__all__ = ["TAPE", "new_tape", "row_at", "rows_of"]

TAPE: np.dtype[Any] = np.dtype(
    [
        ("off_rows", "<i8"),
        ("capacity", "<i8"),
        ("cursor", "<i8"),  # rows written so far
        ("executions_only", "<i8"),  # 1: write EXECUTE rows only, as engines without a tape do
        ("extended", "<i8"),  # address of lob.extended's entry in this process, 0: not asked for so far
        ("asked", "<i8"),  # 1: a message was for lob.extended, whose address is not there
        ("resuming", "<i8"),  # 1: go on with the stops that the last message has elected
    ]
)

row_at = element_of(TAPE, "off_rows", EVENT)


def new_tape(capacity: int, executions_only: bool = False) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Any]:
    """Return the block and the header record of an empty buffer of `capacity` rows."""
    start = 64
    block = allocate(start + capacity * EVENT.itemsize)
    tape = header_of(block, TAPE)
    tape["off_rows"] = start
    tape["capacity"] = capacity
    tape["executions_only"] = executions_only
    return block, tape


def rows_of(block: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, Any]:
    """Return the rows written so far as an EVENT array: a view, overwritten when the cursor is reset."""
    tape = header_of(block, TAPE)
    start, count = int(tape["off_rows"]), int(tape["cursor"])
    return block[start : start + count * EVENT.itemsize].view(EVENT)
