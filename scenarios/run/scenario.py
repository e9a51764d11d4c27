"""Running a scenario: the market, its sinks, checkpoints, stops, and the run folder that is left behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lob.compile_time import compile_s
from lob.errors import OutcryError, RunError
from scenarios._flat_keywords import with_flat
from scenarios.build.market import Built
from scenarios.build.value_range import value_notes
from scenarios.run.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from scenarios.run.decisions import DecisionLog, decision_figures, decision_notes
from scenarios.run.folder import ACCOUNTS, REPORT, SCENARIO, TAPE, prepare_folder, remove_leftovers, text_hash
from scenarios.run.measures import Measures
from scenarios.run.summary import (
    accounts_table,
    instrument_figures,
    population_figures,
    write_summary,
)
from scenarios.schema.times import clock
from scenarios.schema.toml_text import toml_text
from sim.beside import Beside
from sim.files.atomic import remove_temporaries, write_atomically, write_parquet
from sim.files.claim import OVERWRITE, locked
from sim.market import Market
from sim.versions import versions
from sim.writer import ParquetTape, read_parts, remove_parts

__all__ = ["RunResult", "Watch", "run_scenario"]

SLICES = 200
"""Looks at progress, stops and checkpoints: this many in a session, and at least ten a second of compiled work."""
CHECKPOINT_COST = 20
"""A checkpoint is put off until the run has lasted this many times as long as the last one took."""


@dataclass
class RunResult:
    """How a run ended.

    Attributes:
        summary: what summary.json holds.
        pictures: the pictures drawn.
        notes: lines for the user.
        already_complete: nothing was left to do.
    """

    summary: dict[str, Any]
    pictures: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    already_complete: bool = False


@dataclass(frozen=True)
class Watch:
    """What a run tells on its way, and what it asks.

    Attributes:
        show: called at least every few tenths of a second of compiled work.
        stop: asked equally often; True ends the run with a checkpoint and status "stopped".
        told: called with the summary and the notes once the market has ended, before the pictures are drawn.
    """

    show: Callable[[Market], None] = lambda market: None
    stop: Callable[[], bool] = lambda: False
    told: Callable[[dict[str, Any], list[str]], None] = lambda summary, notes: None


class _Run:
    """One run on its way."""

    def __init__(self, built: Built, seed: int, folder: Path, watch: Watch, compiled_before: float) -> None:
        self.compiled_before = compiled_before
        self.built, self.seed, self.folder, self.watch = built, seed, folder, watch
        self.record = built.scenario.record
        self.config_hash = built.config_hash(seed)
        self.text = toml_text(built.scenario.model_copy(update={"seed": seed}).model_dump()).encode()
        self.notes: list[str] = []
        self.market = built.market(seed)
        self.warnings = value_notes(built, self.market)
        self.notes += self.warnings
        self.measures = Measures(built.scenario, with_depth=self.record.picture)
        self.decisions = DecisionLog(folder, self.market, built)
        self.tape: ParquetTape | None = None
        self.n_rows_before = 0
        self.resumable = self.record.tape
        self._last_checkpoint = time.monotonic()
        self._checkpoint_took = 0.0

    # ---- starting ---------------------------------------------------------------------------------------------

    def start(self, resume: bool) -> None:
        """Open the tape, after the last checkpoint's rows if there is one."""
        tape = self.folder / TAPE
        loaded = load_checkpoint(self.folder) if resume else None
        point = loaded[0] if loaded is not None else None
        if loaded is not None:
            self._go_back_to(*loaded)
        elif resume:
            self.notes.append("no checkpoint yet: started over")
        # First of all, so that whatever else stands here is known as a run's.
        write_summary(self.folder, {"status": "running", **self._identity()})
        remove_temporaries(self.folder)
        first = point.n_parts if point is not None else 0
        remove_parts(tape, first)
        self.decisions.go_back_to(point.n_decision_parts if point is not None else 0)
        if self.record.tape:
            self.tape = ParquetTape(tape, first_part=first)
            self.n_rows_before = point.n_rows if point is not None else 0
        if not (resume and (self.folder / SCENARIO).exists()):
            write_atomically(self.folder / SCENARIO, self.text)

    def _go_back_to(self, point: Checkpoint, snapshot: Any) -> None:
        remove_parts(self.folder / TAPE, point.n_parts)
        self._measure_stored()
        if self.measures.hash.hexdigest() != point.tape_hash:
            raise RunError(
                f"{self.folder / TAPE}: not the rows that the snapshot belongs to; ", OVERWRITE, " starts over"
            )
        self.market.restore(snapshot)
        self._check_rows()
        self.notes.append(f"resumed at {clock(point.time_ns)}")

    def _measure_stored(self) -> None:
        """Measure anew, from the rows on the disk."""
        self.measures = Measures(self.built.scenario, with_depth=self.record.picture)
        self.decisions.forget_fills()
        for rows in read_parts(self.folder / TAPE):
            self.measures(rows)
            self.decisions(rows)

    def _check_rows(self) -> None:
        """Raise RunError if rows are missing: the state, the measures and the tape must be of the same rows."""
        measured = self.measures.counts.n_rows
        stored = measured if self.tape is None else self.n_rows_before + self.tape.n_rows
        if not measured == stored == self.market.n_rows:
            raise RunError(
                f"{self.folder}: {stored} rows stored and {measured} measured of {self.market.n_rows} written; "
                "this is an error in Outcry or a sink"
            )

    def _identity(self) -> dict[str, Any]:
        return {
            "name": self.built.name, "seed": self.seed, "config_hash": self.config_hash,
            "scenario_sha256": text_hash(self.text),
        }  # fmt: skip

    # ---- on the way -------------------------------------------------------------------------------------------

    def go(self, until_ns: int) -> bool:
        """Run to a time; False: stopped on request."""
        with Beside([self.measures] if self.tape is None else [self.tape, self.measures]) as beside:
            return self._go(until_ns, beside)

    def _go(self, until_ns: int, beside: Beside) -> bool:
        market, sinks = self.market, (beside, self.decisions)

        def stop_now() -> bool:
            self.watch.show(market)
            due = self._last_checkpoint + max(self.record.checkpoint_s, CHECKPOINT_COST * self._checkpoint_took)
            if time.monotonic() >= due:
                beside.drain()
                self.checkpoint()
            return self.watch.stop()

        step = max(1, (market.session.close_ns - market.session.open_ns) // SLICES)
        while True:
            end = min(until_ns, market.time_ns + step)
            if not market.run(end, sinks, should_stop=stop_now):
                return False
            stopped = stop_now()
            if end == until_ns:
                return True
            if stopped:
                return False

    def checkpoint(self) -> None:
        """Put the tape so far and a snapshot on the disk; a market that cannot be saved goes on without."""
        if not self.resumable or self.tape is None:
            return
        started = time.monotonic()
        try:
            # Written at once, before the market runs on: no copy is needed.
            snapshot = self.market.snapshot(copy=False)
        except RunError as error:
            self.resumable = False
            self.notes.append(f"this run cannot be resumed: {error}")
            return
        self._check_rows()
        self.tape.close_part()
        self.decisions.flush()
        point = Checkpoint(
            self.config_hash,
            self.market.time_ns,
            self.tape.n_parts,
            self.measures.counts.n_rows,
            self.measures.hash.hexdigest(),
            self.decisions.n_parts,
        )
        save_checkpoint(self.folder, point, snapshot)
        self._last_checkpoint = time.monotonic()
        self._checkpoint_took = self._last_checkpoint - started

    # ---- ending -----------------------------------------------------------------------------------------------

    def finish(self, status: str, started: float, error: str | None = None) -> RunResult:
        """Write the accounts, the pictures and at last the summary, whose status says that all is there."""
        market, measures = self.market, self.measures
        at_close = market.time_ns >= market.session.close_ns
        if self.tape is not None:
            if at_close or error is not None:
                self.tape.close_part()
            else:
                self.checkpoint()
                self.tape.close_part()
        if error is None:
            self._check_rows()
        elif self.tape is not None and self.n_rows_before + self.tape.n_rows != measures.counts.n_rows:
            # A disk that was full has cost the tape some rows; the summary is to say what is there.
            self._measure_stored()
            measures = self.measures
        decided = self.decisions.finish(is_last=at_close or error is not None)
        measures.finish()
        accounts = accounts_table(self.built, market, measures)
        write_parquet(self.folder / ACCOUNTS, accounts)
        counts = measures.counts
        compiled_s = compile_s() - self.compiled_before
        wall_s = time.monotonic() - started - compiled_s
        summary = {
            "status": status,
            **self._identity(),
            **({"error": error} if error else {}),
            **({"warnings": self.warnings} if self.warnings else {}),
            "tape_hash": measures.hash.hexdigest(),
            "session": {
                "open": clock(market.session.open_ns),
                "close": clock(market.session.close_ns),
                "reached": clock(market.time_ns),
            },
            "n_agents": self.built.n_agents,
            "n_events": market.n_events,
            "n_messages": market.n_messages,
            "n_orders": int(accounts["n_orders"].sum()),
            "n_rows": counts.n_rows,
            "rows_by_kind": counts.by_kind,
            "rejects": counts.rejects,
            "instruments": instrument_figures(self.built.scenario, measures),
            "populations": population_figures(self.built, accounts),
            "decisions": decision_figures(self.built, market, self.decisions.n_after_kill),
            "wall_s": round(wall_s, 3),
            "compile_s": round(compiled_s, 3),
        }
        self.notes += decision_notes(summary["decisions"])
        if error is None:
            self.watch.told(summary, self.notes)
        pictures = self._draw(decided) if self.record.picture and counts.n_rows else []
        if pictures:
            from scenarios.run.report_run import run_page

            page = run_page({**summary, "versions": versions()}, pictures, self.notes, self.text.decode())
            write_atomically(self.folder / REPORT, page.encode())
        write_summary(self.folder, summary)
        if at_close and error is None:
            remove_leftovers(self.folder)
        return RunResult(summary, pictures, self.notes)

    def _draw(self, decided: Any) -> list[Path]:
        from scenarios.run.plot_market import draw_markets

        paths = draw_markets(self.folder, self.built.name, self.seed, self.built.scenario, self.measures)
        if decided is not None:
            from scenarios.run.plot_decisions import draw_decisions

            title = f"Decisions by language models in {self.built.name} (seed {self.seed})"
            picture = draw_decisions(title, self.built.scenario, self.measures, decided)
            write_atomically(self.folder / "decisions.png", picture)
            paths.append(self.folder / "decisions.png")
        return paths


def run_scenario(
    built: Built,
    folder: Path,
    *,
    seed: int | None = None,
    until_ns: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch = Watch(),
    **flat: Any,
) -> RunResult:
    """Run a scenario; leaves tape/, accounts.parquet, summary.json, scenario.toml, market.png and report.html.

    Args:
        built: the scenario.
        folder: see `scenarios.run.folder` for when it may exist.
        seed: default: the scenario's.
        until_ns: stop there instead of at the close, in ns since midnight; `resume` can go on later.
        resume: go on from the last checkpoint of a killed or stopped run.
        overwrite: replace another run in the folder.
        watch: what is called on the way.
        flat: fields of `watch`, as they were given in 0.1; deprecated.

    Raises:
        InputError: if the folder may not be used.
        RunError: if the run failed; what was there until then is in the folder, with status "failed".
    """
    (watch,) = with_flat("run_scenario", flat, watch=watch)
    with locked(folder):
        return _run_in(built, folder, seed, until_ns, resume, overwrite, watch)


def _run_in(
    built: Built,
    folder: Path,
    seed: int | None,
    until_ns: int | None,
    resume: bool,
    overwrite: bool,
    watch: Watch,
) -> RunResult:
    # What is compiled, once on a machine, is told by itself and counts for no rate.
    started, compiled_before = time.monotonic(), compile_s()
    seed = built.scenario.seed if seed is None else seed
    close_ns = built.session.close_ns
    target = close_ns if until_ns is None else until_ns
    before = prepare_folder(folder, built.config_hash(seed), resume, overwrite)
    if before is not None and before["status"] == "complete" and _at_close(before):
        remove_leftovers(folder)
        return RunResult(before, sorted(folder.glob("market*.png")), before.get("warnings", []), already_complete=True)
    run = _Run(built, seed, folder, watch, compiled_before)
    run.start(resume=before is not None)
    try:
        reached = run.go(max(target, run.market.time_ns))
    except OutcryError as error:
        _leave_what_is_there(run, started, str(error))
        raise
    return run.finish("complete" if reached else "stopped", started)


def _at_close(summary: dict[str, Any]) -> bool:
    return bool(summary["session"]["reached"] == summary["session"]["close"])


def _leave_what_is_there(run: _Run, started: float, error: str) -> None:
    """Finish a failed run as far as that can be done; the error that ended it is the one to report."""
    try:
        run.finish("failed", started, error)
    except OutcryError:
        try:
            write_summary(run.folder, {"status": "failed", **run._identity(), "error": error})
        except OutcryError:
            return


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Within this context the first Ctrl-C (or SIGTERM) only asks to stop; a second one interrupts at once."""
    asked = False

    def handler(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, old in before.items():
            signal.signal(number, old)
