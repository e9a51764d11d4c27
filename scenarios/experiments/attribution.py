"""Which population caused an outcome: Shapley values over populations, by ablation in the same worlds.

The outcome of a market with a set S of the groups (and all that is always there) is v(S). A group's Shapley value
(Shapley 1953) is its marginal contribution v(S + group) - v(S), averaged over all orders in which the groups can join:
the one way to share out v(all) - v(none) that is symmetric, gives nothing to a group that changes nothing, and adds up.
Randomness is keyed by agent, so taking a population away leaves all others' draws as they were: the runs of a seed
differ in nothing else, and values are computed seed by seed, with intervals over seeds.

Up to EXACT_UP_TO groups all 2^n subsets are run. Beyond, orders are sampled (Castro, Gomez and Tejada 2009), each with
its reverse, afresh for every seed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import Argument, InputError, RunError
from scenarios.build.market import build
from scenarios.experiments.bootstrap import bootstrap, check_confidence
from scenarios.experiments.outcomes import Outcome, find_outcomes
from scenarios.experiments.sameness import is_one_world, one_world_note
from scenarios.experiments.shapley import EXACT_UP_TO, Plan, exact_shapley, number_of, plan_of, sampled_shapley
from scenarios.experiments.variants import KEY, VariantRun, check_runs, run_variants, settled
from scenarios.many_runs.map_runs import check_executor
from scenarios.many_runs.result_set import ResultSet, stored_study
from scenarios.schema.load import find_scenario, nearest, read_tables, source_of
from scenarios.schema.toml_text import toml_text
from sim.files.atomic import write_atomically, write_parquet
from sim.files.claim import RESUME

__all__ = ["EXACT_UP_TO", "Attribution", "attribute"]

MOST_GROUPS = 62
MOST_ORDERS = 10_000
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

    @classmethod
    def load(cls, folder: Path | str) -> Attribution:
        """Return the attribution that stands in a folder.

        Raises:
            InputError: if there is none.
        """
        identity, study, frame = stored_study(Path(folder), "attribution", KEY)
        if "seeds" not in study:
            raise InputError(f"{folder}: was not finished; the same again with ", RESUME, " goes on")
        return _share_out(
            settled(frame), find_outcomes([identity["outcome"]], "outcome")[0],
            {name: tuple(rows) for name, rows in identity["groups"].items()},
            plan_of(len(identity["groups"]), study["seeds"], identity["orders"]), study["symbol"], study["confidence"],
        )  # fmt: skip

    def plot(self, path: Path | str | None = None) -> bytes:
        """Return the picture as PNG; with a path, also write it there."""
        from scenarios.experiments.plot_attribution import draw_attribution

        picture = draw_attribution(self)
        if path is not None:
            write_atomically(Path(path), picture)
        return picture


def attribute(
    scenario: str | Path,
    outcome: str,
    *,
    seeds: Sequence[int] = tuple(range(1, 21)),
    groups: Mapping[str, Sequence[str]] | None = None,
    always: Sequence[str] = (),
    n_orders: int = 8,
    overrides: Sequence[str] = (),
    symbol: str | None = None,
    confidence: float = 0.95,
    executor: str = "process",
    workers: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Attribution:
    """Share an outcome out among groups of populations.

    Args:
        scenario: a scenario file or library name.
        outcome: a name of scenarios.experiments.outcomes.
        seeds: worlds; intervals are over them.
        groups: populations (or traders) by name of the group; default: each population is a group.
        always: populations that are in all runs and get no share.
        n_orders: pairs of an order and its reverse per seed, if there are more than EXACT_UP_TO groups.
        overrides: changes of the scenario.
        symbol: the instrument; default: the first.
        confidence: of all intervals.
        executor: "process", "ray" or "serial"; see `map_runs`.
        workers: number of processes.
        out: folder for the results; None: memory only.
        resume: go on with the study in `out`.
        overwrite: replace it.
        on_progress: called with the finished and all runs.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
        RunError: if the outcome is not defined without some groups.
    """
    chosen = find_outcomes([outcome], "outcome")[0]
    if len(seeds) < 2:
        raise InputError("seeds: allowed: at least two, none twice")
    if not 1 <= n_orders <= MOST_ORDERS:
        raise InputError(f"n_orders = {n_orders}; allowed: 1 to {MOST_ORDERS:,}")
    check_runs(1, seeds, len(seeds), "seeds")
    seeds = [int(seed) for seed in seeds]
    check_confidence(confidence)
    check_executor(executor, workers)
    path = find_scenario(str(scenario))
    tables = read_tables(path, overrides)
    built = build(source_of(tables, path))
    listed = [table.name for table in built.scenario.instrument]
    if symbol is not None and symbol not in listed:
        raise InputError(f"symbol {symbol}{nearest(symbol, listed)}; allowed: {', '.join(listed)}")
    members = _groups([group.name for group in built.populations], groups, always)
    n = len(members)
    plan = plan_of(n, seeds, n_orders)
    check_runs(1, seeds, sum(len(subsets) for subsets in plan.wanted.values()), "groups")
    texts = {s: toml_text(_ablated(tables, members, s)) for s in plan.subsets}
    for subset in {frozenset(), frozenset(range(n))}:
        build(source_of(_ablated(tables, members, subset), path))
    jobs = [VariantRun(number_of(s), texts[s], seed) for seed in seeds for s in plan.wanted[seed]]
    identity = {
        "kind": "attribution",
        "scenario": path.stem,
        "config_hash": built.config_hash(0),
        "outcome": chosen.column,
        "groups": {name: list(rows) for name, rows in members.items()},
        "always": list(always),
        "orders": plan.n_orders,
        "variants": "one bit a group",
    }
    folder = Path(out) if out is not None else None
    study = {"confidence": confidence, "seeds": seeds, "symbol": symbol or listed[0]}
    store = ResultSet(folder, identity, KEY, study=study, resume=resume, overwrite=overwrite)
    runs = run_variants(store, path, jobs, [chosen], executor=executor, workers=workers, on_progress=on_progress)
    result = _share_out(runs, chosen, members, plan, symbol or listed[0], confidence)
    store.tell(notes=list(result.notes))
    if folder is not None:
        write_parquet(folder / "attribution.parquet", result.table)
        result.plot(folder / "attribution.png")
    return result


def _groups(
    known: list[str], groups: Mapping[str, Sequence[str]] | None, always: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    for name in always:
        if name not in known:
            raise InputError(f"always {name}: no such population{nearest(name, known)}; allowed: {', '.join(known)}")
    if groups is None:
        members: dict[str, tuple[str, ...]] = {name: (name,) for name in known if name not in always}
    else:
        members = {name: tuple(rows) for name, rows in groups.items()}
        named = [row for rows in members.values() for row in rows]
        for row in named:
            if row not in known:
                raise InputError(f"group: no population {row}{nearest(row, known)}; allowed: {', '.join(known)}")
            if named.count(row) > 1 or row in always:
                raise InputError(f"group: population {row} is named twice; allowed: in one group, or in always")
    if not members:
        raise InputError("groups: none left; allowed: at least one population that is not in always")
    if len(members) > MOST_GROUPS:
        raise InputError(
            f"groups: {len(members)}; allowed: at most {MOST_GROUPS}; put populations together with ",
            Argument("groups"),
        )
    return members


def _ablated(tables: dict[str, Any], members: dict[str, tuple[str, ...]], present: frozenset[int]) -> dict[str, Any]:
    """Return the scenario without the populations of the absent groups, and without what events say of them."""
    absent = {row for k, rows in enumerate(members.values()) if k not in present for row in rows}
    kept = copy.deepcopy(tables)
    for key in ("population", "trader"):
        if key in kept:
            kept[key] = [row for row in kept[key] if row.get("name") not in absent]
    if "event" in kept:
        kept["event"] = [row for row in kept["event"] if row.get("population") not in absent]
        for row in kept["event"]:
            # A text is still published if one of those who would have heard it early is not there.
            if "heard_by" in row:
                row["heard_by"] = [heard for heard in row["heard_by"] if heard.get("trader") not in absent]
    return kept


def _share_out(
    runs: pl.DataFrame,
    outcome: Outcome,
    members: dict[str, tuple[str, ...]],
    plan: Plan,
    symbol: str,
    confidence: float,
) -> Attribution:
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
