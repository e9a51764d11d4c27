"""What happens to orders in the book: executing against them, putting one there, taking one out (compiled)."""

from __future__ import annotations

from numba import int64

from lob.book import extra_at, level_at, node_at
from lob.codes import ROW_ADD, ROW_EXECUTE
from lob.compiled import Record, kernel, leaf
from lob.levels import append_order, mark_empty, next_above, next_below, unlink_order
from lob.orders import forget_order, join_owner, leave_owner, remember_order, slot_of_node, take_node
from lob.rows import open_row, takes_row

__all__ = ["can_fill", "match", "parent_of", "remove_order", "rest_order"]


@leaf
def parent_of(book: Record, index: int) -> int:
    """Metaorder id of a resting order; kept for tracked orders only."""
    if node_at(book, index).tracked:
        return int64(extra_at(book, index).parent_id)
    return int64(0)


@leaf
def remove_order(book: Record, index: int, slot: int) -> None:
    """Take a resting order, found in this slot of the id table, out of the book for good."""
    unlink_order(book, index)
    if node_at(book, index).tracked:
        leave_owner(book, index)
    forget_order(book, index, slot)


@kernel
def match(
    book: Record,
    tape: Record,
    time_ns: int,
    order_id: int,
    agent: int,
    parent_id: int,
    side: int,
    limit: int,
    qty_lots: int,
) -> int:
    """Execute against the other side up to price index `limit`; return the quantity that is left.

    Price priority, then FIFO, at the resting order's price; one EXECUTE row for every resting order hit.
    """
    leaves = int64(qty_lots)
    contra_side = int64(1) if side > 0 else int64(0)
    while leaves > 0:
        price = int64(book.best_ask) if side > 0 else int64(book.best_bid)
        if side > 0:
            if price > limit or price >= book.n_prices:
                break
        elif price < limit or price < 0:
            break
        level = level_at(book, contra_side * book.n_prices + price)
        index = int64(level.head)
        node = node_at(book, index)
        contra_parent = parent_of(book, index)
        open_lots = int64(node.qty_lots)
        traded = min(leaves, open_lots)
        leaves -= traded
        contra_leaves = open_lots - traded
        contra_id = int64(node.order_id)
        contra_agent = int64(node.agent)
        level.lots -= traded
        if contra_leaves > 0:
            node.qty_lots = contra_leaves
        else:
            following = int64(node.next)
            level.head = following
            if following == 0:
                level.tail = 0
                mark_empty(book, contra_side, price)
                if side > 0:
                    book.best_ask = next_above(book, contra_side, price)
                else:
                    book.best_bid = next_below(book, contra_side, price)
            else:
                node_at(book, following).prev = 0
            if node.tracked:
                leave_owner(book, index)
            forget_order(book, index, slot_of_node(book, index))
        book.reference_ticks = price + book.min_price_ticks
        book.last_trade2 = 2 * price
        book.sequence += 1
        row = open_row(book, tape, time_ns, int64(ROW_EXECUTE))
        row.order_id = order_id
        row.contra_order_id = contra_id
        row.agent = agent
        row.contra_agent = contra_agent
        row.parent_id = parent_id
        row.contra_parent_id = contra_parent
        row.side = side
        row.price_ticks = price + book.min_price_ticks
        row.qty_lots = traded
        row.leaves_lots = leaves
        row.contra_leaves_lots = contra_leaves
    return leaves


@leaf
def rest_order(
    book: Record, tape: Record, time_ns: int, order_id: int, agent: int, parent_id: int, side: int, price: int,
    qty_lots: int, tracked: int, flags: int,
) -> None:  # fmt: skip
    """Put an order at the tail of its level, and into its agent's list if tracked; write its ADD row."""
    index = take_node(book)
    node = node_at(book, index)
    node.order_id = order_id
    node.price = price
    node.qty_lots = qty_lots
    node.agent = agent
    node.side = side
    node.tracked = tracked
    append_order(book, int64(0) if side > 0 else int64(1), price, index, qty_lots)
    remember_order(book, index, order_id)
    if tracked:
        extra = extra_at(book, index)
        extra.time_ns = time_ns
        extra.parent_id = parent_id
        join_owner(book, index)
    if takes_row(book, tape):
        row = open_row(book, tape, time_ns, int64(ROW_ADD))
        row.order_id = order_id
        row.agent = agent
        row.parent_id = parent_id
        row.side = side
        row.price_ticks = price + book.min_price_ticks
        row.qty_lots = qty_lots
        row.leaves_lots = qty_lots
        row.flags = flags


@kernel
def can_fill(book: Record, side: int, limit: int, qty_lots: int) -> bool:
    """Whether the other side holds `qty_lots` at or better than price index `limit`."""
    available = int64(0)
    if side > 0:
        price = int64(book.best_ask)
        while price <= limit and price < book.n_prices:
            available += level_at(book, book.n_prices + price).lots
            if available >= qty_lots:
                return True
            price = next_above(book, int64(1), price)
    else:
        price = int64(book.best_bid)
        while price >= limit and price >= 0:
            available += level_at(book, price).lots
            if available >= qty_lots:
                return True
            price = next_below(book, int64(0), price)
    return False
