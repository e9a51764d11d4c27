"""Many variants of a scenario over many seeds, each run reduced to its outcomes: under sweeps and attribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scenarios.build import built_once
from scenarios.map_runs import Failed, map_runs
from scenarios.outcomes import FinishedRun, Outcome, outcomes_of
from scenarios.result_set import ResultSet
from sim.hash import TapeHash

__all__ = ["KEY", "VariantRun", "run_variants"]

KEY = ("variant", "symbol", "seed")
"""Columns that name a run; `symbol` is the instrument's name, since a run gives a row for each."""


@dataclass(frozen=True)
class VariantRun:
    """One run to be made: number of the variant, its scenario as TOML, the seed."""

    variant: int
    text: str
    seed: int


@dataclass(frozen=True)
class _Task:
    path: str
    outcomes: tuple[str, ...]

    def __call__(self, job: VariantRun) -> list[dict[str, Any]]:
        from scenarios.outcomes import OUTCOMES

        built = built_once(job.text, self.path)
        market = built.market(job.seed)
        market.run()
        tape, hashed = market.tape, TapeHash()
        hashed(tape)
        chosen: list[Outcome] = [OUTCOMES[name] for name in self.outcomes]
        rows = []
        for symbol, table in enumerate(built.scenario.instrument):
            mine = tape if len(built.listings) == 1 else tape[tape["symbol"] == symbol]
            run = FinishedRun(mine, market, built, market.session.open_ns, market.session.close_ns, symbol)
            rows.append(
                {
                    "variant": job.variant, "symbol": table.name, "seed": job.seed, "status": "done", "error": None,
                    "tape_hash": hashed.hexdigest(), **outcomes_of(run, chosen),
                }
            )  # fmt: skip
        return rows


def run_variants(
    store: ResultSet,
    path: Path,
    jobs: Sequence[VariantRun],
    outcomes: Sequence[Outcome],
    *,
    executor: str = "process",
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Make the runs that the store does not have yet; return all of its rows.

    Columns: variant, symbol (name of the instrument), seed, status ("done" or "failed"), error, tape_hash, and a column
    for each outcome. A run that failed has a row that says why; it is tried again when the study is resumed.
    """
    before = store.frame()
    done: set[tuple[int, int]] = set()
    if len(before):
        done = set(before.filter(pl.col("status") == "done").select("variant", "seed").rows())
    waiting = [job for job in jobs if (job.variant, job.seed) not in done]
    finished = len(jobs) - len(waiting)
    if on_progress is not None:
        on_progress(finished, len(jobs))
    task = _Task(str(path), tuple(outcome.name for outcome in outcomes))
    for position, result in map_runs(task, waiting, executor=executor, workers=workers):
        job = waiting[position]
        if isinstance(result, Failed):
            columns = {outcome.column: np.nan for outcome in outcomes}
            failed = {"status": "failed", "error": result.reason, "tape_hash": None, **columns}
            store.add([{"variant": job.variant, "symbol": "", "seed": job.seed, **failed}])
        else:
            store.add(result)
        finished += 1
        if on_progress is not None:
            on_progress(finished, len(jobs))
    frame = store.finish("complete")
    if len(frame) == 0:
        return frame
    # A run that failed first and was made later has both rows; the failure is then no longer news.
    made = frame.filter(pl.col("status") == "done").select("variant", "seed").unique()
    return pl.concat(
        [
            frame.filter(pl.col("status") == "done"),
            frame.filter(pl.col("status") == "failed").join(made, on=["variant", "seed"], how="anti"),
        ]
    ).sort(KEY)
