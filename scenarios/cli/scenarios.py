"""`outcry scenarios`: what the library holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    name: Annotated[str | None, typer.Argument(help="One of them: shows its claim and its file.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List the scenarios that come with Outcry; with a NAME what it claims, and its file.

    The file's text goes to standard output by itself, so that it can be kept: see the examples.

    Examples:
        outcry scenarios
        outcry scenarios flash_crash > my_crash.toml
    """
    from lob.errors import InputError
    from scenarios.schema.load import library, nearest

    console = console_beside(as_json, as_csv)  # not both
    found = library()
    if name is not None and name not in found:
        raise InputError(f"{name}: no such scenario{nearest(name, list(found))}; allowed: {', '.join(found)}")
    rows = [_row(one, path.read_text("utf-8")) for one, path in found.items() if name in (None, one)]
    if name is not None:
        text = found[name].read_text("utf-8")
        if not told_to_programs(as_json, as_csv, {**rows[0], "text": text}, rows):
            console.stderr = True  # the file is what may be piped on
            console.print(f"{name}: {rows[0]['description']}", style="bold", soft_wrap=True)
            console.print(f"Claim: {rows[0]['claim']}\n", soft_wrap=True)
            print(text, end="")
        return
    if told_to_programs(as_json, as_csv, {"scenarios": rows}, rows):
        return
    width = max(map(len, found), default=0)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['description']}")


def _row(name: str, text: str) -> dict[str, Any]:
    """Return what a file says of itself: its description, and what it claims, the first paragraph of comment."""
    import itertools
    import tomllib

    lines = text.splitlines()
    first = next((k for k, line in enumerate(lines) if line.startswith("#")), len(lines))
    claim = itertools.takewhile(bool, (line.removeprefix("#").strip() for line in lines[first:]))
    return {"name": name, "description": tomllib.loads(text).get("description", ""), "claim": " ".join(claim)}
