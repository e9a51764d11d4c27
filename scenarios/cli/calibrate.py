"""`outcry calibrate`: fit the parameters that a scenario names to recorded order flow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli._options import LotOption, MappingOption, SymbolOption, ZoneOption, read_options
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["command"]


def command(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A scenario file or name with [[calibrate]] tables.")],
    to: Annotated[Path, typer.Option(help="A recording (docs/recordings.md), or a run folder.")],
    orderbook: Annotated[Path | None, typer.Option(help="LOBSTER orderbook file.")] = None,
    window: Annotated[
        str | None, typer.Option(metavar="HH:MM-HH:MM", help="Part of the data to fit. Default: the session.")
    ] = None,
    held_back: Annotated[
        str | None, typer.Option(metavar="HH:MM-HH:MM", help="Part of the data only to compare with.")
    ] = None,
    budget: Annotated[int, typer.Option(min=1, help="Candidates to look at.")] = 1500,
    seeds: Annotated[int, typer.Option(min=1, max=64, help="Runs of each candidate, the same for all.")] = 2,
    seed: Annotated[int, typer.Option(min=1, max=2**32 - 1, help="Seed of the search.")] = 1,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds after the open that are left out.")] = 300.0,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Candidates that run at the same time.")] = 2,
    lot_size: LotOption = None,
    symbol: SymbolOption = None,
    mapping: MappingOption = None,
    zone: ZoneOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: runs/NAME-calibrated.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=C", help="Change a value of the scenario first.")
    ] = None,
) -> None:
    """Fit a scenario to data: leaves fitted.toml, moments.json and a picture, prints a table.

    Examples:
        outcry calibrate goog_2012 --to runs/first_market --budget 12 --seeds 1
        outcry calibrate goog_2012 --to runs/first_market --window 09:30-10:00 --budget 12 --seeds 1
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from scenarios.calibration.fitting import calibrate, problem_of
    from scenarios.calibration.folder import is_calibration, save_fit
    from scenarios.calibration.target import read_target, within_session
    from scenarios.data.flows import part_of
    from sim.files.claim import claimed
    from sim.metrics import moments

    console = console_beside(as_json, as_csv, wide=False)
    with console.status("reading the data"):
        reading = read_options(None, lot_size, symbol, mapping, zone)
        flow = read_target(to, orderbook, scenario, overrides or [], "--to", reading)
        target = part_of(flow, window, "--window") if window else within_session(flow, scenario, overrides or [])
        other = moments(part_of(flow, held_back, "--held-back")) if held_back else None
        problem = problem_of(scenario, target, overrides=overrides or [], warm_up_s=warm_up, n_seeds=seeds)
    folder = out if out is not None else Path("runs") / f"{problem.path.stem}-calibrated"
    # Before hours of work, not after.
    context.with_resource(claimed(folder, "calibration", is_calibration))
    columns = (TextColumn("{task.completed} of {task.total} candidates"), BarColumn(),
               TextColumn("distance {task.fields[best]}"), TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=budget, best="")
        fit = calibrate(
            problem, budget, seed=seed, processes=processes,
            on_progress=lambda n, best: bar.update(task, completed=n, best=f"{best:.3f}"),
        )  # fmt: skip
    save_fit(folder, fit, problem, to.name, other, seed)
    rows = [
        {
            "moment": name, "data": problem.target[name], "fitted": fit.moments[name], "floor": problem.scale[name],
            "gap_over_floor": (fit.moments[name] - problem.target[name]) / problem.scale[name],
            **({"held_back": other[name]} if other else {}),
        }
        for name in fit.moments
    ]  # fmt: skip
    document = {"moments": rows, "distance": fit.distance, "evaluations": fit.evaluations,
                "first_distance": fit.first_distance, "folder": folder}  # fmt: skip
    if told_to_programs(as_json, as_csv, document, rows):
        return
    console.print(_table(fit.moments, problem.target, problem.scale, other))
    console.print(
        f"Mean distance {fit.distance:.3f} noise floors after {fit.evaluations} candidates ({fit.first_distance:.3f} "
        "as it stood in the file)"
    )
    console.print(f"Fitted scenario: {folder / 'fitted.toml'}", soft_wrap=True)
    console.print(f"Picture: {folder / 'moments.png'}", soft_wrap=True)


def _table(fitted: Any, target: Any, scale: Any, held_back: Any) -> Table:
    from rich.table import Table

    from sim.metrics import MOMENTS

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Moment")
    for name in ("Data", "Fitted", "Floor", "Gap/floor", *(["Held back", "Gap/floor"] if held_back else [])):
        table.add_column(name, justify="right")
    for name in MOMENTS:
        cells = [f"{target[name]:.4g}", f"{fitted[name]:.4g}", f"{scale[name]:.3g}"]
        cells.append(f"{(fitted[name] - target[name]) / scale[name]:+.1f}")
        if held_back:
            cells += [f"{held_back[name]:.4g}", f"{(fitted[name] - held_back[name]) / scale[name]:+.1f}"]
        table.add_row(name, *cells)
    return table
