"""Moments of order flow: the numbers by which a simulated day is compared with a recorded one.

Each function takes an OrderFlow. Definitions: statistics of the book are weighted by event; a market order is a run of
executions with equal time and side, its sign the aggressor's; the response at lag L is sign x (mid[k+L-1] - mid[k-1])
with k the first event of the market order; log dt is log10 of the time between events, at least 1e-7 s; returns are of
the log midpoint on a fixed grid of times, last value; the depth of a submission counts from the same-side best before
it, negative inside the spread; a life is the time from an order's submission to its deletion.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.lifetimes import order_ages_s

__all__ = [
    "MOMENTS",
    "autocorrelation",
    "depths_ticks",
    "excess_kurtosis",
    "grid_returns",
    "imbalance_and_next_move",
    "lives_s",
    "log_dt",
    "market_orders",
    "moment_distance",
    "moments",
    "noise_floor",
    "response_ticks",
]

Floats = np.ndarray[Any, np.dtype[np.float64]]
LEAST_DT_S = 1e-7

MOMENTS = {
    "events_per_s": "events a second",
    "submit_share": "share of submissions",
    "execute_share": "share of executions",
    "dt_below_1ms": "share of times between events below 1 ms",
    "log_dt_sd": "standard deviation of log10 dt",
    "log_dt_acf_1": "autocorrelation of log dt at lag 1",
    "fano_1s": "variance over mean of counts in 1 s",
    "size_mean_lots": "mean size of submissions [lots]",
    "spread_p50_ticks": "median spread [ticks]",
    "spread_p95_ticks": "95th percentile of the spread [ticks]",
    "inside_share": "share of submissions inside the spread",
    "at_best_share": "share of submissions at the best",
    "depth_p50_ticks": "median depth of submissions [ticks]",
    "depth_p90_ticks": "90th percentile of their depth [ticks]",
    "life_p50_log10_s": "log10 of the median life of deleted orders [s]",
    "life_p90_log10_s": "log10 of the 90th percentile of their lives",
    "touch_p50_lots": "median quantity at the touch [lots]",
    "return_sd_1s_bp": "standard deviation of 1 s returns [bp]",
    "return_sd_60s_bp": "standard deviation of 60 s returns [bp]",
    "kurtosis_10s": "excess kurtosis of 10 s returns",
    "abs_return_acf_10s": "autocorrelation of absolute 10 s returns",
    "market_sign_acf_1": "autocorrelation of market-order signs at lag 1",
    "market_sign_acf_10": "autocorrelation of market-order signs at lag 10",
    "submit_sign_acf_1": "autocorrelation of the sides of submissions",
    "imbalance_next_move": "correlation of imbalance and next move of the midpoint",
    "response_1_spreads": "response to a market order at lag 1 [spreads]",
    "response_100_spreads": "response to a market order at lag 100 [spreads]",
}
"""Names of the moments and what they are."""


def autocorrelation(x: Any, lag: int) -> float:
    """Autocorrelation at a lag; 0 for a constant or too short series."""
    x = np.asarray(x, np.float64)
    if len(x) <= lag + 1:
        return 0.0
    x = x - x.mean()
    power = float(np.dot(x, x))
    return float(np.dot(x[lag:], x[:-lag]) / power) if power > 0 else 0.0


def excess_kurtosis(x: Floats) -> float:
    """Fourth moment over squared variance, less 3; 0 for a constant series."""
    x = x - x.mean() if len(x) else x
    variance = float(np.mean(x**2)) if len(x) else 0.0
    return float(np.mean(x**4)) / variance**2 - 3.0 if variance > 0 else 0.0


def log_dt(flow: OrderFlow) -> Floats:
    """log10 of the seconds between events, at least 1e-7 s."""
    return np.asarray(np.log10(np.maximum(np.diff(flow.time_ns) / SECOND_NS, LEAST_DT_S)))


def counts(flow: OrderFlow, width_s: float) -> Floats:
    """Events in each bin of the time that the flow spans."""
    bins = ((flow.time_ns - flow.time_ns[0]) // int(width_s * SECOND_NS)).astype(np.int64)
    return np.bincount(bins).astype(np.float64)


def depths_ticks(flow: OrderFlow) -> Floats:
    """Depth of each submission against the same-side best before it; those without one are left out."""
    at = np.flatnonzero(flow.kind == FlowKind.SUBMIT)
    at = at[at > 0]
    bid = flow.bid_ticks[at - 1] - flow.price_ticks[at]
    depth = np.where(flow.side[at] > 0, bid, flow.price_ticks[at] - flow.ask_ticks[at - 1])
    return np.asarray(depth[np.isfinite(depth)])


def lives_s(flow: OrderFlow) -> Floats:
    """Life of each order that was submitted and deleted within the flow, in seconds."""
    ages = order_ages_s(flow)[flow.kind == FlowKind.DELETE]
    return np.asarray(ages[np.isfinite(ages)])


def market_orders(flow: OrderFlow) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Index of the first event, and sign, of each market order."""
    at = np.flatnonzero(flow.kind == FlowKind.EXECUTE)
    times, signs = flow.time_ns[at], -flow.side[at]
    first = np.append(True, (np.diff(times) != 0) | (np.diff(signs) != 0)) if len(at) else np.zeros(0, bool)
    return at[first], signs[first]


