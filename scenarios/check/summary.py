"""summary.json against the tape: the hash, the counts, the prices, and the sums over populations."""

from __future__ import annotations

from typing import Any

import numpy as np

from scenarios.check.accounts import TapeAccounts
from scenarios.check.figures import Figures
from scenarios.schema.scenario import Scenario
from sim.audit import Finding, Group

__all__ = ["check_counts", "check_populations"]


def _differs(what: str, expected: Any, found: Any) -> list[Finding]:
    return [] if expected == found else [Finding("counts", what, str(expected), str(found))]


def check_counts(summary: dict[str, Any], figures: Figures, scenario: Scenario, n_orders: int) -> list[Finding]:
    """Return the figures of a summary that are not those of the tape."""
    findings = [
        *_differs("n_rows", figures.n_rows, summary.get("n_rows")),
        *_differs("rows_by_kind", figures.by_kind, summary.get("rows_by_kind")),
        *_differs("rejects", dict(sorted(figures.rejects.items())), dict(sorted(summary.get("rejects", {}).items()))),
        *_differs("n_orders", n_orders, summary.get("n_orders")),
        *_differs("n_agents", sum(g.count for g in (*scenario.trader, *scenario.population)), summary.get("n_agents")),
    ]
    # A cancel-all that finds nothing is a message without a row.
    n_messages = summary.get("n_messages")
    if not isinstance(n_messages, int) or n_messages < figures.n_messages:
        findings.append(Finding("counts", "n_messages, at least", str(figures.n_messages), str(n_messages)))
    stated = {row.get("name"): row for row in summary.get("instruments", [])}
    for table, trades in zip(scenario.instrument, figures.trades, strict=True):
        row = stated.get(table.name, {})
        findings += _differs(f"n_trades of {table.name}", trades.n, row.get("n_trades"))
        findings += _differs(f"volume_lots of {table.name}", trades.volume_lots, row.get("volume_lots"))
        ticks = {"open": trades.first_ticks, "high": trades.high_ticks, "low": trades.low_ticks}
        for name, value in {**ticks, "close": trades.last_ticks}.items():
            price = round(value * table.tick_size, 10) if trades.n else None
            findings += _differs(f"{name} of {table.name}", price, row.get(name))
    return findings


def check_populations(
    summary: dict[str, Any], tape: TapeAccounts, groups: list[Group], scenario: Scenario
) -> list[Finding]:
    """Return the sums over populations that are not those of the tape, and names that have another's kind."""
    kinds = {row.name: row.kind for row in (*scenario.trader, *scenario.population)}
    stated = {row.get("name"): row for row in summary.get("populations", [])}
    findings = _differs("names of populations", sorted(kinds), sorted(map(str, stated)))
    for group in groups:
        row = stated.get(group.name)
        if row is None:
            continue
        own = slice(group.first, group.first + group.count)
        findings += _differs(f"kind of {group.name}", kinds[group.name], row.get("kind"))
        findings += _differs(f"n_agents of {group.name}", group.count, row.get("n_agents"))
        for name in ("n_orders", "n_fills", "n_rejects"):
            findings += _differs(f"{name} of {group.name}", int(tape.columns[name][own].sum()), row.get(name))
        lots = tape.columns["position_lots"][own].sum(axis=0).tolist()
        findings += _differs(f"position_lots of {group.name}", lots[group.symbols[0]], row.get("position_lots"))
        if "positions" in row:
            # One entry for each instrument that the group has sent to: none with a position may be missing.
            by_name = dict(zip(tape.names, lots, strict=True))
            told = {name: n for name, n in by_name.items() if n != 0 or name in row["positions"]}
            findings += _differs(f"positions of {group.name}", told, row["positions"])
        slack = float(tape.tolerance[own].sum())
        for name in ("pnl", "fees", "turnover"):
            value = float(np.sum(tape.columns[name][own]))
            if not isinstance(row.get(name), int | float) or not abs(value - row[name]) <= slack:
                findings.append(Finding("counts", f"{name} of {group.name}", f"{value:.10g}", str(row.get(name))))
    return findings
