"""`python -m bench compare`: figures of two commits side by side.

    python -m bench compare                         the last two commits kept of each bench (`--keep`), on one machine
    python -m bench compare engine env              of these only
    python -m bench compare engine --base COMMIT    measured now: that commit and these files in turn, `--repeats` times
    python -m bench compare A B --only engine       measured now: two commits in turn

Machines differ twofold from day to day, and one from minute to minute, so only the last two ways say whether a change
made something faster or slower. Medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.kept import ROOT, commit_of, kept

__all__ = ["compare", "last_two", "table"]

_NO_FIGURES = {"bench", "commit", "host", "machine", "pass", "spread", "time"}


def table(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return lines with each number of two records of one bench, and now over before."""
    lines = [f"{now['bench']}: {before['commit']} -> {now['commit']}"]
    names = [name for name in now if name in before and name not in _NO_FIGURES]
    for name in names:
        old, new = before[name], now[name]
        if isinstance(new, bool) or not isinstance(new, int | float) or not isinstance(old, int | float):
            continue
        ratio = f"{new / old:8.3f}" if old else "        "
        low, high = now.get("spread", {}).get(name, (new, new))
        spread = f"  ({low:,} to {high:,})" if low != high else ""
        lines.append(f"  {name:<40} {old:>16,} {new:>16,} {ratio}{spread}")
    return lines


def last_two(bench: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the newest record of a bench and the newest of another commit on the same host before it."""
    records = kept(bench)
    for k in range(len(records) - 1, 0, -1):
        now = records[k]
        for before in reversed(records[:k]):
            if before["host"] == now["host"] and before["commit"] != now["commit"]:
                return before, now
    return None


def measured(bench: str, trees: tuple[Path, Path], repeats: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a bench in two trees in turn, and return the medians of each."""
    found: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for _ in range(repeats):
        for place, records in zip(trees, found, strict=True):
            records.append(_run(bench, place))
    before, now = (
        {"commit": commit_of(place), **medians(records), "spread": _spread(records)}
        for place, records in zip(trees, found, strict=True)
    )
    return before, now


def medians(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each number, and of all else what the first says."""
    return {
        name: statistics.median(record[name] for record in records) if _is_number(value) else value
        for name, value in records[0].items()
    }


def _spread(records: Sequence[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    numbers = [name for name, value in records[0].items() if _is_number(value)]
    return {name: (min(r[name] for r in records), max(r[name] for r in records)) for name in numbers}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _run(bench: str, tree: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench", bench, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        sys.exit(f"bench {bench} in {commit_of(tree)}: {done.stderr.strip().splitlines()[-1:] or 'no figures'}")
    record: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return record


@contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    """Provide the files of a commit in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "base"
        added = ["git", "worktree", "add", "--quiet", "--detach", str(tree), commit]
        if subprocess.run(added, cwd=ROOT, capture_output=True).returncode:
            sys.exit(f"{commit}: no such commit")
        try:
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def compare(words: Sequence[str], known: Sequence[str]) -> int:
    """Print the comparison that the words after `compare` ask for."""
    parser = argparse.ArgumentParser(prog="python -m bench compare", description="Figures of two commits side by side.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME",
        help=f"benches; default: all that are kept ({', '.join(known)}); or two commits, with --only",
    )  # fmt: skip
    parser.add_argument("--base", metavar="COMMIT", help="measure this commit and the present files in turn")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="bench to measure in two commits")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each that is measured; medians count")
    asked = parser.parse_args(words)
    commits = asked.names if asked.only else [asked.base] if asked.base else []
    names = asked.only or asked.names
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}; two commits are compared with --only NAME")
    if asked.only and (len(commits) != 2 or asked.base):
        parser.error("--only goes with two commits: compare A B --only NAME")
    if commits and not names:
        parser.error("--base needs the names of benches")
    if not commits:
        for name in names or sorted({record["bench"] for record in kept()}):
            pair = last_two(name)
            print("\n".join(table(*pair)) if pair else f"{name}: no two commits kept on one host")
        return 0
    with ExitStack() as folders:
        trees = [folders.enter_context(_checkout(commit)) for commit in commits]
        for name in names:
            print("\n".join(table(*measured(name, (trees[0], [*trees, ROOT][1]), asked.repeats))))
    return 0
