"""Execution algorithms, makers or any variants of a market side by side, in the same worlds.

Every candidate gets every world: the same seed, hence the same draws of everybody, and one control without any of them.
So differences are paired, and what a world did to all of them drops out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from agents.metaorder import Metaorder
from lob.errors import InputError, RunError
from scenarios.build.variant import Variant
from scenarios.experiments.comparison_result import COST_MEASURES, KEY, ComparisonResult
from scenarios.experiments.design import in_window, pilot_volume, window_of
from scenarios.experiments.outcomes import find_outcomes
from scenarios.experiments.pages import save
from scenarios.experiments.pairs import Arm, PairTask
from scenarios.experiments.protocol import ImpactProtocol
from scenarios.experiments.treatment import (
    Treatment,
    apply_treatment,
    at_participation,
    without_metaorder,
    worked_population,
)
from scenarios.many_runs.execution import Execution
from scenarios.many_runs.map_runs import Failed
from scenarios.schema.toml_text import toml_text

__all__ = ["compare"]

MOST_CANDIDATES, MOST_WORLDS = 20, 1_000_000
CONTROL = "control"


def compare(
    scenario: str | Path,
    candidates: Mapping[str, Treatment],
    *,
    worlds: int = 200,
    participation: float | None = None,
    outcomes: Sequence[str] = (),
    overrides: Sequence[str] = (),
    protocol: ImpactProtocol = ImpactProtocol(after_s=60.0),
    execution: Execution = Execution(),
) -> ComparisonResult:
    """Run every candidate in the same worlds and tell them apart, as far as they can be.

    Args:
        scenario: a scenario file or library name.
        candidates: by name: metaorders, whose costs are compared, or changes of the scenario (see `Treatment`), whose
            outcomes are. The first is what the others are compared with.
        worlds: number of seeds.
        participation: the metaorders' quantity as a share of what others trade in their time, instead of their own; an
            algorithm that takes a rate of participation is given it too.
        outcomes: names of scenarios.experiments.outcomes; the first is what changes of the scenario are judged by.
            Default: mean_spread, volatility, volume, mean_depth.
        overrides: changes for all of them.
        protocol: when the metaorders work and which worlds; a branch and a stopping rule are for `impact`.
        execution: by what and in how many processes, where the results go.

    Raises:
        InputError: if anything asked for is wrong; nothing has been run or written then.
        RunError: if no world could be run.
    """
    if not 2 <= len(candidates) <= MOST_CANDIDATES:
        raise InputError(f"candidates: {len(candidates)}; allowed: 2 to {MOST_CANDIDATES}, each under a name")
    if not 1 <= worlds <= MOST_WORLDS:
        raise InputError(f"worlds = {worlds}; allowed: 1 to {MOST_WORLDS:,}")
    if CONTROL in candidates:
        raise InputError(f"candidates: {CONTROL} is the market without any of them; allowed: another name")
    chosen = find_outcomes(outcomes or ("mean_spread", "volatility", "volume", "mean_depth"), "outcomes")
    if participation is not None:
        candidates = _at_participation(scenario, candidates, overrides, protocol, participation, execution)
    task = _task(scenario, candidates, overrides, protocol)
    built = task.arms[0].variant.built
    first = built.scenario.seed if protocol.first_seed is None else protocol.first_seed
    if not 0 <= first <= 2**63 - worlds:
        raise InputError(f"first_seed = {first}; allowed: whole numbers from 0, below 2^63 in all worlds")
    identity = {
        "kind": "compare",
        "scenario": built.name,
        "config_hash": built.config_hash(0),
        "arms": [arm.as_data() for arm in task.arms[1:]],
        "window": asdict(task.window),
        "first_seed": first,
    }
    study = {"confidence": protocol.confidence, "outcomes": [outcome.name for outcome in chosen], "worlds": worlds}
    store = execution.store(identity, KEY, study)
    done = set(store.frame()["pair"].to_list()) if len(store.frame()) else set()
    waiting = [k for k in range(worlds) if k not in done]
    failures: dict[int, str] = {}
    jobs = [(k, first + k) for k in waiting]
    variants = [arm.variant for arm in task.arms]
    for position, rows in execution.map_and_tell(task, jobs, variants, (worlds - len(waiting), worlds)):
        if isinstance(rows, Failed):
            failures[waiting[position]] = rows.reason
        else:
            store.add(rows)
    runs = store.finish()
    if len(runs) == 0:
        raise RunError(f"none of {worlds} worlds could be run; the first failed: {next(iter(failures.values()))}")
    measures = list(COST_MEASURES) if task.arms[1].population is not None else []
    measures += [outcome.column for outcome in chosen]
    found = ComparisonResult(
        runs.filter(runs["pair"] < worlds), tuple(candidates), tuple(measures), task.window, store.identity,
        protocol.confidence, dict(sorted(failures.items())),
    )  # fmt: skip
    if execution.folder is not None:
        save(found, execution.folder)
    return found


def _at_participation(
    scenario: str | Path,
    candidates: Mapping[str, Treatment],
    overrides: Sequence[str],
    protocol: ImpactProtocol,
    share: float,
    execution: Execution,
) -> dict[str, Treatment]:
    """Return the metaorders with the quantity that is this share of the volume of worlds without them."""
    if not 0 < share < 1:
        raise InputError(f"participation = {share:g}; allowed: above 0 and below 1")
    orders = {name: one for name, one in candidates.items() if isinstance(one, Metaorder)}
    if len(orders) < len(candidates):
        raise InputError("participation: only a Metaorder has a quantity to be chosen")
    task = _task(scenario, candidates, overrides, protocol)
    volume = pilot_volume(task.arms[0].variant, task.window, execution)
    return {name: at_participation(order, share, volume) for name, order in orders.items()}


def _task(
    scenario: str | Path, candidates: Mapping[str, Treatment], overrides: Sequence[str], protocol: ImpactProtocol
) -> PairTask:
    """Return what runs one world; mistakes in any candidate are told here."""
    if protocol.branch is not None or protocol.stop is not None:
        raise InputError("protocol: branch and stop are for impact; allowed here: start, horizon_s, first_seed, ...")
    control = Variant.read(scenario, overrides)
    orders = [one for one in candidates.values() if isinstance(one, Metaorder)]
    if orders and len(orders) < len(candidates):
        raise InputError("candidates: metaorders and changes of the scenario; allowed: all of one kind")
    if orders:
        control = Variant(control.path, without_metaorder(control.tables))
    built = control.built
    first = next(iter(candidates.values()))
    window = window_of(built.session, first, protocol)
    if not orders and protocol.start is None and protocol.horizon_s is None:
        window = replace(window, end_ns=built.session.close_ns, until_ns=built.session.close_ns)
    arms = [Arm(CONTROL, 0, control)]
    for level, (name, treatment) in enumerate(candidates.items(), start=1):
        order = in_window(treatment, window, built.session) if isinstance(treatment, Metaorder) else treatment
        tables = apply_treatment(control.tables, order)
        variant = Variant.of_text(control.path, toml_text(tables))
        other = variant.built
        if (other.session, len(other.listings)) != (built.session, len(built.listings)):
            raise InputError(f"candidate {name}: another session or other instruments than the scenario's")
        worked = worked_population(control.tables, tables) if orders else None
        if worked is None:
            arms.append(Arm(name, level, variant))
        else:
            settings = worked["settings"]
            arms.append(Arm(name, level, variant, worked["name"], settings["side"], settings["quantity_lots"]))
    return PairTask(tuple(arms), window)
