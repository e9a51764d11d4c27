"""`outcry scenarios`: what the library holds."""

from __future__ import annotations

from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """List the scenarios that come with Outcry."""
    import tomllib

    from scenarios.schema.load import library

    console_beside(as_json, as_csv)  # not both
    found = library()
    rows = [
        {"name": name, "description": tomllib.loads(path.read_text("utf-8")).get("description", "")}
        for name, path in found.items()
    ]
    if told_to_programs(as_json, as_csv, {"scenarios": rows}, rows):
        return
    width = max(map(len, found), default=0)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['description']}")
