"""Feeds of orders in any dialect, brought into the one form of a recording.

Feeds differ in what they repeat. Some say how much of an order was taken, some what is left of it; some tell an
execution in one message, some as a trade, a fill and a cancel; some replace an order under a new id, some modify it
under its own. A reader turns each of its messages into rows of FEED, and `Feed` keeps the orders and says what each row
did to which resting order.

An order that is modified keeps its place in the queue only if its price stays and its size does not grow; otherwise
it is deleted and new (CME Globex, Nasdaq and Databento's notes on market-by-order data agree). A fill changes nothing
by itself: the cancel or change that follows it for the same order is then an execution. What a trade has in excess of
the fills told with it was done with orders that are not shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64

from lob.compiled import kernel, leaf
from lob.recording import CROSS, DELETE, EXECUTE, HALT, HIDDEN, NEW, RECORDED, REDUCE, RESTATED
from sim.rebuilt_book import find_order, remove_order, with_room

__all__ = ["FEED", "FINE", "LAST", "SNAPSHOT", "Act", "Feed"]

Rows = np.ndarray[Any, Any]

FEED: np.dtype[Any] = np.dtype(
    [
        ("time_ns", "<i8"),
        ("order_id", "<i8"),
        ("other_id", "<i8"),
        ("price", "<i8"),
        ("size", "<i8"),
        ("act", "i1"),
        ("side", "i1"),
        ("flags", "i1"),
    ]
)
"""One row of a feed: time in ns after midnight, price and size in units of the file, what is done (Act), side of the
order (1 bid, -1 ask), flags (LAST, SNAPSHOT). other_id: the new id of REPLACE."""
LAST, SNAPSHOT = 1, 2
"""Flags: the last row of what the exchange did at once; a row of a snapshot."""
FINE: np.dtype[Any] = np.dtype([(name, "<i8" if name == "size" else RECORDED[name]) for name in RECORDED.names or ()])
"""RECORDED with sizes in units of the file, before lots are known."""


class Act:
    """What a row of a feed says."""

    NOTHING = 0
    ADD = 1
    CANCEL = 2
    """`size` is taken away; all, if it is the whole or more."""
    DELETE = 3
    MODIFY = 4
    """The order now has this price and size; an order that is not known is new."""
    EXECUTE = 5
    """`size` of the order is executed."""
    REPLACE = 6
    """The order is deleted; `other_id` is new, on the same side."""
    TRADE = 7
    """A trade of this size at this price; `side` is the resting order's, 0: nobody took, as in an auction."""
    FILL = 8
    """`size` of the order was filled; what follows for it takes it out of the book."""
    CLEAR = 9
    """All orders of this side are gone; side 0: of both."""
    HIDDEN = 10
    CROSS = 11
    PHASE = 12
    """`price` is HALTED, QUOTING or RESUMED."""
    SET_SIZE = 13
    """So much of the order is left; what is missing was executed."""


(
    A_ADD, A_CANCEL, A_DELETE, A_MODIFY, A_EXECUTE, A_REPLACE, A_TRADE, A_FILL, A_CLEAR, A_HIDDEN, A_CROSS, A_PHASE,
    A_SET_SIZE,
) = range(1, 14)  # fmt: skip

STATE: np.dtype[Any] = np.dtype(
    [
        ("time_ns", "<i8"),
        ("n_orders", "<i8"),
        ("trade_price", "<i8"),
        ("trade_size", "<i8"),
        ("trade_side", "<i8"),
        ("n_unknown", "<i8"),  # rows about orders that are not known
        ("n_duplicates", "<i8"),  # new orders under an id that was there
        ("n_late", "<i8"),  # rows before the row above them
        ("n_beyond", "<i8"),  # executions or cancels of more than was there
    ]
)
KEY, SIDE, PRICE, SIZE, FILLED = range(5)


@leaf
def _emit(out: Any, n: int, state: Any, kind: int, order_id: int, side: int, price: int, size: int, flags: int) -> int:
    message = out[n]
    message.time_ns = state[0].time_ns
    message.order_id = order_id
    message.price = price
    message.size = size
    message.type = kind
    message.direction = side
    message.flags = flags
    return n + 1


