"""What a newcomer waits for: the first (cold) run, a warm run with its picture, and --help."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.yardstick import at_most

__all__ = ["run"]

MOST_COLD_S, MOST_WARM_S = 20.0, 1.2


def _seconds(arguments: list[str], cache: str) -> float:
    """Wall time of one command in a fresh process."""
    environment = {**os.environ, "OUTCRY_CACHE_DIR": cache}
    began = time.perf_counter()
    subprocess.run(
        [str(Path(sys.executable).parent / "outcry"), *arguments],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def run() -> dict[str, Any]:
    """Return the figures of this bench; cold_compile_s is the first run's time less a warm run's."""
    with tempfile.TemporaryDirectory() as folder:
        cache = str(Path(folder) / "cache")

        def first_market(name: str) -> float:
            return _seconds(["run", "first_market.toml", "--out", str(Path(folder) / name)], cache)

        cold = first_market("cold")
        warm = min(first_market(f"warm{k}") for k in range(3))
        shown = min(_seconds(["--help"], cache) for _ in range(3))
    return {
        "cold_compile_s": round(cold - warm, 2),
        "warm_run_s": round(warm, 2),
        "help_s": round(shown, 2),
        "pass": at_most(cold - warm, MOST_COLD_S) and at_most(warm, MOST_WARM_S) and at_most(shown, 0.5),
    }
