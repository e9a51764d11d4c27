"""What an incoming order could trade at once: for orders that trade a minimum at once, or whole, or not (compiled)."""

from __future__ import annotations

from numba import int64

from lob.book import level_at, node_at
from lob.codes import STP_NONE, STP_OLDEST
from lob.compiled import Record, kernel, leaf
from lob.extended.details import detail_of, open_lots
from lob.extended.pegs import find_undisplayed
from lob.extended.trading import is_own
from lob.levels import next_above, next_below

__all__ = ["feasible_lots", "meets_any"]


@leaf
def _displayed_lots(book: Record, price: int) -> int:
    """What the displayed orders of a price offer, undisplayed parts included; -1: an own order ends the search."""
    level = level_at(book, (book.n_prices if book.taker_side > 0 else int64(0)) + price)
    if book.n_slices == 0 and book.taker_mode == STP_NONE:
        return int64(level.lots)
    total = int64(0)
    index = int64(level.head)
    while index != 0:
        if is_own(book, int64(node_at(book, index).agent)):
            if book.taker_mode != STP_OLDEST:
                return int64(-1)
        else:
            total += open_lots(book, index)
        index = int64(node_at(book, index).next)
    return total


@kernel
def feasible_lots(book: Record, limit2: int, qty_lots: int, undisplayed_only: bool) -> int:
    """The quantity, up to `qty_lots`, that the incoming order (`taker_` fields) would trade at once.

    Own orders are left out where they would be withdrawn; where one would stop or reduce the incoming order, only what
    is better than its price counts, for displayed ones, or comes before it, for others.
    """
    side = int64(book.taker_side)
    book.stamp += 1
    left = int64(qty_lots)
    price = int64(book.best_ask) if side > 0 else int64(book.best_bid)
    while left > 0:
        displayed = not undisplayed_only and 0 <= price < book.n_prices and side * (limit2 - 2 * price) >= 0
        index = int64(0)
        if book.n_hidden + book.n_pegs > 0:
            index = find_undisplayed(book, limit2, left, int64(book.stamp))
        if displayed and (index == 0 or side * (book.found2 - 2 * price) >= 0):
            lots = _displayed_lots(book, price)
            if lots < 0:
                break
            left -= lots
            price = next_above(book, int64(1), price) if side > 0 else next_below(book, int64(0), price)
        elif index != 0:
            detail_of(book, index).mark = book.stamp
            if not is_own(book, int64(node_at(book, index).agent)):
                left -= int64(node_at(book, index).qty_lots)
            elif book.taker_mode != STP_OLDEST:
                break
        else:
            break
    return int64(qty_lots) - max(left, int64(0))


@kernel
def meets_any(book: Record, limit2: int, qty_lots: int) -> bool:
    """Whether an incoming order of this limit would meet an order at once."""
    side = int64(book.taker_side)
    price = int64(book.best_ask) if side > 0 else int64(book.best_bid)
    if 0 <= price < book.n_prices and side * (limit2 - 2 * price) >= 0:
        return True
    if book.n_hidden + book.n_pegs == 0:
        return False
    return find_undisplayed(book, limit2, qty_lots, int64(-1)) != 0
