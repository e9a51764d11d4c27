"""Matching: what the exchange does with one message. `apply` is the only way in which a book changes.

Every message is checked, executed and reported on the tape before the next one is looked at. The order of the
checks decides which reason a reject carries and is part of the contract with `lob.reference`.

Messages with instructions, and all messages to a book that holds such orders or has such rules, go to lob.extended as
they are; its address stands in the tape's header, which the caller sees to (`rows_needed`).

A full book refuses only orders that would rest at once. One that trades needs no room: if anything is left of it, it
has filled another order at least, and rests in that one's place.
"""

from __future__ import annotations

from typing import Any

from numba import int64
from numba import types as nb_types
from numba.np.numpy_support import from_dtype

from lob.book import BOOK, level_at, node_at, owner_at, slot_at
from lob.codes import (
    BAD_KIND,
    BAD_ORDER_ID,
    BAD_SIDE,
    BAD_TIME_IN_FORCE,
    BOOK_FULL,
    CANCEL,
    CANCEL_ALL,
    CLOSED,
    COLLAR,
    CONTINUOUS,
    DUPLICATE_ORDER_ID,
    EXPIRE,
    FIRST,
    FOK,
    FOK_UNFILLABLE,
    GTC,
    HALTED,
    INSTRUCTIONS,
    LIMIT,
    MARKET,
    NONE,
    NOT_OWNER,
    POST_ONLY,
    PRICE_OUT_OF_RANGE,
    QTY_OUT_OF_RANGE,
    REDUCE,
    REINSERTED,
    REPLACE,
    ROW_CANCEL,
    ROW_EXPIRE,
    ROW_PHASE,
    ROW_REDUCE,
    ROW_REPLACE,
    SELF_TRADE,
    SET_PHASE,
    TRACKED,
    UNKNOWN_AGENT,
    UNKNOWN_ORDER,
    WOULD_CROSS,
    WRONG_PHASE,
)
from lob.compiled import Record, call_address, kernel, leaf
from lob.execution import can_fill, match, parent_of, remove_order, rest_order
from lob.orders import find_order, find_slot, slot_of_node
from lob.rows import open_row, reject, takes_row
from lob.tape import TAPE, row_at
from lob.types import CLIENT_ID_BITS, MESSAGE, NO_PRICE

__all__ = [
    "apply",
    "apply_batch",
    "beyond_collar",
    "handle_next",
    "refused_id",
    "resume",
    "rows_bound",
    "rows_needed",
]

NO_ROOM = 2**62
ROWS_PER_DETAIL = 5
SPARE_ROWS = 16


@leaf
def beyond_collar(book: Record, side: int, price_ticks: int) -> bool:
    """Whether a limit price lies further through the reference than the collar allows."""
    if book.collar_ticks == 0:
        return False
    if side > 0:
        return price_ticks > book.reference_ticks + book.collar_ticks
    return price_ticks < book.reference_ticks - book.collar_ticks


@leaf
def crosses(book: Record, side: int, limit: int) -> bool:
    """Whether an order with this limit (a price index) would trade at once."""
    return limit >= book.best_ask if side > 0 else limit <= book.best_bid


