"""The result of an attribution, as plain data: each group's Shapley value, seed by seed, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import Argument, InputError, RunError
from scenarios.experiments._methods import function_of_result
from scenarios.experiments.bootstrap import bootstrap
from scenarios.experiments.outcomes import Outcome, find_outcomes
from scenarios.experiments.sameness import is_one_world, one_world_note
from scenarios.experiments.shapley import Plan, exact_shapley, number_of, plan_of, sampled_shapley
from scenarios.experiments.variants import KEY, settled
from scenarios.many_runs.result_set import stored_study
from sim.files.claim import RESUME

__all__ = ["Attribution", "share_out"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Attribution:
    """What each group contributed to an outcome.

    Attributes:
        table: group, value, low, high, share (of the sum; null if that is 0), populations, is_idle (leaving the group
            out changed no time, price or quantity in any world); one row a group, largest contribution first.
        outcome: what was explained.
        total: mean of v(all) - v(none), with its interval: (value, low, high).
        none, all: mean outcome with none and with all of the groups.
        per_seed: Shapley values, shape (n_seeds, n_groups), in the order of `groups`.
        groups: the groups' names.
        seeds: the seeds, those that failed left out.
        n_runs: number of runs.
        exact: all subsets were run.
        failures: reason by (subset's groups, seed).
        confidence: of all intervals.
        notes: what somebody who reads the numbers must know; none if all is as it seems.
        identity: what was run, as plain data; empty if it is not known.
    """

    table: pl.DataFrame
    outcome: Outcome
    total: tuple[float, float, float]
    none: float
    all: float
    per_seed: Floats
    groups: tuple[str, ...]
    seeds: tuple[int, ...]
    n_runs: int
    exact: bool
    failures: dict[tuple[str, int], str]
    confidence: float = 0.95
    notes: tuple[str, ...] = ()
    identity: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path | str) -> Attribution:
        """Return the attribution that stands in a folder.

        Raises:
            InputError: if there is none.
        """
        identity, study, frame = stored_study(Path(folder), "attribution", KEY)
        if "seeds" not in study:
            raise InputError(f"{folder}: was not finished; the same again with ", RESUME, " goes on")
        found = share_out(
            settled(frame), find_outcomes([identity["outcome"]], "outcome")[0],
            {name: tuple(rows) for name, rows in identity["groups"].items()},
            plan_of(len(identity["groups"]), study["seeds"], identity["orders"]), study["symbol"], study["confidence"],
        )  # fmt: skip
        return replace(found, identity=identity)

    plot = function_of_result("plot")


def share_out(
    runs: pl.DataFrame,
    outcome: Outcome,
    members: dict[str, tuple[str, ...]],
    plan: Plan,
    symbol: str,
    confidence: float,
) -> Attribution:
    """Return the attribution that the runs of a plan give."""
    names, n, seeds = tuple(members), plan.n, tuple(plan.wanted)
    subsets = {number_of(s): s for s in plan.subsets}
    words = {k: " + ".join(names[g] for g in sorted(s)) or "none" for k, s in subsets.items()}
    runs = runs.filter(pl.col("seed").is_in(list(seeds)) & pl.col("variant").is_in(list(subsets)))
    failed = runs.filter(pl.col("status") == "failed")
    failures = {(words[v], seed): why for v, seed, why in failed.select("variant", "seed", "error").rows()}
    done = runs.filter((pl.col("status") == "done") & (pl.col("symbol") == symbol))
    value = {(v, s): x for v, s, x in done.select("variant", "seed", outcome.column).rows()}
    undefined = [v for (v, _), x in value.items() if x is None or not math.isfinite(x)]
    if undefined:
        raise RunError(
            f"{outcome.name} is not defined in a market with {words[undefined[0]]} only; "
            "keep what makes the market with ",
            Argument("always"),
        )
    used = tuple(s for s in seeds if all((number_of(subset), s) in value for subset in plan.wanted[s]))
    if len(used) < 2:
        why = next(iter(failures.values()), "the runs are not all there")
        raise RunError(f"fewer than two worlds are complete; the first failure: {why}")
    shapley = sampled_shapley if plan.orders else exact_shapley
    per_seed = np.array(
        [shapley({subset: value[number_of(subset), seed] for subset in plan.wanted[seed]}, n, plan.orders.get(seed, []))
         for seed in used]
    )  # fmt: skip
    seen = {(v, s): h for v, s, h in done.select("variant", "seed", "market_hash").rows()}
    one_world = all(
        is_one_world([seen[k, s] for s in used if (k, s) in seen], [value[k, s] for s in used if (k, s) in value])
        for k in subsets
    )
    # Seeds that give one world are one observation, not many that agree.
    counted = 1 if one_world else len(used)
    found = bootstrap(per_seed[:counted], confidence=confidence)
    nothing, everything = number_of(frozenset()), number_of(frozenset(range(n)))
    ends = np.array([[value[nothing, seed], value[everything, seed]] for seed in used])
    total = bootstrap((ends[:counted, 1] - ends[:counted, 0])[:, None], confidence=confidence)[0]
    table = pl.DataFrame(
        {
            "group": names,
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "share": found.value / total.value if total.value else np.full(n, np.nan),
            "populations": [", ".join(rows) for rows in members.values()],
            "is_idle": [_is_idle(group, plan, seen, used) for group in range(n)],
        }
    )
    table = table.with_columns(pl.col("low", "high", "share").fill_nan(None)).sort(
        pl.col("value").abs(), descending=True
    )
    return Attribution(
        table, outcome, (total.value, total.low, total.high), float(ends[:, 0].mean()), float(ends[:, 1].mean()),
        per_seed, names, used, sum(map(len, plan.wanted.values())), not plan.orders, failures, confidence,
        tuple(_notes(table, done, len(used), one_world)),
    )  # fmt: skip


def _is_idle(group: int, plan: Plan, seen: dict[tuple[int, int], str | None], seeds: Sequence[int]) -> bool:
    """Whether in every world all markets with a group are the same as without it."""
    pairs = [
        (seen.get((number_of(s - {group}), seed)), seen.get((number_of(s), seed)))
        for seed in seeds
        for s in plan.wanted[seed]
        if group in s and s - {group} in set(plan.wanted[seed])
    ]
    return bool(pairs) and all(without is not None and without == with_it for without, with_it in pairs)


def _notes(table: pl.DataFrame, done: pl.DataFrame, n_worlds: int, one_world: bool) -> list[str]:
    notes = [one_world_note(n_worlds, "seeds")] if one_world else []
    idle = table.filter(pl.col("is_idle"))["group"].to_list()
    if idle:
        notes.append(f"{', '.join(idle)}: every world is identical without it; it changes nothing in the market.")
    outside = done.filter(pl.col("value_note").is_not_null())
    if len(outside):
        seed, note = outside.select("seed", "value_note").row(0)
        notes.append(f"In {outside['seed'].n_unique()} of {n_worlds} worlds, as in seed {seed}: {note}")
    return notes
