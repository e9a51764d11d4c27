"""`outcry check`: hold run folders against the rules of the exchange and against their own files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.")],
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Check runs from their tapes: priority, touch, quantities, phases, limits, rejects, cash, shares, fees, hash.

    The books are rebuilt from the rows by rules told a second time, without the engine. Ends with status 1 if anything
    is not as it must be, and names the first rows of each kind.

    Examples:
        outcry check runs/first_market
        outcry check runs/first_market --json
    """
    from scenarios.check import check_run
    from scenarios.check.report import print_report, reports_as_data

    reports = [check_run(run) for run in runs]
    console = console_beside(as_json, as_csv)
    lines = [{"folder": report.folder, **vars(line)} for report in reports for line in report.lines]
    if not told_to_programs(as_json, as_csv, reports_as_data(reports), lines):
        for report in reports:
            print_report(console, report)
    if not all(report.is_sound for report in reports):
        raise typer.Exit(1)
