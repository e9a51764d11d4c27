"""`outcry scenarios`: what the library holds."""

from __future__ import annotations

__all__ = ["command"]


def command() -> None:
    """List the scenarios that come with Outcry."""
    import tomllib

    from scenarios.schema.load import library

    found = library()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        description = tomllib.loads(path.read_text("utf-8")).get("description", "")
        print(f"{name:<{width}}  {description}")
