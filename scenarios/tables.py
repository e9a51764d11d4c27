"""The base of all tables of a scenario file, and the kinds of numbers in them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

__all__ = ["AboveZero", "AtLeastZero", "EventBase", "Finite", "Name", "Table", "WholeAtLeastZero", "time_ns", "wrong"]

Name = Annotated[str, Field(min_length=1, max_length=64)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
AtLeastZero = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]
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


def time_ns(time: dt.time) -> int:
    """Return a time of day in ns since midnight."""
    seconds = (time.hour * 60 + time.minute) * 60 + time.second
    return (seconds * 1_000_000 + time.microsecond) * 1000


def wrong(key: str, value: Any, allowed: str) -> PydanticCustomError:
    """Return an error about one key of a table, for a validator that looks at several."""
    return PydanticCustomError("wrong_key", "wrong value", {"key": key, "bad": value, "allowed": allowed})
