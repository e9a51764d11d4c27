"""The page of a run: what happened, in a few sentences and a picture; accounts and the scenario folded below."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scenarios.pages.html import details, number, page, paragraph, picture, preformatted, table

__all__ = ["answer_of_run", "run_page"]

MOST_TOLD = 3


def answer_of_run(summary: Mapping[str, Any]) -> str:
    """Return what happened in a run, in a few sentences; of one world, hence without intervals."""
    instruments = summary["instruments"]
    told = [_moved(row) for row in instruments[:MOST_TOLD]]
    if len(instruments) > MOST_TOLD:
        told.append(f"{len(instruments) - MOST_TOLD} more instruments are below")
    by_profit = sorted(summary["populations"], key=lambda row: row["pnl"])
    if len(by_profit) > 1 and by_profit[-1]["pnl"] > by_profit[0]["pnl"]:
        most, least = by_profit[-1], by_profit[0]
        told.append(f"{most['name']} did best with {most['pnl']:+,.2f} in money, {least['name']} worst with "
                    f"{least['pnl']:+,.2f}")  # fmt: skip
    return f"{'. '.join(told)}. This is one world: what is typical needs many seeds (outcry sweep)."


def _moved(row: Mapping[str, Any]) -> str:
    if row["open"] is None:
        return f"{row['name']} did not trade"
    change = f" ({row['close'] / row['open'] - 1:+.2%})" if row["open"] > 0 else ""
    spread = f", at a spread of {number(row['mean_spread_ticks'], 3)} ticks" if row["mean_spread_ticks"] else ""
    return (
        f"{row['name']} went from {row['open']:g} to {row['close']:g}{change}, between {row['low']:g} and "
        f"{row['high']:g}, in {row['n_trades']:,} trades of {row['volume_lots']:,} lots{spread}"
    )


def run_page(summary: Mapping[str, Any], pictures: Sequence[Path], notes: Sequence[str], text: str) -> str:
    """Return the page as HTML.

    Args:
        summary: of the run.
        pictures: the PNGs that it left.
        notes: lines for the reader.
        text: the scenario, as TOML.
    """
    session = summary["session"]
    market = [
        [row["name"], f"{row['n_trades']:,}", f"{row['volume_lots']:,}",
         *(number(row[key], 6) for key in ("open", "high", "low", "close")), number(row["mean_spread_ticks"]),
         number(row["volatility_bps_per_minute"])]
        for row in summary["instruments"]
    ]  # fmt: skip
    accounts = [
        [row["name"], row["kind"], *(f"{row[key]:,}" for key in ("n_agents", "n_orders", "n_fills", "n_rejects")),
         f"{row['position_lots']:,}", f"{row['fees']:,.2f}", f"{row['pnl']:+,.2f}"]
        for row in summary["populations"]
    ]  # fmt: skip
    rejects = [[name.replace("_", " "), f"{count:,}"] for name, count in summary["rejects"].items()]
    again = {key: summary[key] for key in ("name", "seed", "config_hash", "tape_hash")} | {
        "versions": summary.get("versions", {})
    }
    until = "" if session["reached"] == session["close"] else f" (stopped at {session['reached']})"
    return page(
        f"What happened in {summary['name']}?",
        paragraph(answer_of_run(summary), "answer"),
        *[picture(path.read_bytes(), _caption(path)) for path in pictures],
        paragraph(
            f"Seed {summary['seed']}, {session['open']} to {session['close']}{until}: {summary['n_agents']:,} agents, "
            f"{summary['n_orders']:,} orders, {summary['n_rows']:,} rows of tape.", "note"
        ),
        *[paragraph(note, "note") for note in notes],
        details("Instruments", table(["instrument", "trades", "lots", "open", "high", "low", "close",
                                      "spread [ticks]", "volatility [bp a minute]"], market)),
        details("Populations", table(["population", "kind", "agents", "orders", "fills", "rejects", "position [lots]",
                                      "fees", "P&L [money]"], accounts, [1])),
        details("Rejected messages", table(["reason", "messages"], rejects) if rejects else paragraph("None.")),
        details("The scenario", preformatted(text)),
        details("To do it again", preformatted(json.dumps(again, indent=1, ensure_ascii=False))),
    )  # fmt: skip


def _caption(path: Path) -> str:
    return "Decisions by language models" if path.stem == "decisions" else "Price with trades, depth, spread, volume"
