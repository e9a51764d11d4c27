"""Matching: what the exchange does with one message. `apply` is the only way in which a book changes.

Every message is checked, executed and reported on the tape before the next one is looked at. The order of the
checks decides which reason a reject carries and is part of the contract with `lob.reference`.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from lob._jit import Record, kernel, leaf
from lob.book import extra_at, level_at, node_at, owner_at, slot_at
from lob.levels import append_order, mark_empty, next_above, next_below, unlink_order
from lob.orders import (
    find_order,
    find_slot,
    forget_order,
    join_owner,
    leave_owner,
    remember_order,
    slot_of_node,
    take_node,
)
from lob.tape import row_at
from lob.types import NO_PRICE, EventKind, Flag, MessageKind, Phase, Reject, TimeInForce

__all__ = ["apply", "apply_batch", "rows_needed"]

# Compiled code reads plain integers, not enum members.
LIMIT, MARKET = int(MessageKind.LIMIT), int(MessageKind.MARKET)
CANCEL, REDUCE, REPLACE = int(MessageKind.CANCEL), int(MessageKind.REDUCE), int(MessageKind.REPLACE)
CANCEL_ALL, SET_PHASE = int(MessageKind.CANCEL_ALL), int(MessageKind.SET_PHASE)
GTC, IOC, FOK = int(TimeInForce.GTC), int(TimeInForce.IOC), int(TimeInForce.FOK)
CLOSED, CONTINUOUS, HALTED = int(Phase.CLOSED), int(Phase.CONTINUOUS), int(Phase.HALTED)
POST_ONLY, TRACKED, FIRST, REINSERTED = (
    int(Flag.POST_ONLY),
    int(Flag.TRACKED),
    int(Flag.FIRST),
    int(Flag.REINSERTED),
)
ROW_ADD, ROW_CANCEL, ROW_REDUCE = int(EventKind.ADD), int(EventKind.CANCEL), int(EventKind.REDUCE)
ROW_REPLACE, ROW_EXECUTE = int(EventKind.REPLACE), int(EventKind.EXECUTE)
ROW_REJECT, ROW_EXPIRE, ROW_PHASE = int(EventKind.REJECT), int(EventKind.EXPIRE), int(EventKind.PHASE)
NONE = int(Reject.NONE)
BAD_KIND, BAD_SIDE = int(Reject.BAD_KIND), int(Reject.BAD_SIDE)
BAD_TIME_IN_FORCE = int(Reject.BAD_TIME_IN_FORCE)
PRICE_OUT_OF_RANGE, QTY_OUT_OF_RANGE = int(Reject.PRICE_OUT_OF_RANGE), int(Reject.QTY_OUT_OF_RANGE)
COLLAR, WOULD_CROSS = int(Reject.COLLAR), int(Reject.WOULD_CROSS)
FOK_UNFILLABLE, BOOK_FULL = int(Reject.FOK_UNFILLABLE), int(Reject.BOOK_FULL)
UNKNOWN_ORDER, NOT_OWNER = int(Reject.UNKNOWN_ORDER), int(Reject.NOT_OWNER)
WRONG_PHASE, UNKNOWN_AGENT = int(Reject.PHASE), int(Reject.UNKNOWN_AGENT)


@leaf
def write_touch(book: Record, row: Any) -> None:
    """Copy the touch into a row."""
    bid, ask = int64(book.best_bid), int64(book.best_ask)
    if bid >= 0:
        row.bid_ticks = bid + book.min_price_ticks
        row.bid_lots = level_at(book, bid).lots
    else:
        row.bid_ticks = NO_PRICE
        row.bid_lots = 0
    if ask < book.n_prices:
        row.ask_ticks = ask + book.min_price_ticks
        row.ask_lots = level_at(book, book.n_prices + ask).lots
    else:
        row.ask_ticks = NO_PRICE
        row.ask_lots = 0


@leaf
def write_row(
    book: Record,
    tape: Record,
    time_ns: int,
    kind: int,
    side: int,
    order_id: int,
    agent: int,
    parent_id: int,
    price_ticks: int,
    qty_lots: int,
    leaves_lots: int,
    reason: int,
    flags: int,
) -> None:
    """Write any row but an execution."""
    book.sequence += 1
    if tape.executions_only == 0:
        row = row_at(tape, int64(tape.cursor))
        tape.cursor += 1
        row.time_ns = time_ns
        row.sequence = book.sequence
        row.order_id = order_id
        row.contra_order_id = 0
        row.agent = agent
        row.contra_agent = -1
        row.parent_id = parent_id
        row.contra_parent_id = 0
        row.price_ticks = price_ticks
        row.qty_lots = qty_lots
        row.leaves_lots = leaves_lots
        row.contra_leaves_lots = 0
        row.symbol = book.symbol
        row.flags = flags
        row.kind = kind
        row.side = side
        row.reason = reason
        row.phase = book.phase
        write_touch(book, row)


@kernel
def reject(book: Record, tape: Record, message: Record, reason: int) -> None:
    """Report a refused message; the book is unchanged."""
    target = int64(0)
    if CANCEL <= message.kind <= REPLACE:
        target = int64(message.order_id)
    write_row(
        book,
        tape,
        int64(message.time_ns),
        int64(ROW_REJECT),
        int64(message.side),
        int64(target),
        int64(message.agent),
        int64(message.parent_id),
        int64(message.price_ticks),
        int64(message.qty_lots),
        int64(0),
        int64(reason),
        int64(0),
    )


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
        book.sequence += 1
        row = row_at(tape, int64(tape.cursor))
        tape.cursor += 1
        row.time_ns = time_ns
        row.sequence = book.sequence
        row.order_id = order_id
        row.contra_order_id = contra_id
        row.agent = agent
        row.contra_agent = contra_agent
        row.parent_id = parent_id
        row.contra_parent_id = contra_parent
        row.price_ticks = price + book.min_price_ticks
        row.qty_lots = traded
        row.leaves_lots = leaves
        row.contra_leaves_lots = contra_leaves
        row.symbol = book.symbol
        row.flags = 0
        row.kind = ROW_EXECUTE
        row.side = side
        row.reason = NONE
        row.phase = book.phase
        write_touch(book, row)
    return leaves


@leaf
def rest_order(
    book: Record, index: int, order_id: int, agent: int, side: int, price: int, qty_lots: int, tracked: int
) -> None:
    """Fill a node and put it at the tail of its level."""
    node = node_at(book, index)
    node.order_id = order_id
    node.price = price
    node.qty_lots = qty_lots
    node.agent = agent
    node.side = side
    node.tracked = tracked
    append_order(book, int64(0) if side > 0 else int64(1), price, index, qty_lots)
    remember_order(book, index, order_id)


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


@leaf
def beyond_collar(book: Record, side: int, price_ticks: int) -> bool:
    """Whether a limit price lies further through the reference than the collar allows."""
    if book.collar_ticks == 0:
        return False
    if side > 0:
        return price_ticks > book.reference_ticks + book.collar_ticks
    return price_ticks < book.reference_ticks - book.collar_ticks


@leaf
def new_order(book: Record, tape: Record, message: Record) -> None:
    """Handle LIMIT and MARKET."""
    side = int64(message.side)
    qty_lots = int64(message.qty_lots)
    time_in_force = int64(message.time_in_force)
    is_limit = message.kind == LIMIT
    flags = int64(message.flags)
    if book.phase != CONTINUOUS:
        reject(book, tape, message, int64(WRONG_PHASE))
        return
    if side != 1 and side != -1:
        reject(book, tape, message, int64(BAD_SIDE))
        return
    if time_in_force > FOK or (flags & POST_ONLY and (time_in_force != GTC or not is_limit)):
        reject(book, tape, message, int64(BAD_TIME_IN_FORCE))
        return
    if qty_lots < book.min_order_lots or qty_lots > book.max_order_lots:
        reject(book, tape, message, int64(QTY_OUT_OF_RANGE))
        return
    tracked = flags & TRACKED
    if tracked and (message.agent < 0 or message.agent >= book.n_agents):
        reject(book, tape, message, int64(UNKNOWN_AGENT))
        return
    if is_limit:
        limit = int64(message.price_ticks) - book.min_price_ticks
        if limit < 0 or limit >= book.n_prices:
            reject(book, tape, message, int64(PRICE_OUT_OF_RANGE))
            return
        if beyond_collar(book, side, int64(message.price_ticks)):
            reject(book, tape, message, int64(COLLAR))
            return
        if time_in_force == GTC:
            if book.n_orders >= book.max_orders:
                reject(book, tape, message, int64(BOOK_FULL))
                return
            if flags & POST_ONLY and (limit >= book.best_ask if side > 0 else limit <= book.best_bid):
                reject(book, tape, message, int64(WOULD_CROSS))
                return
    elif book.collar_ticks != 0:
        limit = book.reference_ticks - book.min_price_ticks + side * book.collar_ticks
    else:
        limit = book.n_prices if side > 0 else int64(-1)
    if time_in_force == FOK and not can_fill(book, side, limit, qty_lots):
        reject(book, tape, message, int64(FOK_UNFILLABLE))
        return

    time_ns = int64(message.time_ns)
    agent = int64(message.agent)
    parent_id = int64(message.parent_id)
    order_id = int64(book.next_order_id)
    book.next_order_id = order_id + 1
    leaves = qty_lots
    # One condition, not a branch on the side, which is random.
    bid, ask = int64(book.best_bid), int64(book.best_ask)
    if ((side > 0) & (limit >= ask)) | ((side < 0) & (limit <= bid)):
        leaves = match(book, tape, time_ns, order_id, agent, parent_id, side, limit, qty_lots)
        if leaves == 0:
            return
    if is_limit and time_in_force == GTC:
        index = take_node(book)
        rest_order(book, index, order_id, agent, side, limit, leaves, 1 if tracked else 0)
        if tracked:
            extra = extra_at(book, index)
            extra.time_ns = time_ns
            extra.parent_id = parent_id
            join_owner(book, index)
        write_row(
            book,
            tape,
            int64(time_ns),
            int64(ROW_ADD),
            int64(side),
            int64(order_id),
            int64(agent),
            int64(parent_id),
            int64(message.price_ticks),
            int64(leaves),
            int64(leaves),
            int64(NONE),
            int64(0),
        )
    else:
        price_ticks = int64(message.price_ticks) if is_limit else int64(NO_PRICE)
        write_row(
            book,
            tape,
            int64(time_ns),
            int64(ROW_EXPIRE),
            int64(side),
            int64(order_id),
            int64(agent),
            int64(parent_id),
            int64(price_ticks),
            int64(leaves),
            int64(0),
            int64(NONE),
            int64(0),
        )


@leaf
def cancel_order(book: Record, tape: Record, time_ns: int, index: int, slot: int) -> None:
    """Remove a resting order at its owner's wish."""
    node = node_at(book, index)
    order_id, agent, side = int64(node.order_id), int64(node.agent), int64(node.side)
    price, qty_lots, parent_id = int64(node.price), int64(node.qty_lots), parent_of(book, index)
    remove_order(book, index, slot)
    write_row(
        book,
        tape,
        int64(time_ns),
        int64(ROW_CANCEL),
        int64(side),
        int64(order_id),
        int64(agent),
        int64(parent_id),
        int64(price + book.min_price_ticks),
        int64(qty_lots),
        int64(0),
        int64(NONE),
        int64(0),
    )


