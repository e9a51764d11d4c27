"""Showing what the checks of a run came to: a table of what holds, and one of what does not; or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from lob.units import SECOND_NS
from scenarios.check.run import Report
from scenarios.schema.times import clock

__all__ = ["print_report", "reports_as_data"]


def _moment(time_ns: int | None) -> str:
    return "" if time_ns is None else f"{clock(time_ns)}.{time_ns % SECOND_NS:09d}"


def print_report(console: Console, report: Report) -> None:
    """Print one report."""
    n_faults = sum(line.n_faults or 0 for line in report.lines)
    size = f"{report.n_rows:,} rows, {report.n_agents:,} agents, {', '.join(report.instruments)}"
    verdict = "nothing wrong" if report.is_sound else f"{n_faults:,} fault{'s' if n_faults != 1 else ''}"
    console.print(f"{report.folder} ({report.status}): {size}: {verdict}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("check", "left"), ("looked at", "right"), ("faults", "right"), ("what holds", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for line in report.lines:
        if line.n_faults is None:
            table.add_row(line.check, "", "", f"not checked: {line.why_not}")
        else:
            table.add_row(line.check, f"{line.n_examined:,}", f"{line.n_faults:,}", line.holds)
    console.print(table)
    if report.findings:
        console.print("What follows a fault in the same book may be its consequence: read the earliest row first.")
        found = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("row", "time", "instrument", "check", "what", "expected", "found"):
            found.add_column(name, justify="right" if name == "row" else "left", overflow="fold")
        for f in report.findings:
            row = "" if f.row is None else f"{f.row:,}"
            name = report.instruments[f.symbol] if f.symbol is not None and f.symbol < len(report.instruments) else ""
            found.add_row(row, _moment(f.time_ns), name, f.check, f.what, f.expected, f.found)
        console.print(found)


def reports_as_data(reports: Sequence[Report]) -> dict[str, Any]:
    """Return the reports as plain data: for each run its checks with counts, and the first findings of each kind."""
    runs: list[dict[str, Any]] = [
        {
            "folder": str(report.folder),
            "status": report.status,
            "sound": report.is_sound,
            "n_rows": report.n_rows,
            "n_agents": report.n_agents,
            "instruments": list(report.instruments),
            "checks": [vars(line) for line in report.lines],
            "findings": [vars(finding) for finding in report.findings],
        }
        for report in reports
    ]
    return {"runs": runs}
