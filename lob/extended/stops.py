"""Stops: which trades elect them (compiled). What an elected one then does: elected.py."""

from __future__ import annotations

from numba import int64

from lob.book import anchor_at, detail_at, node_at
from lob.compiled import Record, kernel, leaf
from lob.extended.aside import STOP_BUYS, STOP_SELLS, append_aside, first_aside, unlink_aside
from lob.extended.details import ELECTED, TRAILING, TRAILING_ORDER, detail_of, join_list, leave_list
from lob.levels import next_above, next_below

__all__ = ["elect_reached", "note_trade", "watch_trailing"]


@leaf
def _elect(book: Record, index: int, side: int, price: int) -> None:
    """Move a stop from its queue to the end of the elected ones."""
    unlink_aside(book, side, price, index)
    book.n_stops -= 1
    if detail_of(book, index).kind == TRAILING_ORDER:
        leave_list(book, int64(TRAILING), index)
    join_list(book, int64(ELECTED), index)
    book.n_elected += 1


@kernel
def elect_reached(book: Record, price2: int) -> None:
    """Elect the stops that a trade at this price, in half ticks, reaches: buys, lowest trigger first, then sells."""
    price = next_above(book, int64(STOP_BUYS), int64(-1))
    while price < book.n_prices and 2 * price <= price2:
        while first_aside(book, int64(STOP_BUYS), price) != 0:
            _elect(book, first_aside(book, int64(STOP_BUYS), price), int64(STOP_BUYS), price)
        price = next_above(book, int64(STOP_BUYS), price)
    price = next_below(book, int64(STOP_SELLS), int64(book.n_prices))
    while price >= 0 and 2 * price >= price2:
        while first_aside(book, int64(STOP_SELLS), price) != 0:
            _elect(book, first_aside(book, int64(STOP_SELLS), price), int64(STOP_SELLS), price)
        price = next_below(book, int64(STOP_SELLS), price)


@leaf
def watch_trailing(book: Record, index: int) -> None:
    """Note beyond which price a trade moves the trigger of this order, or of one that was noted before."""
    node = node_at(book, index)
    reach = int64(node.price) + int64(node.side) * -int64(detail_of(book, index).trigger_ticks)
    if node.side < 0:
        book.trail_low = min(int64(book.trail_low), reach)
    else:
        book.trail_high = max(int64(book.trail_high), reach)


@kernel
def _trail(book: Record, price2: int) -> None:
    """Move the triggers that a trade at this price, in half ticks, takes along, oldest order first."""
    book.trail_low = book.n_prices
    book.trail_high = -1
    index = int64(anchor_at(book, int64(TRAILING)).head)
    while index != 0:
        node = node_at(book, index)
        detail = detail_at(book, int64(node.detail))
        side, distance, trigger = int64(node.side), int64(detail.trigger_ticks), int64(node.price)
        # In whole ticks on the far side of the trade: a half tick moves nothing before it is a whole one.
        reached = price2 >> 1 if side < 0 else (price2 + 1) >> 1
        wanted = min(max(reached + side * distance, int64(0)), book.n_prices - 1)
        if side * (trigger - wanted) > 0:
            rows = int64(STOP_SELLS) if side < 0 else int64(STOP_BUYS)
            unlink_aside(book, rows, trigger, index)
            node.price = wanted
            append_aside(book, rows, wanted, index)
        watch_trailing(book, index)
        index = int64(detail.next)


@leaf
def note_trade(book: Record, price2: int) -> None:
    """Elect the stops that a trade reaches, and take the triggers of trailing stops along."""
    if book.n_stops > 0:
        elect_reached(book, price2)
        if anchor_at(book, int64(TRAILING)).head != 0 and (price2 > 2 * book.trail_low or price2 < 2 * book.trail_high):
            _trail(book, price2)