@leaf
def _drop(orders: Any, mask: int, slot: int, state: Any) -> None:
    remove_order(orders, mask, slot)
    state[0].n_orders -= 1


@kernel
def _put(orders: Any, mask: int, state: Any, row: Any, order_id: int, side: int, out: Any, n: int, flags: int) -> int:
    """A new order; one that stands under its id already is deleted first."""
    slot = find_order(orders, mask, order_id + 1)
    if orders[slot, KEY] != 0:
        state[0].n_duplicates += 1
        n = _emit(
            out, n, state, int64(DELETE), order_id, orders[slot, SIDE], orders[slot, PRICE], orders[slot, SIZE], flags
        )
    else:
        state[0].n_orders += 1
    if order_id + 1 == 0:  # the mark of an empty slot; nobody has this id
        state[0].n_orders -= 1
        return n
    orders[slot, KEY] = order_id + 1
    orders[slot, SIDE], orders[slot, PRICE], orders[slot, SIZE] = side, int64(row.price), int64(row.size)
    orders[slot, FILLED] = 0
    return _emit(out, n, state, int64(NEW), order_id, side, int64(row.price), int64(row.size), flags)


@kernel
def _take(
    orders: Any, mask: int, state: Any, slot: int, order_id: int, lost: int, executed: int, out: Any, n: int, flags: int
) -> int:
    """Take quantity out of an order, of which so much was executed; an order without quantity is gone."""
    side, price, held = orders[slot, SIDE], orders[slot, PRICE], orders[slot, SIZE]
    if lost > held:
        state[0].n_beyond += 1
        lost = held
    executed = min(executed, lost)
    if executed > 0:
        n = _emit(out, n, state, int64(EXECUTE), order_id, side, price, executed, flags)
    if lost > executed:
        kind = int64(DELETE) if lost == held else int64(REDUCE)
        n = _emit(out, n, state, kind, order_id, side, price, lost - executed, flags)
    if lost == held:
        _drop(orders, mask, slot, state)
    else:
        orders[slot, SIZE] = held - lost
    return n


@kernel
def _finish_trade(state: Any, out: Any, n: int) -> int:
    """What no fill accounts for was done with hidden orders."""
    if state[0].trade_size > 0:
        # Where nobody took, as in an auction, there is no side.
        is_cross = state[0].trade_side == 0
        kind, side = (int64(CROSS), int64(-1)) if is_cross else (int64(HIDDEN), int64(state[0].trade_side))
        n = _emit(
            out, n, state, kind, int64(0), side, int64(state[0].trade_price), int64(state[0].trade_size), int64(0)
        )
    state[0].trade_size = 0
    return n


@kernel
def _clear(orders: Any, side: int, state: Any, out: Any, n: int, flags: int) -> int:
    mask = int64(orders.shape[0] - 1)
    for slot in range(orders.shape[0]):
        # What is moved into the hole comes from behind, or was looked at and stays.
        while orders[slot, KEY] != 0 and (side == 0 or orders[slot, SIDE] == side):
            n = _emit(
                out, n, state, int64(DELETE), orders[slot, KEY] - 1, orders[slot, SIDE], orders[slot, PRICE],
                orders[slot, SIZE], flags,
            )  # fmt: skip
            _drop(orders, mask, int64(slot), state)
    return n


