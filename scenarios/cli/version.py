"""`outcry version`: what is installed."""

from __future__ import annotations

__all__ = ["command"]


def command() -> None:
    """Print the versions of Outcry, Python and the libraries below."""
    from sim.versions import versions

    for name, version in versions().items():
        print(f"{name} {version}")
