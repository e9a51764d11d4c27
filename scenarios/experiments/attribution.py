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
import io
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import InputError, RunError
from scenarios.build import build
from scenarios.experiments.bootstrap import bootstrap
from scenarios.experiments.variants import KEY, VariantRun, run_variants
from scenarios.load import find_scenario, nearest, read_tables, source_of
from scenarios.map_runs import check_executor
from scenarios.outcomes import Outcome, find_outcomes
from scenarios.result_set import ResultSet
from scenarios.toml_text import toml_text
from sim.writer import write_atomically

__all__ = ["EXACT_UP_TO", "Attribution", "attribute"]

EXACT_UP_TO = 8
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Attribution:
    """What each group contributed to an outcome.

    Attributes:
        table: group, value, low, high, share (of the sum), populations; one row a group, largest contribution first.
        outcome: what was explained.
        total: mean of v(all) - v(none), with its interval: (value, low, high).
        none, all: mean outcome with none and with all of the groups.
        per_seed: Shapley values, shape (n_seeds, n_groups), in the order of `groups`.
        groups: the groups' names.
        seeds: the seeds, those that failed left out.
        n_runs: number of runs.
        exact: all subsets were run.
        failures: reason by (subset's groups, seed).
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

    def plot(self, path: Path | str | None = None) -> bytes:
        """Return the picture as PNG; with a path, also write it there."""
        from scenarios.plots.attribution import draw_attribution

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
        outcome: a name of scenarios.outcomes.
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
    if len(seeds) < 2 or len(set(seeds)) != len(seeds):
        raise InputError("seeds: allowed: at least two, none twice")
    check_executor(executor, workers)
    path = find_scenario(str(scenario))
    tables = read_tables(path, overrides)
    built = build(source_of(tables, path))
    listed = [table.name for table in built.scenario.instrument]
    if symbol is not None and symbol not in listed:
        raise InputError(f"symbol {symbol}{nearest(symbol, listed)}; allowed: {', '.join(listed)}")
    members = _groups([group.name for group in built.populations], groups, always)
    names = tuple(members)
    n = len(names)
    exact = n <= EXACT_UP_TO
    if exact:
        everything = [frozenset(s) for k in range(n + 1) for s in itertools.combinations(range(n), k)]
        wanted = dict.fromkeys(seeds, everything)
        orders: dict[int, list[tuple[int, ...]]] = {}
    else:
        orders = {seed: _orders(n, n_orders, seed) for seed in seeds}
        wanted = {seed: list(dict.fromkeys(s for order in orders[seed] for s in _steps(order))) for seed in seeds}
    number = {s: k for k, s in enumerate(dict.fromkeys(s for subsets in wanted.values() for s in subsets))}
    texts = {s: toml_text(_ablated(tables, members, s)) for s in number}
    for subset in {frozenset(), frozenset(range(n))}:
        build(source_of(_ablated(tables, members, subset), path))
    jobs = [VariantRun(number[s], texts[s], seed) for seed in seeds for s in wanted[seed]]
    identity = {
        "kind": "attribution",
        "scenario": path.stem,
        "config_hash": built.config_hash(0),
        "outcome": chosen.column,
        "groups": {name: list(rows) for name, rows in members.items()},
        "always": list(always),
        "orders": None if exact else n_orders,
    }
    folder = Path(out) if out is not None else None
    store = ResultSet(folder, identity, KEY, resume=resume, overwrite=overwrite)
    runs = run_variants(store, path, jobs, [chosen], executor=executor, workers=workers, on_progress=on_progress)
    result = _share_out(
        runs.filter(pl.col("seed").is_in(list(seeds))), chosen, members, number, seeds, orders, exact,
        symbol or listed[0], len(jobs), confidence,
    )  # fmt: skip
    if folder is not None:
        buffer = io.BytesIO()
        result.table.write_parquet(buffer)
        write_atomically(folder / "attribution.parquet", buffer.getvalue())
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
    return members


def _ablated(tables: dict[str, Any], members: dict[str, tuple[str, ...]], present: frozenset[int]) -> dict[str, Any]:
    """Return the scenario without the populations of the absent groups, and without events that name them."""
    absent = {row for k, rows in enumerate(members.values()) if k not in present for row in rows}
    kept = copy.deepcopy(tables)
    for key in ("population", "trader"):
        if key in kept:
            kept[key] = [row for row in kept[key] if row.get("name") not in absent]
    if "event" in kept:
        kept["event"] = [row for row in kept["event"] if row.get("population") not in absent]
    return kept


def _orders(n: int, pairs: int, seed: int) -> list[tuple[int, ...]]:
    generator = np.random.default_rng([seed, n])
    drawn = [tuple(int(k) for k in generator.permutation(n)) for _ in range(pairs)]
    return [order for one in drawn for order in (one, one[::-1])]


def _steps(order: tuple[int, ...]) -> list[frozenset[int]]:
    return [frozenset(order[:k]) for k in range(len(order) + 1)]


def _share_out(
    runs: pl.DataFrame,
    outcome: Outcome,
    members: dict[str, tuple[str, ...]],
    number: dict[frozenset[int], int],
    seeds: Sequence[int],
    orders: dict[int, list[tuple[int, ...]]],
    exact: bool,
    symbol: str,
    n_runs: int,
    confidence: float,
) -> Attribution:
    names, n = tuple(members), len(members)
    words = {k: " + ".join(names[g] for g in sorted(s)) or "none" for s, k in number.items()}
    failed = runs.filter(pl.col("status") == "failed")
    failures = {(words[v], seed): why for v, seed, why in failed.select("variant", "seed", "error").rows()}
    done = runs.filter((pl.col("status") == "done") & (pl.col("symbol") == symbol))
    value = {(v, s): x for v, s, x in done.select("variant", "seed", outcome.column).rows()}
    undefined = [v for (v, _), x in value.items() if x is None or not math.isfinite(x)]
    if undefined:
        raise RunError(
            f"{outcome.name} is not defined in a market with {words[undefined[0]]} only; "
            "keep what makes the market with --always"
        )
    bad = {seed for _, seed in failures}
    used = tuple(seed for seed in seeds if seed not in bad)
    if len(used) < 2:
        raise RunError(f"fewer than two worlds are complete; the first failure: {next(iter(failures.values()))}")
    shapley = exact_shapley if exact else sampled_shapley
    per_seed = np.array(
        [shapley({s: value[k, seed] for s, k in number.items() if (k, seed) in value}, n, orders.get(seed, []))
         for seed in used]
    )  # fmt: skip
    found = bootstrap(per_seed, confidence=confidence)
    nothing, everything = number[frozenset()], number[frozenset(range(n))]
    ends = np.array([[value[nothing, seed], value[everything, seed]] for seed in used])
    total = bootstrap((ends[:, 1] - ends[:, 0])[:, None], confidence=confidence)[0]
    table = pl.DataFrame(
        {
            "group": names,
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "share": found.value / total.value if total.value else np.full(n, np.nan),
            "populations": [", ".join(rows) for rows in members.values()],
        }
    ).sort(pl.col("value").abs(), descending=True)
    return Attribution(
        table, outcome, (total.value, total.low, total.high), float(ends[:, 0].mean()), float(ends[:, 1].mean()),
        per_seed, names, used, n_runs, exact, failures,
    )  # fmt: skip


def exact_shapley(value: dict[frozenset[int], float], n: int, orders: Sequence[tuple[int, ...]] = ()) -> Floats:
    """Return the Shapley values of n players from the worth of all 2^n subsets, shape (n,)."""
    weights = [math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n) for k in range(n)]
    result = np.zeros(n)
    for subset, worth in value.items():
        for player in range(n):
            if player not in subset:
                result[player] += weights[len(subset)] * (value[subset | {player}] - worth)
    return result


def sampled_shapley(value: dict[frozenset[int], float], n: int, orders: Sequence[tuple[int, ...]]) -> Floats:
    """Return the mean marginal contributions over some orders, shape (n,); unbiased if these are drawn uniformly."""
    result = np.zeros(n)
    for order in orders:
        for k, player in enumerate(order):
            result[player] += value[frozenset(order[: k + 1])] - value[frozenset(order[:k])]
    return result / len(orders)
