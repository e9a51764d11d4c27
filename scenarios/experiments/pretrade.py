"""What an order will cost: a pre-trade estimate from the worlds of an experiment, with its interval and its risk.

Costs are known at the quantities that were run. Between two of them the impact is the power of the quantity that goes
through both means, the rest a straight line in the quantity's logarithm; beyond them the impact grows with the square
root of the quantity (Almgren, Thum, Hauptmann and Li 2005; Toth et al. 2011) while the spread that is paid stays, which
is said. The interval is of the mean over worlds; the risk is how one execution differs from that mean, by what the
price does in the meantime above all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lob.errors import InputError
from scenarios.experiments.bootstrap import Interval, bootstrap
from scenarios.experiments.comparison_result import ComparisonResult, with_cost_parts
from scenarios.experiments.sameness import is_one_world

if TYPE_CHECKING:
    from scenarios.experiments.result import ImpactResult

__all__ = ["PreTrade", "estimate_costs"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
PARTS = ("spread_bps", "impact_bps", "opportunity_bps")
FARTHEST = 4.0
"""Beyond the quantities that were run by more than this factor there is no estimate."""


@dataclass(frozen=True)
class PreTrade:
    """An estimate for one algorithm and quantity; costs in basis points of the price at the start, positive: paid.

    Attributes:
        algorithm: its name.
        quantity_lots: of the order.
        participation: its share of the market's mean volume in the time of the order.
        cost: what the order itself causes, of the mean over worlds.
        spread_bps, impact_bps, opportunity_bps: its parts, which add up to it.
        risk_bps: standard deviation of the implementation shortfall of one execution.
        low_bps, high_bps: the shortfalls that 5 and 95 of 100 worlds stay below.
        basis: "measured", "between measured quantities" or "square-root law".
        n_worlds: behind it.
    """

    algorithm: str
    quantity_lots: int
    participation: float
    cost: Interval
    spread_bps: float
    impact_bps: float
    opportunity_bps: float
    risk_bps: float
    low_bps: float
    high_bps: float
    basis: str
    n_worlds: int


def estimate_costs(
    result: ImpactResult | ComparisonResult, quantities_lots: Sequence[int], *, confidence: float = 0.95
) -> list[PreTrade]:
    """Return the estimates for each algorithm of an experiment and each quantity.

    Args:
        result: of an impact experiment or a comparison, with metaorders.
        quantities_lots: at least 1 lot, and within a factor of four of what was run.
        confidence: of the intervals.

    Raises:
        InputError: if the experiment worked no orders, or a quantity is too far from what was run.
    """
    levels = _compared(result) if isinstance(result, ComparisonResult) else _levels(result)
    window = result.runs.filter(pl.col("arm") == "control")["window_volume_lots"].cast(pl.Float64).mean()
    volume = float(window) if isinstance(window, float) else float("nan")
    found = []
    for name, of_quantity in levels.items():
        for quantity in quantities_lots:
            _check(quantity, of_quantity, name)
            found.append(_estimate(name, quantity, volume, of_quantity, confidence))
    return found


Levels = dict[int, Mapping[str, Floats]]
"""By quantity in lots: the worlds' costs by column, in the order of the worlds."""
COLUMNS = (*PARTS, "timing_bps")


def _compared(result: ComparisonResult) -> dict[str, Levels]:
    if not result.has_costs:
        raise InputError("this comparison worked no orders; allowed: one of execution algorithms")
    runs = with_cost_parts(result.runs)
    return {name: _of_arm(runs.filter(pl.col("arm") == name)) for name in result.candidates}


def _levels(result: ImpactResult) -> dict[str, Levels]:
    if "spread_cost_bps" not in result.runs.columns or not result.identity["arms"][0]["population"]:
        raise InputError("this experiment worked no order but changed the scenario; allowed: one with a metaorder")
    runs = with_cost_parts(result.runs.filter(pl.col("arm") == "treated"))
    name = _algorithm(result.identity["arms"][0])
    found: Levels = {}
    for level in sorted(runs["level"].unique().to_list()):
        found |= _of_arm(runs.filter(pl.col("level") == level))
    # The same worlds at all quantities: what failed at one is left out at all.
    worlds = set.intersection(*(set(of["pair"].tolist()) for of in found.values()))
    kept = {q: np.isin(of["pair"], sorted(worlds)) for q, of in found.items()}
    return {name: {q: {key: x[kept[q]] for key, x in of.items()} for q, of in sorted(found.items())}}


