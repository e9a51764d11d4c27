"""Numbers that users hand to environments: whole, in range, or refused in one line. Needs no Gymnasium."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from lob.errors import InputError

__all__ = ["LAST_SEED", "check_same_step", "checked_actions", "market_seed", "numbers_of", "steps_limit", "whole"]

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


def check_same_step(envs: Any) -> None:
    """Refuse a vector environment whose episodes do not follow one another at once: algorithms need the last look."""
    mode = getattr(envs, "metadata", {}).get("autoreset_mode")
    if mode is not None and mode.value != "SameStep":
        raise InputError(f"autoreset_mode = {mode.value}; allowed: SameStep, for training")


def checked_actions(n_continuous: int, n_actions: int, n: int, actions: Any) -> Any:
    """Return the actions of n learners as float64 (n, numbers of an action); raise InputError for what is none.

    Where an action is one number, shapes (n,) and (n, 1) are the same.
    """
    allowed = "numbers in -1..1" if n_continuous else f"whole numbers 0 to {n_actions - 1}"
    values = numbers_of("actions", actions, allowed)
    shape = (n, n_continuous) if n_continuous else (n,)
    if values.shape in ((n,), (n, 1)) and n_continuous <= 1:
        values = values.reshape(shape)
    if values.shape != shape:
        raise InputError(f"actions: shape {values.shape}; allowed: {shape}")
    if n_continuous:
        bad = ~(np.abs(values) <= 1.0)
    else:
        bad = ~((values >= 0) & (values < n_actions) & (values == np.floor(values)))
    if bad.any():
        first = np.argwhere(bad)[0]
        raise InputError(f"actions{first.tolist()} = {values[tuple(first)]}; allowed: {allowed}")
    return values.reshape(n, -1)


def numbers_of(what: str, given: Any, allowed: str) -> np.ndarray[Any, Any]:
    """Return real numbers as float64; a text is none, even if a number stands in it."""
    try:
        values = np.asarray(given)
    except ValueError:  # rows of unequal length
        raise InputError(f"{what} = {given!r}: rows of unequal length; allowed: {allowed}") from None
    if values.dtype.kind not in "biuf":
        raise InputError(f"{what} = {given!r}; allowed: {allowed}")
    return values.astype(np.float64)
