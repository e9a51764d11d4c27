"""Numbers that users hand to environments: whole, in range, or refused in one line."""

from __future__ import annotations

import operator
from typing import Any

from lob.errors import InputError

__all__ = ["LAST_SEED", "market_seed", "steps_limit", "whole"]

LAST_SEED = 2**63 - 1
"""As in scenario files."""


def whole(value: Any, what: str, least: int, most: int | None = None) -> int:
    """Return a whole number of any integer type as an int.

    Raises:
        InputError: if it is none, or out of range.
    """
    allowed = f"a whole number, at least {least}" if most is None else f"a whole number, {least} to {most}"
    try:
        found = operator.index(value)
    except TypeError:
        raise InputError(f"{what} = {value!r}; allowed: {allowed}") from None
    if found < least or (most is not None and found > most):
        raise InputError(f"{what} = {found}; allowed: {allowed}")
    return found


def market_seed(seed: Any, what: str = "seed") -> int:
    """Return the seed of a market as an int; raise InputError if it is none."""
    return whole(seed, what, 0, LAST_SEED)


def steps_limit(max_steps: Any) -> int | None:
    """Return the largest number of steps of an episode, None for no limit; raise InputError if it is neither."""
    return None if max_steps is None else whole(max_steps, "max_steps", 1)
