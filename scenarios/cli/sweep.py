"""`outcry sweep`: a grid of values over many seeds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from lob.errors import InputError
from scenarios.cli._options import (
    ConfidenceOption,
    ExecutorOption,
    OverridesOption,
    OverwriteOption,
    ResumeOption,
    ScenarioArgument,
    WorkersOption,
    interval_text,
    pair_progress,
    seed_list,
    side_table,
)
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs
from scenarios.schema.times import short

__all__ = ["command"]


def command(
    scenario: ScenarioArgument,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A.B=1,2,3", help="Values of one place of the file; several --grid make all combinations."
        ),
    ] = None,
    seeds: Annotated[str, typer.Option(help="As in 1..200 or 1,2,5.")] = "1..20",
    outcome: Annotated[list[str] | None, typer.Option(help="What to measure; default: all outcomes.")] = None,
    overrides: OverridesOption = None,
    confidence: ConfidenceOption = 0.95,
    executor: ExecutorOption = "process",
    workers: WorkersOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: runs/NAME-sweep.")] = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Run a scenario with every combination of some values over many seeds; compares settings seed by seed.

    Leaves runs.parquet (one row for each run), table.parquet (means and paired differences), a picture and
    report.html. Ends with status 1 if runs failed; --resume tries these again.

    Examples:
        outcry sweep first_market --grid population.maker.count=1,2 --seeds 1..3
        outcry sweep first_market --grid population.random.count=20,40 --outcome mean_spread --seeds 1..3 --overwrite
    """
    from scenarios.experiments.grid import sweep
    from scenarios.experiments.report_sweep import answer_of_sweep
    from scenarios.many_runs.execution import Execution
    from scenarios.schema.load import find_scenario

    console = console_beside(as_json, as_csv)
    folder = out if out is not None else Path("runs") / f"{find_scenario(scenario).stem}-sweep"
    axes = [_axis(text) for text in grid or []]
    twice = [name for k, (name, _) in enumerate(axes) if name in [other for other, _ in axes[:k]]]
    if twice:
        raise InputError(f"--grid {short(twice[0])}: given twice; allowed: all values of a place in one --grid")
    with pair_progress(console, "runs") as show:
        result = sweep(
            scenario, dict(axes), seed_list(seeds), outcomes=outcome or (),
            overrides=overrides or [], confidence=confidence,
            execution=Execution(executor, workers, folder, resume, overwrite, show),
        )  # fmt: skip
    document = {
        "answer": answer_of_sweep(result),
        "table": result.table,
        "runs": result.runs,
        "notes": result.notes,
        "folder": folder,
    }
    if not told_to_programs(as_json, as_csv, document, result.table):
        _print(console, result)
        console.print(f"Runs: {folder / 'runs.parquet'}", soft_wrap=True)
        console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)
        console.print(f"Picture: {folder / 'sweep.png'}", soft_wrap=True)
    if len(result.failed):
        raise typer.Exit(1)


def _axis(text: str) -> tuple[str, list[Any]]:
    """Return (path, values) of "a.b=1,2,3"; values are TOML, bare words texts."""
    import tomllib

    from scenarios.schema.pairs import pair, parse_toml

    what, allowed = f"--grid {short(text)}", "a.b=1,2,3, as in population.maker.count=1,2,4"
    name, values = pair(text, what, allowed)
    if not values:
        raise InputError(what, f": not understood; allowed: {allowed}")
    try:
        return name, list(parse_toml(f"x = [{values}]")["x"])
    except tomllib.TOMLDecodeError:
        return name, [part.strip() for part in values.split(",")]
    except ValueError:
        raise InputError(what, ": allowed: a.b=1,2,3, with numbers that fit a file") from None


def _print(console: Any, result: Any) -> None:
    """Print the means by setting, and the differences from the first one."""
    import polars as pl

    from scenarios.experiments.bootstrap import percent
    from scenarios.experiments.report_sweep import answer_of_sweep, setting_name

    console.print(answer_of_sweep(result), style="bold", soft_wrap=True)
    names = list(result.cells[0])
    for outcome in result.outcomes:
        rows = result.table.filter((pl.col("outcome") == outcome.name) & pl.col("mean").is_finite())
        if len(rows) == 0:
            continue
        unit = f" [{outcome.unit}]" if outcome.unit else ""
        cells = [
            [
                setting_name(row, names), f"{row['mean']:.5g}", interval_text(row["low"], row["high"], 4),
                *(_difference(row) if row["variant"] > 0 else ["", ""]),
            ]
            for row in rows.rows(named=True)
        ]  # fmt: skip
        console.print(side_table([f"{outcome.name}{unit}", "Mean", "", "Difference from the first", ""], cells))
    for note in result.notes:
        console.print(note)
    n = result.runs.filter(pl.col("status") == "done").select("variant", "seed").unique().height
    console.print(f"{n} runs, {percent(result.confidence)} intervals in brackets, differences paired by seed")
    if len(result.failed):
        row = result.failed.row(0, named=True)
        console.print(f"{len(result.failed)} runs failed; setting {row['variant']}, seed {row['seed']}: {row['error']}")


def _difference(row: dict[str, Any]) -> list[str]:
    """Return the difference from the first setting and its interval, or that there is none to speak of."""
    if row["difference"] == 0 and 0 < row["n_identical"] == row["n_runs"]:
        return ["none", "identical worlds"]
    if not math.isfinite(row["difference"]):
        return ["-", ""]
    return [f"{row['difference']:+.4g}", interval_text(row["difference_low"], row["difference_high"])]
