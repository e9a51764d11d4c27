"""A tape as a market-by-order feed: what each row did to which resting order, and the best levels afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numba import int64

from lob.codes import (
    FIRST,
    HALF_TICK,
    HIDDEN,
    ROW_ADD,
    ROW_CANCEL,
    ROW_EXECUTE,
    ROW_PHASE,
    ROW_REDUCE,
    ROW_REFRESH,
    ROW_REPLACE,
)
from lob.compiled import kernel
from lob.errors import InputError
from sim.rebuilt_book import RebuiltBook, find_order, remove_order, shown_change

__all__ = ["ORDER_EVENT", "Action", "EventFeed", "units_of_lot", "whole_sizes"]

Rows = np.ndarray[Any, Any]
MAX_SIZE = 2**32 - 1


class Action:
    """What happened to a resting order; the numbers are LOBSTER's message types."""

    ADD, REDUCE, DELETE, EXECUTE, HIDDEN, PHASE = 1, 2, 3, 4, 5, 7


ORDER_EVENT: np.dtype[Any] = np.dtype(
    [
        ("time_ns", "<i8"),
        ("order_id", "<i8"),
        ("contra_order_id", "<i8"),
        ("price_ticks", "<i4"),
        ("qty_lots", "<i4"),
        ("leaves_lots", "<i4"),
        ("action", "i1"),
        ("side", "i1"),
        ("is_last", "i1"),
        ("is_visible", "i1"),
        ("half_ticks", "i1"),
    ]
)
"""One event of a resting order: `side` is the order's (1 bid, -1 ask); `qty_lots` what was added, taken or executed;
`leaves_lots` what stays; `contra_order_id` the aggressor of an execution; `is_last`: the last event of its message;
`is_visible`: the levels that are kept changed. A HIDDEN event is an execution against an order that is not shown; it
may be at a midpoint, `half_ticks` (0 or 1) above its price. A PHASE event has the new phase as its quantity."""


@kernel
def _convert(
    levels: Any, min_price: int, orders: Any, rows: Any, touch: Any, before: Any, n_held: int, out: Any, book: Any
) -> int:
    """Fill `out` and `book` from tape rows, behind the `n_held` events that are there; return the count of all.

    `book[k]` is the book after event k: (ask index, ask lots, bid index, bid lots) of each level, -1 where empty.
    What one stretch leaves to the next: `touch`, the best indices (bid, ask), -1: empty; `before`, the book after the
    last event.
    """
    mask = int64(orders.shape[0] - 1)
    n_prices = int64(levels.shape[1])
    depth = before.shape[0]
    n = int64(n_held)
    for i in range(rows.shape[0]):
        row = rows[i]
        kind = int64(row.kind)
        if row.flags & FIRST and n > 0:
            out[n - 1].is_last = 1
        if not (
            kind == ROW_ADD
            or kind == ROW_CANCEL
            or kind == ROW_REDUCE
            or kind == ROW_REPLACE
            or kind == ROW_EXECUTE
            or kind == ROW_REFRESH
            or kind == ROW_PHASE
        ):
            continue
        is_hidden = row.flags & HIDDEN != 0
        if is_hidden and kind != ROW_EXECUTE:
            continue
        event = out[n]
        event.time_ns = row.time_ns
        event.order_id = row.order_id
        event.contra_order_id = 0
        event.price_ticks = row.price_ticks
        event.qty_lots = row.qty_lots
        event.leaves_lots = row.leaves_lots
        event.side = row.side
        event.is_last = 0
        event.half_ticks = 1 if row.flags & HALF_TICK else 0
        side = int64(0) if row.side > 0 else int64(1)
        price = int64(row.price_ticks) - min_price
        if kind == ROW_ADD or kind == ROW_REFRESH:
            slot = find_order(orders, mask, int64(row.order_id))
            orders[slot, 0] = row.order_id
            orders[slot, 1] = price
            orders[slot, 2] = row.qty_lots
            levels[side, price] += row.qty_lots
            if side == 0:
                touch[0] = max(touch[0], price)
            elif touch[1] < 0 or price < touch[1]:
                touch[1] = price
            event.action = 1
        elif kind == ROW_EXECUTE:
            side = int64(1) - side
            event.side = -row.side
            event.order_id = row.contra_order_id
            event.contra_order_id = row.order_id
            event.leaves_lots = row.contra_leaves_lots
            event.action = 5 if is_hidden else 4
            slot = find_order(orders, mask, int64(row.contra_order_id))
            if not is_hidden:
                levels[side, price] -= row.qty_lots
                if orders[slot, 0] != 0:
                    orders[slot, 2] -= row.qty_lots
                    event.leaves_lots = orders[slot, 2]
                    if orders[slot, 2] == 0:
                        remove_order(orders, mask, slot)
        elif kind == ROW_PHASE:
            event.action = 7
            event.qty_lots = row.qty_lots
        else:
            slot = find_order(orders, mask, int64(row.order_id))
            if orders[slot, 0] == 0:
                continue
            taken = shown_change(row, orders[slot, 2])
            if taken == 0:  # a replacement by the same quantity, or less of what an iceberg does not show
                continue
            event.price_ticks = orders[slot, 1] + min_price
            event.qty_lots = taken
            event.leaves_lots = orders[slot, 2] - taken
            event.action = 2 if kind == ROW_REDUCE else 3
            levels[side, orders[slot, 1]] -= taken
            orders[slot, 2] -= taken
            if kind != ROW_REDUCE:
                remove_order(orders, mask, slot)
        while touch[0] >= 0 and levels[0, touch[0]] == 0:
            touch[0] -= 1
        if touch[1] >= 0:
            while touch[1] < n_prices and levels[1, touch[1]] == 0:
                touch[1] += 1
            if touch[1] == n_prices:
                touch[1] = -1
        changed = False
        bid, ask = touch[0], touch[1]
        for k in range(depth):
            while bid >= 0 and levels[0, bid] == 0:
                bid -= 1
            while 0 <= ask < n_prices and levels[1, ask] == 0:
                ask += 1
            if ask == n_prices:
                ask = int64(-1)
            ask_lots = levels[1, ask] if ask >= 0 else int64(0)
            bid_lots = levels[0, bid] if bid >= 0 else int64(0)
            if before[k, 0] != ask or before[k, 1] != ask_lots or before[k, 2] != bid or before[k, 3] != bid_lots:
                changed = True
                before[k, 0], before[k, 1], before[k, 2], before[k, 3] = ask, ask_lots, bid, bid_lots
            book[n, k, 0], book[n, k, 1], book[n, k, 2], book[n, k, 3] = ask, ask_lots, bid, bid_lots
            bid = bid - 1 if bid >= 0 else bid
            ask = ask + 1 if ask >= 0 else ask
        event.is_visible = 1 if changed or kind == ROW_EXECUTE or kind == ROW_PHASE else 0
        n += 1
    return n


