"""`outcry generate`: synthetic order data, many days, in several formats, with labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli._options import (
    ExecutorOption,
    OverridesOption,
    OverwriteOption,
    ResumeOption,
    ScenarioArgument,
    WorkersOption,
    pair_progress,
    seed_list,
    side_table,
)
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    scenario: ScenarioArgument,
    days: Annotated[int, typer.Option(min=1, help="Weekdays of each series.")] = 1,
    seeds: Annotated[str, typer.Option(help="One series each, as in 1..20.")] = "1",
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="parquet, lobster, dbn, itch or hftbacktest; several --format make all."),
    ] = None,
    levels: Annotated[int, typer.Option(min=1, max=200, help="Levels of LOBSTER's book files.")] = 10,
    labels: Annotated[bool, typer.Option(help="Write who is behind each order, and the events.")] = True,
    split: Annotated[
        str | None,
        typer.Option(metavar="A=X,B=Y", help="Shares of days, as in train=0.8,test=0.2; early ones first."),
    ] = None,
    compress: Annotated[bool, typer.Option("--compress", help="LOBSTER's files as .csv.gz.")] = False,
    overrides: OverridesOption = None,
    executor: ExecutorOption = "process",
    workers: WorkersOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: runs/NAME-data.")] = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Generate order data: each day is one run with a seed of its own, all instruments of the scenario are written.

    Leaves a folder for each format, labels/, scenario.toml, CARD.md, and the manifest: manifest.json with
    results/*.parquet, one row for each day and instrument. Ends with status 1 if days failed; --resume makes only these
    and the missing ones.

    Examples:
        outcry generate first_market --days 2
        outcry generate first_market --days 2 --format lobster --format parquet --split train=0.5,test=0.5 --overwrite
    """
    from scenarios.data.generation import FileOptions, generate
    from scenarios.many_runs.execution import Execution
    from scenarios.schema.load import find_scenario

    console = console_beside(as_json, as_csv)
    folder = out if out is not None else Path("runs") / f"{find_scenario(scenario).stem}-data"
    with pair_progress(console, "days") as show:
        made = generate(
            scenario, folder, days=days, seeds=seed_list(seeds), formats=format_ or ("parquet",),
            files=FileOptions(levels, labels, compress=compress, split=_shares(split)), overrides=overrides or [],
            execution=Execution(executor, workers, None, resume, overwrite, show),
        )  # fmt: skip
    if told_to_programs(as_json, as_csv, {"manifest": made.manifest, "folder": folder}, made.manifest):
        if len(made.failed):
            raise typer.Exit(1)
        return
    done = made.manifest.filter(made.manifest["status"] == "done")
    rows = [
        [symbol, f"{len(part):,}", *(f"{part[name].sum():,}" for name in ("n_messages", "n_trades", "n_rows"))]
        for (symbol,), part in done.group_by(["symbol"], maintain_order=True)
    ]
    console.print(side_table(["Instrument", "Days", "Messages", "Trades", "Tape rows"], rows))
    size = int(done.unique(["seed", "date"])["bytes"].sum())
    console.print(f"{size / 1e6:,.1f} MB in {', '.join(format_ or ['parquet'])}")
    if len(made.failed):
        row = made.failed.row(0, named=True)
        console.print(
            f"{len(made.failed)} days failed; seed {row['seed']}, {row['date']}: {row['error']}", soft_wrap=True
        )
    console.print(f"Data: {folder}", soft_wrap=True)
    if len(made.failed):
        raise typer.Exit(1)


def _shares(text: str | None) -> dict[str, float]:
    from lob.errors import InputError
    from scenarios.schema.times import short

    if text is None:
        return {}
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            found[name.strip()] = float(share)
        except ValueError:
            raise InputError(f"--split {short(text)}: allowed: as in train=0.7,validation=0.15,test=0.15") from None
    return found
