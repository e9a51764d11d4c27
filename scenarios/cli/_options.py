"""What commands that make many runs share: how lists and seeds are written, and the progress bar."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lob.errors import InputError
from scenarios.schema.times import short

if TYPE_CHECKING:
    from rich.console import Console

    from sim.formats.reading import ReadOptions

__all__ = [
    "ConfidenceOption",
    "ExecutorOption",
    "LotOption",
    "MappingOption",
    "OverridesOption",
    "OverwriteOption",
    "ResumeOption",
    "ScenarioArgument",
    "SymbolOption",
    "TickOption",
    "WorkersOption",
    "ZoneOption",
    "interval_text",
    "numbers",
    "pair_progress",
    "read_options",
    "seed_list",
    "side_table",
    "wide_console",
]

ScenarioArgument = Annotated[str, typer.Argument(help="A scenario file, or a name from `outcry scenarios`.")]
OverridesOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=C", help="Change a value of the scenario, in all runs.")
]
ConfidenceOption = Annotated[float, typer.Option(help="Of all intervals, from 0.5 to below 1.")]
ExecutorOption = Annotated[str, typer.Option(help="process, ray or serial.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Processes. Default: one for each core.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on in the folder: only what is missing is run.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is in the folder.")]

TickOption = Annotated[
    float | None,
    typer.Option("--tick", help="Tick of a recording. Default: the largest usual one that fits all prices."),
]
LotOption = Annotated[
    float | None,
    typer.Option("--lot", help="Lot of a recording, in shares or coins. Default: what all sizes are multiples of."),
]
SymbolOption = Annotated[str | None, typer.Option("--symbol", help="Instrument, if a recording holds several.")]
MappingOption = Annotated[
    Path | None, typer.Option("--mapping", help="TOML file that says what the columns of a CSV or Parquet file mean.")
]
ZoneOption = Annotated[
    str | None,
    typer.Option("--zone", metavar="NAME", help="Time zone of the exchange, for recordings in UTC. Default: UTC."),
]

WIDEST = 1000
"""Columns of a table in a file or a pipe."""
LARGEST_SEED = 2**63 - 1
MOST_SEEDS = 1_000_000


def read_options(
    tick: float | None, lot: float | None, symbol: str | None, mapping: Path | None, zone: str | None
) -> ReadOptions:
    """Return what a user said about a recording."""
    from sim.formats.reading import ReadOptions

    return ReadOptions(tick_size=tick, lot_size=lot, symbol=symbol, mapping=mapping, zone=zone)


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Return the numbers of a list such as "0.01,0.05"."""
    try:
        found = tuple(float(part) for part in text.split(",") if text.isascii())
    except ValueError:
        found = (math.nan,)
    if not found or not all(map(math.isfinite, found)):
        raise InputError(f"{option} {short(text)}: allowed: numbers with commas between, as in 0.01,0.05")
    return found


def seed_list(text: str, option: str = "--seeds") -> list[int]:
    """Return the seeds of "1..200", "1,2,5" or a mixture.

    Raises:
        InputError: if it is none of these, or more seeds than anybody could run; nothing that long is made first.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,19})\s*(?:\.\.\s*([0-9]{1,19})\s*)?", part)
        if found is None:
            raise InputError(
                f"{option} {short(text)}: allowed: whole numbers and ranges, as in 1..200 or 1,2,5, below 2^63"
            )
        first, last = int(found[1]), int(found[2] or found[1])
        if max(first, last) > LARGEST_SEED:
            raise InputError(f"{option} {short(text)}: allowed: seeds from 0 to 2^63 - 1")
        if last - first >= MOST_SEEDS or len(seeds) + last - first >= MOST_SEEDS:
            raise InputError(f"{option} {short(text)}: more than {MOST_SEEDS:,} seeds; allowed: as in 1..200")
        seeds += range(first, last + 1)
    if not seeds:
        raise InputError(f"{option} {short(text)}: an empty range; allowed: as in 1..200")
    return seeds


def interval_text(low: float | None, high: float | None, digits: int = 3) -> str:
    """Return an interval as a table shows it; nothing if it is not known."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"({low:.{digits}g}, {high:.{digits}g})"


def wide_console() -> Console:
    """Return a console for tables: as wide as the terminal; without one as wide as it takes, so that nothing is cut."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=WIDEST)


@contextmanager
def pair_progress(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time that is left; yields what is called with the finished and all runs."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns: Sequence[Any] = (
        TextColumn("{task.completed:.0f} of {task.total:.0f} " + what), BarColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1, completed=0)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def side_table(header: Sequence[str], rows: Sequence[Sequence[str]], grey: Container[int] = ()) -> Any:
    """Return a plain table whose first column is to the left and the others to the right; some rows in grey."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for k, name in enumerate(header):
        table.add_column(name, justify="left" if k == 0 else "right", no_wrap=True)
    for k, row in enumerate(rows):
        table.add_row(*row, style="dim" if k in grey else None)
    return table
