"""`outcry check`: hold run folders against the rules of the exchange and against their own files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Check runs from their tapes: priority, touch, quantities, phases, limits, rejects, cash, shares, fees, hash.

    The books are rebuilt from the rows by rules told a second time, without the engine. Ends with status 1 if anything
    is not as it must be, and names the first rows of each kind.
    """
    from scenarios.check import check_run
    from scenarios.check.report import print_report, reports_as_json
    from scenarios.cli._options import wide_console

    reports = [check_run(run) for run in runs]
    if as_json:
        print(reports_as_json(reports))
    else:
        console = wide_console()
        for report in reports:
            print_report(console, report)
    if not all(report.is_sound for report in reports):
        raise typer.Exit(1)
