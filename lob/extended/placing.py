"""Putting orders where they rest or wait, and taking them out (compiled)."""

from __future__ import annotations

from numba import int64

from lob.book import UNKNOWN, detail_at, extra_at, level_at, node_at
from lob.codes import HIDDEN, ICEBERG, ROW_ADD, ROW_CANCEL, ROW_PARK, ROW_REDUCE
from lob.compiled import Record, kernel, leaf
from lob.execution import parent_of
from lob.extended.aside import HIDDEN_ASKS, HIDDEN_BIDS, STOP_BUYS, STOP_SELLS, append_aside, unlink_aside
from lob.extended.details import (
    HIDDEN_ORDER,
    ICEBERG_ORDER,
    NO_LIMIT,
    PEG,
    PEG_BUYS,
    PEG_SELLS,
    STOP_ORDER,
    TRAILING,
    TRAILING_ORDER,
    detail_of,
    free_detail,
    join_due,
    join_list,
    leave_due,
    leave_list,
    open_lots,
    slices,
)
from lob.levels import append_order, unlink_order
from lob.orders import forget_order, join_owner, leave_owner, remember_order, slot_of_node, take_node
from lob.rows import begin_row, takes_row
from lob.types import NO_PRICE

__all__ = ["cancel_row", "place", "remove_any", "row_flags", "row_ticks", "shrink", "start_node"]


@kernel
def row_ticks(book: Record, index: int) -> int:
    """The price that rows about a resting order tell: a peg's limit, a stop's trigger, else its own."""
    node = node_at(book, index)
    price = int64(node.price)
    if node.detail != 0:
        detail = detail_of(book, index)
        if detail.kind == PEG:
            if detail.limit == NO_LIMIT:
                return int64(NO_PRICE)
            price = int64(detail.limit)
    return price + book.min_price_ticks


@kernel
def row_flags(book: Record, index: int) -> int:
    """The flags that rows about a resting order carry: whether it is displayed, and whether all of it is."""
    kind = int64(detail_of(book, index).kind) if node_at(book, index).detail != 0 else int64(0)
    if kind >= HIDDEN_ORDER:
        return int64(HIDDEN)
    return int64(ICEBERG) if kind == ICEBERG_ORDER else int64(0)


@kernel
def start_node(book: Record, order_id: int, agent: int, side: int, price: int, qty_lots: int, tracked: int) -> int:
    """Take a node for an order that is going to rest or wait."""
    index = take_node(book)
    node = node_at(book, index)
    node.order_id = order_id
    node.price = price
    node.qty_lots = qty_lots
    node.agent = agent
    node.side = side
    node.tracked = tracked
    return index


@leaf
def _note_top(book: Record, index: int, side: int, before: int) -> None:
    """An order that rests at a better price than its side's best so far becomes the TOP order of the side."""
    if side > 0 and book.best_bid > before:
        book.top_bid = index
    elif side < 0 and book.best_ask < before:
        book.top_ask = index


@kernel
def lay_down(book: Record, index: int) -> None:
    """Put a node, whose detail is complete, into its queue or list."""
    node = node_at(book, index)
    side, price, kind = int64(node.side), int64(node.price), int64(detail_of(book, index).kind)
    if kind < HIDDEN_ORDER:
        before = int64(book.best_bid) if side > 0 else int64(book.best_ask)
        append_order(book, int64(0) if side > 0 else int64(1), price, index, int64(node.qty_lots))
        _note_top(book, index, side, before)
    elif kind == HIDDEN_ORDER:
        append_aside(book, int64(HIDDEN_BIDS) if side > 0 else int64(HIDDEN_ASKS), price, index)
        book.n_hidden += 1
    elif kind == PEG:
        join_list(book, int64(PEG_BUYS) if side > 0 else int64(PEG_SELLS), index)
        book.n_pegs += 1
        book.pegs_at_bid = UNKNOWN
    else:
        append_aside(book, int64(STOP_BUYS) if side > 0 else int64(STOP_SELLS), price, index)
        book.n_stops += 1
        if kind == TRAILING_ORDER:
            join_list(book, int64(TRAILING), index)


