"""Response of the midpoint to six kinds of events at the best prices.

Eisler, Bouchaud and Kockelkoren 2012 (Quantitative Finance 12, "The price impact of order book events"): market orders,
limit orders and cancels, each with and without a change of the midpoint by the event itself. The response of kind pi at
lag l is R(l) = E[eps_t (m_{t+l} - m_t)] over its events t, with m_t the midpoint just before event t, eps its sign (buy
market order, bid limit order, ask cancel: +1), and lags counted in events of the six kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.metrics.flow import FlowKind, OrderFlow

__all__ = ["EVENT_KINDS", "best_events", "responses"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
EVENT_KINDS = ("MO0", "MO1", "LO0", "LO1", "CA0", "CA1")
"""Market order, limit order, cancel; 0: the event leaves the midpoint as it is, 1: it changes it."""


def best_events(flow: OrderFlow) -> tuple[Ints, Ints, Floats]:
    """Return kind (index into EVENT_KINDS), sign and the midpoint just before, of every event at the best prices.

    Executions of equal time and sign are one market order. Events before which or after which a side of the book is
    empty are left out, hidden executions too. The midpoint array has one more entry: the midpoint after the last event.
    """
    flow = flow.visible()
    n = len(flow)
    if n < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.full(1, np.nan)
    executed = flow.kind == FlowKind.EXECUTE
    same = executed[1:] & executed[:-1] & (np.diff(flow.time_ns) == 0) & (flow.side[1:] == flow.side[:-1])
    first = np.flatnonzero(np.append(True, ~same))
    last = np.append(first[1:], n) - 1
    mid = flow.mid_ticks
    first, last = first[first > 0], last[first > 0]
    before, after = mid[first - 1], mid[last]
    kind, side, price = flow.kind[first], flow.side[first], flow.price_ticks[first]
    best = np.where(side > 0, flow.bid_ticks[first - 1], flow.ask_ticks[first - 1])
    at_best = np.where(
        kind == FlowKind.EXECUTE, True, np.where(kind == FlowKind.SUBMIT, side * (price - best) >= 0, price == best)
    )
    keep = at_best & np.isfinite(before) & np.isfinite(after)
    group = np.where(kind == FlowKind.EXECUTE, 0, np.where(kind == FlowKind.SUBMIT, 1, 2))
    sign = np.where(kind == FlowKind.SUBMIT, side, -side)
    which = 2 * group + (before != after)
    tail = after[keep][-1:] if keep.any() else np.full(1, np.nan)
    return which[keep], sign[keep], np.concatenate([before[keep], tail])


def responses(flow: OrderFlow, lags: Sequence[int]) -> tuple[Floats, Ints]:
    """Return the responses in ticks, shape (6, n_lags), and the number of events of each kind, shape (6,).

    Args:
        flow: events of one symbol.
        lags: in events at the best, at least 1. A lag beyond the data, and a kind that does not occur, give nan.
    """
    kind, sign, mid = best_events(flow)
    n = len(kind)
    found = np.full((len(EVENT_KINDS), len(lags)), np.nan)
    for column, lag in enumerate(lags):
        if lag > n:
            continue
        moves = sign[: n - lag + 1] * (mid[lag : n + 1] - mid[: n - lag + 1])
        sums = np.bincount(kind[: n - lag + 1], weights=moves, minlength=len(EVENT_KINDS))
        counts = np.bincount(kind[: n - lag + 1], minlength=len(EVENT_KINDS))
        np.divide(sums, counts, out=found[:, column], where=counts > 0)
    return found, np.bincount(kind, minlength=len(EVENT_KINDS)).astype(np.int64)
