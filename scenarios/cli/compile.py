"""`outcry compile`: compile everything ahead, for an image or the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenarios.cli._options import side_table
from scenarios.cli._tables import CsvOption, JsonOption, console_beside, told_to_programs

__all__ = ["command"]


def command(as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Compile the engine and every agent of the library into the cache, so that no later run has to.

    The cache is $OUTCRY_CACHE_DIR, or else the user's cache folder. What is there already is only loaded.

    Examples:
        outcry compile
        outcry compile --json
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from lob.compile_time import compile_s
    from lob.kernel_cache import cache_folder

    console = console_beside(as_json, as_csv)
    rows: list[dict[str, Any]] = []
    columns = (TextColumn("{task.completed:.0f} of {task.total:.0f}"), BarColumn(), TextColumn("{task.description}"),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        parts = _parts()
        task = bar.add_task("", total=len(parts))
        for name, make in parts.items():
            bar.update(task, description=name)
            before = compile_s()
            make()
            rows.append({"part": name, "compile_s": round(compile_s() - before, 3)})
            bar.advance(task)
    total, folder = sum(row["compile_s"] for row in rows), cache_folder().parent
    if told_to_programs(as_json, as_csv, {"parts": rows, "compile_s": total, "folder": folder}, rows):
        return
    compiled = sorted((row for row in rows if row["compile_s"]), key=lambda row: -row["compile_s"])
    if compiled:
        cells = [[str(row["part"]), f"{row['compile_s']:.1f}"] for row in compiled]
        console.print(side_table(["Compiled", "Seconds"], cells))
    console.print(f"{len(compiled)} of {len(rows)} parts compiled in {total:.1f} s; the others were there")
    console.print(f"Cache: {folder}", soft_wrap=True)


def _parts() -> dict[str, Callable[[], object]]:
    """What there is to compile, by name, as functions that make it be compiled."""
    from scenarios.build.kinds import library_policy, policy_kinds

    parts: dict[str, Callable[[], object]] = {"engine": _engine, "order book": _order_book, "recordings": _recordings}
    return parts | {kind: library_policy(kind).address for kind in policy_kinds()}


def _engine() -> None:
    from scenarios.build.market import build_market
    from sim.hash import TapeHash

    market = build_market("first_market")
    market.run(market.session.open_ns + 1_000_000_000, sinks=[TapeHash()])


def _order_book() -> None:
    import numpy as np

    from lob import OrderBook
    from lob.types import MESSAGE

    book = OrderBook()
    book.limit("buy", 100, 1)
    book.apply(np.zeros(0, MESSAGE))
    list(book.orders("buy"))


def _recordings() -> None:
    """A recording of one order: read, replayed, with its book."""
    import tempfile
    from pathlib import Path

    import numpy as np

    from lob.replay import replay
    from lob.types import EVENT, EventKind, Flag
    from sim.formats import ItchWriter, read_recording, with_book

    rows = np.zeros(1, EVENT)
    rows["kind"], rows["flags"], rows["order_id"], rows["side"] = EventKind.ADD, Flag.FIRST, 1, 1
    rows["price_ticks"], rows["qty_lots"], rows["leaves_lots"] = 10, 1, 1
    with tempfile.TemporaryDirectory() as folder:
        writer = ItchWriter(Path(folder) / "one.itch", "A", 0, 1, 64)
        writer(rows)
        day = read_recording(writer.close()[0])
        replay(day)
        with_book(day, 1)