def units_of_lot(lot_size: float) -> int:
    """Return how many of the whole units of a file one lot is; smaller lots than one are counted as lots."""
    return round(lot_size) if lot_size >= 1 and lot_size == round(lot_size) else 1


def whole_sizes(lots: Rows, lot: int, path: Path) -> Rows:
    """Return sizes in units of a file whose sizes have 32 bits; raise InputError if one does not fit."""
    sizes: Rows = lots.astype(np.int64) * lot
    if sizes.max(initial=0) > MAX_SIZE:
        raise InputError(f"{path}: a size of {sizes.max()}; allowed in these files: up to {MAX_SIZE}")
    return sizes


class EventFeed:
    """Turns the rows of one symbol's tape, stretch by stretch, into events of resting orders with the book after each.

    Args:
        min_price_ticks: lowest price of the instrument.
        n_prices: number of its prices.
        depth: levels kept on each side.
    """

    def __init__(self, min_price_ticks: int, n_prices: int, depth: int = 10) -> None:
        self.min_price_ticks, self.depth = min_price_ticks, depth
        self._book = RebuiltBook(min_price_ticks, n_prices)
        self._touch = np.full(2, -1, np.int64)
        self._before = np.tile(np.array([-1, 0, -1, 0], np.int64), (depth, 1))
        self._last: tuple[Rows, Rows] | None = None

    def __call__(self, rows: Rows) -> tuple[Rows, Rows]:
        """Return events (dtype ORDER_EVENT) and the book after each, int64 of shape (n, depth, 4), as price indices.

        The last event of a stretch is held back until the next one shows whether its message goes on; see `finish`.
        Nothing depends on where a tape is cut into stretches.

        Raises:
            InputError: if a price is none of the instrument's.
        """
        self._book.check(rows)
        orders = self._book.reserve(len(rows))
        held = 0 if self._last is None else 1
        out = np.zeros(held + len(rows), ORDER_EVENT)
        book = np.zeros((held + len(rows), self.depth, 4), np.int64)
        if self._last is not None:
            out[:1], book[:1] = self._last
        lots, touch, before = self._book.lots, self._touch, self._before
        n = int(_convert(lots, self.min_price_ticks, orders, rows, touch, before, held, out, book))
        self._book.count_orders()
        events, books = out[:n], book[:n]
        if len(events) == 0:
            return events, books
        self._last = (events[-1:].copy(), books[-1:].copy())
        return events[:-1], books[:-1]

    def finish(self) -> tuple[Rows, Rows]:
        """Return the event that was held back, if there is one."""
        if self._last is None:
            return np.zeros(0, ORDER_EVENT), np.zeros((0, self.depth, 4), np.int64)
        events, books = self._last
        events["is_last"] = 1
        self._last = None
        return events, books

    @property
    def is_consistent(self) -> bool:
        """Whether nothing was taken from a price so far that had not been put there."""
        return bool((self._book.lots >= 0).all())

    def prices_ticks(self, index: Rows) -> Rows:
        """Return prices in ticks of indices; those of -1 mean nothing."""
        return index + self.min_price_ticks
