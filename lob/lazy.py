"""Public names of a package, loaded on first use: who asks for help does not wait for the compiler."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names", "moved_names"]


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package's `__init__` (PEP 562).

    Args:
        package: its `__name__`.
        homes: the public names that each module below the package lends, with spaces between.

    Example:
        >>> __getattr__, __dir__ = lazy_names("lob", {"rules": "Instrument", "api": "Level OrderBook"})
        >>> __dir__()
        ['Instrument', 'Level', 'OrderBook']
        >>> __getattr__("OrderBook").__module__
        'lob.api'
    """
    home = {name: module for module, names in homes.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home[name]}"), name)

    return get, lambda: sorted(home)


def moved_names(
    module: str, homes: Mapping[str, str], otherwise: Callable[[str], Any] | None = None
) -> Callable[[str], Any]:
    """Return a `__getattr__` under which names of a former version are still found, with a warning.

    Args:
        module: its `__name__`.
        homes: "module:NAME" of today for each former name.
        otherwise: what finds the names of today.
    """

    def get(name: str) -> Any:
        if name in homes:
            home, _, now = homes[name].partition(":")
            told = f"{module}.{name} is now {home}.{now}; the old name goes in 0.3"
            warnings.warn(told, DeprecationWarning, stacklevel=2)
            return getattr(import_module(home), now)
        if otherwise is not None:
            return otherwise(name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return get
