"""One Parquet part of a tape, read and checked: what a foreign or damaged file holds is told in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from lob.errors import InputError
from lob.types import EVENT

__all__ = ["check_columns", "read_part"]

_NAMES = tuple(EVENT.names or ())
# A panic inside polars is how some damaged pages show.
_UNREADABLE = (OSError, MemoryError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


def _told(path: Path, error: BaseException) -> InputError:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return InputError(f"{path}: not a readable part of a tape ({reason})")


def check_columns(path: Path) -> None:
    """Check that a Parquet file has a tape's columns, all of them whole numbers, from its footer alone.

    Raises:
        InputError: naming the file, the column and what is allowed.
    """
    try:
        schema = pl.read_parquet_schema(path)
    except _UNREADABLE as error:
        raise _told(path, error) from None
    missing = [name for name in _NAMES if name not in schema]
    if missing:
        raise InputError(f"{path}: no column {missing[0]}; a tape has the columns {', '.join(_NAMES)}")
    for name in _NAMES:
        if not schema[name].is_integer():
            raise InputError(f"{path}: column {name} is of type {schema[name]}; allowed: whole numbers")


def read_part(path: Path) -> pl.DataFrame:
    """Return the columns of EVENT as they are in one part, with values that fit EVENT's fields.

    Raises:
        InputError: naming the file, and column and row where one is at fault.
    """
    check_columns(path)
    try:
        frame = pl.read_parquet(path, columns=list(_NAMES))
    except _UNREADABLE as error:
        raise _told(path, error) from None
    for name in _NAMES:
        column, field = frame[name], np.iinfo(EVENT[name])
        if column.null_count():
            row = int(column.is_null().arg_max() or 0)
            raise InputError(f"{path}, row {row + 1}: {name} is empty; allowed: a whole number")
        values = column.to_numpy()
        beyond = (values < int(field.min)) | (values > int(field.max))
        if beyond.any():
            row = int(np.argmax(beyond))
            raise InputError(f"{path}, row {row + 1}: {name} = {values[row]}; allowed: {field.min} to {field.max}")
    return frame
