"""`outcry schema`: the JSON Schema of scenario files."""

from __future__ import annotations

__all__ = ["command"]


def command() -> None:
    """Print the JSON Schema of scenario files, the settings of all library kinds included.

    Examples:
        outcry schema
        outcry schema > scenario.schema.json
    """
    import json

    from scenarios.build.json_schema import scenario_schema

    print(json.dumps(scenario_schema(), indent=2))
