"""Phases and news of the tape against those of the scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lob.types import EventKind, Phase
from scenarios.check.rules import VenueRow, has_breaker, venue_rows
from scenarios.schema.scenario import Scenario
from sim.audit import Finding

__all__ = ["check_schedule"]


def _words(row: VenueRow) -> str:
    return "news" if row.kind == EventKind.NEWS else f"phase {Phase(row.phase).name.lower()}"


def check_schedule(scenario: Scenario, rows: Sequence[Any], until_ns: int) -> list[Finding]:
    """Return what is missing or too much of the venue's rows.

    Args:
        scenario: what was asked for.
        rows: the PHASE and NEWS rows of the tape, as arrays.
        until_ns: later entries of the schedule cannot stand on this tape.
    """
    seen: Counter[VenueRow] = Counter()
    for part in rows:
        for row in part:
            phase = int(row["qty_lots"]) if row["kind"] == EventKind.PHASE else 0
            if 0 <= row["symbol"] < len(scenario.instrument) and 0 <= phase < len(Phase):
                seen[VenueRow(int(row["symbol"]), int(row["time_ns"]), int(row["kind"]), phase)] += 1
    wanted = Counter(row for row in venue_rows(scenario) if row.time_ns <= until_ns)
    findings = [
        Finding("schedule", "rows of the venue at this time", _words(row), "nothing", None, row.time_ns, row.symbol)
        for row in sorted((wanted - seen).elements())
    ]
    for row in sorted((seen - wanted).elements()):
        if row.kind == EventKind.PHASE and row.phase != Phase.CLOSED and has_breaker(scenario, row.symbol):
            continue
        findings.append(
            Finding("schedule", "rows of the venue at this time", "nothing", _words(row), None, row.time_ns, row.symbol)
        )
    return findings
