"""Read-only views of a book, compiled: depth, single orders, queue positions, walks over a side."""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.book import level_at, node_at
from lob.compiled import Record, kernel, leaf
from lob.extended.details import HIDDEN_ORDER, detail_of, open_lots
from lob.extended.placing import row_ticks
from lob.levels import next_above, next_below
from lob.orders import find_order

__all__ = ["COLUMNS", "depth", "order", "orders", "queue_position"]

COLUMNS = 6
"""Numbers that describe an order."""


@leaf
def best_price(book: Record, side: int) -> int:
    """Best price index of a side; -1 (bid) or n_prices (ask) when empty."""
    return int64(book.best_bid) if side == 0 else int64(book.best_ask)


@leaf
def next_price(book: Record, side: int, price: int) -> int:
    """Next occupied price index away from the touch."""
    return next_below(book, side, price) if side == 0 else next_above(book, side, price)


@leaf
def is_price(book: Record, price: int) -> bool:
    """Whether an index from `best_price` or `next_price` is a price at all."""
    return 0 <= price < book.n_prices


@kernel
def depth(book: Record, side: int, out: Any) -> int:
    """Fill out[:, (price_ticks, lots, orders)] from the touch outwards; return the number of levels."""
    count = int64(0)
    price = best_price(book, side)
    while count < out.shape[0] and is_price(book, price):
        level = level_at(book, side * book.n_prices + price)
        n_orders = int64(0)
        index = int64(level.head)
        while index != 0:
            n_orders += 1
            index = int64(node_at(book, index).next)
        out[count, 0] = price + book.min_price_ticks
        out[count, 1] = level.lots
        out[count, 2] = n_orders
        count += 1
        price = next_price(book, side, price)
    return count


@leaf
def _describe(book: Record, index: int, out: Any) -> None:
    node = node_at(book, index)
    out[0] = node.order_id
    out[1] = node.side
    out[2] = row_ticks(book, index)
    out[3] = open_lots(book, index)
    out[4] = node.agent
    out[5] = node.qty_lots if detail_of(book, index).kind < HIDDEN_ORDER else int64(0)


@kernel
def order(book: Record, order_id: int, out: Any) -> bool:
    """Fill out (order_id, side, price_ticks, open lots, agent, shown lots) for an order; False if there is none."""
    index = find_order(book, order_id) if order_id > 0 else int64(0)
    if index == 0:
        return False
    _describe(book, index, out)
    return True


@kernel
def orders(book: Record, side: int, out: Any) -> int:
    """Fill one row per order of a side (columns as `order`) in trading order; return their number."""
    count = int64(0)
    price = best_price(book, side)
    while is_price(book, price):
        index = int64(level_at(book, side * book.n_prices + price).head)
        while index != 0:
            _describe(book, index, out[count])
            count += 1
            index = int64(node_at(book, index).next)
        price = next_price(book, side, price)
    return count


@leaf
def lots_ahead(book: Record, index: int) -> int:
    """Quantity in front of a node at its level; 0 for one that is not displayed, whose place is nobody's to know."""
    total = int64(0)
    if detail_of(book, index).kind >= HIDDEN_ORDER:
        return total
    ahead = int64(node_at(book, index).prev)
    while ahead != 0:
        total += node_at(book, ahead).qty_lots
        ahead = int64(node_at(book, ahead).prev)
    return total


@kernel
def queue_position(book: Record, order_id: int, out: Any) -> bool:
    """Fill out (orders ahead, lots ahead) for a displayed order; False if there is none."""
    index = find_order(book, order_id) if order_id > 0 else int64(0)
    if index == 0 or detail_of(book, index).kind >= HIDDEN_ORDER:
        return False
    count = int64(0)
    ahead = int64(node_at(book, index).prev)
    while ahead != 0:
        count += 1
        ahead = int64(node_at(book, ahead).prev)
    out[0] = count
    out[1] = lots_ahead(book, index)
    return True