@kernel
def refused_id(book: Record, agent: int, order_id: int) -> int:
    """Reason why a sender may not use an id of its own choice, or NONE."""
    if agent < 0 or order_id >> CLIENT_ID_BITS != agent + 1 or order_id & ((1 << CLIENT_ID_BITS) - 1) == 0:
        return int64(BAD_ORDER_ID)
    if find_order(book, order_id) != 0:
        return int64(DUPLICATE_ORDER_ID)
    return int64(NONE)


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
            if book.n_orders >= book.max_orders and not crosses(book, side, limit):
                reject(book, tape, message, int64(BOOK_FULL))
                return
            if flags & POST_ONLY and crosses(book, side, limit):
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
    order_id = int64(message.order_id)
    if order_id == 0:
        order_id = int64(book.next_order_id)
        book.next_order_id = order_id + 1
    else:
        reason = refused_id(book, agent, order_id)
        if reason != NONE:
            reject(book, tape, message, reason)
            return
    leaves = qty_lots
    # One condition, not a branch on the side, which is random.
    bid, ask = int64(book.best_bid), int64(book.best_ask)
    if ((side > 0) & (limit >= ask)) | ((side < 0) & (limit <= bid)):
        leaves = match(book, tape, time_ns, order_id, agent, parent_id, side, limit, qty_lots)
        if leaves == 0:
            return
    if is_limit and time_in_force == GTC:
        rest_order(book, tape, time_ns, order_id, agent, parent_id, side, limit, leaves, 1 if tracked else 0, int64(0))
    else:
        price_ticks = int64(message.price_ticks) if is_limit else int64(NO_PRICE)
        if takes_row(book, tape):
            row = open_row(book, tape, time_ns, int64(ROW_EXPIRE))
            row.order_id = order_id
            row.agent = agent
            row.parent_id = parent_id
            row.side = side
            row.price_ticks = price_ticks
            row.qty_lots = leaves


@leaf
def cancel_order(book: Record, tape: Record, time_ns: int, index: int, slot: int) -> None:
    """Remove a resting order at its owner's wish."""
    node = node_at(book, index)
    order_id, agent, side = int64(node.order_id), int64(node.agent), int64(node.side)
    price, qty_lots, parent_id = int64(node.price), int64(node.qty_lots), parent_of(book, index)
    remove_order(book, index, slot)
    if takes_row(book, tape):
        row = open_row(book, tape, time_ns, int64(ROW_CANCEL))
        row.order_id = order_id
        row.agent = agent
        row.parent_id = parent_id
        row.side = side
        row.price_ticks = price + book.min_price_ticks
        row.qty_lots = qty_lots


@leaf
def reduce_order(book: Record, tape: Record, time_ns: int, index: int, cut_lots: int) -> None:
    """Take quantity away from a resting order, which keeps its place."""
    node = node_at(book, index)
    node.qty_lots -= cut_lots
    side = int64(node.side)
    level_at(book, (int64(0) if side > 0 else book.n_prices) + int64(node.price)).lots -= cut_lots
    if takes_row(book, tape):
        row = open_row(book, tape, time_ns, int64(ROW_REDUCE))
        row.order_id = node.order_id
        row.agent = node.agent
        row.parent_id = parent_of(book, index)
        row.side = side
        row.price_ticks = node.price + book.min_price_ticks
        row.qty_lots = cut_lots
        row.leaves_lots = node.qty_lots


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
    if message.flags & POST_ONLY and crosses(book, side, price):
        reject(book, tape, message, int64(WOULD_CROSS))
        return
    order_id, agent, tracked = int64(node.order_id), int64(node.agent), int64(node.tracked)
    parent_id = parent_of(book, index)
    remove_order(book, index, slot_of_node(book, index))
    if takes_row(book, tape):
        row = open_row(book, tape, time_ns, int64(ROW_REPLACE))
        row.order_id = order_id
        row.agent = agent
        row.parent_id = parent_id
        row.side = side
        row.price_ticks = message.price_ticks
        row.qty_lots = qty_lots
        row.leaves_lots = qty_lots
        row.contra_leaves_lots = open_lots
    leaves = match(book, tape, time_ns, order_id, agent, parent_id, side, price, qty_lots)
    if leaves > 0:
        rest_order(book, tape, time_ns, order_id, agent, parent_id, side, price, leaves, tracked, int64(REINSERTED))


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
        if takes_row(book, tape):
            row = open_row(book, tape, int64(message.time_ns), int64(ROW_PHASE))
            row.agent = message.agent
            row.qty_lots = message.qty_lots
    else:
        reject(book, tape, message, int64(BAD_KIND))


_handle_extended = call_address(nb_types.int64, from_dtype(BOOK), from_dtype(TAPE), from_dtype(MESSAGE))


