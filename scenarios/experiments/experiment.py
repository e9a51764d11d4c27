"""`impact`: a treatment in many pairs of worlds that differ in nothing else, and what it did to the price.

Randomness is keyed by event, so the control and the treated world of a pair are the same up to the treatment, and
after it differ only by what it causes. See docs/impact.md for the method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError, RunError
from scenarios._flat_keywords import with_flat
from scenarios.experiments.design import Design, design_of
from scenarios.experiments.estimates import COSTS, SHAPE, Paired, sequential_target
from scenarios.experiments.pages import save
from scenarios.experiments.protocol import ImpactProtocol
from scenarios.experiments.result import KEY, ImpactResult
from scenarios.experiments.sequential import FIRST_LOOK, StoppingRule, confidence_sequence, pseudo_values
from scenarios.experiments.treatment import Treatment
from scenarios.experiments.variants import MOST_RUNS
from scenarios.many_runs.execution import Execution
from scenarios.many_runs.map_runs import Failed
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
    protocol: ImpactProtocol = ImpactProtocol(),
    execution: Execution = Execution(),
    **flat: Any,
) -> ImpactResult:
    """Run an experiment on market impact.

    Args:
        scenario: a scenario file or library name.
        treatment: a Metaorder, a scenario fragment (TOML text or tables), or a function from the scenario's tables to
            those of the treated market.
        participation: for a Metaorder: quantities as shares of the volume that others trade in its time, one treated
            arm each, all with the same control; default: its own quantity.
        pairs: number of pairs; with a stopping rule the largest number.
        arms: of "control", "treated", "placebo" (the agent is there with quantity 0) and "mirrored" (sides exchanged);
            the last two for treatments that work a quantity.
        overrides: changes of the scenario for all arms, as in `outcry run --set`.
        protocol: when the treatment begins and ends, which worlds the pairs are, confidence and stopping rule.
        execution: by what and in how many processes, where the results go.
        flat: fields of `protocol` and `execution`, as they were given in 0.1; deprecated.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
        RunError: if no pair could be run.
    """
    protocol, execution = with_flat("impact", flat, protocol=protocol, execution=execution)
    if not 1 <= pairs <= MOST_RUNS:
        raise InputError(f"pairs = {pairs}; allowed: at least 1, at most {MOST_RUNS:,}")
    design = design_of(scenario, treatment, tuple(participation), tuple(arms), overrides, protocol, execution)
    first = protocol.first_seed if protocol.first_seed is not None else int(design.identity["seed"])
    if not 0 <= first <= 2**63 - pairs:
        raise InputError(f"first_seed = {first}; allowed: whole numbers from 0, that stay below 2^63 in all pairs")
    stop = protocol.stop
    if stop is not None:
        _check_rule(stop, design)
    # What does not change the runs and may be asked anew of the same ones.
    study = {"confidence": protocol.confidence, "budget": pairs, "stop": asdict(stop) if stop is not None else None}
    store = execution.store({**design.identity, "first_seed": first}, KEY, study)
    n_asked, failures = _run_pairs(store, design, first, pairs, protocol, execution)
    runs = store.finish()
    store.tell(n_asked=n_asked, failures={str(pair): why for pair, why in failures.items()})
    if len(runs) == 0:
        raise RunError(f"none of {pairs} pairs could be run; the first failed: {next(iter(failures.values()))}")
    # Pairs of an earlier, longer study may be there; the first `n_asked` are what was asked for.
    runs = runs.filter(pl.col("pair") < n_asked)
    found = ImpactResult(
        runs, design.task.window, design.participation, store.identity, protocol.confidence,
        failures=failures, stop=stop, budget=pairs,
    )  # fmt: skip
    if execution.folder is not None:
        store.tell(notes=found.notes)
        save(found, execution.folder)
    return found


def _run_pairs(
    store: ResultSet, design: Design, first_seed: int, budget: int, protocol: ImpactProtocol, execution: Execution
) -> tuple[int, dict[int, str]]:
    """Run what is missing, in batches with a stopping rule; return how many pairs were asked for, and the failures."""
    failures: dict[int, str] = {}
    done = set(store.frame()["pair"].to_list()) if len(store.frame()) else set()
    rule = protocol.stop
    batch = rule.batch if rule is not None else budget
    variants = [arm.variant for arm in design.task.arms]
    end = 0
    while end < budget:
        end = min(budget, end + batch)
        waiting = [k for k in range(end) if k not in done]
        jobs = [(k, first_seed + k) for k in waiting]
        for position, result in execution.map_and_tell(design.task, jobs, variants, (len(done), budget)):
            if isinstance(result, Failed):
                failures[waiting[position]] = result.reason
            else:
                store.add(result)
        done.update(waiting)
        store.flush()
        if protocol.stop is not None and _narrow_enough(
            store.frame(), design, protocol.stop, budget, protocol.confidence
        ):
            break
    return end, dict(sorted(failures.items()))


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