@leaf
def reduce_order(book: Record, tape: Record, time_ns: int, index: int, cut_lots: int) -> None:
    """Take quantity away from a resting order, which keeps its place."""
    node = node_at(book, index)
    node.qty_lots -= cut_lots
    side = int64(node.side)
    level_at(book, (int64(0) if side > 0 else book.n_prices) + int64(node.price)).lots -= cut_lots
    write_row(
        book,
        tape,
        int64(time_ns),
        int64(ROW_REDUCE),
        int64(side),
        int64(node.order_id),
        int64(node.agent),
        int64(parent_of(book, index)),
        int64(node.price + book.min_price_ticks),
        int64(cut_lots),
        int64(node.qty_lots),
        int64(NONE),
        int64(0),
    )


@kernel
def replace_order(book: Record, tape: Record, message: Record, index: int) -> None:
    """Give a resting order a new price and open quantity."""
    node = node_at(book, index)
    side, open_lots = int64(node.side), int64(node.qty_lots)
    qty_lots = int64(message.qty_lots)
    time_ns = int64(message.time_ns)
    price = int64(message.price_ticks) - book.min_price_ticks
    if qty_lots < book.min_order_lots or qty_lots > book.max_order_lots:
        reject(book, tape, message, int64(QTY_OUT_OF_RANGE))
        return
    if price < 0 or price >= book.n_prices:
        reject(book, tape, message, int64(PRICE_OUT_OF_RANGE))
        return
    if beyond_collar(book, side, int64(message.price_ticks)):
        reject(book, tape, message, int64(COLLAR))
        return
    if book.replace_keeps_priority and price == node.price and qty_lots <= open_lots:
        reduce_order(book, tape, time_ns, index, open_lots - qty_lots)
        return
    if message.flags & POST_ONLY and (price >= book.best_ask if side > 0 else price <= book.best_bid):
        reject(book, tape, message, int64(WOULD_CROSS))
        return
    order_id, agent, tracked = int64(node.order_id), int64(node.agent), int64(node.tracked)
    parent_id = parent_of(book, index)
    remove_order(book, index, slot_of_node(book, index))
    write_row(
        book,
        tape,
        int64(time_ns),
        int64(ROW_REPLACE),
        int64(side),
        int64(order_id),
        int64(agent),
        int64(parent_id),
        int64(message.price_ticks),
        int64(qty_lots),
        int64(qty_lots),
        int64(NONE),
        int64(0),
    )
    leaves = match(book, tape, time_ns, order_id, agent, parent_id, side, price, qty_lots)
    if leaves > 0:
        fresh = take_node(book)
        rest_order(book, fresh, order_id, agent, side, price, leaves, tracked)
        if tracked:
            extra = extra_at(book, fresh)
            extra.time_ns = time_ns
            extra.parent_id = parent_id
            join_owner(book, fresh)
        write_row(
            book,
            tape,
            int64(time_ns),
            int64(ROW_ADD),
            int64(side),
            int64(order_id),
            int64(agent),
            int64(parent_id),
            int64(message.price_ticks),
            int64(leaves),
            int64(leaves),
            int64(NONE),
            int64(REINSERTED),
        )


