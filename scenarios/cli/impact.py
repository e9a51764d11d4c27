"""`outcry impact`: an experiment on market impact in paired worlds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    numbers,
    pair_progress,
    side_table,
)
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs
from scenarios.schema.times import duration_s, short

if TYPE_CHECKING:
    from scenarios.experiments.result import ImpactResult

__all__ = ["command"]

_SHOWN = ("impact_half", "impact_end", "impact_end_unpaired", "impact_late", "decay_ratio", "concavity", "prefactor",
          "paired_slippage_bps", "spread_cost_bps", "arrival_slippage_bps", "opportunity_cost_bps", "shortfall_bps",
          "variance_reduction_end", "variance_reduction_late")  # fmt: skip


def command(
    scenario: ScenarioArgument,
    quantity: Annotated[int | None, typer.Option(min=1, help="Lots to trade.")] = None,
    participation: Annotated[
        str | None, typer.Option(help="Instead: shares of the others' volume, one experiment each, as in 0.01,0.05.")
    ] = None,
    algo: Annotated[str, typer.Option(help="twap, vwap, pov, ac, is, iceberg, or my_module:MY_POLICY.")] = "twap",
    side: SideOption = "buy",
    start: Annotated[
        str | None,
        typer.Option(metavar="HH:MM:SS", help="Default: a quarter into the session; with --treatment the open."),
    ] = None,
    horizon: Annotated[
        str | None,
        typer.Option(help="Length, as in 30m, the default; with --treatment the default is half of what is left."),
    ] = None,
    after: Annotated[str | None, typer.Option(help="How long to watch after it. Default: as long.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of worlds; with --stop at most so many.")] = 100,
    treatment: Annotated[
        Path | None, typer.Option(help="Instead of a metaorder: a TOML file laid over the scenario.")
    ] = None,
    arms: Annotated[str, typer.Option(help="Of treated, placebo, mirrored.")] = "treated",
    branch: Annotated[
        str | None, typer.Option(metavar="HH:MM:SS", help="One history up to here, a future of its own for each pair.")
    ] = None,
    stop: Annotated[
        str | None, typer.Option(metavar="NAME:WIDTH", help="End when the half width is reached: impact_end:0.2.")
    ] = None,
    overrides: OverridesOption = None,
    algo_settings: Annotated[
        list[str] | None, typer.Option("--algo-set", metavar="A=B", help="Change a setting of the algorithm.")
    ] = None,
    first_seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the first pair.")] = None,
    confidence: ConfidenceOption = 0.95,
    executor: ExecutorOption = "process",
    workers: WorkersOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: runs/NAME-impact.")] = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Measure market impact: the same worlds with and without a metaorder, with intervals over pairs.

    Leaves all runs and estimates as Parquet, a picture, and report.html, one self-contained file.

    Examples:
        outcry impact first_market --quantity 500 --pairs 4 --horizon 5m
        outcry impact first_market --participation 0.02,0.05 --algo vwap --pairs 4 --horizon 5m --overwrite
    """
    from scenarios.experiments.experiment import impact
    from scenarios.experiments.protocol import ImpactProtocol
    from scenarios.many_runs.execution import Execution
    from scenarios.schema.load import find_scenario

    console = console_beside(as_json, as_csv)
    path = find_scenario(scenario)
    what: Any
    if treatment is not None:
        what = _fragment(treatment, quantity, participation)
    else:
        what = _order(algo, side, quantity, participation, algo_settings or [], path.parent)
        start = start if start is not None else default_start(scenario, overrides or [])
        horizon = horizon if horizon is not None else "30m"
    folder = out if out is not None else Path("runs") / f"{path.stem}-impact"
    protocol = ImpactProtocol(
        start=start, horizon_s=_seconds(horizon, "--horizon"), after_s=_seconds(after, "--after"), branch=branch,
        first_seed=first_seed, confidence=confidence, stop=_rule(stop),
    )  # fmt: skip
    with pair_progress(console, "pairs") as show:
        result = impact(
            scenario,
            what,
            participation=numbers(participation, "--participation") if participation is not None else (),
            pairs=pairs,
            arms=("control", *(name.strip() for name in arms.split(",") if name.strip() != "control")),
            overrides=overrides or [],
            protocol=protocol,
            execution=Execution(executor, workers, folder, resume, overwrite, show),
        )
    document = {
        "estimates": result.estimates, "n_pairs": result.n_pairs, "confidence": result.confidence,
        "window": vars(result.window), "participation": result.participation, "notes": result.notes,
        "placebo_identical": result.placebo_identical, "failures": result.failures, "folder": folder,
    }  # fmt: skip
    if told_to_programs(as_json, as_csv, document, result.estimates):
        return
    _print(console, result)
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)
    console.print(f"Picture: {folder / 'impact.png'}", soft_wrap=True)


