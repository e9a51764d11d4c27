"""The rows of a tape one by one, each held against the book that the rows before it left (compiled).

This is a second telling of the exchange's rules, from docs/design.md and lob/types.py. It shares no code with the
engine: what a row says must follow from the rows before it.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.codes import (
    BOOK_FULL,
    CLOSED,
    CONTINUOUS,
    ROW_ADD,
    ROW_CANCEL,
    ROW_EXECUTE,
    ROW_EXPIRE,
    ROW_NEWS,
    ROW_PHASE,
    ROW_REDUCE,
    ROW_REJECT,
    ROW_REPLACE,
)
from lob.compiled import kernel, leaf
from lob.types import NO_PRICE, Flag, Phase, Reject
from sim.audit.beyond import audit_beyond, is_beyond
from sim.audit.book import best_of, check_touch, expect, find, note, put, take
from sim.audit.faults import F
from sim.audit.limits import check_accepted, check_notional
from sim.audit.messages import (
    CANCELLING,
    EXECUTING,
    NOTHING,
    REPLACED,
    begin_or_continue,
    check_parts,
    end_message,
    known_agent,
)
from sim.audit.money import account_of, reserve, settle
from sim.audit.rejects import check_reject
from sim.audit.state import State

__all__ = ["audit_rows", "finish_rows"]

N_PHASES = len(Phase)
REINSERTED, KNOWN_FLAGS = int(Flag.REINSERTED), int(Flag.FIRST | Flag.REINSERTED)
REASONS = tuple(int(reason) for reason in Reject if reason)


@leaf
def _check_unused(state: State, row: Any) -> None:
    """Fields that say something on executions or rejects only are empty on other rows."""
    if row.kind != ROW_EXECUTE:
        expect(state, F.unused, int64(0), int64(row.contra_order_id))
        expect(state, F.unused, int64(-1), int64(row.contra_agent))
        expect(state, F.unused, int64(0), int64(row.contra_parent_id))
        if row.kind != ROW_REPLACE and row.kind != ROW_REJECT:  # the latter: the kind of the refused message
            expect(state, F.unused, int64(0), int64(row.contra_leaves_lots))
    if row.kind != ROW_REJECT and row.reason != 0 and not (row.kind == ROW_EXPIRE and row.reason == BOOK_FULL):
        note(state, F.reason, int64(0), int64(row.reason))


@kernel
def _check_limit_price(state: State, row: Any, price_ticks: int) -> None:
    """The price of a limit order that came in: within the range and the collar, and not worse than it traded at."""
    head, s, side = state.head[0], state.symbols[row.symbol], int64(row.side)
    highest = s.min_price + s.n_prices - 1
    if price_ticks < s.min_price or price_ticks > highest:
        note(state, F.price_range, int64(highest), price_ticks)
    if s.collar > 0 and side * (price_ticks - head.reference) > s.collar:
        note(state, F.collar, int64(head.reference + side * s.collar), price_ticks)
    if head.has_executed != 0 and side * (price_ticks - head.last_execution) < 0:
        note(state, F.beyond_limit, price_ticks, int64(head.last_execution))


@kernel
def _could_trade(state: State, fault: int, symbol: int, side: int, limit_ticks: int) -> None:
    """Note a fault if an order of side 1 or -1 with this limit could trade."""
    s = state.symbols[symbol]
    other = best_of(state, symbol, int64(1) if side > 0 else int64(0))
    if other >= 0 and side * (limit_ticks - (s.min_price + other)) >= 0:
        note(state, fault, int64(s.min_price + other), limit_ticks)


@kernel
def _execute(state: State, row: Any, is_first: bool) -> None:
    head, symbol, side = state.head[0], int64(row.symbol), int64(row.side)
    s = state.symbols[symbol]
    lots, price, leaves = int64(row.qty_lots), int64(row.price_ticks), int64(row.leaves_lots)
    expect(state, F.phase_trades, int64(CONTINUOUS), int64(s.phase))
    if not check_parts(state, row, is_first, lots + leaves):
        return
    if lots <= 0:
        note(state, F.qty, int64(1), lots)
    if leaves < 0:
        note(state, F.leaves, int64(0), leaves)
    if s.collar > 0 and side * (price - head.reference) > s.collar:
        note(state, F.collar, int64(head.reference + side * s.collar), price)
    if head.is_replace != 0 and side * (head.limit - price) < 0:
        note(state, F.beyond_limit, int64(head.limit), price)
    other = int64(1) if side > 0 else int64(0)
    best = best_of(state, symbol, other)
    expect(state, F.price_best, s.min_price + best if best >= 0 else int64(NO_PRICE), price)
    at = find(state, symbol, int64(row.contra_order_id))
    if at == 0:
        note(state, F.order_unknown, int64(s.n_orders), int64(row.contra_order_id))
    else:
        order = state.orders[at]
        expect(state, F.order_side, int64(1) if order.side == 0 else int64(-1), -side)
        expect(state, F.order_price, int64(s.min_price + order.price), price)
        expect(state, F.order_agent, int64(order.agent), int64(row.contra_agent))
        expect(state, F.order_parent, int64(order.parent_id), int64(row.contra_parent_id))
        first = state.levels[s.first_level + order.side * s.n_prices + order.price].head
        expect(state, F.oldest, int64(state.orders[first].order_id), int64(row.contra_order_id))
        if lots > order.lots:
            note(state, F.qty_open, int64(order.lots), lots)
        expect(state, F.contra_leaves, int64(order.lots - lots), int64(row.contra_leaves_lots))
        if leaves > 0 and row.contra_leaves_lots > 0:
            note(state, F.both_left, int64(0), min(leaves, int64(row.contra_leaves_lots)))
        taken = min(max(lots, int64(0)), int64(order.lots))
        owner, was = int64(order.agent), int64(1) if order.side == 0 else int64(-1)
        is_gone = taken == order.lots
        take(state, at, taken)
        if known_agent(state, owner):
            reserve(state, owner, symbol, was, -taken, int64(-1) if is_gone else int64(0))
    if known_agent(state, int64(row.agent)):
        settle(state, int64(row.agent), symbol, side, price, lots, True)
    if known_agent(state, int64(row.contra_agent)):
        settle(state, int64(row.contra_agent), symbol, -side, price, lots, False)
    else:
        note(state, F.agent, int64(len(state.agents)), int64(row.contra_agent))
    s.reference = price
    head.has_executed = 1
    head.last_execution = price
    head.leaves = leaves
    head.stage = EXECUTING if leaves > 0 else NOTHING


@kernel
def _add(state: State, row: Any, is_first: bool) -> None:
    head, symbol, side = state.head[0], int64(row.symbol), int64(row.side)
    s = state.symbols[symbol]
    agent, lots, price = int64(row.agent), int64(row.qty_lots), int64(row.price_ticks)
    expect(state, F.phase_trades, int64(CONTINUOUS), int64(s.phase))
    is_part = check_parts(state, row, is_first, lots)
    expect(state, F.reinserted, int64(REINSERTED if head.is_replace != 0 else 0), int64(row.flags) & REINSERTED)
    head.stage = NOTHING
    if lots <= 0:
        note(state, F.qty, int64(1), lots)
    expect(state, F.leaves, lots, int64(row.leaves_lots))
    _check_limit_price(state, row, price)
    _could_trade(state, F.rests_crossed, symbol, side, price)
    if s.n_orders >= s.max_orders:
        note(state, F.capacity, int64(s.max_orders), int64(s.n_orders))
    if head.is_replace != 0:
        expect(state, F.order_price, int64(head.limit), price)
    elif is_part and known_agent(state, agent):
        group = state.groups[state.agents[agent].group]
        if 0 < group.max_open <= head.n_open:
            note(state, F.limit_open, int64(group.max_open), int64(head.n_open) + 1)
        check_notional(state, agent, price, int64(head.reference), int64(head.total))
    index = price - s.min_price
    if index < 0 or index >= s.n_prices or lots <= 0 or find(state, symbol, int64(row.order_id)) != 0:
        return
    put(
        state, symbol, int64(row.order_id), agent, int64(row.parent_id), int64(0) if side > 0 else int64(1), index, lots
    )  # fmt: skip
    if known_agent(state, agent):
        reserve(state, agent, symbol, side, lots, int64(1))


@kernel
def _expire(state: State, row: Any, is_first: bool) -> None:
    head, symbol, side = state.head[0], int64(row.symbol), int64(row.side)
    s = state.symbols[symbol]
    lots, price, agent = int64(row.qty_lots), int64(row.price_ticks), int64(row.agent)
    expect(state, F.phase_trades, int64(CONTINUOUS), int64(s.phase))
    is_part = check_parts(state, row, is_first, lots)
    if head.is_replace != 0:
        note(state, F.not_a_part, int64(REPLACED), int64(ROW_EXPIRE))
    head.stage = NOTHING
    if lots <= 0:
        note(state, F.qty, int64(1), lots)
    expect(state, F.leaves, int64(0), int64(row.leaves_lots))
    limit = price
    if price != NO_PRICE:
        _check_limit_price(state, row, price)
    elif s.collar > 0:
        limit = head.reference + side * s.collar
    else:
        limit = s.min_price + (s.n_prices if side > 0 else int64(-1))
    _could_trade(state, F.expires_early, symbol, side, limit)
    if is_part and known_agent(state, agent):
        check_notional(state, agent, price, int64(head.reference), int64(head.total))


@kernel
def _check_target(state: State, row: Any, at: int, has_old_price: bool) -> None:
    """The row of a change says of a resting order what it rested with."""
    order = state.orders[at]
    expect(state, F.order_agent, int64(order.agent), int64(row.agent))
    expect(state, F.order_side, int64(1) if order.side == 0 else int64(-1), int64(row.side))
    expect(state, F.order_parent, int64(order.parent_id), int64(row.parent_id))
    if has_old_price:
        expect(state, F.order_price, int64(state.symbols[row.symbol].min_price + order.price), int64(row.price_ticks))


@leaf
def _withdraw(state: State, at: int, lots: int) -> None:
    """Take lots of a resting order out of the book and off its owner's account."""
    order = state.orders[at]
    agent, symbol, side = int64(order.agent), int64(order.symbol), int64(1) if order.side == 0 else int64(-1)
    is_gone = lots == order.lots
    take(state, at, lots)
    if known_agent(state, agent):
        reserve(state, agent, symbol, side, -lots, int64(-1) if is_gone else int64(0))


