"""The base of all tables of a scenario file, and the kinds of numbers in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

__all__ = [
    "AboveZero",
    "AtLeastZero",
    "ClockTime",
    "EventBase",
    "FilePath",
    "Finite",
    "Name",
    "Seconds",
    "Table",
    "Text",
    "TickAmount",
    "WholeAtLeastZero",
    "row_path",
    "wrong",
]

MAX_TICKS = 2**30
"""Of a price, or of a difference of two; a message holds twice as much."""


def _printable(text: str) -> str:
    # A name stands in tables, file names and terminals: no NUL, no line end, nothing that turns the text around.
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "a text without control characters")
    return text


def _written(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\t" for c in text):
        raise PydanticCustomError("not_printable", "a text without control characters")
    return text


def _without_offset(time: dt.time) -> dt.time:
    if time.tzinfo is not None:
        raise PydanticCustomError(
            "offset", "a time of the exchange's own clock, without a UTC offset, such as 09:30:00"
        )
    return time


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
Text = Annotated[str, AfterValidator(_written)]
FilePath = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_printable)]
ClockTime = Annotated[dt.time, AfterValidator(_without_offset)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
AtLeastZero = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]
TickAmount = Annotated[float, Field(ge=-MAX_TICKS, le=MAX_TICKS, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=1e8, allow_inf_nan=False)]
"""A stretch of time: up to three years, which the clock's nanoseconds still hold."""
WholeAtLeastZero = Annotated[int, Field(ge=0, le=2**62)]


class Table(BaseModel):
    """Base of all tables: frozen; a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class EventBase(Table):
    """What all events have in common."""

    name: Name | None = None
    """For `--set event.NAME.enabled=false` and the like."""
    enabled: bool = True
    """Without it the event stays in the file and does not happen."""


def wrong(key: str, value: Any, allowed: str) -> PydanticCustomError:
    """Return an error about one key of a table, for a validator that looks at several."""
    return PydanticCustomError("wrong_key", "wrong value", {"key": key, "bad": value, "allowed": allowed})


def row_path(table: str, k: int, names: Sequence[Any]) -> str:
    """Return how a message names row k of a table: by its name, as an override does, or by its number without one.

    Args:
        table: as in "population".
        k: number of the row, from 0.
        names: of all rows; what is no plain name, or stands there twice, names nobody.
    """
    name = names[k]
    is_plain = isinstance(name, str) and re.fullmatch(r"[A-Za-z_][\w -]{0,60}", name) is not None
    return f"{table}.{name}" if is_plain and list(names).count(name) == 1 else f"{table}[{k}]"