def _seconds(text: str | None, option: str) -> float | None:
    return duration_s(text, option) if text is not None else None


def _fragment(path: Path, quantity: int | None, participation: str | None) -> str:
    if quantity is not None or participation is not None:
        raise InputError("--treatment: not together with --quantity or --participation")
    search_beside(path)
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--treatment {path}: cannot be read ({error})") from None


def _order(
    algo: str, side: str, quantity: int | None, participation: str | None, changes: list[str], folder: Path
) -> Any:
    if (quantity is None) == (participation is None):
        raise InputError("give either --quantity or --participation")
    return metaorder(algo, side, quantity or 1, changes, folder)


def _rule(text: str | None) -> Any:
    from scenarios.experiments.sequential import StoppingRule

    if text is None:
        return None
    name, _, width = text.partition(":")
    try:
        return StoppingRule(name, float(width))
    except ValueError:
        raise InputError(f"--stop {short(text)}: allowed: NAME:WIDTH, as in impact_end:0.2") from None


def _print(console: Any, result: ImpactResult) -> None:
    """Print the main estimates, a column for each level; what is not paired in grey."""
    import polars as pl

    from scenarios.experiments.bootstrap import percent
    from scenarios.experiments.estimates import UNPAIRED
    from scenarios.experiments.report_impact import answer
    from scenarios.schema.times import clock

    window = result.window
    console.print(answer(result), style="bold")
    console.print(
        f"Treatment from {clock(window.start_ns)} to {clock(window.end_ns)}, watched until {clock(window.until_ns)}"
    )
    levels = [level for arm, level in result.arms if arm == "treated"]
    table = result.estimates.filter((pl.col("arm") == "treated") & (pl.col("group") != "stopping"))
    rows: list[list[str]] = []
    grey: list[int] = []
    for name in _SHOWN:
        of_name = table.filter(pl.col("estimate") == name)
        if len(of_name) == 0:
            continue
        cells = [_cell(of_name.filter(pl.col("level") == level)) for level in levels]
        unit = f" [{of_name['unit'][0]}]" if of_name["unit"][0] else ""
        grey += [len(rows)] if name in UNPAIRED else []
        rows.append(
            [
                name.removesuffix("_bps")
                + (" (not paired)" if name in UNPAIRED and not name.endswith("unpaired") else "")
                + unit,
                *cells,
            ]
        )
    heads = [f"{100 * share:g}% of volume" for share in result.participation] or ["Treated"]
    console.print(side_table(["Estimate", *heads], rows, grey))
    scaling = table.filter(pl.col("group") == "scaling")
    for row in scaling.rows(named=True):
        console.print(f"{row['estimate']}: {_cell(scaling.filter(pl.col('estimate') == row['estimate']))}")
    for row in result.estimates.filter(pl.col("group") == "stopping").rows(named=True):
        console.print(
            f"Stopped after {row['n_pairs']} pairs: {row['estimate']} {_figure(row)}, an interval that holds for all "
            "looks"
        )
    for note in result.notes:
        console.print(note)
    if result.placebo_identical is not None:
        console.print(f"Placebo: tapes {'identical to' if result.placebo_identical else 'DIFFER FROM'} the control's")
    if result.failures:
        pair, reason = next(iter(result.failures.items()))
        console.print(f"{len(result.failures)} pairs failed; pair {pair}: {reason}", soft_wrap=True)
    kind = f"{percent(result.confidence)} intervals in brackets (BCa bootstrap over pairs)"
    console.print(f"{result.n_pairs} pairs, {'no intervals' if result.is_one_world or result.n_pairs < 3 else kind}")


def _cell(rows: Any) -> str:
    return _figure(rows.row(0, named=True)) if len(rows) else "-"


def _figure(row: dict[str, Any]) -> str:
    """Return a value with its interval, as far as they are known."""
    if row["value"] is None:
        return "-"
    return f"{row['value']:.3g} {interval_text(row['low'], row['high'])}".strip()
