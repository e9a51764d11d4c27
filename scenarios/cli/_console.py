"""What a run shows: a progress bar on its way, a short table at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lob.compile_time import told_of_compiling
from lob.errors import InputError
from scenarios.run.folder import REPORT
from scenarios.run.scenario import RunResult, Watch, stop_on_signal
from scenarios.schema.times import clock, time_of_day_ns
from sim.market import Market
from sim.settings import Session

__all__ = ["moment", "print_figures", "print_folder", "watching"]

WORTH_TELLING_S = 0.5


def moment(text: str, session: Session) -> int:
    """Return a time of day of the session in ns since midnight.

    Raises:
        InputError: if it is no time or not within the session.
    """
    allowed = f"a time from {clock(session.open_ns)} to {clock(session.close_ns)}"
    told = f"not a time of the exchange's own clock; allowed: {allowed}, without a UTC offset"
    value = session.ns(time_of_day_ns(text, f"--until {text}", told))
    if not session.open_ns <= value <= session.close_ns:
        raise InputError(f"--until {text}: outside the session; allowed: {allowed}")
    return value


@contextmanager
def watching(
    console: Console, session: Session, until_ns: int | None, told: Callable[[dict[str, Any], list[str]], None]
) -> Iterator[Watch]:
    """Show simulated time and events a second while the context lasts; yields what a run calls on its way.

    Args:
        console: to show it on.
        session: of the market.
        until_ns: where the run is to stop; None: at the close.
        told: called with summary and notes once the market has ended; the pictures are still to be drawn then.
    """
    end_ns = session.close_ns if until_ns is None else until_ns
    columns = (
        TextColumn("{task.fields[time]}"),
        BarColumn(),
        TextColumn("{task.fields[rate]:>14} events/s"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as bar:
        task = bar.add_task("", total=end_ns - session.open_ns, time=clock(session.open_ns), rate="")
        last = [time.monotonic(), -1]

        def show(market: Market) -> None:
            now, events = time.monotonic(), market.n_events
            if now - last[0] < 0.1:
                return
            rate = f"{(events - last[1]) / (now - last[0]):,.0f}" if last[1] >= 0 else ""
            last[:] = [now, events]
            bar.update(task, completed=market.time_ns - session.open_ns, time=clock(market.time_ns)[:8], rate=rate)

        def compiling() -> None:
            bar.console.print("Compiling the engine, once on this machine: about half a minute ...")

        def ended(summary: dict[str, Any], notes: list[str]) -> None:
            bar.stop()
            told(summary, notes)

        with told_of_compiling(compiling), stop_on_signal() as stop:
            yield Watch(show, stop, ended)


def print_figures(console: Console, summary: dict[str, Any], notes: Sequence[str]) -> None:
    """Print what a run was: notes, the market's figures, the populations'."""
    for note in notes:
        console.print(note)
    console.print(_market_table(summary))
    console.print(_population_table(summary["populations"]))
    for line in warnings_of(summary):
        console.print(f"Warning: {line}", style="bold", soft_wrap=True)


def print_folder(console: Console, outcome: RunResult, folder: Path) -> None:
    """Print what a run has left: its folder and, last, its pictures."""
    summary = outcome.summary
    if summary["status"] == "stopped":
        console.print(f"Stopped at {summary['session']['reached']}; the same command with --resume goes on.")
    console.print(f"Run folder: {folder}", soft_wrap=True)
    if outcome.pictures:
        console.print(f"Report: {folder / REPORT}", soft_wrap=True)
    for picture in outcome.pictures:
        console.print(f"Picture: {picture}", soft_wrap=True)


def warnings_of(summary: dict[str, Any]) -> list[str]:
    """Return what a reader should not overlook: groups of whose orders none was accepted."""
    lines = []
    for row in summary["populations"]:
        # Orders are counted once the exchange has taken them.
        if row["n_rejects"] and not row["n_orders"]:
            lines.append(
                f"no order of {row['name']} was accepted: all of its {row['n_rejects']:,} messages were rejected"
            )
    if lines:
        lines[-1] += f" (reasons in this run: {', '.join(summary['rejects'])})"
    return lines


def _market_table(summary: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    session = summary["session"]
    table.add_row("Market", f"{summary['name']}, seed {summary['seed']}, {session['open']} to {session['reached']}")
    table.add_row("Orders", f"{summary['n_orders']:,} of {summary['n_agents']:,} agents")
    for row in summary["instruments"]:
        prefix = f"{row['name']}: " if len(summary["instruments"]) > 1 else ""
        table.add_row("Trades", f"{prefix}{row['n_trades']:,}, {row['volume_lots']:,} lots")
        if row["open"] is not None:
            prices = ", ".join(f"{name} {row[name]:g}" for name in ("open", "high", "low", "close"))
            table.add_row("Price", f"{prefix}{prices}")
        if row["mean_spread"] is not None:
            text = f"{row['mean_spread_ticks']:.2f} ticks ({row['mean_spread']:.4g} in money), mean over time"
            table.add_row("Spread", prefix + text)
        if row["volatility_bps_per_minute"] is not None:
            table.add_row("Volatility", f"{prefix}{row['volatility_bps_per_minute']:.2f} bp a minute")
    for row in summary.get("decisions", {}).get("by_population", []):
        table.add_row("Models", f"{row['name']}: {_decisions_line(row)}")
    rejects = ", ".join(f"{name} {count:,}" for name, count in summary["rejects"].items())
    table.add_row("Rejects", rejects or "none")
    rate = summary["n_events"] / max(summary["wall_s"], 1e-9)
    if summary.get("compile_s", 0) >= WORTH_TELLING_S:
        table.add_row("Compiled", f"{summary['compile_s']:.1f} s, once on this machine")
    table.add_row("Wall time", f"{summary['wall_s']:.2f} s, {summary['n_events']:,} events ({rate:,.0f}/s)")
    table.add_row("Tape", f"{summary['n_rows']:,} rows, hash {summary['tape_hash'][:12]}")
    return table


def _decisions_line(row: dict[str, Any]) -> str:
    """Return what the language models of a population did and cost."""
    failed = ", ".join(f"{reason} {count:,}" for reason, count in row["fallbacks"].items())
    actions = ", ".join(f"{name} {count:,}" for name, count in row["actions"].items())
    cost = f", cost {row['cost']:.2f}" if row["cost"] else ""
    return (
        f"{row['n_decisions']:,} decisions ({actions}), {row['model_share']:.1%} by the model, "
        f"{row['prompt_tokens']:,} + {row['reply_tokens']:,} tokens{cost}, fallbacks: {failed or 'none'}"
    )


def _population_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Population")
    for name in ("Agents", "Orders", "Fills", "Rejects", "P&L (money)"):
        table.add_column(name, justify="right")
    for row in rows:
        counts = [f"{row[key]:,}" for key in ("n_agents", "n_orders", "n_fills", "n_rejects")]
        table.add_row(row["name"], *counts, f"{row['pnl']:+,.2f}")
    return table
