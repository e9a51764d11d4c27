"""Kill `outcry run` with -9 at random moments, go on with --resume, and demand the tape that nobody disturbed.

    python -m tests.cli.kills --kills 100 --seed 1 [--scenario slow_llm] [--folder DIR]

Each scenario is run once undisturbed. Then it is started and killed, resumed and killed again, until a run gets
through; the tape, accounts and decisions must be those of the undisturbed run. After every kill the rows on the disk
must be numbered without a gap, and as many as the last checkpoint says. Moments are drawn from --seed in wall time.

The processes that are killed are forked from one that has loaded everything (`multiprocessing`'s forkserver), so that a
kill costs no start of Python. Each runs the command line's own entry point.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scenarios.cli.main import run_command
from scenarios.run.checkpoint import load_checkpoint
from sim.hash import hash_tape
from sim.writer import read_parts

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.cli.preload"])

MARKET = """
[session]
open = 09:30:00
close = {close}
[record]
picture = false
checkpoint_s = 0.02
[[instrument]]
name = "ABC"
reference_ticks = 10_000
[[population]]
name = "zero"
kind = "zero_intelligence"
count = {count}
settings = {{ interval_s = 2.0 }}
"""
TRADER = '[[trader]]\nname = "t"\nkind = "{kind}"\ncount = {count}\n'
TWAP = "settings = { quantity_lots = 400, n_slices = 200, duration_s = 500.0, start_s = 10.0 }\n"
BACKEND = 'personas = ["news_fast", "value_bold"]\nfirst_s = 5.0\ninterval_s = 15.0\n'
REPLY = {"view": "up", "confidence": 60, "cancel_open_orders": False, "orders": [
    {"side": "buy", "kind": "limit", "offset_ticks": 0, "qty_lots": 5, "time_in_force": "gtc"}]}  # fmt: skip
SCRIPTED = f"[trader.settings]\n{BACKEND}backend = {{ kind = 'scripted', replies = ['{json.dumps(REPLY)}', 'no'] }}\n"
LOCAL = f"[trader.settings]\n{BACKEND}backend = {{ kind = 'local' }}\n"
SLOW = """
import time
from agents.traders.llm import trader as investor
from agents.traders.twap import TwapTrader
from sim.records import Wake
from sim.trader import Ask, Trader

class Slow(TwapTrader):
    # A metaorder whose every decision takes as long as a question to a server.
    def on_wake(self, view):
        time.sleep(0.03)
        return super().on_wake(view)

class Panel:
    def answer(self, questions):
        time.sleep(0.03)
        return [q > 0.5 for q in questions]

PANEL = Panel()

class Asking(Trader):
    # Decides with the others of the same instant, slowly, and remembers how often.
    def __init__(self):
        self.n = 0
    def on_wake(self, view):
        return 10.0 if Wake.START in view.reason else Ask(PANEL, view.uniform(0))
    def on_answer(self, view, answer):
        self.n += 1
        view.limit("buy" if answer else "sell", view.last_ticks, 1 + self.n % 3)
        return 10.0
    def state(self):
        return self.n
    def set_state(self, state):
        self.n = state

class SlowInvestor(investor):
    def on_answer(self, view, answer):
        time.sleep(0.02)
        return super().on_answer(view, answer)
