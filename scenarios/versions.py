"""Which versions ran: for `outcry version` and for the summary of a run."""

from __future__ import annotations

import importlib.metadata
import platform

__all__ = ["version", "versions"]

_LIBRARIES = ("numpy", "numba", "polars", "pydantic")


def version() -> str:
    """Return the version of Outcry; 0+source when it runs from a checkout that is not installed."""
    try:
        return importlib.metadata.version("openoutcry")
    except importlib.metadata.PackageNotFoundError:
        return "0+source"


def versions() -> dict[str, str]:
    """Return the versions of Outcry, Python and the libraries that a tape could depend on."""
    found = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"openoutcry": version(), "python": platform.python_version(), **found}