@kernel
def _cancel(state: State, row: Any, is_first: bool) -> None:
    head, symbol = state.head[0], int64(row.symbol)
    s = state.symbols[symbol]
    if s.phase == CLOSED:
        note(state, F.phase_changes, int64(CLOSED), int64(CLOSED))
    if not is_first and head.stage != CANCELLING:
        note(state, F.not_a_part, int64(head.stage), int64(ROW_CANCEL))
    head.stage = CANCELLING
    head.n_cancels += 1
    expect(state, F.leaves, int64(0), int64(row.leaves_lots))
    at = find(state, symbol, int64(row.order_id))
    if at == 0:
        note(state, F.order_unknown, int64(s.n_orders), int64(row.order_id))
        return
    _check_target(state, row, at, True)
    order = state.orders[at]
    expect(state, F.qty_open, int64(order.lots), int64(row.qty_lots))
    if head.n_cancels > 1 and order.entry < head.entry:
        note(state, F.cancel_order, int64(head.entry), int64(order.entry))
    head.entry = order.entry
    _withdraw(state, at, int64(order.lots))


@kernel
def _reduce(state: State, row: Any, is_first: bool) -> None:
    head, symbol, lots = state.head[0], int64(row.symbol), int64(row.qty_lots)
    s = state.symbols[symbol]
    if s.phase == CLOSED:
        note(state, F.phase_changes, int64(CLOSED), int64(CLOSED))
    if not is_first:
        note(state, F.not_a_part, int64(head.stage), int64(ROW_REDUCE))
    head.stage = NOTHING
    # A replacement that changes nothing keeps its place and takes nothing away.
    least = int64(0) if s.keeps_priority != 0 else int64(1)
    if lots < least:
        note(state, F.qty, least, lots)
    at = find(state, symbol, int64(row.order_id))
    if at == 0:
        note(state, F.order_unknown, int64(s.n_orders), int64(row.order_id))
        return
    _check_target(state, row, at, True)
    open_lots = int64(state.orders[at].lots)
    if lots >= open_lots:
        note(state, F.qty_open, open_lots - 1, lots)
    expect(state, F.leaves, open_lots - lots, int64(row.leaves_lots))
    _withdraw(state, at, min(max(lots, int64(0)), open_lots))


