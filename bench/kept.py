"""Figures of benches kept by commit: bench/figures.jsonl, a line for each bench that was run with `--keep`."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["FILE", "commit_of", "host", "keep", "kept"]

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "bench" / "figures.jsonl"


def host() -> str:
    """Return what a rate depends on besides the program: processor, cores and Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        named = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = named[0] if named else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def commit_of(tree: Path = ROOT) -> str:
    """Return the commit that a checkout stands at, with a "+" if its files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=tree, capture_output=True, text=True, check=True).stdout.strip()

    kept = str(FILE.relative_to(ROOT))
    return git("rev-parse", "--short=10", "HEAD") + ("+" if git("status", "--short", "--", ".", f":!{kept}") else "")


def keep(figures: Mapping[str, Any]) -> None:
    """Add the figures of one bench to the file."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M")
    line = {"commit": commit_of(), "time": now, "host": host(), **figures}
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def kept(bench: str | None = None) -> list[dict[str, Any]]:
    """Return what the file holds of a bench, or of all, the oldest first."""
    if not FILE.is_file():
        return []
    lines = [json.loads(line) for line in FILE.read_text("utf-8").splitlines() if line]
    for line in lines:
        if isinstance(line.get("machine"), str):  # what it was called before there was a yardstick of this name
            line["host"] = line.pop("machine")
    return [line for line in lines if bench in (None, line["bench"])]
