"""Methods that results had in 0.1: functions take the results now, and the methods go in 0.3."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["function_of_result"]


def function_of_result(name: str) -> Callable[..., Any]:
    """Return the method that calls the function of a name in pages.py, with a DeprecationWarning."""

    def method(result: Any, *arguments: Any, **named: Any) -> Any:
        new = f"scenarios.experiments.{name}"
        warnings.warn(
            f"{type(result).__name__}.{name}(...) is now {new}(result, ...); the method goes in 0.3",
            DeprecationWarning,
            stacklevel=2,
        )
        # By name: pages.py knows the results, so that they cannot import it.
        return getattr(import_module("scenarios.experiments.pages"), name)(result, *arguments, **named)

    method.__name__ = name
    method.__doc__ = f"Do what `scenarios.experiments.{name}` does; deprecated."
    return method