@leaf
def is_extended(book: Record, message: Record) -> bool:
    """Whether a message is for lob.extended."""
    # One condition: each of its parts is nearly always the same.
    return (
        (book.extended != 0)
        | (message.kind > SET_PHASE)
        | (message.time_in_force > FOK)
        | (int64(message.flags) & INSTRUCTIONS != 0)
    )


@kernel
def apply_plain(book: Record, tape: Record, message: Record) -> None:
    """Handle a message that is not for lob.extended."""
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


@kernel
def apply(book: Record, tape: Record, message: Record) -> None:
    """Handle one message. The caller has made room on the tape for `rows_needed` rows.

    Afterwards `book.n_elected` stops may have been elected for which the tape had no room: see `resume`.
    """
    if is_extended(book, message):
        _handle_extended(tape.extended, (book, tape, message))
    else:
        apply_plain(book, tape, message)


@leaf
def resume(book: Record, tape: Record, message: Record) -> None:
    """Go on with the elected stops; the caller has made room for `rows_needed` rows."""
    tape.resuming = 1
    _handle_extended(tape.extended, (book, tape, message))


@leaf
def _rows_extended(book: Record, message: Record) -> int:
    """The same in lob.extended: an execution has two rows if an iceberg shows its next part after it."""
    kind = int64(message.kind)
    rows = int64(book.n_orders) + int64(book.n_slices)
    if kind != CANCEL_ALL and kind != SET_PHASE and kind != EXPIRE:
        rows = 2 * min(rows, max(int64(message.qty_lots), int64(0)))
        if book.self_trade != 0 or int64(message.flags) & SELF_TRADE != 0:
            rows += book.n_orders
    return rows + ROWS_PER_DETAIL * int64(book.n_details) + SPARE_ROWS


@leaf
def rows_plain(book: Record, message: Record) -> int:
    """Upper bound of the rows of a message that is not for lob.extended: each execution fills a lot of an order."""
    orders = int64(book.n_orders)
    if message.kind != CANCEL_ALL:
        orders = min(orders, max(int64(message.qty_lots), int64(0)))
    return orders + 4


@leaf
def rows_needed(book: Record, tape: Record, message: Record) -> int:
    """Upper bound of the rows that a message can write.

    More than any tape has if the message is for lob.extended and the tape does not know it yet (`lend_engine`).
    """
    if is_extended(book, message):
        if tape.extended == 0:
            tape.asked = 1
            return int64(NO_ROOM)
        return _rows_extended(book, message)
    return rows_plain(book, message)


@leaf
def rows_bound(book: Record) -> int:
    """Upper bound of the rows that one elected stop can write.

    Every execution uses up an order, a part of an iceberg, or the stop itself, but for the orders among which a last
    price is shared out; every other row takes an order away or tells of one.
    """
    return ROWS_PER_DETAIL * (int64(book.n_orders) + int64(book.n_slices)) + SPARE_ROWS


@leaf
def handle_next(book: Record, tape: Record, message: Record) -> bool:
    """Handle a message if the tape has room for it, and the stops that it elects while there is; False if not."""
    if is_extended(book, message):
        if tape.capacity - tape.cursor < rows_needed(book, tape, message):
            return False
        _handle_extended(tape.extended, (book, tape, message))
    else:
        if tape.capacity - tape.cursor < rows_plain(book, message):
            return False
        apply_plain(book, tape, message)
    return True


@kernel
def apply_batch(book: Record, tape: Record, messages: Any, start: int) -> int:
    """Handle messages[start:] until they end or the tape is full; return the index of the next message.

    If stops are still to act (`n_elected`), those that the last message has elected come first at the next call.
    """
    position = int64(start)
    if book.n_elected != 0 and tape.capacity - tape.cursor >= rows_bound(book):
        resume(book, tape, messages[position - 1])
    count = len(messages)
    while position < count and book.n_elected == 0:
        if not handle_next(book, tape, messages[position]):
            break
        position += 1
    return position
