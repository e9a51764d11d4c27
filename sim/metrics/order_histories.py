"""Where each order joined the book, what waited before it, and how its wait ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.lifetimes import submissions

__all__ = ["OrderHistories", "order_histories", "together"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class OrderHistories:
    """One entry for each order, in order of submission; all arrays have shape (n,).

    Attributes:
        event: index of its submission in the flow.
        order_id: its number.
        side: 1 bid, -1 ask.
        size_lots: quantity that came to rest.
        distance_ticks: behind the best price of its side just before; negative inside the spread, nan without a best.
        spread_ticks: just after it; nan while a side is empty.
        ahead_lots: quantity that rested at its price already and is served first; nan where it is not known.
        opposite_lots: quantity at the other side's best just after it.
        life_s: until its first execution, its deletion, or the end of the record.
        end: FlowKind.EXECUTE, FlowKind.DELETE, or 0: it still rested.
        mid_moved_s: until the midpoint first differs from that just after the submission; inf if it does not.
    """

    event: Ints
    order_id: Ints
    side: Ints
    size_lots: Ints
    distance_ticks: Floats
    spread_ticks: Floats
    ahead_lots: Floats
    opposite_lots: Floats
    life_s: Floats
    end: Ints
    mid_moved_s: Floats

    def __len__(self) -> int:
        """Return the number of orders."""
        return len(self.event)

    def take(self, mask: Any) -> OrderHistories:
        """Return the orders that a mask or an array of indices selects."""
        return OrderHistories(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})


def together(days: Sequence[OrderHistories]) -> OrderHistories:
    """Return the orders of several days as one sequence; `event` and `order_id` then belong to their own day."""
    return OrderHistories(**{f.name: np.concatenate([getattr(d, f.name) for d in days]) for f in fields(days[0])})


def order_histories(flow: OrderFlow) -> OrderHistories:
    """Return the histories of all orders submitted within a flow; those of unknown number are left out.

    What stands ahead is read from the flow's book, and is nan beyond its levels. Without a book the flow must hold all
    events of a market from its empty beginning (`flow_of_tape`); what stands ahead is then added up from them.
    """
    at, lives = submissions(flow)
    order = np.argsort(at, kind="stable")
    at, life_s, end = at[order], lives.life_s[order], lives.end[order]
    side, price, size = flow.side[at], flow.price_ticks[at], flow.size_lots[at]
    is_bid = side > 0
    best = np.where(is_bid, flow.bid_ticks[at - 1], flow.ask_ticks[at - 1]) if len(at) else np.zeros(0)
    distance = np.where(at > 0, side * (best - price), np.nan)
    resting = _shown_at(flow, at) if flow.book is not None else _summed_at(flow, at)
    mid = flow.mid_ticks
    same = (mid[1:] == mid[:-1]) | (np.isnan(mid[1:]) & np.isnan(mid[:-1]))
    moves = np.flatnonzero(~same) + 1
    next_move = np.searchsorted(moves, at, side="right")
    moved = np.full(len(at), np.inf)
    known = next_move < len(moves)
    moved[known] = (flow.time_ns[moves[next_move[known]]] - flow.time_ns[at[known]]) / SECOND_NS
    return OrderHistories(
        event=at,
        order_id=flow.order_id[at],
        side=side,
        size_lots=size,
        distance_ticks=distance,
        spread_ticks=(flow.ask_ticks - flow.bid_ticks)[at],
        ahead_lots=resting - size,
        opposite_lots=np.where(is_bid, flow.ask_lots[at], flow.bid_lots[at]),
        life_s=life_s,
        end=end,
        mid_moved_s=moved,
    )


def _shown_at(flow: OrderFlow, at: Ints) -> Floats:
    """Return the quantity at the price of each submission just after it, from the book; nan beyond its levels."""
    assert flow.book is not None
    found = np.full(len(at), np.nan)
    for level in range(flow.book.shape[1]):
        asks, bids = (flow.book[at, level, first : first + 2] for first in (0, 2))
        shown = np.where((flow.side[at] > 0)[:, None], bids, asks)
        here = shown[:, 0] == flow.price_ticks[at]
        found[here] = shown[here, 1]
    return found


def _summed_at(flow: OrderFlow, at: Ints) -> Floats:
    """Return the same from the changes of every order since the beginning."""
    if len(at) == 0:
        return np.zeros(0)
    event, line, change = _changes(flow)
    # One number for (price and side, event): the last change there up to an event is found by one search.
    lines, which = np.unique(line, return_inverse=True)
    keys = which * len(flow) + event
    order = np.argsort(keys, kind="stable")
    total = np.concatenate([[0], np.cumsum(change[order])])
    starts = np.searchsorted(which[order], np.arange(len(lines)))
    own = np.searchsorted(lines, _line(flow, at))
    last = np.searchsorted(keys[order], own * len(flow) + at, side="right")
    return (total[last] - total[starts[own]]).astype(np.float64)


def _line(flow: OrderFlow, at: Ints) -> Floats:
    """Return a number for side and price."""
    return 2 * flow.price_ticks[at] + (flow.side[at] > 0)


def _changes(flow: OrderFlow) -> tuple[Ints, Floats, Ints]:
    """Return event, side and price, and change of the quantity there, of all orders submitted within the flow.

    An order that is deleted takes away what it had left, wherever its number was submitted last: the tape does not
    repeat the old price and quantity of a replaced order.
    """
    at = np.flatnonzero((flow.kind != FlowKind.HIDDEN) & (flow.order_id != 0))
    at = at[np.argsort(flow.order_id[at], kind="stable")]
    submitted = flow.kind[at] == FlowKind.SUBMIT
    life = np.cumsum(submitted) - 1
    born = np.flatnonzero(submitted)
    known = life >= 0
    known[known] = flow.order_id[at[born[life[known]]]] == flow.order_id[at[known]]
    at, submitted, life = at[known], submitted[known], life[known]
    deleted = flow.kind[at] == FlowKind.DELETE
    change = np.where(submitted, 1, -1) * flow.size_lots[at]
    change[deleted] = 0
    total = np.cumsum(change)
    first = np.flatnonzero(submitted)
    ordinal = np.cumsum(submitted) - 1
    left = total - (total - change)[first[ordinal]]
    change[deleted] = -left[deleted]
    return at, _line(flow, at[first[ordinal]]), change
