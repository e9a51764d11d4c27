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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lob.errors import Argument, InputError
from scenarios._flat_keywords import with_flat
from scenarios.build.variant import Variant
from scenarios.experiments.attribution_result import Attribution, share_out
from scenarios.experiments.bootstrap import check_confidence
from scenarios.experiments.outcomes import find_outcomes
from scenarios.experiments.pages import save
from scenarios.experiments.shapley import EXACT_UP_TO, number_of, plan_of
from scenarios.experiments.variants import KEY, VariantRun, check_runs, run_variants
from scenarios.many_runs.execution import Execution
from scenarios.schema.load import nearest

__all__ = ["EXACT_UP_TO", "Attribution", "Players", "attribute"]

MOST_GROUPS = 62
MOST_ORDERS = 10_000


@dataclass(frozen=True)
class Players:
    """Which populations an outcome is shared out among: the players of a cooperative game.

    Attributes:
        groups: populations (or traders) by name of the group, which is one player; default: each population is one.
        always: populations that are in all runs and get no share.
        n_orders: pairs of an order in which the players join and its reverse, for each seed, if there are more than
            EXACT_UP_TO of them.

    Raises:
        InputError: if there are too many orders, or none.
    """

    groups: Mapping[str, Sequence[str]] | None = None
    always: Sequence[str] = ()
    n_orders: int = 8

    def __post_init__(self) -> None:
        """Check the number of orders."""
        if not 1 <= self.n_orders <= MOST_ORDERS:
            raise InputError(f"n_orders = {self.n_orders}; allowed: 1 to {MOST_ORDERS:,}")


def attribute(
    scenario: str | Path,
    outcome: str,
    *,
    seeds: Sequence[int] = tuple(range(1, 21)),
    players: Players = Players(),
    overrides: Sequence[str] = (),
    symbol: str | None = None,
    confidence: float = 0.95,
    execution: Execution = Execution(),
    **flat: Any,
) -> Attribution:
    """Share an outcome out among groups of populations.

    Args:
        scenario: a scenario file or library name.
        outcome: a name of scenarios.experiments.outcomes.
        seeds: worlds; intervals are over them.
        players: the groups, and the populations that are always there; default: each population is a group.
        overrides: changes of the scenario.
        symbol: the instrument; default: the first.
        confidence: of all intervals.
        execution: by what and in how many processes, where the results go.
        flat: fields of `players` and `execution`, as they were given in 0.1; deprecated.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
        RunError: if the outcome is not defined without some groups.
    """
    players, execution = with_flat("attribute", flat, players=players, execution=execution)
    chosen = find_outcomes([outcome], "outcome")[0]
    if len(seeds) < 2:
        raise InputError("seeds: allowed: at least two, none twice")
    check_runs(1, seeds, len(seeds), "seeds")
    seeds = [int(seed) for seed in seeds]
    check_confidence(confidence)
    whole = Variant.read(scenario, overrides)
    built = whole.built
    listed = [table.name for table in built.scenario.instrument]
    if symbol is not None and symbol not in listed:
        raise InputError(f"symbol {symbol}{nearest(symbol, listed)}; allowed: {', '.join(listed)}")
    members = _groups([group.name for group in built.populations], players.groups, players.always)
    n = len(members)
    plan = plan_of(n, seeds, players.n_orders)
    check_runs(1, seeds, sum(len(subsets) for subsets in plan.wanted.values()), "groups")
    variants = {s: Variant(whole.path, _ablated(whole.tables, members, s)) for s in plan.subsets}
    for subset in (frozenset[int](), frozenset(range(n))):
        variants[subset].built  # noqa: B018 (mistakes are told before anything is run)
    jobs = [VariantRun(number_of(s), variants[s], seed) for seed in seeds for s in plan.wanted[seed]]
    identity = {
        "kind": "attribution",
        "scenario": whole.path.stem,
        "config_hash": built.config_hash(0),
        "outcome": chosen.column,
        "groups": {name: list(rows) for name, rows in members.items()},
        "always": list(players.always),
        "orders": plan.n_orders,
        "variants": "one bit a group",
    }
    study = {"confidence": confidence, "seeds": seeds, "symbol": symbol or listed[0]}
    store = execution.store(identity, KEY, study)
    runs = run_variants(store, jobs, [chosen], execution)
    result = replace(share_out(runs, chosen, members, plan, symbol or listed[0], confidence), identity=identity)
    store.tell(notes=list(result.notes))
    if execution.folder is not None:
        save(result, execution.folder)
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
