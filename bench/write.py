"""Tape rows to Parquet a second, and the memory of generating 100 million messages of megapop."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.yardstick import at_least
from lob.units import SECOND_NS
from scenarios.build.market import build_market
from sim.writer import ParquetTape

__all__ = ["run"]

N_ROWS = 10_000_000
SAMPLE_NS = (9 * 3600 + 32 * 60) * SECOND_NS
MESSAGES = 100_000_000
LEAST_ROWS_PER_S = 2e6
MOST_MB = 1500.0


def _rows_per_s(folder: Path) -> float:
    market = build_market("megapop", overrides=("record.picture=false",))
    market.run(SAMPLE_NS)
    rows = market.tape[-500_000:]
    tape = ParquetTape(folder)
    began = time.perf_counter()
    for _ in range(N_ROWS // len(rows)):
        for k in range(0, len(rows), 65_536):
            tape(rows[k : k + 65_536])
    tape.close_part()
    return N_ROWS // len(rows) * len(rows) / (time.perf_counter() - began)


def _generate(folder: str) -> None:
    """Make days of megapop until there are enough messages; print messages, seconds and peak memory in MB."""
    from scenarios.data.generation import generate
    from scenarios.many_runs.execution import Execution

    began, made, days = time.perf_counter(), 0, 0
    while made < MESSAGES:
        days += 1
        found = generate("megapop", folder, days=days, execution=Execution("serial", resume=days > 1))
        made = int(found.manifest["n_messages"].sum())
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(made, time.perf_counter() - began, peak_kb / 1024)


def run() -> dict[str, Any]:
    """Return the writer's rate, and the rate, memory and size of generating 100 million messages with labels."""
    place = Path(tempfile.mkdtemp(prefix="outcry-write-"))
    try:
        rate = _rows_per_s(place / "tape")
        print(f"ParquetTape: {rate / 1e6:.2f} M rows/s", flush=True)
        shutil.rmtree(place / "tape")
        # A process of its own, so that its peak memory is its own.
        code = f"from bench.write import _generate; _generate({str(place / 'data')!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        messages, seconds, peak_mb = map(float, done.stdout.split())
        size_gb = sum(f.stat().st_size for f in (place / "data").rglob("*") if f.is_file()) / 1e9
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return {
        "rows_per_s": round(rate),
        "messages": int(messages),
        "messages_per_s": round(messages / seconds),
        "peak_mb": round(peak_mb),
        "size_gb": round(size_gb, 2),
        "cores": os.cpu_count(),
        "pass": at_least(rate, LEAST_ROWS_PER_S) and peak_mb < MOST_MB and messages >= MESSAGES,
    }
