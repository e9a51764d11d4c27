"""Rows of books with orders or rules beyond price and time, held against what must hold all the same (compiled).

Who trades next there depends on what nobody sees. So priority, and what a message is made of, are not told a second
time; the displayed book, the touch after each row, what is open of displayed orders, quantities, accounts and phases
are. A book is looked at in this way from the first row on that a plain market does not write, or from the start if its
instrument's rules are not plain.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.codes import (
    COLLAR,
    CONTINUOUS,
    FIRST,
    HALF_TICK,
    HIDDEN,
    ICEBERG,
    REINSERTED,
    ROW_ADD,
    ROW_CANCEL,
    ROW_EXECUTE,
    ROW_EXPIRE,
    ROW_NEWS,
    ROW_PARK,
    ROW_REDUCE,
    ROW_REFRESH,
    ROW_REJECT,
    ROW_REPLACE,
    ROW_TRIGGER,
    WAS_EXPIRED,
    WAS_SELF_TRADE,
)
from lob.compiled import kernel, leaf
from lob.types import CLIENT_ID_BITS, Flag
from sim.audit.book import best_of, expect, find, note, put, take
from sim.audit.faults import F
from sim.audit.messages import NOTHING, known_agent
from sim.audit.money import account_of, reserve, settle, settle_half
from sim.audit.state import State

__all__ = ["audit_beyond", "is_beyond"]

PLAIN_FLAGS = int(Flag.FIRST | Flag.REINSERTED)
FLAGS = PLAIN_FLAGS | HIDDEN | ICEBERG | HALF_TICK


@leaf
def is_beyond(state: State, row: Any) -> bool:
    """Whether a row belongs to a book that is to be looked at in this way, and note it if it is the first."""
    s = state.symbols[row.symbol]
    changes = row.kind == ROW_CANCEL or row.kind == ROW_REDUCE
    if row.flags & ~PLAIN_FLAGS or row.kind > ROW_NEWS or (changes and row.reason != 0):
        s.beyond = 1
    return s.beyond != 0


KEPT_APART = 9
"""Stage of a message whose first row withdrew or cut an own order of its sender: the incoming one is told of later."""


@kernel
def _begin(state: State, row: Any) -> None:
    """Note where a message begins, and what its first row says of the sender's own ids."""
    head = state.head[0]
    if row.flags & FIRST:
        head.order_id = 0
        head.stage = KEPT_APART if row.reason == WAS_SELF_TRADE and row.kind != ROW_EXPIRE else NOTHING
    elif row.kind == ROW_TRIGGER or row.kind == ROW_REPLACE:
        head.stage = NOTHING  # what follows is an older order's


@leaf
def _is_reason(row: Any) -> bool:
    """Whether a row that is no reject may have its reason."""
    if row.reason == 0:
        return True
    if row.kind == ROW_EXPIRE:
        return row.reason == WAS_SELF_TRADE or row.reason == COLLAR
    return (row.kind == ROW_CANCEL or row.kind == ROW_REDUCE) and (
        row.reason == WAS_SELF_TRADE or (row.reason == WAS_EXPIRED and row.kind == ROW_CANCEL)
    )


@leaf
def _count_order(state: State, row: Any, total: int) -> None:
    """Count an order that a row tells of for the first time."""
    s = state.symbols[row.symbol]
    order_id = int64(row.order_id)
    if order_id >> CLIENT_ID_BITS == 0:
        if order_id < s.next_id:
            return
        expect(state, F.id_next, int64(s.next_id), order_id)
        s.next_id = order_id + 1
    elif order_id == state.head[0].order_id or (row.flags & FIRST == 0 and state.head[0].stage != KEPT_APART):
        return
    state.head[0].order_id = order_id
    if known_agent(state, int64(row.agent)):
        account = account_of(state, int64(row.agent), int64(row.symbol))
        account.n_orders += 1
        account.ordered_lots += total


@kernel
def _find_shown(state: State, row: Any, order_id: int, agent: int, side: int) -> int:
    """The displayed order of this id, of whom and where it is said to be; 0 and a fault if there is none."""
    at = find(state, int64(row.symbol), order_id)
    if at == 0:
        note(state, F.order_unknown, int64(state.symbols[row.symbol].n_orders), order_id)
        return int64(0)
    order = state.orders[at]
    expect(state, F.order_agent, int64(order.agent), agent)
    expect(state, F.order_side, int64(1) if order.side == 0 else int64(-1), side)
    return at


