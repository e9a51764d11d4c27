"""`outcry replay`: a recorded LOBSTER day through the matching engine, compared with the recorded book."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lob.lobster import LobsterDay
    from lob.replay import Replay

__all__ = ["command"]

MIN_AGREEMENT = 0.9999
MIN_HEAD_SHARE = 0.999
LISTED = 10
TYPES = (
    "",
    "new order",
    "partial cancel",
    "delete",
    "visible execution",
    "hidden execution",
    "cross",
    "halt",
)


def command(
    message: Annotated[Path, typer.Argument(help="LOBSTER message file, or one zip that holds both files.")],
    orderbook: Annotated[Path | None, typer.Argument(help="LOBSTER orderbook file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for summary.json and exceptions.csv.")] = None,
) -> None:
    """Send a recorded LOBSTER day through the engine; exit 1 if the books disagree.

    Bounds: touch and first five levels right after 99.99% of the messages, 99.9% of the executions at the head.
    """
    from rich.console import Console

    from lob.lobster import read_day
    from lob.replay import replay
    from sim.file_kinds import check_archive

    check_archive(message)
    console = Console()
    with console.status("reading and replaying"):
        day = read_day(message, orderbook)
        found = replay(day)
    console.print(_table(found, day.levels))
    _print_exceptions(console, found, day)
    compared = found.counts["cells"] > 0
    passed = compared and found.agreement >= MIN_AGREEMENT and found.head_share >= MIN_HEAD_SHARE
    if out is not None:
        _write(out, found, day, passed)
        console.print(f"Written: {out}")
    if not compared:
        console.print("Nothing was compared: the day has one message, or no price near its touch")
    if not passed:
        console.print(f"Below the bounds: agreement {MIN_AGREEMENT:.2%}, executions at the head {MIN_HEAD_SHARE:.1%}")
        raise typer.Exit(1)


def _table(found: Replay, levels: int) -> Table:
    """Return the table of a replay."""
    from rich.table import Table

    counts = found.counts
    n = counts["messages"]
    table = Table(title=f"Replay of {found.name}: {n:,} messages, {levels} levels", show_header=False, box=None)
    for kind, label in enumerate(TYPES):
        if kind and found.by_type[kind]:
            table.add_row(f"  {label}", f"{found.by_type[kind]:,}")
    table.add_row("Touch prices agree", f"{counts['agreeing_touch'] / n:.4%} of messages")
    table.add_row("Touch and 5 levels agree", f"{found.agreement:.4%} of messages")
    cells = max(1, counts["cells"])
    table.add_row("Compared cells agree", f"{counts['cells_agreeing'] / cells:.4%} of {counts['cells']:,}")
    for level in range(levels):
        bid, ask = found.levels_right[:, level]
        table.add_row(f"  level {level + 1}", f"{bid:.4%} of bids, {ask:.4%} of asks")
    seeded = counts["cells_seeded"] / max(1, cells + counts["cells_seeded"])
    table.add_row("Cells seeded, not compared", f"{seeded:.2%}")
    table.add_row(
        "Executions at the head",
        f"{found.head_share:.4%} of {counts['executions']:,}: {counts['exceptions']} out of turn",
    )
    table.add_row("Taken from seeded depth", f"{counts['from_seed']:,} messages, whose rank in the queue is not known")
    table.add_row("Moved back in their queue", f"{counts['requeued']:,} orders, as executions showed")
    table.add_row("Order unknown, message without effect", f"{counts['unknown']:,}")
    if counts["outside"] or counts["cells_outside"]:
        table.add_row(
            "Beyond the book's range", f"{counts['outside']:,} messages not sent, {counts['cells_outside']:,} cells"
        )
    table.add_row("New orders that would have traded", f"{counts['crossed']:,}")
    table.add_row("Engine, seeding and comparison", f"{found.messages_per_s / 1e6:.2f} M messages/s")
    return table


def _print_exceptions(console: Console, found: Replay, day: LobsterDay) -> None:
    """List executions whose order was not the head of its queue."""
    from datetime import timedelta

    if len(found.exceptions):
        console.print("Executed although others stood in front of them:")
    for k in found.exceptions[:LISTED]:
        row = day.messages[k]
        when = timedelta(microseconds=int(row["time_ns"]) // 1000)
        console.print(f"  message {k + 1}, {when}: order {row['order_id']}, {row['size']} at {row['price'] / 1e4:.2f}")
    if len(found.exceptions) > LISTED:
        console.print(f"  and {len(found.exceptions) - LISTED} more (--out writes all)")


def _write(out: Path, found: Replay, day: LobsterDay, passed: bool) -> None:
    """Write summary.json and exceptions.csv, each under a temporary name first."""
    from scenarios.claim import claimed, has_json

    with claimed(out, "replay", lambda place: has_json(place / "summary.json", "head_share")):
        _write_files(out, found, day, passed)


def _write_files(out: Path, found: Replay, day: LobsterDay, passed: bool) -> None:
    import json

    from sim.writer import write_atomically

    summary = {
        "name": found.name,
        "agreement": found.agreement,
        "head_share": found.head_share,
        "passed": passed,
        "counts": found.counts,
        # JSON has no nan: a level of which no cell was compared is null.
        "levels_right": [[None if share != share else share for share in side] for side in found.levels_right.tolist()],
    }
    write_atomically(out / "summary.json", json.dumps(summary, indent=2).encode())
    lines = ["message,time_ns,order_id,size,price"]
    for k in found.exceptions:
        row = day.messages[k]
        lines.append(f"{k + 1},{row['time_ns']},{row['order_id']},{row['size']},{row['price']}")
    write_atomically(out / "exceptions.csv", "\n".join([*lines, ""]).encode())
