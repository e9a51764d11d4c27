"""`outcry run`: run a scenario and leave a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    scenario: Annotated[str, typer.Argument(help="A scenario file, or a name from `outcry scenarios`.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Default: the scenario's own.")] = None,
    until: Annotated[str | None, typer.Option(metavar="HH:MM:SS", help="Stop there; --resume goes on.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder. Default: runs/NAME-seedN.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B=C", help="Change a value, as in population.noise.count=50."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another run in the folder.")] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Run a scenario: prints a table, leaves the tape, accounts, summary and picture in a folder.

    A complete run of the same scenario and seed is replaced; any other run only with --overwrite.
    Ctrl-C leaves a readable tape and a checkpoint for --resume, and ends with status 130. --csv: the populations.

    Examples:
        outcry run first_market --out runs/first_market
        outcry run my_market.toml --seed 2 --set population.maker.count=3 --out runs/mine
    """
    from scenarios.build.market import build, checked_seed
    from scenarios.build.what_if import what_if_notes
    from scenarios.cli._console import moment, print_figures, print_folder, watching
    from scenarios.run.scenario import run_scenario
    from scenarios.schema.load import load_scenario

    built = build(load_scenario(scenario, overrides or []))
    seed = built.scenario.seed if seed is None else checked_seed(seed, "--seed")
    until_ns = moment(until, built.session) if until is not None else None
    folder = out if out is not None else Path("runs") / f"{built.name}-seed{seed}"
    in_money_only = what_if_notes(overrides or [])
    console = console_beside(as_json, as_csv, wide=False)

    def told(summary: dict[str, Any], notes: list[str]) -> None:
        # Before the picture: a run takes less time than drawing it.
        if not (as_json or as_csv):
            print_figures(console, summary, [*notes, *in_money_only])

    with watching(console, built.session, until_ns, told) as watch:
        outcome = run_scenario(
            built, folder, seed=seed, until_ns=until_ns, resume=resume, overwrite=overwrite, watch=watch
        )
    summary = outcome.summary
    document = {**summary, "folder": folder, "pictures": outcome.pictures, "notes": [*outcome.notes, *in_money_only]}
    if not told_to_programs(as_json, as_csv, document, summary["populations"]):
        if outcome.already_complete:
            console.print(f"{folder} is complete already")
            print_figures(console, summary, outcome.notes)
        print_folder(console, outcome, folder)
    if summary["status"] == "stopped":
        raise typer.Exit(130)
