"""`outcry attribute`: which population caused an outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

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

__all__ = ["command"]


def command(
    scenario: ScenarioArgument,
    outcome: Annotated[str, typer.Option(help="max_drawdown, mean_spread, volatility, volume, ...")],
    groups: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="NAME=A,B", help="Populations that count as one; default: each is a group."),
    ] = None,
    always: Annotated[
        list[str] | None, typer.Option(metavar="A", help="A population that is there in all runs, without a share.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Worlds, as in 1..20.")] = "1..20",
    orders: Annotated[int, typer.Option(min=1, help="Pairs of orders a world, with more than 8 groups.")] = 8,
    symbol: Annotated[str | None, typer.Option(help="The instrument; default: the first.")] = None,
    overrides: OverridesOption = None,
    confidence: ConfidenceOption = 0.95,
    executor: ExecutorOption = "process",
    workers: WorkersOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: runs/NAME-attribution.")] = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Share an outcome out among populations: Shapley values by leaving populations out of the same worlds.

    All 2^n subsets of up to 8 groups are run; beyond, orders are sampled. Events that name an absent population are
    left out with it.

    Examples:
        outcry attribute first_market --outcome volatility --always random --seeds 1..2
        outcry attribute first_market --outcome volume --group all=random,value --seeds 1..2 --overwrite
    """
    from scenarios.experiments.attribution import Players, attribute
    from scenarios.experiments.report_attribution import answer_of_attribution
    from scenarios.many_runs.execution import Execution
    from scenarios.schema.load import find_scenario

    console = console_beside(as_json, as_csv)
    folder = out if out is not None else Path("runs") / f"{find_scenario(scenario).stem}-attribution"
    with pair_progress(console, "runs") as show:
        found = attribute(
            scenario, outcome, seeds=seed_list(seeds), players=Players(_groups(groups), always or (), orders),
            overrides=overrides or [], symbol=symbol, confidence=confidence,
            execution=Execution(executor, workers, folder, resume, overwrite, show),
        )  # fmt: skip
    value, low, high = found.total
    document = {
        "answer": answer_of_attribution(found), "outcome": found.outcome.name, "unit": found.outcome.unit,
        "table": found.table,
        "total": {"value": value, "low": low, "high": high}, "none": found.none, "all": found.all,
        "confidence": found.confidence, "seeds": found.seeds, "notes": found.notes, "folder": folder,
    }  # fmt: skip
    if told_to_programs(as_json, as_csv, document, found.table):
        return
    _print(console, found)
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)
    console.print(f"Picture: {folder / 'attribution.png'}", soft_wrap=True)


def _print(console: Any, found: Any) -> None:
    """Print the Shapley values, their sum, and what must be known of them."""
    from scenarios.experiments.bootstrap import percent
    from scenarios.experiments.report_attribution import answer_of_attribution

    console.print(answer_of_attribution(found), style="bold", soft_wrap=True)
    unit = f" [{found.outcome.unit}]" if found.outcome.unit else ""
    rows: list[list[str]] = []
    for row in found.table.rows(named=True):
        interval = "identical worlds" if row["is_idle"] else interval_text(row["low"], row["high"])
        share = "-" if row["share"] is None else f"{row['share']:.0%}"
        rows.append([row["group"], f"{row['value']:+.4g}", interval, share])
    value, low, high = found.total
    rows.append(["sum", f"{value:+.4g}", interval_text(low, high), "100%" if value else "-"])
    console.print(side_table([f"{found.outcome.name}{unit}", "Shapley value", "", "Share"], rows))
    console.print(
        f"From {found.none:.4g} without them to {found.all:.4g} with all, over {len(found.seeds)} worlds "
        f"({found.n_runs} runs, {'all subsets' if found.exact else 'sampled orders'}), {percent(found.confidence)} "
        "intervals"
    )
    for note in found.notes:
        console.print(note)
    for (subset, seed), reason in list(found.failures.items())[:1]:
        console.print(f"{len(found.failures)} runs failed, their worlds are left out; {subset}, seed {seed}: {reason}")


def _groups(texts: list[str] | None) -> Any:
    from lob.errors import InputError
    from scenarios.schema.pairs import pair

    if not texts:
        return None
    groups: dict[str, list[str]] = {}
    for text in texts:
        what, allowed = f"--group {text}", "NAME=A,B, as in makers=maker,ladder"
        name, rows = pair(text, what, allowed)
        if not rows:
            raise InputError(what, f": not understood; allowed: {allowed}")
        groups[name] = rows.split(",")
    return groups
