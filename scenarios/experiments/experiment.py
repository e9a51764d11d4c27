"""`impact`: a treatment in many pairs of worlds that differ in nothing else, and what it did to the price.

Randomness is keyed by event, so the control and the treated world of a pair are the same up to the treatment, and
after it differ only by what it causes. See docs/impact.md for the method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError, RunError
from scenarios.experiments.bootstrap import check_confidence
from scenarios.experiments.design import Design, design_of
from scenarios.experiments.estimates import COSTS, SHAPE, Paired, sequential_target
from scenarios.experiments.pages import save
from scenarios.experiments.pairs import PairTask
from scenarios.experiments.result import KEY, ImpactResult
from scenarios.experiments.sequential import FIRST_LOOK, StoppingRule, confidence_sequence, pseudo_values
from scenarios.experiments.treatment import Treatment
from scenarios.experiments.variants import MOST_RUNS
from scenarios.many_runs.map_runs import Failed, check_executor, map_runs
from scenarios.many_runs.result_set import ResultSet

__all__ = ["impact"]


def impact(
    scenario: str | Path,
    treatment: Treatment,
    *,
    participation: Sequence[float] = (),
    pairs: int = 100,
    arms: Sequence[str] = ("control", "treated"),
    overrides: Sequence[str] = (),
    start: str | None = None,
    horizon_s: float | None = None,
    after_s: float | None = None,
    branch: str | None = None,
    history_seed: int | None = None,
    first_seed: int | None = None,
    stop: StoppingRule | None = None,
    n_structure: int = 20,
    confidence: float = 0.95,
    executor: str = "process",
    workers: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    shared_stream: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImpactResult:
    """Run an experiment on market impact.

    Args:
        scenario: a scenario file or library name.
        treatment: a Metaorder, a scenario fragment (TOML text or tables), or a function from the scenario's tables to
            those of the treated market.
        participation: for a Metaorder: quantities as shares of the volume that others trade in its time, one treated
            arm each, all with the same control; default: its own quantity.
        pairs: number of pairs; with `stop` the largest number.
        arms: of "control", "treated", "placebo" (the agent is there with quantity 0) and "mirrored" (sides exchanged);
            the last two for treatments that work a quantity.
        overrides: changes of the scenario for all arms, as in `outcry run --set`.
        start: time of day "HH:MM:SS" at which the treatment begins; default: the Metaorder's, else the open: a change
            of the scenario works from there on.
        horizon_s: length of the treatment in seconds; default: the Metaorder's, else half of what is left.
        after_s: seconds that are watched after it; default: as long as the treatment.
        branch: time of day up to which all pairs share the one history of `history_seed`; after it each pair has a
            future of its own. Default: each pair is a world of its own from the open.
        history_seed: default: the scenario's seed.
        first_seed: pair k has seed first_seed + k; default: the scenario's seed.
        stop: end before `pairs` when the interval of an estimate is narrow enough.
        n_structure: of the first so many control runs the statistics of order flow are taken.
        confidence: of all intervals.
        executor: "process", "ray" or "serial"; see `map_runs`.
        workers: number of processes.
        out: folder for results; runs that are there already are not repeated with `resume`.
        resume: go on with the study in `out`.
        overwrite: replace it.
        shared_stream: for contrast, draw all random numbers from one stream; see sim.Market.
        on_progress: called with the finished and all pairs.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
        RunError: if no pair could be run.
    """
    if not 1 <= pairs <= MOST_RUNS:
        raise InputError(f"pairs = {pairs}; allowed: at least 1, at most {MOST_RUNS:,}")
    if history_seed is not None and not 0 <= history_seed < 2**63:
        raise InputError(f"history_seed = {history_seed}; allowed: whole numbers from 0 to 2^63 - 1")
    check_confidence(confidence)
    check_executor(executor, workers)
    design = design_of(
        scenario, treatment, tuple(participation), tuple(arms), overrides, start, horizon_s, after_s, branch,
        history_seed, n_structure, shared_stream, executor, workers,
    )  # fmt: skip
    first = first_seed if first_seed is not None else int(design.identity["seed"])
    if not 0 <= first <= 2**63 - pairs:
        raise InputError(f"first_seed = {first}; allowed: whole numbers from 0, that stay below 2^63 in all pairs")
    if stop is not None:
        _check_rule(stop, design)
    identity = {**design.identity, "first_seed": first}
    folder = Path(out) if out is not None else None
    # What does not change the runs and may be asked anew of the same ones.
    study = {"confidence": confidence, "budget": pairs, "stop": asdict(stop) if stop is not None else None}
    store = ResultSet(folder, identity, KEY, study=study, resume=resume, overwrite=overwrite)
    failures: dict[int, str] = {}
    done = set(store.frame()["pair"].to_list()) if len(store.frame()) else set()
    if on_progress is not None:
        on_progress(len(done), pairs)
    batch = stop.batch if stop is not None else pairs
    end = 0
    while end < pairs:
        end = min(pairs, end + batch)
        for pair, result in _run(design.task, [k for k in range(end) if k not in done], first, executor, workers):
            done.add(pair)
            if isinstance(result, Failed):
                failures[pair] = result.reason
            else:
                store.add(result)
            if on_progress is not None:
                on_progress(len(done), pairs)
        store.flush()
        if stop is not None and _narrow_enough(store.frame(), design, stop, pairs, confidence):
            break
    runs = store.finish()
    store.tell(n_asked=end, failures={str(pair): why for pair, why in sorted(failures.items())})
    if len(runs) == 0:
        raise RunError(f"none of {pairs} pairs could be run; the first failed: {next(iter(failures.values()))}")
    # Pairs of an earlier, longer study may be there; the first `end` are what was asked for.
    runs = runs.filter(pl.col("pair") < end)
    found = ImpactResult(
        runs, design.task.window, design.participation, store.identity, confidence,
        failures=dict(sorted(failures.items())), stop=stop, budget=pairs,
    )  # fmt: skip
    if folder is not None:
        store.tell(notes=found.notes)
        save(found, folder)
    return found


def _run(
    task: PairTask, numbers: list[int], first_seed: int, executor: str, workers: int | None
) -> Iterator[tuple[int, list[dict[str, Any]] | Failed]]:
    jobs = [(k, first_seed + k) for k in numbers]
    for position, result in map_runs(task, jobs, executor=executor, workers=workers):
        yield numbers[position], result


# ---- stopping ---------------------------------------------------------------------------------------------------


def _check_rule(rule: StoppingRule, design: Design) -> None:
    worked = any(arm.population is not None for arm in design.task.arms)
    names = [*SHAPE, *(COSTS if worked else [])]
    if rule.estimate not in names:
        raise InputError(f"stop: estimate {rule.estimate!r}; allowed: {', '.join(names)}")


def _narrow_enough(runs: pl.DataFrame, design: Design, rule: StoppingRule, budget: int, confidence: float) -> bool:
    """Whether the widest of all levels' intervals is as narrow as asked for."""
    for arm in design.task.arms:
        if arm.name != "treated" or len(runs) == 0:
            continue
        data = Paired.of(runs, design.task.window, arm.name, arm.level)
        if len(data) < FIRST_LOOK:
            return False
        columns, function, k = sequential_target(data, rule.estimate)
        with np.errstate(all="ignore"):
            interval = confidence_sequence(pseudo_values(columns, function, k), budget, confidence)
        if not interval.high - interval.value <= rule.half_width:
            return False
    return True
