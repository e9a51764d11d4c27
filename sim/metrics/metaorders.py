"""Impact of metaorders made up from public trades alone, and the law I = Y sigma (Q / V)^exponent fitted to it.

Maitrier, Loeper and Bouchaud 2025 (arXiv 2503.18199, "Generating realistic metaorders from public data"): market orders
are given at random to N traders; a run of one sign in the sequence of one trader is a metaorder. Whoever really sent
them, the impact of these follows the square-root law in recorded markets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.units import MINUTE_NS, SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.moments import grid_returns, market_orders

__all__ = ["ImpactLaw", "ProxyMetaorders", "fit_impact_law", "market_order_ends", "proxy_metaorders"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
EXPONENTS = np.arange(0.0, 2.001, 0.005)
BLOCK_NS = 10 * MINUTE_NS
LEAST_BLOCKS = 8
STEPS_S = {300.0: 3 * 3600, 60.0: 1200, 10.0: 300}
"""Returns that make the volatility, and how long a record must be for them [s]."""


@dataclass(frozen=True)
class ProxyMetaorders:
    """Metaorders of one or more days; arrays of shape (n,).

    Attributes:
        share: quantity over the volume of the day, Q / V.
        impact: sign x log move of the midpoint, from before the first child to after the last, over the day's
            volatility.
        late: the same up to one duration after the last child; nan beyond the end of the day.
        block: of ten minutes in which it began, numbered through all days.
        n_draws: how many times the market orders were given out.
    """

    share: Floats
    impact: Floats
    late: Floats
    block: Ints
    n_draws: int

    def __len__(self) -> int:
        """Return the number of metaorders, of all draws together."""
        return len(self.share)


@dataclass(frozen=True)
class ImpactLaw:
    """The law I / sigma = Y (Q / V)^exponent; intervals from a bootstrap of blocks of time, nan with too few of them.

    Attributes:
        exponent: fitted freely, (value, low, high).
        y: prefactor with the exponent fixed at 1/2, (value, low, high): comparable where exponents differ a little.
        y_free: prefactor at the fitted exponent.
        late: mean impact one duration after the end over that at the end, (value, low, high).
        share, impact, error: of equal groups by quantity: mean Q / V, mean I / sigma, its bootstrap error.
        n: number of metaorders in one draw, on average.
        n_blocks: number of blocks.
    """

    exponent: tuple[float, float, float]
    y: tuple[float, float, float]
    y_free: float
    late: tuple[float, float, float]
    share: Floats
    impact: Floats
    error: Floats
    n: float
    n_blocks: int


def market_order_ends(flow: OrderFlow) -> tuple[Ints, Ints, Ints, Ints]:
    """Return first event, last event, sign and quantity [lots] of each market order, arrays of shape (n,)."""
    first, sign = market_orders(flow)
    executed = np.flatnonzero(flow.kind == FlowKind.EXECUTE)
    if len(first) == 0:
        return first, first, sign, first
    start = np.searchsorted(executed, first)
    last = executed[np.append(start[1:], len(executed)) - 1]
    return first, last, sign, np.add.reduceat(flow.size_lots[executed], start)


def proxy_metaorders(
    flows: Sequence[OrderFlow], n_traders: int = 5, least_children: int = 3, n_draws: int = 20, seed: int = 0
) -> ProxyMetaorders:
    """Return the metaorders of days of order flow.

    The volatility of a day is the root of the sum of its squared 5-minute returns (1-minute in less than three hours,
    10-second in less than 20 minutes), its volume all that was executed. Records of less than five minutes, and those
    whose midpoint does not move, have none.

    Args:
        flows: one a day.
        n_traders: to whom market orders are given, each to one of them with equal chances.
        least_children: shorter runs are left out.
        n_draws: times that this is done; the draws of one seed are always the same.
        seed: of the draws.
    """
    parts: list[Any] = []
    blocks = 0
    for day, flow in enumerate(flows):
        sigma = _volatility(flow)
        first, last, sign, lots = market_order_ends(flow)
        mid = flow.mid_ticks
        usable = (first > 0) & (np.minimum(mid[first - 1], mid[last]) > 0)  # nan, an empty side, is not above 0
        volume = float(lots.sum())
        first, last, sign, lots = first[usable], last[usable], sign[usable], lots[usable]
        if not sigma > 0 or len(first) == 0:
            continue
        block_ns = min(BLOCK_NS, max(int(flow.time_ns[-1] - flow.time_ns[0]) // 20, 1))
        block = blocks + (flow.time_ns[first] - flow.time_ns[0]) // block_ns
        blocks = int(block.max()) + 1
        for draw in range(n_draws):
            trader = np.random.default_rng([seed, day, draw]).integers(0, n_traders, len(first))
            begin, end, q = _runs(trader, sign, lots, least_children)
            impact, late = _moves(flow, first[begin], last[end], sign[begin])
            parts.append((q / volume, impact / sigma, late / sigma, block[begin]))
    columns = [np.concatenate(c) for c in zip(*parts, strict=True)] if parts else [np.zeros(0)] * 4
    return ProxyMetaorders(columns[0], columns[1], columns[2], columns[3].astype(np.int64), n_draws)


def _volatility(flow: OrderFlow) -> float:
    span_s = (flow.time_ns[-1] - flow.time_ns[0]) / SECOND_NS
    step_s = next((step for step, least_s in STEPS_S.items() if span_s >= least_s), None)
    if step_s is None:
        return math.nan
    returns = grid_returns(flow, step_s)
    return float(np.sqrt(returns @ returns))


def _runs(trader: Ints, sign: Ints, lots: Ints, least: int) -> tuple[Ints, Ints, Ints]:
    """Return first and last market order, and quantity, of each run of one sign of one trader."""
    order = np.argsort(trader, kind="stable")
    new = np.append(True, (np.diff(trader[order]) != 0) | (np.diff(sign[order]) != 0))
    start = np.flatnonzero(new)
    end = np.append(start[1:], len(order)) - 1
    quantity = np.add.reduceat(lots[order], start)
    long = end - start + 1 >= least
    return order[start[long]], order[end[long]], quantity[long]


def _moves(flow: OrderFlow, first: Ints, last: Ints, sign: Ints) -> tuple[Floats, Floats]:
    mid = flow.mid_ticks
    before, after = mid[first - 1], mid[last]
    later_ns = 2 * flow.time_ns[last] - flow.time_ns[first]
    later = mid[np.searchsorted(flow.time_ns, later_ns, side="right") - 1]
    known = (later_ns <= flow.time_ns[-1]) & (later > 0)
    late = np.where(known, sign * np.log(np.where(known, later, 1.0) / before), np.nan)
    return np.asarray(sign * np.log(after / before)), np.asarray(late)


def fit_impact_law(
    found: ProxyMetaorders, n_groups: int = 10, n_resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> ImpactLaw:
    """Return the law fitted to means of equal groups by quantity, weighted by their variance.

    Args:
        found: metaorders, at least `n_groups` of them.
        n_groups: groups of equal number.
        n_resamples: of whole blocks of time, with replacement; groups and weights stay.
        confidence: of the intervals.
        seed: of the bootstrap.
    """
    rank = np.argsort(np.argsort(found.share, kind="stable"), kind="stable")
    group = rank * n_groups // len(rank)
    blocks, block = np.unique(found.block, return_inverse=True)
    n_cells = len(blocks) * n_groups

    def summed(values: Floats) -> Floats:
        """Sums by block and group."""
        sums = np.bincount(block * n_groups + group, values, n_cells).astype(np.float64)
        return sums.reshape(len(blocks), n_groups)

    count, impacts = summed(np.ones(len(rank))), summed(found.impact)
    known = np.isfinite(found.late)
    late_sums = [np.bincount(block, np.where(known, x, 0.0), len(blocks)) for x in (found.late, found.impact)]
    variance = np.array([found.impact[group == g].var() for g in range(n_groups)])
    weight = 1 / np.maximum(variance, max(float(variance.mean()) * 1e-6, 1e-300))

    draws = np.random.default_rng(seed).multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), n_resamples)
    times = np.concatenate([np.ones((1, len(blocks))), draws])  # the first row is the data as they are
    n = np.maximum(times @ count, 1e-300)
    y = times @ impacts / n
    exponent, y_free, y_half = _law((times @ summed(found.share**power) / n for power in EXPONENTS), y, weight)
    with np.errstate(all="ignore"):
        late = (times @ late_sums[0]) / (times @ late_sums[1])
    exponent_ends, y_ends, late_ends = (_interval(v[1:], confidence, len(blocks)) for v in (exponent, y_half, late))
    return ImpactLaw(
        (float(exponent[0]), *exponent_ends), (float(y_half[0]), *y_ends), float(y_free[0]),
        (float(late[0]), *late_ends), summed(found.share).sum(axis=0) / count.sum(axis=0), y[0],
        y[1:].std(axis=0), len(rank) / found.n_draws, len(blocks),
    )  # fmt: skip


def _law(powers: Iterable[Floats], y: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return exponent, prefactor, and prefactor at exponent 1/2, of each row by weighted least squares.

    Args:
        powers: for each of EXPONENTS the means of (Q / V)^exponent, shape (n_rows, n_groups): what the law says, up to
            its prefactor, of the mean impact of a group, however wide the group.
        y: mean impacts, shape (n_rows, n_groups).
        weight: of the groups.
    """
    best, exponent, factor, half = np.full(len(y), np.inf), np.zeros(len(y)), np.zeros(len(y)), np.zeros(len(y))
    for power, p in zip(EXPONENTS, powers, strict=True):
        scale = (p * y) @ weight / np.maximum((p * p) @ weight, 1e-300)
        rest = ((y - scale[:, None] * p) ** 2) @ weight
        better = rest < best
        best, exponent, factor = (
            np.where(better, new, old) for new, old in ((rest, best), (power, exponent), (scale, factor))
        )
        if math.isclose(power, 0.5):
            half = scale
    return exponent, factor, half


def _interval(values: Floats, confidence: float, n_blocks: int) -> tuple[float, float]:
    values = values[np.isfinite(values)]
    if n_blocks < LEAST_BLOCKS or len(values) == 0:
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