@kernel
def _show(state: State, row: Any) -> None:
    """Put what an ADD or REFRESH row shows at the end of its price's queue."""
    symbol, side, lots = int64(row.symbol), int64(row.side), int64(row.qty_lots)
    s = state.symbols[symbol]
    index = int64(row.price_ticks) - s.min_price
    if lots <= 0 or lots > row.leaves_lots:
        note(state, F.qty, int64(row.leaves_lots), lots)
    if index < 0 or index >= s.n_prices:
        note(state, F.price_range, int64(s.min_price + s.n_prices - 1), int64(row.price_ticks))
        return
    other = best_of(state, symbol, int64(1) if side > 0 else int64(0))
    if other >= 0 and side * (index - other) >= 0:
        note(state, F.rests_crossed, int64(s.min_price + other), int64(row.price_ticks))
    if lots > 0 and find(state, symbol, int64(row.order_id)) == 0:
        put(state, symbol, int64(row.order_id), int64(row.agent), int64(row.parent_id),
            int64(0) if side > 0 else int64(1), index, lots)  # fmt: skip


@kernel
def _execute(state: State, row: Any) -> None:
    symbol, side, lots = int64(row.symbol), int64(row.side), int64(row.qty_lots)
    s = state.symbols[symbol]
    expect(state, F.phase_trades, int64(CONTINUOUS), int64(s.phase))
    if lots <= 0:
        note(state, F.qty, int64(1), lots)
    _count_order(state, row, lots + int64(row.leaves_lots))
    owner = int64(row.contra_agent)
    if not row.flags & HIDDEN:
        at = _find_shown(state, row, int64(row.contra_order_id), owner, -side)
        if at != 0:
            order = state.orders[at]
            expect(state, F.order_price, int64(s.min_price + order.price), int64(row.price_ticks))
            if lots > order.lots:
                note(state, F.qty_open, int64(order.lots), lots)
            take(state, at, min(max(lots, int64(0)), int64(order.lots)))
    if known_agent(state, owner):
        reserve(state, owner, symbol, -side, -lots, int64(-1) if row.contra_leaves_lots == 0 else int64(0))
    else:
        note(state, F.agent, int64(len(state.agents)), owner)
    half = row.flags & HALF_TICK != 0
    for taker in (True, False):
        agent = int64(row.agent) if taker else owner
        sign = side if taker else -side
        if known_agent(state, agent):
            settle(state, agent, symbol, sign, int64(row.price_ticks), lots, taker)
            if half:
                settle_half(state, agent, symbol, sign, lots, taker)
    s.reference = row.price_ticks


@kernel
def _leave(state: State, row: Any) -> None:
    """A CANCEL, REDUCE or REPLACE row: what is shown of the order, and what it had open."""
    kind, symbol = int64(row.kind), int64(row.symbol)
    if not row.flags & HIDDEN:
        at = _find_shown(state, row, int64(row.order_id), int64(row.agent), int64(row.side))
        if at != 0:
            shown = int64(state.orders[at].lots)
            taken = shown
            if kind == ROW_REDUCE:
                taken = shown - int64(row.contra_leaves_lots) if row.flags & ICEBERG else int64(row.qty_lots)
            if taken < 0 or taken > shown:
                note(state, F.qty_open, shown, taken)
            elif taken > 0:
                take(state, at, taken)
    if known_agent(state, int64(row.agent)):
        lots = int64(row.contra_leaves_lots) if kind == ROW_REPLACE else int64(row.qty_lots)
        reserve(
            state, int64(row.agent), symbol, int64(row.side), -lots, int64(0) if kind == ROW_REDUCE else int64(-1)
        )  # fmt: skip


@kernel
def audit_beyond(state: State, row: Any) -> None:
    """Check one row that is neither a change of phase nor news."""
    head, kind, symbol = state.head[0], int64(row.kind), int64(row.symbol)
    agent, side = int64(row.agent), int64(row.side)
    _begin(state, row)
    if kind != ROW_REJECT and not _is_reason(row):
        note(state, F.reason, int64(0), int64(row.reason))
    if row.time_ns < head.time_ns:
        note(state, F.time_back, int64(head.time_ns), int64(row.time_ns))
    head.time_ns = row.time_ns
    if row.flags & ~FLAGS:
        note(state, F.flags, int64(FLAGS), int64(row.flags))
    if not known_agent(state, agent):
        note(state, F.agent, int64(len(state.agents)), agent)
        return
    if kind == ROW_ADD or kind == ROW_PARK:
        if not row.flags & REINSERTED:
            _count_order(state, row, int64(row.leaves_lots))
        if not row.flags & HIDDEN:
            _show(state, row)
        reserve(state, agent, symbol, side, int64(row.leaves_lots), int64(1))
    elif kind == ROW_REFRESH:
        _show(state, row)
    elif kind == ROW_EXECUTE:
        _execute(state, row)
    elif kind == ROW_CANCEL or kind == ROW_REDUCE or kind == ROW_REPLACE:
        _leave(state, row)
    elif kind == ROW_TRIGGER:
        reserve(state, agent, symbol, side, -int64(row.qty_lots), int64(-1))
    elif kind == ROW_EXPIRE:
        _count_order(state, row, int64(row.qty_lots) + int64(row.leaves_lots))
    elif kind == ROW_REJECT:
        account_of(state, agent, symbol).n_rejects += 1
    else:
        note(state, F.kind, int64(ROW_REFRESH), kind)