def _algorithm(arm: Mapping[str, Any]) -> str:
    """Return the kind of the population that works the order."""
    rows = tomllib.loads(arm["text"]).get("population", [])
    return next((str(row["kind"]) for row in rows if row.get("name") == arm["population"]), "the order")


def _of_arm(runs: pl.DataFrame) -> Levels:
    """Return one level from its runs; of worlds that are one only the first, and none with a cost that is not known."""
    runs = runs.sort("pair")
    if len(runs) > 1 and is_one_world(runs["market_hash"].to_list()):
        runs = runs.head(1)
    columns = {name: runs[name].cast(pl.Float64).to_numpy() for name in ("pair", *COLUMNS)}
    known = np.all([np.isfinite(x) for x in columns.values()], axis=0)
    return {int(runs["quantity_lots"][0]): {name: x[known] for name, x in columns.items()}}


def _check(quantity: int, levels: Levels, name: str) -> None:
    if not any(len(of["pair"]) for of in levels.values()):
        raise InputError(f"{name}: no world has costs that are known")
    least, most = min(levels) / FARTHEST, max(levels) * FARTHEST
    if not max(1.0, least) <= quantity <= most:
        measured = ", ".join(f"{q:,}" for q in levels)
        raise InputError(
            f"quantity {quantity:,}: {name} was run with {measured} lots; allowed: from {max(1, round(least)):,} to "
            f"{int(most):,}, or an experiment nearer to it"
        )


def _beside(quantity: int, levels: Levels) -> tuple[int, int, str]:
    """Return the quantities that an estimate rests on, and how: both are one if it is that one, or beyond it."""
    known = sorted(levels)
    if quantity in levels:
        return quantity, quantity, "measured"
    if known[0] < quantity < known[-1]:
        above = next(q for q in known if q > quantity)
        return known[known.index(above) - 1], above, "between measured quantities"
    nearest = known[0] if quantity < known[0] else known[-1]
    return nearest, nearest, "square-root law"


def _estimate(name: str, quantity: int, volume: float, levels: Levels, confidence: float) -> PreTrade:
    below, above, basis = _beside(quantity, levels)
    share = np.log(quantity / below) / np.log(above / below) if above > below else 0.0
    grown = np.sqrt(quantity / below) if above == below else 1.0
    near, far = (np.column_stack([levels[q][part] for part in PARTS]) for q in (below, above))

    def parts(means: Floats) -> Floats:
        """Return the parts and the whole from the means at both quantities."""
        one, other = means[..., : len(PARTS)], means[..., len(PARTS) :]
        found = (1 - share) * one + share * other
        impact, further = one[..., 1], other[..., 1]
        positive = (impact > 0) & (further > 0)
        with np.errstate(all="ignore"):
            power = np.where(positive, impact ** (1 - share) * further**share, found[..., 1])
        found[..., 1] = power
        found[..., 1:] *= grown
        return np.concatenate([found, found.sum(axis=-1, keepdims=True)], axis=-1)

    costs = bootstrap(np.column_stack([near, far]), parts, confidence=confidence)
    # How an execution differs from the mean: by its world, interpolated, and by what the price does in the meantime.
    own = (1 - share) * near.sum(axis=1) + share * far.sum(axis=1)
    timing = (1 - share) * levels[below]["timing_bps"] + share * levels[above]["timing_bps"]
    shortfall = costs.value[-1] + grown * (own - own.mean()) + timing
    low, high = np.quantile(shortfall, [0.05, 0.95])
    spread, impact, missed = map(float, costs.value[: len(PARTS)])
    n = len(own)
    return PreTrade(
        name, quantity, quantity / volume if volume > 0 else float("nan"), costs[len(PARTS)],
        spread, impact, missed, float(shortfall.std(ddof=1)) if n > 1 else float("nan"), float(low),
        float(high), basis, n,
    )  # fmt: skip