@kernel
def take_up(book: Record, index: int) -> None:
    """Take a node out of its queue or list."""
    node = node_at(book, index)
    side, price, kind = int64(node.side), int64(node.price), int64(detail_of(book, index).kind)
    if kind < HIDDEN_ORDER:
        unlink_order(book, index)
        if book.top_bid == index:
            book.top_bid = 0
        if book.top_ask == index:
            book.top_ask = 0
    elif kind == HIDDEN_ORDER:
        unlink_aside(book, int64(HIDDEN_BIDS) if side > 0 else int64(HIDDEN_ASKS), price, index)
        book.n_hidden -= 1
    elif kind == PEG:
        leave_list(book, int64(PEG_BUYS) if side > 0 else int64(PEG_SELLS), index)
        book.n_pegs -= 1
    else:
        unlink_aside(book, int64(STOP_BUYS) if side > 0 else int64(STOP_SELLS), price, index)
        book.n_stops -= 1
        if kind == TRAILING_ORDER:
            leave_list(book, int64(TRAILING), index)


@kernel
def place(book: Record, tape: Record, time_ns: int, index: int, parent_id: int, flags: int) -> None:
    """Let an order rest or wait whose node and detail are complete; write its ADD or PARK row."""
    node = node_at(book, index)
    detail = detail_at(book, int64(node.detail))
    lay_down(book, index)
    remember_order(book, index, int64(node.order_id))
    if node.tracked:
        extra = extra_at(book, index)
        extra.time_ns = time_ns
        extra.parent_id = parent_id
        join_owner(book, index)
    if node.detail != 0:
        book.n_slices += slices(detail)
        if detail.time_in_force != 0:
            join_due(book, index)
    if takes_row(book, tape):
        waits = node.detail != 0 and detail.kind >= STOP_ORDER
        row = begin_row(book, tape, time_ns, int64(ROW_PARK) if waits else int64(ROW_ADD))
        row.order_id = node.order_id
        row.agent = node.agent
        row.parent_id = parent_id
        row.side = node.side
        row.price_ticks = row_ticks(book, index)
        row.qty_lots = node.qty_lots
        row.leaves_lots = open_lots(book, index)
        row.flags = flags | row_flags(book, index)
        if row.flags & ICEBERG:
            row.contra_leaves_lots = node.qty_lots


@kernel
def remove_any(book: Record, index: int) -> None:
    """Take an order out for good, wherever it rests or waits."""
    take_up(book, index)
    node = node_at(book, index)
    if node.detail != 0:
        detail = detail_of(book, index)
        book.n_slices -= slices(detail)
        if detail.time_in_force != 0:
            leave_due(book, index)
        free_detail(book, index)
    if node.tracked:
        leave_owner(book, index)
    forget_order(book, index, slot_of_node(book, index))


@kernel
def cancel_row(book: Record, tape: Record, time_ns: int, index: int, reason: int) -> None:
    """Withdraw an order and say so; `reason` if it was the venue."""
    node = node_at(book, index)
    order_id, agent, side, parent_id = int64(node.order_id), int64(node.agent), int64(node.side), parent_of(book, index)
    ticks, lots, flags = row_ticks(book, index), open_lots(book, index), row_flags(book, index)
    remove_any(book, index)
    if takes_row(book, tape):
        row = begin_row(book, tape, time_ns, int64(ROW_CANCEL))
        row.order_id = order_id
        row.agent = agent
        row.parent_id = parent_id
        row.side = side
        row.price_ticks = ticks
        row.qty_lots = lots
        row.flags = flags
        row.reason = reason


@kernel
def shrink(book: Record, tape: Record, time_ns: int, index: int, cut_lots: int, reason: int) -> None:
    """Take quantity away from an order, which keeps its place: first what an iceberg does not show."""
    node = node_at(book, index)
    side = int64(node.side)
    cut = cut_lots
    if node.detail != 0:
        detail = detail_of(book, index)
        book.n_slices -= slices(detail)
        unseen = min(cut, int64(detail.reserve_lots))
        detail.reserve_lots -= unseen
        book.n_slices += slices(detail)
        cut -= unseen
    node.qty_lots -= cut
    if node.detail == 0 or detail_of(book, index).kind < HIDDEN_ORDER:
        level_at(book, (int64(0) if side > 0 else book.n_prices) + int64(node.price)).lots -= cut
    if takes_row(book, tape):
        row = begin_row(book, tape, time_ns, int64(ROW_REDUCE))
        row.order_id = node.order_id
        row.agent = node.agent
        row.parent_id = parent_of(book, index)
        row.side = side
        row.price_ticks = row_ticks(book, index)
        row.qty_lots = cut_lots
        row.leaves_lots = open_lots(book, index)
        row.flags = row_flags(book, index)
        row.reason = reason
        if row.flags & ICEBERG:
            row.contra_leaves_lots = node.qty_lots
