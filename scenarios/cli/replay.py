"""`outcry replay`: a recorded day through the matching engine, compared with the recorded book."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli._options import LotOption, MappingOption, SymbolOption, TickOption, ZoneOption, read_options
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lob.recording import Recording
    from lob.replay import Replay

__all__ = ["command"]

MIN_AGREEMENT = 0.9999
MIN_HEAD_SHARE = 0.999
LISTED = 10
CROSS = 6
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
    recording: Annotated[
        Path,
        typer.Argument(
            help="LOBSTER message file or archive, .dbn, ITCH, a crypto exchange's CSV; docs/recordings.md."
        ),
    ],
    orderbook: Annotated[
        Path | None, typer.Argument(help="LOBSTER orderbook file. Default: the one beside the message file.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for summary.json and exceptions.csv.")] = None,
    tick_size: TickOption = None,
    lot_size: LotOption = None,
    symbol: SymbolOption = None,
    mapping: MappingOption = None,
    zone: ZoneOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Send a recorded day through the engine; exit 1 if the books disagree.

    Bounds: touch and first five levels right after 99.99% of the messages, 99.9% of the executions at the head. Without
    a recorded book it is made of the messages alone, and there is nothing to disagree with.

    Examples:
        outcry replay runs/first_market-data/lobster/seed=1/ABC_2024-01-02_34200000_37800000_message_10.csv
        outcry replay runs/first_market-data/lobster/seed=1/ABC_2024-01-02_34200000_37800000_message_10.csv --json
    """
    from lob.compile_time import told_of_compiling
    from lob.replay import replay
    from sim.files.kinds import check_archive
    from sim.formats.reading import read_recording

    if recording.is_file():
        check_archive(recording)
    console = console_beside(as_json, as_csv, wide=False)
    with (
        console.status("reading and replaying") as status,
        told_of_compiling(lambda: status.update("compiling, once on this machine: about half a minute")),
    ):
        reading = read_options(tick_size, lot_size, symbol, mapping, zone)
        day = read_recording(recording, replace(reading, book=orderbook))
        found = replay(day)
    if as_json or as_csv:
        passed = _passed(found) if day.levels else None
        summary = _summary(found, day, passed)
        counts = [{"what": name, "count": count} for name, count in found.counts.items()]
        told_to_programs(as_json, as_csv, summary, counts)
        if out is not None:
            _write(out, found, day, passed=passed)
        if passed is False:
            raise typer.Exit(1)
        return
    console.print(_table(found, day))
    for note in day.notes:
        console.print(note, soft_wrap=True)
    _print_halts(console, found, day)
    _print_named(console, "Executed although others stood in front of them:", found.exceptions, day)
    _print_named(console, "Without effect, since the order is not known:", found.strangers, day)
    if day.levels == 0:
        console.print("No recorded book: it was built from the messages alone, with nothing to compare it with")
        if out is not None:
            _write(out, found, day, passed=None)
            console.print(f"Written: {out}")
        return
    compared = found.counts["cells"] > 0
    passed = _passed(found)
    if out is not None:
        _write(out, found, day, passed=passed)
        console.print(f"Written: {out}")
    if not compared:
        console.print("Nothing was compared: the day has one message, or no price near its touch")
    if not passed:
        console.print(f"Below the bounds: agreement {MIN_AGREEMENT:.2%}, executions at the head {MIN_HEAD_SHARE:.1%}")
        raise typer.Exit(1)


def _passed(found: Replay) -> bool:
    return found.counts["cells"] > 0 and found.agreement >= MIN_AGREEMENT and found.head_share >= MIN_HEAD_SHARE


