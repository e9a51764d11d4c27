"""Everything about a day of order flow in numbers: a nested table to print, to store and to compare.

Statistics of the book are weighted by event unless said; a market order is a run of executions with equal time and
side; depths of submissions and deletions count from the same-side best before the event, negative inside the spread;
returns are of the log midpoint on a fixed grid of times. Hidden executions count as events wherever they are present.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.moments import (
    LEAST_DT_S,
    autocorrelation,
    depths_ticks,
    excess_kurtosis,
    grid_returns,
    imbalance_and_next_move,
    market_orders,
    response_ticks,
)
from sim.metrics.scores import first_times_s

__all__ = ["describe"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
HALF_HOUR_NS = 1800 * SECOND_NS
MORNING_NS = 9 * 3600 * SECOND_NS + 1800 * SECOND_NS
RETURN_LAGS, ABS_LAGS = (1, 2, 5, 10), (1, 2, 5, 10, 30, 60, 120)


def _percentiles(x: Any, *qs: float) -> dict[str, float]:
    return {f"p{q:g}": float(v) for q, v in zip(qs, np.percentile(x, qs), strict=True)} if len(x) else {}


def _acf(x: Any, *lags: int) -> dict[str, float]:
    """Autocorrelations with each mean of products over its own number of terms."""
    n = len(x)
    return {str(lag): autocorrelation(x, lag) * n / (n - lag) if n > lag else 0.0 for lag in lags}


def _share(mask: Any) -> float:
    return float(np.mean(mask)) if len(mask) else float("nan")


def _sizes(lots: Any) -> dict[str, Any]:
    if len(lots) == 0:
        return {}
    values, counts = np.unique(lots, return_counts=True)
    top = np.argsort(-counts, kind="stable")[:8]
    return {
        "mean": float(lots.mean()),
        **_percentiles(lots, 5, 25, 50, 75, 95, 99),
        "max": int(lots.max()),
        "share_100": _share(lots == 100),
        "share_mult100": _share(lots % 100 == 0),
        "share_lt100": _share(lots < 100),
        "top": [[int(values[k]), float(counts[k] / len(lots))] for k in top],
    }


def _interarrival(flow: OrderFlow) -> dict[str, Any]:
    dt = np.diff(flow.time_ns) / SECOND_NS
    below = {"10us": 1e-5, "100us": 1e-4, "1ms": 1e-3, "10ms": 1e-2}
    return {
        "mean": float(dt.mean()),
        "cv": float(dt.std() / dt.mean()),
        "share_zero": _share(dt == 0),
        **{f"share_lt_{name}": _share(dt < bound) for name, bound in below.items()},
        "share_gt_1s": _share(dt > 1),
        **_percentiles(dt, 1, 5, 10, 25, 50, 75, 90, 95, 99),
        "logdt_acf": _acf(np.log10(np.maximum(dt, LEAST_DT_S)), 1, 2, 5, 10, 50, 100),
    }


def _counts(flow: OrderFlow, width_s: int) -> Floats:
    """Events in bins of the clock that the flow touches."""
    bins = flow.time_ns // (width_s * SECOND_NS)
    return np.bincount((bins - bins[0]).astype(np.int64)).astype(np.float64)


def _spread(flow: OrderFlow) -> dict[str, float]:
    spread = flow.ask_ticks - flow.bid_ticks
    known = np.isfinite(spread)
    held = np.diff(flow.time_ns)
    weighted = float(np.average(spread[:-1][known[:-1]], weights=held[known[:-1]]))
    return {
        "mean": float(spread[known].mean()),
        "time_weighted_mean": weighted,
        **_percentiles(spread[known], 1, 5, 10, 25, 50, 75, 90, 95, 99),
        "share_1tick": _share(spread[known] == 1),
    }


def _depths(flow: OrderFlow) -> dict[str, float]:
    depth = depths_ticks(flow)
    return {
        "share_improve": _share(depth < 0),
        "share_at_best": _share(depth == 0),
        "share_1": _share(depth == 1),
        "share_2_5": _share((depth >= 2) & (depth <= 5)),
        "share_6_20": _share((depth >= 6) & (depth <= 20)),
        "share_gt20": _share(depth > 20),
        **_percentiles(depth, 1, 5, 10, 25, 50, 75, 90, 95, 99),
    }


def _delete_depths(flow: OrderFlow) -> dict[str, float]:
    at = np.flatnonzero(flow.kind == FlowKind.DELETE)
    at = at[at > 0]
    bid = flow.bid_ticks[at - 1] - flow.price_ticks[at]
    depth = np.where(flow.side[at] > 0, bid, flow.price_ticks[at] - flow.ask_ticks[at - 1])
    depth = depth[np.isfinite(depth)]
    return {"share_at_best": _share(depth == 0), **_percentiles(depth, 1, 5, 10, 25, 50, 75, 90, 95, 99)}


def _lives(flow: OrderFlow) -> dict[str, Any]:
    lives, fills = first_times_s(flow, FlowKind.DELETE), first_times_s(flow, FlowKind.EXECUTE)
    n = int((flow.kind == FlowKind.SUBMIT).sum())
    return {
        "frac_of_submissions_deleted": len(lives) / n if n else float("nan"),
        "frac_executed": len(fills) / n if n else float("nan"),
        "share_lt_1ms": _share(lives < 1e-3),
        "share_lt_100ms": _share(lives < 0.1),
        "share_lt_1s": _share(lives < 1),
        **_percentiles(lives, 5, 10, 25, 50, 75, 90, 95),
    }


def _returns(flow: OrderFlow, step_s: int) -> dict[str, Any]:
    step = step_s * SECOND_NS
    first, last = (-(-int(t) // step) * step for t in (flow.time_ns[0], flow.time_ns[-1]))
    r = grid_returns(flow, step_s, first, last)
    return {
        "n": len(r),
        "std_bp": float(r.std() * 1e4) if len(r) else float("nan"),
        "share_zero": _share(r == 0),
        "acf": _acf(r, *RETURN_LAGS),
        "abs_acf": _acf(np.abs(r), *ABS_LAGS),
        "ex_kurt": excess_kurtosis(r),
    }


def _mid_changes(flow: OrderFlow) -> dict[str, Any]:
    moves = np.diff(flow.mid_ticks)
    moved = moves[np.isfinite(moves) & (moves != 0)]
    return {
        "share_events": len(moved) / max(len(moves), 1),
        "sign_acf": _acf(np.sign(moved), 1, 2, 5, 10),
        "size_ticks": _percentiles(np.abs(moved), 25, 50, 75, 90, 99),
    }


def _market_orders(flow: OrderFlow) -> dict[str, Any]:
    at, signs = market_orders(flow)
    executed = flow.kind == FlowKind.EXECUTE
    n = max(len(at), 1)
    return {
        "n": len(at),
        "fills_per_mo": float(executed.sum() / n),
        "mean_size": float(flow.size_lots[executed].sum() / n),
        "sign_acf": _acf(signs, 1, 2, 5, 10, 20, 50, 100, 200),
        "buy_share": _share(signs > 0),
    }


def _imbalances(flow: OrderFlow) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        value = (flow.bid_lots - flow.ask_lots) / (flow.bid_lots + flow.ask_lots)
    value = value[np.isfinite(value)]
    imbalance, sign = imbalance_and_next_move(flow)
    tenth = np.digitize(imbalance, np.linspace(-1, 1, 11)[1:-1])
    return {
        "mean": float(value.mean()),
        "std": float(value.std()),
        "corr_next_move": float(np.corrcoef(imbalance, sign)[0, 1]) if len(imbalance) > 2 else float("nan"),
        "p_up_by_tenth": [_share(sign[tenth == k] > 0) for k in range(10)],
        "acf": _acf(value, 1, 10, 100),
    }


def _transitions(flow: OrderFlow) -> list[list[float]]:
    """Probability of the next kind: submission, cancel (of part or all), execution, hidden execution."""
    group = np.array([0, 0, 1, 1, 2, 3])[flow.kind]
    table = np.zeros((4, 4))
    np.add.at(table, (group[:-1], group[1:]), 1)
    return [[float(v) for v in row / max(row.sum(), 1)] for row in table]


def _book_shape(flow: OrderFlow) -> dict[str, Any]:
    if flow.book is None:
        return {}
    lots = (flow.book[:, :, 1] + flow.book[:, :, 3]) / 2
    asks, bids = np.diff(flow.book[:, :, 0], axis=1), -np.diff(flow.book[:, :, 2], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a level that is always empty has no mean
        gaps = {"ask": np.nanmean(asks, axis=0), "bid": np.nanmean(bids, axis=0)}
    return {
        "depth_profile_mean_size": [float(v) for v in lots.mean(axis=0)],
        **{f"{side}_gap_ticks_mean": [float(v) for v in values] for side, values in gaps.items()},
    }


def describe(flow: OrderFlow) -> dict[str, Any]:
    """Return the description of a flow, of hours or a day.

    Args:
        flow: at least some thousand events; with its book for the shape of the book.
    """
    kinds = {str(int(kind)): int((flow.kind == kind).sum()) for kind in FlowKind}
    minute = _counts(flow, 60)
    second = _counts(flow, 1)
    by_kind = {k: flow.size_lots[flow.kind == k] for k in (FlowKind.SUBMIT, FlowKind.DELETE, FlowKind.EXECUTE)}
    touch = np.concatenate([flow.bid_lots, flow.ask_lots])
    submits = flow.kind == FlowKind.SUBMIT
    return {
        "rows": len(flow),
        "type_counts": kinds,
        "type_mix": {kind: n / len(flow) for kind, n in kinds.items()},
        "interarrival_s": _interarrival(flow),
        "count_1s": {"mean": float(second.mean()), "fano": float(second.var() / second.mean()),
                     "acf": _acf(second, 1, 10, 60, 300)},
        "count_1min": {"mean": float(minute.mean()), "fano": float(minute.var() / minute.mean())},
        "msgs_per_30min": [int(n) for n in np.bincount(np.maximum(flow.time_ns - MORNING_NS, 0) // HALF_HOUR_NS)],
        "size_submit": _sizes(by_kind[FlowKind.SUBMIT]),
        "size_delete": _sizes(by_kind[FlowKind.DELETE]),
        "size_exec": _sizes(by_kind[FlowKind.EXECUTE]),
        "spread_ticks": _spread(flow),
        "submit_depth_ticks": _depths(flow),
        "delete_depth_ticks": _delete_depths(flow),
        "lifetime_to_delete_s": _lives(flow),
        "time_to_first_fill_s": _percentiles(first_times_s(flow, FlowKind.EXECUTE), 5, 10, 25, 50, 75, 90, 95),
        "returns": {f"{s}s": _returns(flow, s) for s in (1, 10, 60, 300)},
        "mid_change": _mid_changes(flow),
        "market_orders": _market_orders(flow),
        "order_sign_acf_all_submissions": _acf(flow.side[submits], 1, 2, 5, 10, 50, 100),
        "event_type_acf_is_submit": _acf(submits, 1, 2, 5, 10),
        "impact_response_ticks_by_event_lag": {
            str(lag): response_ticks(flow, lag) for lag in (1, 5, 10, 50, 100, 500, 1000)
        },
        "imbalance": _imbalances(flow),
        "touch_size": _percentiles(touch[np.isfinite(touch)], 5, 25, 50, 75, 95),
        **_book_shape(flow),
        "type_transition_S_C_X_H": _transitions(flow),
    }  # fmt: skip
