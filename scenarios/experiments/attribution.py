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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import Argument, InputError
from scenarios.build.market import build
from scenarios.experiments.attribution_result import Attribution, share_out
from scenarios.experiments.bootstrap import check_confidence
from scenarios.experiments.outcomes import find_outcomes
from scenarios.experiments.pages import save
from scenarios.experiments.shapley import EXACT_UP_TO, number_of, plan_of
from scenarios.experiments.variants import KEY, VariantRun, check_runs, run_variants
from scenarios.many_runs.map_runs import check_executor
from scenarios.many_runs.result_set import ResultSet
from scenarios.schema.load import find_scenario, nearest, read_tables, source_of
from scenarios.schema.toml_text import toml_text

__all__ = ["EXACT_UP_TO", "Attribution", "attribute"]

MOST_GROUPS = 62
MOST_ORDERS = 10_000
Floats = np.ndarray[Any, np.dtype[np.float64]]


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
    result = share_out(runs, chosen, members, plan, symbol or listed[0], confidence)
    store.tell(notes=list(result.notes))
    if folder is not None:
        save(result, folder)
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