@kernel
def _replace(state: State, row: Any, is_first: bool) -> None:
    head, symbol, side = state.head[0], int64(row.symbol), int64(row.side)
    s = state.symbols[symbol]
    lots, price, agent = int64(row.qty_lots), int64(row.price_ticks), int64(row.agent)
    expect(state, F.phase_trades, int64(CONTINUOUS), int64(s.phase))
    if not is_first:
        note(state, F.not_a_part, int64(head.stage), int64(ROW_REPLACE))
    expect(state, F.leaves, lots, int64(row.leaves_lots))
    if lots < s.min_order or lots > s.max_order:
        note(state, F.order_size, int64(s.max_order if lots > s.max_order else s.min_order), lots)
    head.has_executed = 0
    _check_limit_price(state, row, price)
    head.stage, head.is_replace, head.limit = REPLACED, 1, price
    head.order_id, head.side, head.parent_id = row.order_id, side, row.parent_id
    head.leaves, head.total = lots, lots
    at = find(state, symbol, int64(row.order_id))
    if at == 0:
        note(state, F.order_unknown, int64(s.n_orders), int64(row.order_id))
        return
    _check_target(state, row, at, False)
    order = state.orders[at]
    expect(state, F.contra_leaves, int64(order.lots), int64(row.contra_leaves_lots))
    if s.keeps_priority != 0 and price == s.min_price + order.price and lots <= order.lots:
        note(state, F.keeps_place, int64(order.lots - lots), lots)
    if known_agent(state, agent):
        check_accepted(state, agent, symbol, side, lots, lots - int64(order.lots))
        check_notional(state, agent, price, int64(head.reference), lots)
    _withdraw(state, at, int64(order.lots))


