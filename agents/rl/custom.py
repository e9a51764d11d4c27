"""Rewards and observations of a user's own: plain functions of arrays, called once a step for all learners together.

    def my_reward(before, after, over):            # facts at the last decision and now, by name, each of shape (n,)
        return after["cash_ticks"] - before["cash_ticks"] - 0.1 * abs(after["position_lots"])

    def my_observation(features, facts):           # FEATURES (or those chosen) and FACTS by name, each of shape (n,)
        return np.stack([features["spread"], features["inventory"] ** 2], axis=1)

A reward that remembers something is an object with `__call__` and `reset(which)`, which is told at the beginning of an
episode which learners (a slice of 0..n) begin it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from agents.rl._stepping import FACTS
from lob.errors import InputError, OutcryError, RunError

__all__ = ["Observation", "RewardFunction", "by_name", "name_of", "observed", "rewarded"]

RewardFunction = Callable[[Any, Any, Any], Any]
Observation = Callable[[Any, Any], Any]


def name_of(function: Any) -> str:
    """Return `module:name` of a user's function."""
    kind = function if hasattr(function, "__qualname__") else type(function)
    return f"{kind.__module__}:{kind.__qualname__}"


def by_name(rows: Any, names: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return rows of shape (n, names) as a structured array of shape (n,), a copy."""
    values = np.array(rows, order="C")
    return values.view(np.dtype([(name, values.dtype) for name in names]))[:, 0]


def rewarded(function: RewardFunction, before: Any, after: Any, over: Any) -> np.ndarray[Any, Any]:
    """Return the n rewards of a user's function of facts, shape (n, facts) each.

    Raises:
        RunError: if it fails.
        InputError: if what it returns is not one finite number a learner.
    """
    found = _called("reward", function, by_name(before, FACTS), by_name(after, FACTS), np.array(over))
    n = len(over)
    if found.shape != (n,) or not np.isfinite(found).all():
        raise InputError(f"reward {name_of(function)} returned {_what(found)}; allowed: {n} finite numbers, "
                         "one for each learner")  # fmt: skip
    return found


def observed(
    function: Observation, features: Any, names: Sequence[str], facts: Any, *, only_shape: bool = False
) -> np.ndarray[Any, Any]:
    """Return what a user's function observes of n learners, float32 (n, width).

    With `only_shape` the arguments are zeros that no market has shown, and the values may be anything.

    Raises:
        RunError: if it fails.
        InputError: if what it returns is not a row of finite numbers for each learner.
    """
    with np.errstate(all="ignore" if only_shape else None):
        found = _called("observation", function, by_name(features, names), by_name(facts, FACTS))
    n = len(features)
    known = only_shape or np.isfinite(found).all()
    if found.ndim != 2 or len(found) != n or found.shape[1] == 0 or not known:
        raise InputError(f"observation {name_of(function)} returned {_what(found)}; allowed: finite numbers of shape "
                         f"({n}, width)")  # fmt: skip
    return found.astype(np.float32)


def _called(what: str, function: Any, *arguments: Any) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(function(*arguments), np.float64)
    except OutcryError:
        raise
    except Exception as error:
        raise RunError(f"{what} {name_of(function)} failed: {error!r}") from error


def _what(found: np.ndarray[Any, Any]) -> str:
    return f"an array of shape {found.shape}" + ("" if np.isfinite(found).all() else " that is not finite")
