"""Tables for programs: `--json` and `--csv` of every command that prints one.

Standard output then holds one JSON document, or one CSV table, and nothing else: numbers in full, null or nothing for
what is not known. Progress and remarks go to standard error; the exit status is the same.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lob.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["CsvOption", "JsonOption", "console_beside", "told_to_programs"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print the main table as CSV.")]


def told_to_programs(as_json: bool, as_csv: bool, document: Any, table: Any) -> bool:
    """Print what a command found for a program, if that is asked for; return whether it was.

    Args:
        as_json: print `document`.
        as_csv: print `table`.
        document: of plain data, polars tables and paths.
        table: a polars table, or dictionaries of one shape.
    """
    if as_json:
        json.dump(_plain(document), sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
    elif as_csv:
        rows = _rows(table)
        writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return as_json or as_csv


def console_beside(as_json: bool, as_csv: bool, wide: bool = True) -> Console:
    """Return a console for progress and remarks: standard error where standard output is for a program.

    Raises:
        InputError: if both are asked for.
    """
    from rich.console import Console

    from scenarios.cli._options import wide_console

    if as_json and as_csv:
        raise InputError("--json and --csv: allowed: one of them")
    if as_json or as_csv:
        return Console(stderr=True, highlight=False, markup=False)
    return wide_console() if wide else Console(highlight=False, markup=False)


def _rows(table: Any) -> list[dict[str, Any]]:
    return list(table.rows(named=True)) if hasattr(table, "rows") else [dict(row) for row in table]


def _cell(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, list):
        return " ".join(str(_cell(item)) for item in value)
    return json.dumps(value) if isinstance(value, dict) else "" if value is None else value


def _plain(value: Any) -> Any:
    """Return data as JSON knows it; nan and infinity are null."""
    if hasattr(value, "rows") and hasattr(value, "columns"):
        return [_plain(row) for row in value.rows(named=True)]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    return str(value)
