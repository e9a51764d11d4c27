"""Changes of orders that rest or wait: cancels, reductions, replacements, expiry (compiled)."""

from __future__ import annotations

from numba import int64

from lob.book import NEVER_NS, anchor_at, detail_at, node_at, owner_at
from lob.codes import (
    BAD_COMBINATION,
    CLOSED,
    CONTINUOUS,
    NONE,
    NOT_OWNER,
    POST_ONLY,
    QTY_OUT_OF_RANGE,
    REDUCE,
    REINSERTED,
    REPLACE,
    ROW_REPLACE,
    UNKNOWN_AGENT,
    UNKNOWN_ORDER,
    WAS_EXPIRED,
    WOULD_CROSS,
    WRONG_PHASE,
)
from lob.compiled import Record, kernel, leaf
from lob.execution import parent_of
from lob.extended.checks import refused_price, refused_quantity
from lob.extended.details import DAY_ORDERS, DUE, ICEBERG_ORDER, PEG, attach_detail, detail_of, kind_of, open_lots
from lob.extended.feasible import feasible_lots, meets_any
from lob.extended.placing import cancel_row, place, remove_any, row_flags, shrink, start_node
from lob.extended.trading import set_taker, trade
from lob.orders import find_order
from lob.rows import begin_row, reject, takes_row

__all__ = ["change_order", "expire_due", "withdraw_all"]


@kernel
def expire_due(book: Record, tape: Record, time_ns: int, day_is_over: bool) -> None:
    """Withdraw what has expired, earliest first and oldest first; with the end of the day what was good for it."""
    due = anchor_at(book, int64(DUE))
    while due.head != 0 and detail_of(book, int64(due.head)).expires_ns <= time_ns:
        cancel_row(book, tape, time_ns, int64(due.head), int64(WAS_EXPIRED))
    day = anchor_at(book, int64(DAY_ORDERS))
    while day_is_over and day.head != 0:
        cancel_row(book, tape, time_ns, int64(day.head), int64(WAS_EXPIRED))
    book.next_expiry_ns = detail_of(book, int64(due.head)).expires_ns if due.head != 0 else int64(NEVER_NS)


@kernel
def withdraw_all(book: Record, tape: Record, message: Record) -> None:
    """Handle CANCEL_ALL: every order of the agent, oldest first."""
    if book.phase == CLOSED:
        reject(book, tape, message, int64(WRONG_PHASE))
    elif message.agent < 0 or message.agent >= book.n_agents:
        reject(book, tape, message, int64(UNKNOWN_AGENT))
    else:
        owner = owner_at(book, int64(message.agent))
        while owner.head != 0:
            cancel_row(book, tape, int64(message.time_ns), int64(owner.head), int64(NONE))


@kernel
def change_order(book: Record, tape: Record, message: Record) -> None:
    """Handle CANCEL, REDUCE and REPLACE."""
    kind = int64(message.kind)
    if book.phase == CLOSED or (kind == REPLACE and book.phase != CONTINUOUS):
        reject(book, tape, message, int64(WRONG_PHASE))
        return
    index = find_order(book, int64(message.order_id))
    time_ns = int64(message.time_ns)
    if index == 0:
        reject(book, tape, message, int64(UNKNOWN_ORDER))
    elif node_at(book, index).agent != message.agent:
        reject(book, tape, message, int64(NOT_OWNER))
    elif kind == REPLACE:
        _replace(book, tape, message, index)
    elif kind == REDUCE and message.qty_lots <= 0:
        reject(book, tape, message, int64(QTY_OUT_OF_RANGE))
    elif kind == REDUCE and message.qty_lots < open_lots(book, index):
        shrink(book, tape, time_ns, index, int64(message.qty_lots), int64(NONE))
    else:
        cancel_row(book, tape, time_ns, index, int64(NONE))


@leaf
def _refused_replacement(book: Record, message: Record, index: int) -> int:
    """Reason why an order may not be given the message's price and quantity, or NONE."""
    reason = refused_quantity(book, int64(message.qty_lots))
    if reason != NONE:
        return reason
    if kind_of(book, index) >= PEG:
        return int64(BAD_COMBINATION)
    return refused_price(book, int64(message.price_ticks), int64(node_at(book, index).side), True)


@kernel
def _replace(book: Record, tape: Record, message: Record, index: int) -> None:
    """Give an order a new price and open quantity; what it is otherwise stays."""
    reason = _refused_replacement(book, message, index)
    if reason != NONE:
        reject(book, tape, message, reason)
        return
    node = node_at(book, index)
    time_ns, qty_lots = int64(message.time_ns), int64(message.qty_lots)
    side, before, price = int64(node.side), open_lots(book, index), int64(message.price_ticks) - book.min_price_ticks
    if book.replace_keeps_priority and price == node.price and qty_lots <= before:
        shrink(book, tape, time_ns, index, before - qty_lots, int64(NONE))
        return
    order_id, agent, tracked, parent_id = (
        int64(node.order_id),
        int64(node.agent),
        int64(node.tracked),
        parent_of(book, index),
    )
    old = detail_at(book, int64(node.detail))
    kind = int64(old.kind)
    display, least, whole = int64(old.display_lots), int64(old.min_lots), int64(old.all_or_none)
    expires_ns, tif = int64(old.expires_ns), int64(old.time_in_force)
    mode = int64(old.self_trade) if kind != 0 else int64(book.self_trade)
    set_taker(book, order_id, agent, parent_id, side, mode)
    if message.flags & POST_ONLY and meets_any(book, 2 * price, qty_lots):
        reject(book, tape, message, int64(WOULD_CROSS))
        return
    flags = row_flags(book, index)
    remove_any(book, index)
    if takes_row(book, tape):
        row = begin_row(book, tape, time_ns, int64(ROW_REPLACE))
        row.order_id = order_id
        row.agent = agent
        row.parent_id = parent_id
        row.side = side
        row.price_ticks = message.price_ticks
        row.qty_lots = qty_lots
        row.leaves_lots = qty_lots
        row.contra_leaves_lots = before
        row.flags = flags
    set_taker(book, order_id, agent, parent_id, side, mode)
    least = qty_lots if whole != 0 else min(least, qty_lots)
    leaves = qty_lots
    if least <= 1 or feasible_lots(book, 2 * price, qty_lots, False) >= least:
        leaves = trade(book, tape, time_ns, 2 * price, qty_lots, int64(message.price_ticks), False)
    if leaves == 0:
        return
    index = start_node(book, order_id, agent, side, price, leaves, tracked)
    if kind != 0:
        detail = attach_detail(book, index)
        detail.kind = kind
        detail.min_lots = min(least, leaves)
        detail.all_or_none = whole
        detail.time_in_force = tif
        detail.expires_ns = expires_ns
        detail.self_trade = mode
        if kind == ICEBERG_ORDER:
            show_part(book, index, display)
    place(book, tape, time_ns, index, parent_id, int64(REINSERTED))


@leaf
def show_part(book: Record, index: int, display_lots: int) -> None:
    """Split an iceberg's open quantity, which its node holds, into what it shows and what it does not."""
    node = node_at(book, index)
    detail = detail_at(book, int64(node.detail))
    shown = min(display_lots, int64(node.qty_lots))
    detail.display_lots = display_lots
    detail.reserve_lots = node.qty_lots - shown
    node.qty_lots = shown
