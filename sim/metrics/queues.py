"""How many orders stand in the queues at the best prices, from order flow alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.metrics.flow import FlowKind, OrderFlow

__all__ = ["orders_at_best"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def orders_at_best(flow: OrderFlow, side: int) -> Floats:
    """Return the number of orders at the best price of a side after each event, shape (n,).

    nan where it is not known: orders may rest from before the record, or have come back into the recorded levels.
    It is known where the orders submitted within the flow add up to the quantity shown.

    Args:
        flow: visible events of one day from its beginning.
        side: 1 bids, -1 asks.
    """
    n = len(flow)
    best, lots = (flow.bid_ticks, flow.bid_lots) if side > 0 else (flow.ask_ticks, flow.ask_lots)
    at = np.flatnonzero((flow.side == side) & (flow.order_id != 0) & (flow.kind != FlowKind.HIDDEN))
    found = np.full(n, np.nan)
    asked = np.flatnonzero(np.isfinite(best))
    if len(at) == 0 or len(asked) == 0:
        return found
    at, price, orders, quantity = _changes(flow, at)
    if len(at) == 0:
        return found
    # One number for (price, event): the last change of a price up to an event is found by one search.
    prices, which = np.unique(price, return_inverse=True)
    order = np.argsort(which * n + at, kind="stable")
    keys = (which * n + at)[order]
    starts = np.searchsorted(which[order], np.arange(len(prices)))
    totals = [np.concatenate([[0], np.cumsum(values[order])]) for values in (orders, quantity)]
    k = np.minimum(np.searchsorted(prices, best[asked]), len(prices) - 1)
    last = np.searchsorted(keys, k * n + asked, side="right")
    n_orders, n_lots = (total[last] - total[starts[k]] for total in totals)
    known = (prices[k] == best[asked]) & (n_orders > 0) & (n_lots == lots[asked])
    found[asked[known]] = n_orders[known]
    return found


def _changes(flow: OrderFlow, at: Ints) -> tuple[Ints, Floats, Ints, Ints]:
    """Return event, price, change of the number of orders and of the quantity, for orders submitted within the flow."""
    by_order = at[np.argsort(flow.order_id[at], kind="stable")]
    kind, order_id = flow.kind[by_order], flow.order_id[by_order]
    submitted = kind == FlowKind.SUBMIT
    # The life of an order begins at its submission; the same number may be submitted again.
    life = np.cumsum(submitted)
    first = np.flatnonzero(submitted)
    known = (life > 0) & (order_id[first[np.maximum(life - 1, 0)]] == order_id) if len(first) else life > 0
    by_order, kind, life, submitted = by_order[known], kind[known], life[known], submitted[known]
    change = np.where(submitted, 1, -1) * flow.size_lots[by_order]
    total = np.cumsum(change)
    before = (total - change)[submitted]
    ordinal = np.cumsum(submitted) - 1
    left = total - (before[ordinal] if len(before) else 0)
    gone = (kind == FlowKind.DELETE) | ((left <= 0) & ~submitted)
    ended = np.concatenate([[False], gone[:-1]]) & ~submitted
    orders = np.where(submitted, 1, np.where(gone & ~ended, -1, 0))
    return by_order, flow.price_ticks[by_order], orders, np.where(ended, 0, change)