"""
SCENARIOS = {
    "compiled": MARKET.format(close="09:50:00", count=1500),
    "twap": MARKET.format(close="09:40:00", count=800) + TRADER.format(kind="twap", count=1) + TWAP,
    "slow_trader": MARKET.format(close="09:40:00", count=50) + TRADER.format(kind="slow:Slow", count=1) + TWAP,
    "asking": MARKET.format(close="09:40:00", count=50) + TRADER.format(kind="slow:Asking", count=4),
    "llm": MARKET.format(close="09:40:00", count=800) + TRADER.format(kind="llm", count=3) + SCRIPTED,
    "slow_llm": MARKET.format(close="09:40:00", count=50) + TRADER.format(kind="slow:SlowInvestor", count=3) + SCRIPTED,
    "small_model": MARKET.format(close="09:36:00", count=50) + TRADER.format(kind="llm", count=2) + LOCAL,
}
"""Scenarios by name; those with "slow" have traders that take most of the time."""


@dataclass
class Figures:
    """What the kills came to."""

    kills: int = 0
    completed: int = 0
    started_over: int = 0
    resumed: int = 0
    rows_checked: int = 0
    by_scenario: dict[str, int] = field(default_factory=dict)


class Case:
    """One scenario, its undisturbed run, and the run that is killed."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        folder.mkdir(parents=True)
        (folder / "scenario.toml").write_text(SCENARIOS[name])
        (folder / "slow.py").write_text(SLOW)
        self.log = folder / "log"
        self.number = 0
        done = self._start("whole")
        done.join()
        assert done.exitcode == 0, self.log.read_text()
        self.whole = json.loads((folder / "whole" / "summary.json").read_text())

    def _start(self, run: str, *options: str) -> ForkServerProcess:
        arguments = ["outcry", "run", "scenario.toml", "--out", run, *options]
        process = CONTEXT.Process(target=_outcry, args=(arguments, self.folder, self.log))
        process.start()
        return process

    @property
    def run(self) -> Path:
        """The folder of the run that is being killed."""
        return self.folder / f"run-{self.number}"

    def kill_once(self, rng: random.Random, figures: Figures) -> None:
        """Start or resume the run and kill it after a random time; if it gets through, compare it and begin anew."""
        begun = (self.run / "summary.json").exists()
        process = self._start(self.run.name, *(["--resume"] if begun else []))
        # Nine of ten from the moment on at which it holds the folder, the others while it still starts.
        if rng.random() < 0.9:
            while process.is_alive() and not self._is_held(process.pid):
                time.sleep(0.002)
        time.sleep(rng.uniform(0.0, 1.1 * self.whole["wall_s"]))
        process.kill()
        process.join()
        if process.exitcode == 0:
            self._compare()
            figures.completed += 1
            self.number += 1
            return
        assert process.exitcode == -9, self.log.read_text()
        figures.kills += 1
        figures.by_scenario[self.name] = figures.by_scenario.get(self.name, 0) + 1
        figures.rows_checked += self._check_rows()

    def _is_held(self, pid: int | None) -> bool:
        try:
            return (self.run / ".outcry.lock").read_text().strip() == str(pid)
        except OSError:
            return False

    def finish(self, figures: Figures) -> None:
        """Let the run that was killed last go through."""
        begun = (self.run / "summary.json").exists()
        process = self._start(self.run.name, *(["--resume"] if begun else []))
        process.join()
        out = self.log.read_text()
        assert process.exitcode == 0, out
        figures.resumed += "resumed at" in out
        figures.started_over += "started over" in out or not begun
        self._compare()
        figures.completed += 1

    def _check_rows(self) -> int:
        """Rows on the disk are numbered without a gap, and a checkpoint's are all there."""
        if not (self.run / "tape").is_dir():
            return 0
        parts = list(read_parts(self.run / "tape"))
        rows = np.concatenate(parts) if parts else np.empty(0)
        assert not len(rows) or (rows["sequence"] == np.arange(1, len(rows) + 1)).all(), f"{self.run}: a gap"
        loaded = load_checkpoint(self.run)
        assert loaded is None or loaded[0].n_rows <= len(rows), f"{self.run}: the checkpoint is ahead of the tape"
        return len(rows)

    def _compare(self) -> None:
        summary = json.loads((self.run / "summary.json").read_text())
        assert summary["status"] == "complete"
        assert summary["tape_hash"] == self.whole["tape_hash"] == hash_tape(self.run / "tape"), f"{self.run}: the tape"
        assert self._check_rows() == self.whole["n_rows"]
        for name in ("accounts.parquet", "decisions.parquet"):
            whole = self.folder / "whole" / name
            assert whole.exists() == (self.run / name).exists(), f"{self.run}: {name}"
            if whole.exists():
                assert _plain(self.run / name).equals(_plain(whole)), f"{self.run}: {name}"
        assert not list(self.run.rglob("*.tmp")) and not (self.run / "snapshot.bin").exists()


def _outcry(arguments: list[str], folder: Path, log: Path) -> None:
    """Be the command: the same entry point, arguments, folder and streams."""
    os.chdir(folder)
    with log.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = arguments
    run_command()


def _plain(path: Path) -> pl.DataFrame:
    """A table without wall times, which no two runs share."""
    return pl.read_parquet(path).drop("wall_s", strict=False)


def kill(folder: Path, n_kills: int, seed: int, names: list[str], tell: bool = False) -> Figures:
    """Kill each scenario in turn until there were `n_kills` in all; tell how far it is after each round."""
    rng, figures = random.Random(seed), Figures()
    cases = [Case(name, folder / name) for name in names]
    while figures.kills < n_kills:
        for case in cases:
            if figures.kills < n_kills:
                case.kill_once(rng, figures)
        if tell:
            print(figures, flush=True)
    for case in cases:
        case.finish(figures)
    return figures


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line; print the figures."""
    parser = argparse.ArgumentParser(description="kill -9 at random moments")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        began = time.monotonic()
        figures: Any = kill(given.folder or Path(place) / "kills", given.kills, given.seed,
                            given.scenario or list(SCENARIOS), tell=True)  # fmt: skip
        print(f"{figures} in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