def response_ticks(flow: OrderFlow, lag: int) -> float:
    """Mean response of the midpoint to a market order after `lag` events, in ticks; nan without any."""
    at, signs = market_orders(flow)
    inside = (at > 0) & (at + lag - 1 < len(flow))
    at, signs, mid = at[inside], signs[inside], flow.mid_ticks
    moves = signs * (mid[at + lag - 1] - mid[at - 1])
    moves = moves[np.isfinite(moves)]
    return float(moves.mean()) if len(moves) else float("nan")


def grid_returns(flow: OrderFlow, step_s: float, from_ns: int | None = None, until_ns: int | None = None) -> Floats:
    """Log returns of the midpoint on a grid of times, last value."""
    first = int(flow.time_ns[0]) if from_ns is None else from_ns
    last = int(flow.time_ns[-1]) if until_ns is None else until_ns
    grid = np.arange(first, last + 1, int(step_s * SECOND_NS))
    at = np.searchsorted(flow.time_ns, grid, side="right") - 1
    mid = flow.mid_ticks[at[at >= 0]]
    mid = mid[np.isfinite(mid) & (mid > 0)]
    return np.asarray(np.diff(np.log(mid)))


def imbalance_and_next_move(flow: OrderFlow) -> tuple[Floats, Floats]:
    """Imbalance (bid - ask) / (bid + ask) at the touch after each event, and the sign of the midpoint's next move."""
    mid = flow.mid_ticks
    moves = np.diff(mid)
    moved = np.flatnonzero(np.isfinite(moves) & (moves != 0))
    following = np.searchsorted(moved, np.arange(len(mid)))
    total = flow.bid_lots + flow.ask_lots
    known = (following < len(moved)) & (total > 0)
    imbalance = (flow.bid_lots[known] - flow.ask_lots[known]) / total[known]
    return np.asarray(imbalance), np.sign(moves[moved[following[known]]])


def _correlation(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(x, y)[0, 1]) if len(x) > 2 and x.std() > 0 and y.std() > 0 else 0.0


def _percentile(x: Floats, q: float) -> float:
    return float(np.percentile(x, q)) if len(x) else float("nan")


def moments(flow: OrderFlow) -> dict[str, float]:
    """Return all MOMENTS of a flow; nan where there is nothing to count.

    Args:
        flow: events of some hours; hidden executions are left out.
    """
    flow = flow.visible()
    n = len(flow)
    if n < 1000:
        return dict.fromkeys(MOMENTS, float("nan"))
    submits = flow.kind == FlowKind.SUBMIT
    logs, per_second = log_dt(flow), counts(flow, 1)
    spread = flow.ask_ticks - flow.bid_ticks
    spread = spread[np.isfinite(spread)]
    depth, life = depths_ticks(flow), np.maximum(lives_s(flow), LEAST_DT_S)
    r1, r10, r60 = (grid_returns(flow, s) for s in (1, 10, 60))
    _, signs = market_orders(flow)
    touch = np.concatenate([flow.bid_lots, flow.ask_lots])
    median_spread = _percentile(spread, 50)
    values = (
        n / ((flow.time_ns[-1] - flow.time_ns[0]) / SECOND_NS),
        submits.mean(),
        (flow.kind == FlowKind.EXECUTE).mean(),
        (logs < -3).mean(),
        logs.std(),
        autocorrelation(logs, 1),
        per_second.var() / per_second.mean(),
        flow.size_lots[submits].mean(),
        median_spread,
        _percentile(spread, 95),
        (depth < 0).mean(),
        (depth == 0).mean(),
        _percentile(depth, 50),
        _percentile(depth, 90),
        np.log10(_percentile(life, 50)),
        np.log10(_percentile(life, 90)),
        _percentile(touch, 50),
        r1.std() * 1e4,
        r60.std() * 1e4,
        excess_kurtosis(r10),
        autocorrelation(np.abs(r10), 1),
        autocorrelation(signs, 1),
        autocorrelation(signs, 10),
        autocorrelation(flow.side[submits], 1),
        _correlation(*imbalance_and_next_move(flow)),
        response_ticks(flow, 1) / median_spread,
        response_ticks(flow, 100) / median_spread,
    )
    return {name: float(value) for name, value in zip(MOMENTS, values, strict=True)}


def noise_floor(flow: OrderFlow, n_parts: int = 6) -> dict[str, float]:
    """How much each moment of this flow varies within itself: the standard deviation over parts of equal length.

    A fit that is closer than this to one part of a day says nothing about another.

    Args:
        flow: events of some hours.
        n_parts: number of parts.
    """
    edges = np.linspace(flow.time_ns[0], flow.time_ns[-1] + 1, n_parts + 1).astype(np.int64)
    parts = [moments(flow.window(int(a), int(b))) for a, b in pairwise(edges)]
    return {name: float(np.nanstd([part[name] for part in parts], ddof=1)) for name in MOMENTS}


def moment_distance(found: dict[str, float], target: dict[str, float], scale: dict[str, float]) -> float:
    """Mean absolute difference in units of scale, each at most 20; a moment that is not known counts 20."""
    gaps = np.array([abs(found[name] - target[name]) / max(scale[name], 1e-12) for name in target])
    return float(np.minimum(np.where(np.isfinite(gaps), gaps, 20.0), 20.0).mean())