@kernel
def _reject(state: State, row: Any, is_first: bool) -> None:
    head = state.head[0]
    expect(state, F.leaves, int64(0), int64(row.leaves_lots))
    if row.reason not in REASONS:
        note(state, F.reject_unknown, int64(0), int64(row.reason))
    if is_first:
        if known_agent(state, int64(row.agent)):
            check_reject(state, int64(row.symbol), row)
    elif head.stage == EXECUTING and row.reason == BOOK_FULL:
        # An order that traded, and whose rest finds no room.
        expect(state, F.leaves, int64(head.leaves), int64(row.qty_lots))
        if known_agent(state, int64(row.agent)):
            account_of(state, int64(row.agent), int64(row.symbol)).n_rejects += 1
    else:
        note(state, F.not_a_part, int64(head.stage), int64(ROW_REJECT))
    head.stage = NOTHING


@kernel
def _venue(state: State, row: Any, is_first: bool) -> None:
    """A change of phase, or news; nothing of an order is said."""
    expect(state, F.venue_agent, int64(-1), int64(row.agent))
    expect(state, F.unused, int64(0), int64(row.order_id))
    expect(state, F.unused, int64(0), int64(row.parent_id))
    expect(state, F.unused, int64(0), int64(row.price_ticks))
    expect(state, F.unused, int64(0), int64(row.leaves_lots))
    expect(state, F.unused, int64(0), int64(row.side))
    if row.kind == ROW_NEWS:
        expect(state, F.unused, int64(0), int64(row.qty_lots))
    if not is_first:
        note(state, F.not_a_part, int64(state.head[0].stage), int64(row.kind))
    if row.kind == ROW_PHASE:
        if 0 <= row.qty_lots < N_PHASES:
            state.symbols[row.symbol].phase = row.qty_lots
        else:
            note(state, F.phase_unknown, int64(N_PHASES - 1), int64(row.qty_lots))
    state.head[0].stage = NOTHING


