"""What people put into the fields of an order, as the integers of a message, or refused: nothing is cut to fit."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from lob.errors import FieldError
from lob.types import BUY, SELL, TimeInForce

__all__ = ["INT32", "INT64", "side_of", "time_in_force_of", "truth", "whole"]

INT32 = 2**31 - 1
INT64 = 2**63 - 1
_SIDES: dict[Any, int] = {"buy": BUY, "sell": SELL}


def whole(name: str, value: Any, low: int | None = None, high: int | None = None, where: str = "") -> int:
    """Return a whole number as an int: an int, a NumPy integer, or a float without a fraction.

    Args:
        name: of the field, for the error.
        value: what was given.
        low: least value allowed; None: no bound.
        high: largest value allowed; None: no bound.
        where: what the field belongs to, in front of the error.

    Raises:
        FieldError: if the value is no number, not whole, or out of range.
    """
    number = value if type(value) is int else _as_int(value)
    if number is None or (low is not None and number < low) or (high is not None and number > high):
        shown = (
            f"an integer of {number.bit_length()} bits" if number and number.bit_length() > 128 else repr(value)[:40]
        )
        bounds = "" if low is None else f" from {low}" + ("" if high is None else f" to {high}")
        raise FieldError(f"{where}{name} = {shown}; allowed: whole numbers{bounds}")
    return number


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool | np.bool):
        return None
    if isinstance(value, float | np.floating):
        return int(value) if float(value).is_integer() else None
    try:
        return operator.index(value)
    except TypeError:
        return None


def truth(name: str, value: Any) -> bool:
    """Return a truth value; raise FieldError for anything else, such as the string "no"."""
    if not isinstance(value, bool | np.bool):
        raise FieldError(f"{name} = {value!r}; allowed: True, False")
    return bool(value)


def side_of(side: Any) -> int:
    """Return BUY or SELL for "buy" or "sell"; raise FieldError for anything else."""
    if not isinstance(side, str) or side not in _SIDES:
        raise FieldError(f"side = {side!r}; allowed: 'buy', 'sell'")
    return _SIDES[side]


def time_in_force_of(value: Any, *, with_time: bool = True) -> int:
    """Return the code of a TimeInForce or of its name; raise FieldError for anything else.

    GTD is allowed only where a time can be given.
    """
    if not with_time and value in ("GTD", TimeInForce.GTD):
        raise FieldError("time_in_force = 'GTD' needs a time: send it with expires_ns, which makes it GTD")
    if isinstance(value, str) and value in TimeInForce.__members__:
        return int(TimeInForce[value])
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) in tuple(TimeInForce):
        return int(value)
    raise FieldError(f"time_in_force = {value!r}; allowed: {', '.join(TimeInForce.__members__)}")
