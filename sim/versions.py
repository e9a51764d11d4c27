"""Which versions ran: for `outcry version` and for the summary of a run."""

from __future__ import annotations

import importlib.metadata
import platform

__all__ = ["version", "versions"]

_LIBRARIES = ("numpy", "numba", "polars", "pydantic")


def version() -> str:
    """Return the version of Outcry; 0+source when it runs from a checkout that is not installed."""
    try:
        return importlib.metadata.version("outcry-sim")
    except importlib.metadata.PackageNotFoundError:
        return "0+source"


def versions() -> dict[str, str]:
    """Return the versions of Outcry, Python and the libraries that a tape could depend on."""
    found = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"outcry-sim": version(), "sources": sources(), "python": platform.python_version(), **found}


def sources() -> str:
    """Return the key of what decides in a market: the sources of lob, sim and agents, and numba and numpy."""
    from lob.kernel_cache import cache_folder

    return cache_folder("agents").name


def changed_versions(before: dict[str, str], then: str = "then", now: str = "now") -> str:
    """Return what differs between the versions of a former run and these, in words; nothing if they are the same.

    Args:
        before: of the former run, or of another machine.
        then: in words, where those versions were found.
        now: where these are.
    """
    here = versions()
    names = [name for name in here if name in before and before[name] != here[name]]
    return ", ".join(f"{name} {before[name]} {then} and {here[name]} {now}" for name in names)