@leaf
def _check_after(state: State, row: Any) -> None:
    """The touch and the phase that a row states are those of the book after it."""
    symbol = int64(row.symbol)
    check_touch(state, symbol, int64(row.bid_ticks), int64(row.bid_lots), int64(row.ask_ticks), int64(row.ask_lots))
    expect(state, F.phase_field, int64(state.symbols[symbol].phase), int64(row.phase))


@kernel
def _audit_row(state: State, row: Any) -> None:
    symbol, kind = int64(row.symbol), int64(row.kind)
    state.head[0].row += 1
    if symbol < 0 or symbol >= len(state.symbols):
        note(state, F.symbol, int64(len(state.symbols)), symbol)
        return
    s = state.symbols[symbol]
    if is_beyond(state, row) and kind != ROW_PHASE and kind != ROW_NEWS:
        expect(state, F.sequence, int64(s.sequence + 1), int64(row.sequence))
        s.sequence = row.sequence
        audit_beyond(state, row)
        _check_after(state, row)
        return
    is_first = begin_or_continue(state, row)
    expect(state, F.sequence, int64(s.sequence + 1), int64(row.sequence))
    s.sequence = row.sequence
    if row.flags & ~KNOWN_FLAGS or (row.flags & REINSERTED and kind != ROW_ADD):
        note(state, F.flags, int64(KNOWN_FLAGS), int64(row.flags))
    _check_unused(state, row)
    if kind == ROW_PHASE or kind == ROW_NEWS:
        _venue(state, row, is_first)
    elif not known_agent(state, int64(row.agent)):
        note(state, F.agent, int64(len(state.agents)), int64(row.agent))
    if kind == ROW_REJECT:
        _reject(state, row, is_first)
    elif ROW_ADD <= kind <= ROW_EXPIRE and row.side != 1 and row.side != -1:
        note(state, F.side, int64(1), int64(row.side))
    elif kind == ROW_EXECUTE:
        _execute(state, row, is_first)
    elif kind == ROW_ADD:
        _add(state, row, is_first)
    elif kind == ROW_CANCEL:
        _cancel(state, row, is_first)
    elif kind == ROW_REDUCE:
        _reduce(state, row, is_first)
    elif kind == ROW_REPLACE:
        _replace(state, row, is_first)
    elif kind == ROW_EXPIRE:
        _expire(state, row, is_first)
    elif kind != ROW_PHASE and kind != ROW_NEWS:
        note(state, F.kind, int64(ROW_NEWS), kind)
    _check_after(state, row)


@kernel
def audit_rows(state: State, rows: Any) -> None:
    """Check a stretch of rows; there must be room for as many further resting orders."""
    for k in range(len(rows)):
        _audit_row(state, rows[k])


@kernel
def finish_rows(state: State) -> None:
    """Check that the last message is whole."""
    end_message(state)
