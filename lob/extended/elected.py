"""What a stop does once a trade has elected it (compiled); stops.py says which trades do."""

from __future__ import annotations

from numba import int64

from lob.book import anchor_at, detail_at, node_at
from lob.codes import COLLAR, HIDDEN, NONE, ROW_TRIGGER
from lob.compiled import Record, kernel, leaf
from lob.execution import parent_of
from lob.extended.details import ELECTED, STOP_LIMIT_ORDER, TIMED, attach_detail, free_detail, leave_due, leave_list
from lob.extended.placing import place, start_node
from lob.extended.trading import expire_row, set_taker, trade
from lob.matching import beyond_collar
from lob.orders import forget_order, leave_owner, slot_of_node
from lob.rows import begin_row, takes_row
from lob.types import NO_PRICE

__all__ = ["act_elected", "market_limit2"]


@leaf
def market_limit2(book: Record, side: int) -> int:
    """Worst price of an order without a limit, in half ticks: the collar's, the band's, or the end of the range."""
    limit = int64(book.highest_band) if side > 0 else int64(book.lowest_band)
    if book.collar_ticks != 0:
        collar = book.reference_ticks - book.min_price_ticks + side * book.collar_ticks
        limit = min(limit, collar) if side > 0 else max(limit, collar)
    return 2 * limit


@kernel
def act_elected(book: Record, tape: Record, time_ns: int) -> None:
    """Let the stop that was elected first trade, and rest if it has a limit."""
    index = int64(anchor_at(book, int64(ELECTED)).head)
    node = node_at(book, index)
    detail = detail_at(book, int64(node.detail))
    order_id, agent, side, tracked = int64(node.order_id), int64(node.agent), int64(node.side), int64(node.tracked)
    lots, parent_id, trigger = int64(node.qty_lots), parent_of(book, index), int64(node.price)
    kind, limit, tif = int64(detail.kind), int64(detail.limit), int64(detail.time_in_force)
    expires_ns, mode = int64(detail.expires_ns), int64(detail.self_trade)
    leave_list(book, int64(ELECTED), index)
    book.n_elected -= 1
    if tif != 0:
        leave_due(book, index)
    free_detail(book, index)
    if tracked:
        leave_owner(book, index)
    forget_order(book, index, slot_of_node(book, index))
    set_taker(book, order_id, agent, parent_id, side, mode)
    if takes_row(book, tape):
        row = begin_row(book, tape, time_ns, int64(ROW_TRIGGER))
        row.order_id = order_id
        row.agent = agent
        row.parent_id = parent_id
        row.side = side
        row.price_ticks = trigger + book.min_price_ticks
        row.qty_lots = lots
        row.leaves_lots = lots
        row.flags = HIDDEN
    has_limit = kind == STOP_LIMIT_ORDER
    limit2 = 2 * limit if has_limit else market_limit2(book, side)
    ticks = limit + book.min_price_ticks if has_limit else int64(NO_PRICE)
    if has_limit and beyond_collar(book, side, ticks):
        expire_row(book, tape, time_ns, ticks, lots, int64(0), int64(COLLAR))
        return
    leaves = trade(book, tape, time_ns, limit2, lots, ticks, False)
    if leaves == 0:
        return
    if not has_limit:
        expire_row(book, tape, time_ns, ticks, leaves, int64(0), int64(NONE))
        return
    index = start_node(book, order_id, agent, side, limit, leaves, tracked)
    if tif != 0:
        detail = attach_detail(book, index)
        detail.kind = TIMED
        detail.time_in_force = tif
        detail.expires_ns = expires_ns
        detail.self_trade = mode
    place(book, tape, time_ns, index, parent_id, int64(0))