@kernel
def rare_message(book: Record, tape: Record, message: Record) -> None:
    """Handle what is not a new order or a plain cancel; kept out of the hot function."""
    kind = int64(message.kind)
    if kind == REDUCE or kind == REPLACE:
        if book.phase == CLOSED or (kind == REPLACE and book.phase != CONTINUOUS):
            reject(book, tape, message, int64(WRONG_PHASE))
            return
        index = find_order(book, int64(message.order_id))
        if index == 0:
            reject(book, tape, message, int64(UNKNOWN_ORDER))
        elif node_at(book, index).agent != message.agent:
            reject(book, tape, message, int64(NOT_OWNER))
        elif kind == REPLACE:
            replace_order(book, tape, message, index)
        elif message.qty_lots <= 0:
            reject(book, tape, message, int64(QTY_OUT_OF_RANGE))
        elif message.qty_lots >= node_at(book, index).qty_lots:
            cancel_order(book, tape, int64(message.time_ns), index, slot_of_node(book, index))
        else:
            reduce_order(book, tape, int64(message.time_ns), index, int64(message.qty_lots))
    elif kind == CANCEL_ALL:
        if book.phase == CLOSED:
            reject(book, tape, message, int64(WRONG_PHASE))
        elif message.agent < 0 or message.agent >= book.n_agents:
            reject(book, tape, message, int64(UNKNOWN_AGENT))
        else:
            owner = owner_at(book, int64(message.agent))
            while owner.head != 0:
                cancel_order(
                    book, tape, int64(message.time_ns), int64(owner.head), slot_of_node(book, int64(owner.head))
                )
    elif kind == SET_PHASE and CLOSED <= message.qty_lots <= HALTED:
        book.phase = message.qty_lots
        write_row(
            book,
            tape,
            int64(message.time_ns),
            int64(ROW_PHASE),
            int64(0),
            int64(0),
            int64(message.agent),
            int64(0),
            int64(0),
            int64(message.qty_lots),
            int64(0),
            int64(NONE),
            int64(0),
        )
    else:
        reject(book, tape, message, int64(BAD_KIND))


