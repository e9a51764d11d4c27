"""Messages read a second from each format, and the memory of a day of five million messages with ten levels.

Each file is read in a process of its own, after a small one has compiled what is compiled.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.yardstick import at_least
from lob.recording import NEW
from scenarios.build.market import build_market
from sim.formats import DbnWriter, ItchWriter, LobsterWriter, read_recording

__all__ = ["run"]

MESSAGES = 5_000_000
CSV_MESSAGES = 1_000_000
LEVELS = 10
LEAST_PER_S = 1e6
MOST_MB = 2000.0
SMALL = 2_000
FORMS = ("dbn", "itch", "lobster", "csv")


def _write(folder: Path, n: int) -> int:
    """Write a day of megapop in three formats; return its messages, at least n."""
    market = build_market("megapop", overrides=("record.picture=false",))
    listing, (open_ns, close_ns) = market.world.listings[0], (market.session.open_ns, market.session.close_ns)
    prices = (listing.instrument.min_price_ticks, listing.instrument.n_prices)
    writers: Any = [
        LobsterWriter(folder, "ABC", "2024-01-02", open_ns, close_ns, *prices, depth=LEVELS),
        DbnWriter(folder / "day.dbn", "ABC", "2024-01-02", *prices, listing.tick_size),
        ItchWriter(folder / "day.itch", "ABC", open_ns, *prices, listing.tick_size),
    ]
    until = open_ns
    while writers[0].n_messages < n and until < close_ns:
        until = min(close_ns, until + 2 * 10**9)
        market.run(until, sinks=writers)
    for writer in writers:
        writer.close()
    return int(writers[0].n_messages)


def _write_csv(folder: Path, n: int) -> None:
    """Write the same day's messages as a crypto exchange's order events."""
    rows = read_recording(folder / "day.itch").messages[:n]
    # What is left of each order after each of its messages.
    order = np.argsort(rows["order_id"], kind="stable")
    change = np.where(rows["type"] == NEW, rows["size"], -rows["size"].astype(np.int64))[order]
    total = np.cumsum(change)
    starts = np.flatnonzero(np.append(True, rows["order_id"][order][1:] != rows["order_id"][order][:-1]))
    before = np.repeat(np.append(0, total[starts[1:] - 1]), np.diff(np.append(starts, len(rows))))
    left = np.empty(len(rows), np.int64)
    left[order] = total - before
    ms = rows["time_ns"] // 1_000_000
    pl.DataFrame(
        {
            "id": rows["order_id"], "timestamp": ms, "exchange_timestamp": ms, "price": rows["price"] / 10_000,
            "volume": np.where(rows["type"] == 3, rows["size"], left),
            "action": np.array(["", "created", "changed", "deleted", "changed"])[rows["type"]],
            "direction": np.where(rows["direction"] > 0, "bid", "ask"),
        }
    ).write_csv(folder / "day.csv")  # fmt: skip


def _path(folder: Path, form: str) -> Path:
    return next(folder.glob("*_message_*")) if form == "lobster" else folder / f"day.{form}"


def _read(small: str, large: str) -> None:
    """Read a file; print its messages, seconds, and the peak memory in MB."""
    read_recording(small)
    began = time.perf_counter()
    day = read_recording(large)
    took = time.perf_counter() - began
    # Of this program alone: what getrusage tells begins with the memory of the process that started it.
    status = Path("/proc/self/status").read_text()
    peak_kb = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    print(len(day.messages), took, peak_kb / 1024)


def run() -> dict[str, Any]:
    """Return the rates and the peak memory of each format."""
    place = Path(tempfile.mkdtemp(prefix="outcry-read-"))
    try:
        for name, n in (("small", SMALL), ("large", MESSAGES)):
            made = _write(place / name, n)
            _write_csv(place / name, CSV_MESSAGES)
            print(f"{name}: {made:,} messages written", flush=True)
        rates, peaks = {}, {}
        for form in FORMS:
            paths = [str(_path(place / name, form)) for name in ("small", "large")]
            code = f"from bench.read import _read; _read(*{paths!r})"
            root = Path(__file__).resolve().parent.parent
            done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
            read, took, peak = map(float, done.stdout.split()[-3:])
            rates[form], peaks[form] = read / took, peak
            print(f"{form}: {read:,.0f} messages in {took:.2f} s, {peak:,.0f} MB", flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return {
        **{f"{form}_per_s": round(rate) for form, rate in rates.items()},
        **{f"{form}_peak_mb": round(peak) for form, peak in peaks.items()},
        "peak_mb": round(peaks["lobster"]),
        "pass": at_least(min(rates["dbn"], rates["itch"]), LEAST_PER_S) and peaks["lobster"] <= MOST_MB,
    }
