"""One run folder, checked: every row of the tape, then what the other files say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lob.errors import InputError
from lob.types import EventKind
from scenarios.check.accounts import TapeAccounts, check_accounts, check_conserved, read_accounts
from scenarios.check.figures import Figures
from scenarios.check.rules import books_of, groups_of
from scenarios.check.schedule import check_schedule
from scenarios.check.summary import check_counts, check_populations
from scenarios.run.folder import ACCOUNTS, SCENARIO, TAPE
from scenarios.run.summary import read_summary
from scenarios.schema.load import load_scenario
from scenarios.schema.scenario import Scenario
from sim.audit import CHECKS, Finding, TapeAudit
from sim.hash import TapeHash
from sim.writer import part_paths, read_parts

__all__ = ["Line", "Report", "check_run"]

FOLDER_CHECKS = {
    "schedule": "phases and news come at the scenario's times, and no others",
    "hash": "SHA-256 over the rows is the tape_hash of summary.json",
    "counts": "rows, rejects, trades, prices, populations of summary.json are the tape's",
    "accounts": "accounts.parquet is what the tape says, by agent and instrument",
    "conserved": "over all agents shares and cash sum to 0, and P&L to minus the fees",
    "fees": "they are the scenario's rates of what was traded, to a millionth of a tick x lot",
}
_A, _E = EventKind.ADD, EventKind.EXECUTE
_EXAMINED = {
    "orders": (_A, _E, EventKind.CANCEL, EventKind.REDUCE, EventKind.REPLACE, EventKind.EXPIRE),
    "priority": (_E, EventKind.REPLACE),
    "leaves": (_A, _E, EventKind.CANCEL, EventKind.REDUCE, EventKind.REPLACE, EventKind.EXPIRE),
    "rules": (_A, _E, EventKind.REPLACE, EventKind.EXPIRE),
    "limits": (_A, _E, EventKind.REPLACE, EventKind.EXPIRE),
    "rejects": (EventKind.REJECT,),
    "schedule": (EventKind.PHASE, EventKind.NEWS),
}
"""Kinds of rows that a check looks at; all rows, if it is not named here."""


@dataclass(frozen=True)
class Line:
    """What one check did.

    Attributes:
        check: its name.
        holds: what is true if it found nothing.
        n_examined: rows or accounts that it looked at.
        n_faults: how often it was not so; None if the check could not be made.
        why_not: then the reason.
    """

    check: str
    holds: str
    n_examined: int
    n_faults: int | None
    why_not: str = ""


@dataclass(frozen=True)
class Report:
    """What the checks of one run folder came to.

    Attributes:
        folder: the run's.
        status: of its summary: complete, stopped, failed or running.
        n_rows, n_agents, instruments: size of the run.
        lines: one for each check.
        findings: the first of each kind.
    """

    folder: Path
    status: str
    n_rows: int
    n_agents: int
    instruments: tuple[str, ...]
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not any(line.n_faults for line in self.lines)


def check_run(folder: Path, show: Callable[[int], None] = lambda n_rows: None) -> Report:
    """Check a run folder.

    Args:
        folder: as `outcry run` leaves it; a run may be complete, stopped, failed or still under way.
        show: called on the way with the number of rows so far.

    Raises:
        InputError: if the folder holds no run, or a file of it cannot be read.
    """
    summary = read_summary(folder)
    if summary is None or not (folder / SCENARIO).is_file():
        raise InputError(f"{folder}: not a run folder; allowed: a folder that `outcry run` wrote")
    scenario = load_scenario(str(folder / SCENARIO)).scenario
    if not scenario.record.tape:
        raise InputError(f"{folder}: the run kept no tape (record.tape = false); allowed: a run with one")
    if not part_paths(folder / TAPE):
        raise InputError(f"{folder / TAPE}: holds no rows yet; allowed: a run that has begun")
    return _Check(folder, summary, scenario).report(show)


class _Check:
    """The checks of one folder on their way."""

    def __init__(self, folder: Path, summary: dict[str, Any], scenario: Scenario) -> None:
        self.folder, self.summary, self.scenario = folder, summary, scenario
        self.groups = groups_of(scenario)
        self.audit = TapeAudit(books_of(scenario), self.groups)
        self.figures = Figures(len(scenario.instrument))
        self.hash = TapeHash()
        self.findings: list[Finding] = []
        self.lines: dict[str, Line] = {}

    def report(self, show: Callable[[int], None]) -> Report:
        for rows in read_parts(self.folder / TAPE):
            for sink in (self.audit, self.figures, self.hash):
                sink(rows)
            show(self.figures.n_rows)
        self.findings += self.audit.finish()
        n_found = self.audit.n_found
        for check, holds in CHECKS.items():
            self.lines[check] = Line(check, holds, self._n_rows_for(check), n_found[check])
        status = str(self.summary.get("status"))
        self._schedule(status)
        if status == "running":
            self._leave_out("the run has not ended", "hash", "counts", "accounts", "conserved", "fees")
        else:
            self._what_the_end_left()
        return Report(
            self.folder,
            status,
            self.figures.n_rows,
            sum(group.count for group in self.groups),
            tuple(table.name for table in self.scenario.instrument),
            tuple(self.lines[check] for check in (*CHECKS, *FOLDER_CHECKS)),
            tuple(self.findings),
        )

    def _n_rows_for(self, check: str) -> int:
        return self.figures.n_of(*_EXAMINED[check]) if check in _EXAMINED else self.figures.n_rows

    def _add(self, check: str, n_examined: int, findings: list[Finding], n_faults: int | None = None) -> None:
        self.findings += findings
        n_faults = len(findings) if n_faults is None else n_faults
        self.lines[check] = Line(check, FOLDER_CHECKS[check], n_examined, n_faults)

    def _leave_out(self, why: str, *checks: str) -> None:
        for check in checks:
            self.lines[check] = Line(check, FOLDER_CHECKS[check], 0, None, why)

    def _schedule(self, status: str) -> None:
        reached = self.summary.get("session", {})
        at_close = status == "complete" and reached.get("reached") == reached.get("close")
        # At one instant the schedule comes first, so what is due at the time of the last row has happened.
        until_ns = self.scenario.session.close_ns if at_close else self.figures.last_ns
        found = check_schedule(self.scenario, self.audit.venue_rows, until_ns)
        self._add("schedule", self._n_rows_for("schedule"), found)

    def _what_the_end_left(self) -> None:
        if "tape_hash" not in self.summary:
            self._leave_out("the run failed before its summary", "hash", "counts", "accounts", "conserved", "fees")
            return
        stated, own = self.summary["tape_hash"], self.hash.hexdigest()
        wrong = [Finding("hash", "tape_hash", own, str(stated))] if stated != own else []
        self._add("hash", self.figures.n_rows, wrong)
        marks = [
            trades.mark_ticks(table.reference_ticks)
            for table, trades in zip(self.scenario.instrument, self.figures.trades, strict=True)
        ]
        tape = TapeAccounts(self.scenario, self.audit.state.accounts, marks)
        counts = check_counts(self.summary, self.figures, self.scenario, int(tape.columns["n_orders"].sum()))
        counts += check_populations(self.summary, tape, self.groups, self.scenario)
        self._add("counts", self.figures.n_rows, counts)
        if not (self.folder / ACCOUNTS).is_file():
            self._leave_out(f"there is no {ACCOUNTS}", "accounts", "conserved", "fees")
            return
        table = read_accounts(self.folder / ACCOUNTS)
        found, n_faults = check_accounts(table, tape, self.groups)
        sums = check_conserved(table, tape, self.scenario)
        fees = [finding for finding in (*found, *sums) if finding.check == "fees"]
        others = [finding for finding in found if finding.check != "fees"]
        n = len(table["agent"])
        self._add("accounts", n, others, n_faults - (len(found) - len(others)))
        self._add("conserved", n, [finding for finding in sums if finding.check == "conserved"])
        self._add("fees", n, fees)
