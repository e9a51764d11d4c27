"""`outcry compare`: execution algorithms or variants of a market side by side in the same worlds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lob.errors import InputError
from scenarios.cli._metaorders import SideOption, default_start, metaorder, search_beside
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
    side_table,
)
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs
from scenarios.schema.times import duration_s, short

__all__ = ["command"]


def command(
    scenario: ScenarioArgument,
    algo: Annotated[
        list[str] | None,
        typer.Option(help="Algorithms, as in twap,vwap,pov,is or my_module:MINE; the first is the yardstick."),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=CHANGE", help="Instead: A.B=C, or a TOML file laid over; the scenario comes first."),
    ] = None,
    quantity: Annotated[int | None, typer.Option(min=1, help="Lots to trade, with --algo.")] = None,
    participation: Annotated[
        float | None, typer.Option(help="Instead of --quantity: share of the others' volume, as in 0.05.")
    ] = None,
    side: SideOption = "buy",
    start: Annotated[str | None, typer.Option(metavar="HH:MM:SS", help="Default: a quarter into the session.")] = None,
    horizon: Annotated[str, typer.Option(help="Length of the metaorder.")] = "30m",
    worlds: Annotated[int, typer.Option(min=1, help="Seeds, the same for all.")] = 200,
    outcome: Annotated[list[str] | None, typer.Option(help="What to compare; see `outcry kinds`.")] = None,
    algo_settings: Annotated[
        list[str] | None, typer.Option("--algo-set", metavar="A=B", help="A setting of all algorithms.")
    ] = None,
    overrides: OverridesOption = None,
    first_seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the first world.")] = None,
    confidence: ConfidenceOption = 0.95,
    executor: ExecutorOption = "process",
    workers: WorkersOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: runs/NAME-compare.")] = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Compare execution algorithms, or variants of a market, in the same worlds: which is best, by how much, and why.

    Costs are split into spread, impact, timing and opportunity. Leaves runs.parquet, table.parquet, compare.png and
    report.html, which answers first.

    Examples:
        outcry compare first_market --algo pov,twap,vwap,is --participation 0.05 --horizon 10m --worlds 20
        outcry compare first_market --variant four=population.maker.count=4 --worlds 20 --overwrite
    """
    from scenarios.experiments.comparison import compare
    from scenarios.experiments.protocol import ImpactProtocol
    from scenarios.many_runs.execution import Execution
    from scenarios.schema.load import find_scenario

    console = console_beside(as_json, as_csv)
    path = find_scenario(scenario)
    if (not algo) == (not variant):
        raise InputError("give either --algo or --variant")
    candidates: dict[str, Any]
    if algo:
        if (quantity is None) == (participation is None):
            raise InputError("--algo: needs either --quantity, the lots to trade, or --participation")
        names = [name.strip() for name in ",".join(algo).split(",") if name.strip()]
        orders = [metaorder(name, side, quantity or 1, algo_settings or [], path.parent) for name in names]
        candidates = {order.algo: order for order in orders}
        if len(candidates) < len(orders):
            raise InputError(f"--algo {short(','.join(algo))}: one is given twice; allowed: each once")
        begin, length = start or default_start(scenario, overrides or []), duration_s(horizon, "--horizon")
        protocol = ImpactProtocol(start=begin, horizon_s=length, after_s=60.0, first_seed=first_seed,
                                  confidence=confidence)  # fmt: skip
    else:
        candidates = {"as it is": "", **dict(_variant(text) for text in variant or [])}
        protocol = ImpactProtocol(start=start, first_seed=first_seed, confidence=confidence)
    folder = out if out is not None else Path("runs") / f"{path.stem}-compare"
    with pair_progress(console, "worlds") as show:
        result = compare(
            scenario, candidates, worlds=worlds, participation=participation, outcomes=outcome or (),
            overrides=overrides or [], protocol=protocol,
            execution=Execution(executor, workers, folder, resume, overwrite, show),
        )  # fmt: skip
    document = {"answer": result.answer, "notes": result.notes, "table": result.table, "folder": folder,
                "failures": result.failures}  # fmt: skip
    if told_to_programs(as_json, as_csv, document, result.table):
        return
    console.print(result.answer, style="bold")
    for note in result.notes:
        console.print(note)
    _print(console, result)
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)
    console.print(f"Picture: {folder / 'compare.png'}", soft_wrap=True)


def _variant(text: str) -> tuple[str, Any]:
    """Return a variant's name and what is laid over the scenario: a TOML file, or a function that sets one value."""
    name, found, change = text.partition("=")
    if not found or not name.strip() or not change.strip():
        raise InputError(f"--variant {short(text)}: allowed: NAME=A.B=C, or NAME=FILE.toml")
    if change.endswith(".toml"):
        file = Path(change)
        search_beside(file)
        try:
            return name, file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--variant {name}: {file}: cannot be read ({error})") from None
    from scenarios.schema.load import override_value

    def changed(tables: dict[str, Any]) -> dict[str, Any]:
        override_value(tables, change)
        return tables

    return name, changed


def _print(console: Any, result: Any) -> None:
    """Print the means, a column for each candidate, and below the paired differences to the first."""
    import polars as pl

    first, names, means, gaps = result.candidates[0], result.candidates, [], []
    for measure in result.measures:
        rows = result.table.filter(pl.col("measure") == measure).rows(named=True)
        unit = rows[0]["unit"]
        name = measure.removesuffix("_bps") if unit == "bp" else measure.removesuffix(f"_{unit}")
        label = f"{name.replace('_', ' ')}{f' [{unit}]' if unit else ''}"
        means.append([label, *["-" if row["value"] is None else f"{row['value']:.4g}" for row in rows]])
        gaps.append([label, *[_gap(row) for row in rows[1:]]])
    console.print(side_table(["Mean", *names], means))
    console.print()
    console.print(side_table([f"Difference to {first}", *names[1:]], gaps))


def _gap(row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return "-"
    return f"{row['difference']:+.3g} {interval_text(row['difference_low'], row['difference_high'])}".strip()