def _table(found: Replay, day: Recording) -> Table:
    """Return the table of a replay."""
    from rich.table import Table

    counts, levels = found.counts, day.levels
    n = counts["messages"]
    table = Table(title=f"Replay of {found.name}: {n:,} messages, {levels} levels", show_header=False, box=None)
    table.add_row("Tick, lot", f"{day.tick_size:g}, {day.lot_size:g}")
    table.add_row("From, to", f"{_clock(int(day.messages['time_ns'][0]))}, {_clock(int(day.messages['time_ns'][-1]))}")
    for kind, label in enumerate(TYPES):
        if kind and found.by_type[kind]:
            table.add_row(f"  {label}", f"{found.by_type[kind]:,}")
    if levels:
        table.add_row("Touch prices agree", f"{counts['agreeing_touch'] / n:.4%} of messages")
        table.add_row("Touch and 5 levels agree", f"{found.agreement:.4%} of messages")
        cells = max(1, counts["cells"])
        table.add_row("Compared cells agree", f"{counts['cells_agreeing'] / cells:.4%} of {counts['cells']:,}")
        for level in range(levels):
            bid, ask = found.levels_right[:, level]
            table.add_row(f"  level {level + 1}", f"{bid:.4%} of bids, {ask:.4%} of asks")
        seeded = counts["cells_seeded"] / max(1, cells + counts["cells_seeded"])
        table.add_row("Cells seeded, not compared", f"{seeded:.2%}")
    share = f"{found.head_share:.4%} of " if counts["executions"] else "none of "
    strange = counts["executions"] - counts["executions_at_head"] - counts["exceptions"]
    others = f", {strange} of unknown orders" if strange else ""
    head = f"{share}{counts['executions']:,}: {counts['exceptions']} out of turn{others}"
    table.add_row("Executions at the head", head)
    if found.halts:
        table.add_row(
            "During halts",
            f"{counts['halted_orders']:,} new orders, {counts['halted_executions']:,} executed in a cross",
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


def _clock(time_ns: int | None, otherwise: str = "") -> str:
    """Return a time of day to the microsecond."""
    from datetime import timedelta

    return otherwise if time_ns is None else str(timedelta(microseconds=time_ns // 1000))


def _print_halts(console: Console, found: Replay, day: Recording) -> None:
    """List halts and crosses."""
    for halt in found.halts[:LISTED]:
        quotes = "" if halt.quotes_ns is None else f", quotes from {_clock(halt.quotes_ns)}"
        start, end = _clock(halt.start_ns, "before the first message"), _clock(halt.end_ns, "the end of the file")
        console.print(f"Halted: {start} to {end}{quotes}")
    crosses = day.messages[day.messages["type"] == CROSS]
    for row in crosses[:LISTED]:
        console.print(f"Cross: {_clock(int(row['time_ns']))}, {row['size']:,} at {_price(row, day)}")
    for n, what in ((len(found.halts), "halts"), (len(crosses), "crosses")):
        if n > LISTED:
            console.print(f"  and {n - LISTED} more {what}")


def _price(row: Any, day: Recording) -> str:
    """Return a recorded price in the currency, with as many decimals as it has, at least two."""
    units, value = day.price_units, int(row["price"])
    decimals = max(2, len(str(units)) - 1)
    text = f"{value / units:.{decimals}f}".rstrip("0")
    return text + "0" * max(0, 2 - len(text.partition(".")[2]))


def _print_named(console: Console, title: str, which: Any, day: Recording) -> None:
    """List messages by their numbers."""
    if len(which):
        console.print(title)
    for k in which[:LISTED]:
        row = day.messages[k]
        when, what = _clock(int(row["time_ns"])), TYPES[row["type"]]
        console.print(
            f"  message {k + 1}, {when}: {what}, order {row['order_id']}, {row['size']} at {_price(row, day)}"
        )
    if len(which) > LISTED:
        console.print(f"  and {len(which) - LISTED} more (--out writes all)")


def _write(out: Path, found: Replay, day: Recording, *, passed: bool | None) -> None:
    """Write summary.json and exceptions.csv, each under a temporary name first; `passed` is None without a book."""
    from sim.files.claim import claimed, has_json

    with claimed(out, "replay", lambda place: has_json(place / "summary.json", "head_share")):
        _write_files(out, found, day, passed)


def _summary(found: Replay, day: Recording, passed: bool | None) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "name": found.name,
        "format": day.format,
        "tick_size": day.tick_size,
        "lot_size": day.lot_size,
        "notes": list(day.notes),
        "agreement": found.agreement,
        "head_share": found.head_share,
        "passed": passed,
        "counts": found.counts,
        # JSON has no nan: a level of which no cell was compared is null.
        "halts": [asdict(halt) for halt in found.halts],
        "unknown_messages": [int(k) + 1 for k in found.strangers],
        "levels_right": [[None if share != share else share for share in side] for side in found.levels_right.tolist()],
    }


def _write_files(out: Path, found: Replay, day: Recording, passed: bool | None) -> None:
    import json

    from sim.files.atomic import write_atomically

    summary = _summary(found, day, passed)
    write_atomically(out / "summary.json", json.dumps(summary, indent=2).encode())
    lines = ["message,time_ns,order_id,size,price"]
    for k in found.exceptions:
        row = day.messages[k]
        lines.append(f"{k + 1},{row['time_ns']},{row['order_id']},{row['size']},{row['price']}")
    write_atomically(out / "exceptions.csv", "\n".join([*lines, ""]).encode())
