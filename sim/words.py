"""The codes of a tape's columns as words, the same wherever a tape is looked at as a table.

Parquet parts keep codes, which are small and never change; `in_words` turns a table of them into words. Every door to a
tape does the same: `Market.frame()`, `sim.writer.scan_tape`, `in_words(pl.scan_parquet("data/tape"))`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import polars as pl

from lob.types import EVENT, NO_PRICE, EventKind, Phase, Reject

__all__ = ["WORDS", "frame_of", "in_words"]

WORDS: dict[str, dict[int, str]] = {
    "kind": {int(k): k.name.lower() for k in EventKind},
    "phase": {int(k): k.name.lower() for k in Phase},
    "side": {1: "buy", -1: "sell"},
    "reason": {int(k): k.name.lower() for k in Reject if k},
}
"""The words of each column; a code that is not there is null: no side, no reason."""
PRICES = ("price_ticks", "bid_ticks", "ask_ticks")

AnyFrame = TypeVar("AnyFrame", pl.DataFrame, pl.LazyFrame)


def in_words(table: AnyFrame) -> AnyFrame:
    """Return tape rows with words for kind, phase, side and reason, and null where a side of the book is empty.

    Args:
        table: rows of a tape, or some of its columns, as `pl.scan_parquet` or `pl.read_parquet` gives them; columns
            that are in words already stay.

    Example:
        >>> import polars as pl
        >>> in_words(pl.DataFrame({"kind": [1, 5], "side": [-1, 1], "bid_ticks": [99, -(2**31)]})).rows()
        [('add', 'sell', 99), ('execute', 'buy', None)]
    """
    schema = table.collect_schema()
    changed = [
        pl.col(name).replace_strict(words, default=None, return_dtype=pl.String)
        for name, words in WORDS.items()
        if name in schema and schema[name].is_integer()
    ]
    changed += [pl.when(pl.col(name) != NO_PRICE).then(pl.col(name)).alias(name) for name in PRICES if name in schema]
    return table.with_columns(changed)


def frame_of(rows: np.ndarray[Any, Any], words: bool = True) -> pl.DataFrame:
    """Return tape rows, dtype EVENT, as a table of EVENT's columns, in words or in codes.

    `.to_pandas()` and `.to_arrow()` of it need the extra `frames`.
    """
    table = pl.DataFrame({name: np.ascontiguousarray(rows[name]) for name in EVENT.names or ()})
    return in_words(table) if words else table
