"""Counts and exposures by distance from the opposite best: the raw material of both Poisson fits.

A recording shows a few levels only. What happens at a distance is counted while that distance is inside the recorded
window, and divided by the time for which it was, so that the far rates are not too low because they were seldom seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.moments import market_orders

__all__ = ["DistanceProfile", "distance_profile", "median_spread_ticks", "median_submission_lots"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
MAX_TICKS = 1000
LEAST_SEEN = 0.1
"""Share of the time for which a distance must be inside the recorded window to be fitted."""


@dataclass(frozen=True)
class DistanceProfile:
    """Both sides together; entry i - 1 of each array belongs to distance i ticks from the opposite best.

    Attributes:
        submissions: limit orders.
        cancelled_lots: quantity withdrawn.
        depth_lot_s: quantity resting, integrated over time.
        seen_s: time for which the distance was inside the recorded window, summed over the sides.
        total_s: length of the recording.
        market_orders: number of market orders; all executions of one time and sign are one.
        traded_lots: their quantity.
        unit_lots: mean size of a limit order.
    """

    submissions: Floats
    cancelled_lots: Floats
    depth_lot_s: Floats
    seen_s: Floats
    total_s: float
    market_orders: int
    traded_lots: float
    unit_lots: float

    @property
    def market_rate(self) -> float:
        """Market orders a second and side, in units of the mean limit order."""
        return self.traded_lots / self.unit_lots / (2 * self.total_s)

    @property
    def limit_rates(self) -> Floats:
        """Limit orders a second and side at each distance."""
        return np.asarray(self.submissions / self.seen_s)

    @property
    def mean_orders(self) -> float:
        """Mean resting quantity of a side within the distances, in units of the mean limit order."""
        return float((self.depth_lot_s / self.seen_s).sum() / self.unit_lots)


def median_spread_ticks(flow: OrderFlow) -> int:
    """Median spread over the events, at least 1."""
    return max(1, round(float(np.nanmedian(flow.ask_ticks - flow.bid_ticks))))


def median_submission_lots(flow: OrderFlow) -> int:
    """Median size of limit orders, at least 1."""
    return max(1, round(float(np.median(flow.size_lots[flow.kind == FlowKind.SUBMIT]))))


def distance_profile(flow: OrderFlow) -> DistanceProfile:
    """Return the profile of a visible flow with its book, as far out as LEAST_SEEN allows."""
    assert flow.book is not None
    dt_s = np.diff(flow.time_ns) / 1e9
    book, best = flow.book[:-1], {1: flow.ask_ticks[:-1], -1: flow.bid_ticks[:-1]}
    depth, seen = np.zeros(MAX_TICKS + 1), np.zeros(MAX_TICKS + 1)
    for side, column in ((1, 2), (-1, 0)):
        distance = side * (best[side][:, None] - book[:, :, column])
        inside = (distance >= 1) & (distance <= MAX_TICKS)
        weights = (book[:, :, column + 1] * dt_s[:, None])[inside]
        depth += np.bincount(distance[inside].astype(np.int64), weights, MAX_TICKS + 1)
        known = np.isfinite(best[side])
        # A side that does not fill the recorded levels is seen as a whole.
        last = np.where(np.isfinite(distance[:, -1]), distance[:, -1], MAX_TICKS)[known]
        ends = np.bincount(np.clip(last, 0, MAX_TICKS).astype(np.int64), dt_s[known], MAX_TICKS + 1)
        seen += np.cumsum(ends[::-1])[::-1]
    before = np.arange(1, len(flow))
    opposite = np.where(flow.side[1:] > 0, flow.ask_ticks[:-1], flow.bid_ticks[:-1])
    distance = flow.side[1:] * (opposite - flow.price_ticks[1:])
    inside = (distance >= 1) & (distance <= MAX_TICKS)
    submitted = inside & (flow.kind[1:] == FlowKind.SUBMIT)
    cancelled = inside & np.isin(flow.kind[1:], (FlowKind.DELETE, FlowKind.PARTIAL_CANCEL))
    counts = np.bincount(distance[submitted].astype(np.int64), minlength=MAX_TICKS + 1)
    sizes = flow.size_lots[before[cancelled]].astype(np.float64)
    lots: Floats = np.bincount(distance[cancelled].astype(np.int64), sizes, MAX_TICKS + 1).astype(np.float64)
    total_s = float(dt_s.sum())
    reach = max(1, int((seen[1:] >= LEAST_SEEN * 2 * total_s).sum()))
    chosen = slice(1, reach + 1)
    executed = flow.kind == FlowKind.EXECUTE
    return DistanceProfile(
        counts[chosen].astype(np.float64), lots[chosen], depth[chosen], seen[chosen], total_s,
        len(market_orders(flow)[0]), float(flow.size_lots[executed].sum()),
        float(flow.size_lots[flow.kind == FlowKind.SUBMIT].mean()),
    )  # fmt: skip
