"""Looking things up in the book from a policy: any price level, and the agent's own orders anywhere.

For populations that declare `Needs.BOOK`. A policy sees quantities of levels, which are public, and its own orders; it
never holds the book itself. Without the declaration, or at a price outside of the book, there is nothing to see.
"""

from __future__ import annotations

from numba import int64

from lob.blocks import record_at_address
from lob.book import BOOK, level_at, node_at
from lob.compiled import Record, kernel, leaf
from lob.extended.details import open_lots
from lob.inspect import is_price, next_price
from lob.orders import find_order
from lob.types import NO_PRICE

__all__ = ["level_lots", "next_level_ticks", "own_count_at", "own_lots", "own_order_at"]

_book_from = record_at_address(BOOK)


@leaf
def _level_index(book: Record, side: int, price_ticks: int) -> int:
    """Row of a price in the table of levels; -1 if the price is outside of the book."""
    price = price_ticks - book.min_price_ticks
    if not is_price(book, price):
        return int64(-1)
    return price if side > 0 else book.n_prices + price


@kernel
def level_lots_in(book_address: int, side: int, price_ticks: int) -> int:
    """`level_lots` in the book at this address."""
    if book_address == 0:
        return int64(0)
    book = _book_from(book_address, int64(0))
    index = _level_index(book, side, price_ticks)
    return level_at(book, index).lots if index >= 0 else int64(0)


@kernel
def next_level_in(book_address: int, side: int, price_ticks: int) -> int:
    """`next_level_ticks` in the book at this address."""
    if book_address == 0:
        return int64(NO_PRICE)
    book = _book_from(book_address, int64(0))
    price = price_ticks - book.min_price_ticks
    if not is_price(book, price):
        return int64(NO_PRICE)
    price = next_price(book, int64(0) if side > 0 else int64(1), price)
    return price + book.min_price_ticks if is_price(book, price) else int64(NO_PRICE)


@kernel
def own_at(book_address: int, agent: int, side: int, price_ticks: int, rank: int) -> int:
    """Id of the agent's order number `rank` at a price; with rank -1 the number of its orders there."""
    count = int64(0)
    if book_address == 0:
        return count
    book = _book_from(book_address, int64(0))
    index = _level_index(book, side, price_ticks)
    if index < 0:
        return count
    position = int64(level_at(book, index).head)
    while position != 0:
        node = node_at(book, position)
        if node.agent == agent:
            if count == rank:
                return int64(node.order_id)
            count += 1
        position = int64(node.next)
    return count if rank < 0 else int64(0)


@kernel
def own_lots_in(book_address: int, agent: int, order_id: int) -> int:
    """`own_lots` in the book at this address."""
    if book_address == 0 or order_id <= 0:
        return int64(0)
    book = _book_from(book_address, int64(0))
    index = find_order(book, order_id)
    if index == 0 or node_at(book, index).agent != agent:
        return int64(0)
    return open_lots(book, index)


@leaf
def level_lots(view: Record, side: int, price_ticks: int) -> int:
    """Quantity that a side (+1 buy, -1 sell) shows at a price; 0 if there is none."""
    return level_lots_in(int64(view.book_address), int64(side), int64(price_ticks))


@leaf
def next_level_ticks(view: Record, side: int, price_ticks: int) -> int:
    """Next occupied price of a side beyond a price, away from the touch; NO_PRICE if there is none."""
    return next_level_in(int64(view.book_address), int64(side), int64(price_ticks))


@leaf
def own_count_at(view: Record, side: int, price_ticks: int) -> int:
    """Number of the agent's orders of a side at a price."""
    return own_at(int64(view.book_address), int64(view.agent), int64(side), int64(price_ticks), int64(-1))


@leaf
def own_order_at(view: Record, side: int, price_ticks: int, rank: int) -> int:
    """Id of one of the agent's orders of a side at a price, in queue order from rank 0; 0 if there is none."""
    if rank < 0:
        return int64(0)
    return own_at(int64(view.book_address), int64(view.agent), int64(side), int64(price_ticks), int64(rank))


@leaf
def own_lots(view: Record, order_id: int) -> int:
    """Open quantity of an own order that rests or waits; 0 if it does not."""
    return own_lots_in(int64(view.book_address), int64(view.agent), int64(order_id))
