"""Many variants of a scenario over many seeds, each run reduced to its outcomes: under sweeps and attribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lob.errors import InputError
from scenarios.build.value_range import value_notes
from scenarios.experiments.outcomes import FinishedRun, Outcome, outcomes_of
from scenarios.experiments.sameness import market_hash
from scenarios.many_runs.execution import Execution
from scenarios.many_runs.map_runs import Failed
from scenarios.many_runs.result_set import ResultSet
from sim.hash import TapeHash

if TYPE_CHECKING:
    from scenarios.build.variant import Variant

__all__ = ["KEY", "VariantRun", "check_runs", "run_variants", "settled"]

KEY = ("variant", "symbol", "seed")
"""Columns that name a run; `symbol` is the instrument's name, since a run gives a row for each."""


MOST_VARIANTS, MOST_RUNS = 10_000, 1_000_000


def check_runs(n_variants: int, seeds: Sequence[int], n_runs: int, what: str) -> None:
    """Raise InputError if this many settings or runs, or these seeds, cannot be meant."""
    # Counted first: nothing that long is made, or looked at number by number.
    if n_variants > MOST_VARIANTS:
        raise InputError(f"{what}: {n_variants:,} settings; allowed: at most {MOST_VARIANTS:,}")
    if n_runs > MOST_RUNS:
        raise InputError(f"{what}: {n_runs:,} runs ({len(seeds):,} seeds); allowed: at most {MOST_RUNS:,}")
    if len(set(seeds)) != len(seeds):
        raise InputError("seeds: allowed: none twice")
    if any(not 0 <= seed < 2**63 for seed in seeds):
        raise InputError("seeds: allowed: whole numbers from 0 to 2^63 - 1")


@dataclass(frozen=True)
class VariantRun:
    """One run to be made: number of the variant, its scenario, the seed."""

    number: int
    variant: Variant
    seed: int


@dataclass(frozen=True)
class _Task:
    outcomes: tuple[str, ...]

    def __call__(self, job: VariantRun) -> list[dict[str, Any]]:
        from scenarios.experiments.outcomes import OUTCOMES

        built = job.variant.built
        market = built.market(job.seed)
        market.run()
        tape, hashed = market.tape, TapeHash()
        hashed(tape)
        chosen: list[Outcome] = [OUTCOMES[name] for name in self.outcomes]
        note = " ".join(value_notes(built, market)) or None
        rows = []
        for symbol, table in enumerate(built.scenario.instrument):
            mine = tape if len(built.listings) == 1 else tape[tape["symbol"] == symbol]
            run = FinishedRun(mine, market, built, market.session.open_ns, market.session.close_ns, symbol)
            rows.append(
                {
                    "variant": job.number, "symbol": table.name, "seed": job.seed, "status": "done", "error": None,
                    "tape_hash": hashed.hexdigest(), "market_hash": market_hash(mine), "value_note": note,
                    **outcomes_of(run, chosen),
                }
            )  # fmt: skip
        return rows


def run_variants(
    store: ResultSet, jobs: Sequence[VariantRun], outcomes: Sequence[Outcome], execution: Execution
) -> pl.DataFrame:
    """Make the runs that the store does not have yet; return all of its rows.

    Columns: variant, symbol (name of the instrument), seed, status ("done" or "failed"), error, tape_hash, market_hash
    (of the instrument, see sameness.py), value_note (a fundamental value beyond the prices, else null), and a column
    for each outcome. A run that failed has a row that says why; it is tried again when the study is resumed.
    """
    before = store.frame()
    done: set[tuple[int, int]] = set()
    if len(before):
        done = set(before.filter(pl.col("status") == "done").select("variant", "seed").rows())
    waiting = [job for job in jobs if (job.number, job.seed) not in done]
    task = _Task(tuple(outcome.name for outcome in outcomes))
    variants = [job.variant for job in waiting]
    done_of_all = len(jobs) - len(waiting), len(jobs)
    for position, result in execution.map_and_tell(task, waiting, variants, done_of_all):
        job = waiting[position]
        if isinstance(result, Failed):
            columns = {outcome.column: np.nan for outcome in outcomes}
            failed = {"status": "failed", "error": result.reason, "tape_hash": None, "market_hash": None,
                      "value_note": None, **columns}  # fmt: skip
            store.add([{"variant": job.number, "symbol": "", "seed": job.seed, **failed}])
        else:
            store.add(result)
    return settled(store.finish("complete"))


def settled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a store without the failures of runs that were made later, in the order of KEY."""
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
