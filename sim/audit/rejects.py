"""Whether the reason of a reject holds in the rebuilt book (compiled).

A row does not say what kind of message was refused: an id that rests may be the target of a change or the id chosen for
a new order. A reason is false if it holds under no reading.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.codes import (
    BAD_ORDER_ID,
    BAD_SIDE,
    BOOK_FULL,
    COLLAR,
    CONTINUOUS,
    DUPLICATE_ORDER_ID,
    FOK_UNFILLABLE,
    NOT_OWNER,
    PRICE_OUT_OF_RANGE,
    QTY_OUT_OF_RANGE,
    RISK_KILL_SWITCH,
    RISK_MESSAGE_RATE,
    RISK_NOTIONAL,
    RISK_OPEN_ORDERS,
    RISK_POSITION,
    RISK_QUANTITY,
    UNKNOWN_ORDER,
    WOULD_CROSS,
    WRONG_PHASE,
)
from lob.compiled import kernel, leaf
from lob.types import CLIENT_ID_BITS
from sim.audit.book import best_of, find, lots_within, note
from sim.audit.faults import F
from sim.audit.limits import exposure
from sim.audit.money import account_of
from sim.audit.state import State

__all__ = ["check_reject"]


@leaf
def _crosses(state: State, symbol: int, side: int, price_ticks: int) -> bool:
    other = best_of(state, symbol, int64(1) if side > 0 else int64(0))
    return other >= 0 and side * (price_ticks - (state.symbols[symbol].min_price + other)) >= 0


@kernel
def _exchange_reason_holds(state: State, symbol: int, row: Any, at: int, side: int) -> bool:
    """Reasons of the exchange; `at` is the resting order of the row's id or 0, `side` that of the order meant."""
    s = state.symbols[symbol]
    reason, lots, price = int64(row.reason), int64(row.qty_lots), int64(row.price_ticks)
    if reason == WRONG_PHASE:
        return s.phase != CONTINUOUS
    if reason == QTY_OUT_OF_RANGE:
        return lots < s.min_order or lots > s.max_order
    if reason == PRICE_OUT_OF_RANGE:
        return price < s.min_price or price >= s.min_price + s.n_prices
    if reason == COLLAR:
        return s.collar > 0 and side * (price - s.reference) > s.collar
    if reason == WOULD_CROSS:
        return _crosses(state, symbol, side, price)
    if reason == FOK_UNFILLABLE:
        return lots_within(state, symbol, side, price) < lots
    if reason == UNKNOWN_ORDER:
        return at == 0
    if reason == NOT_OWNER:
        return at != 0 and state.orders[at].agent != row.agent
    if reason == DUPLICATE_ORDER_ID:
        return at != 0
    if reason == BAD_ORDER_ID:
        in_range = row.order_id >> CLIENT_ID_BITS == row.agent + 1
        return not (in_range and row.order_id & ((1 << CLIENT_ID_BITS) - 1) != 0)
    if reason == BAD_SIDE:
        return row.side != 1 and row.side != -1
    if reason == BOOK_FULL:
        return s.n_orders >= s.max_orders
    return True  # about what a row does not show, such as the time in force


@kernel
def _risk_reason_holds(state: State, symbol: int, row: Any, at: int, side: int) -> bool:
    """Reasons of the risk gate; arguments as before."""
    agent = int64(row.agent)
    group = state.groups[state.agents[agent].group]
    reason, lots = int64(row.reason), int64(row.qty_lots)
    if reason == RISK_KILL_SWITCH:
        return state.head[0].time_ns >= group.killed_ns
    if reason == RISK_QUANTITY:
        return 0 < group.max_order < lots
    if reason == RISK_OPEN_ORDERS:
        return 0 < group.max_open <= state.agents[agent].n_open
    if reason == RISK_MESSAGE_RATE:
        return group.max_rate > 0
    if reason == RISK_NOTIONAL:
        price = max(abs(int64(row.price_ticks)), abs(int64(state.symbols[symbol].reference)))
        return 0 < group.max_notional < price * lots
    if reason == RISK_POSITION:
        open_lots = int64(state.orders[at].lots) if at != 0 else int64(0)
        added = max(lots - open_lots, int64(0))
        new = exposure(state, agent, symbol, int64(row.side)) + lots
        replaced = exposure(state, agent, symbol, side) + added
        return group.max_position > 0 and max(new, replaced) > group.max_position
    return True


@kernel
def check_reject(state: State, symbol: int, row: Any) -> None:
    """Check the reason of a REJECT row of a known agent."""
    at = int64(0)
    if row.order_id != 0:
        at = find(state, symbol, int64(row.order_id))
    side = int64(row.side)
    if at != 0 and state.orders[at].agent == row.agent and side == 0:
        side = int64(1) if state.orders[at].side == 0 else int64(-1)
    holds = (
        _risk_reason_holds(state, symbol, row, at, side)
        if row.reason >= 32
        else _exchange_reason_holds(state, symbol, row, at, side)
    )
    if not holds:
        note(state, F.reject_false, int64(0), int64(row.reason))
    account_of(state, int64(row.agent), symbol).n_rejects += 1