@kernel
def apply(book: Record, tape: Record, message: Record) -> None:
    """Handle one message. The caller has made room on the tape for `rows_needed` rows."""
    start = int64(tape.cursor)
    kind = int64(message.kind)
    if kind == LIMIT or kind == MARKET:
        new_order(book, tape, message)
    elif kind == CANCEL:
        if book.phase == CLOSED:
            reject(book, tape, message, int64(WRONG_PHASE))
        else:
            slot = find_slot(book, int64(message.order_id))
            index = int64(slot_at(book, slot).node)
            if index == 0:
                reject(book, tape, message, int64(UNKNOWN_ORDER))
            elif node_at(book, index).agent != message.agent:
                reject(book, tape, message, int64(NOT_OWNER))
            else:
                cancel_order(book, tape, int64(message.time_ns), index, slot)
    else:
        rare_message(book, tape, message)
    if tape.cursor > start:
        first = row_at(tape, start)
        first.flags = int64(first.flags) | FIRST


@leaf
def rows_needed(book: Record, message: Record) -> int:
    """Upper bound of the rows that a message can write: each execution fills at least one lot of one order."""
    orders = int64(book.n_orders)
    if message.kind != CANCEL_ALL:
        orders = min(orders, max(int64(message.qty_lots), int64(0)))
    return orders + 4


@kernel
def apply_batch(book: Record, tape: Record, messages: Any, start: int) -> int:
    """Handle messages[start:] until they end or the tape is full; return the index of the next message."""
    position = int64(start)
    count = len(messages)
    while position < count:
        message = messages[position]
        if tape.capacity - tape.cursor < rows_needed(book, message):
            break
        apply(book, tape, message)
        position += 1
    return position