@kernel
def _translate(orders: Any, rows: Any, first: int, state: Any, out: Any) -> tuple[int, int]:
    """Fill `out` with what rows do, from row `first` on; return the next row, for want of room, and the count."""
    mask = int64(orders.shape[0] - 1)
    n = int64(0)
    for k in range(first, rows.shape[0]):
        row = rows[k]
        act = int64(row.act)
        if len(out) - n < 4 + (state[0].n_orders if act == A_CLEAR else 0):
            return int64(k), n
        if row.time_ns < state[0].time_ns:
            state[0].n_late += 1
        else:
            state[0].time_ns = row.time_ns
        flags = int64(RESTATED) if row.flags & SNAPSHOT else int64(0)
        order_id, side, size = int64(row.order_id), int64(row.side), int64(row.size)
        if act == A_TRADE:
            n = _finish_trade(state, out, n)
            state[0].trade_price, state[0].trade_size, state[0].trade_side = row.price, size, side
        elif act == A_ADD:
            n = _put(orders, mask, state, row, order_id, side, out, n, flags)
        elif act == A_CLEAR:
            n = _clear(orders, side, state, out, n, flags)
        elif act == A_HIDDEN:
            n = _emit(out, n, state, int64(HIDDEN), order_id, side, int64(row.price), size, flags)
        elif act == A_CROSS:
            n = _emit(out, n, state, int64(CROSS), order_id, side, int64(row.price), size, flags)
        elif act == A_PHASE:
            n = _emit(out, n, state, int64(HALT), int64(0), int64(-1), int64(row.price), int64(0), flags)
        elif act > 0:
            slot = find_order(orders, mask, order_id + 1)
            known = orders[slot, KEY] != 0
            if act == A_MODIFY and not known:
                n = _put(orders, mask, state, row, order_id, side, out, n, flags)
            elif not known:
                state[0].n_unknown += 1
            elif act == A_FILL:
                orders[slot, FILLED] += size
                state[0].trade_size = max(int64(0), state[0].trade_size - size)
            else:
                held, filled = orders[slot, SIZE], orders[slot, FILLED]
                side = orders[slot, SIDE]
                if act == A_EXECUTE:
                    n = _take(orders, mask, state, slot, order_id, size, size, out, n, flags)
                elif act == A_CANCEL or act == A_DELETE:
                    lost = held if act == A_DELETE or size <= 0 else size
                    orders[slot, FILLED] = max(int64(0), filled - lost)
                    n = _take(orders, mask, state, slot, order_id, lost, filled, out, n, flags)
                elif act == A_SET_SIZE:
                    if size > held:
                        state[0].n_beyond += 1
                    else:
                        n = _take(orders, mask, state, slot, order_id, held - size, held - size, out, n, flags)
                elif act == A_REPLACE:
                    n = _take(orders, mask, state, slot, order_id, held, int64(0), out, n, flags)
                    n = _put(orders, mask, state, row, int64(row.other_id), side, out, n, flags)
                elif row.price == orders[slot, PRICE] and size <= held:  # A_MODIFY, in its place
                    lost = held - size
                    orders[slot, FILLED] = max(int64(0), filled - lost)
                    n = _take(orders, mask, state, slot, order_id, lost, filled, out, n, flags)
                else:
                    n = _take(orders, mask, state, slot, order_id, held, filled, out, n, flags)
                    n = _put(orders, mask, state, row, order_id, side, out, n, flags)
        if row.flags & LAST:
            n = _finish_trade(state, out, n)
    return int64(rows.shape[0]), n


class Feed:
    """Takes rows of a feed, stretch by stretch, and gives the messages of a recording. Holds the orders that rest."""

    def __init__(self) -> None:
        self._orders = np.zeros((1024, 5), np.int64)
        self._state = np.zeros(1, STATE)
        self._parts: list[Rows] = []

    def __call__(self, rows: Rows) -> None:
        """Take rows, dtype FEED, in the order of the feed."""
        first = 0
        while first < len(rows):
            n_orders = int(self._state["n_orders"][0])
            self._orders = with_room(self._orders, n_orders, len(rows) - first)
            out = np.zeros(2 * (len(rows) - first) + n_orders + 8, FINE)
            first, n = _translate(self._orders, rows, first, self._state, out)
            self._parts.append(out[:n].copy())

    def messages(self) -> Rows:
        """Return all messages so far, dtype FINE."""
        tail = np.zeros(1, FINE)
        self._parts.append(tail[: _finish_trade(self._state, tail, 0)])
        return np.concatenate(self._parts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd about the feed, a line each."""
        state = self._state[0]
        told = (
            ("n_unknown", "rows about orders that the file does not show before: without effect"),
            ("n_duplicates", "new orders under the id of one that rested: that one was taken out"),
            ("n_late", "rows with a time before the row above them: taken at that row's time"),
            ("n_beyond", "rows that take more from an order than it has, or give it more: as far as it goes"),
        )
        return tuple(f"{int(state[name]):,} {words}" for name, words in told if state[name])
