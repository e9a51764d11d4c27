"""Rows that belong together: one message's rows stand side by side, and together do all that it asked for (compiled).

An order: executions, then a row that rests or expires what is left. A replacement: REPLACE, then the same. A
cancel-all: one CANCEL for each order. Anything else: one row.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.codes import FIRST
from lob.compiled import kernel, leaf
from lob.types import CLIENT_ID_BITS
from sim.audit.book import expect, find, note
from sim.audit.faults import F
from sim.audit.limits import check_accepted
from sim.audit.money import account_of
from sim.audit.state import State

__all__ = ["begin_or_continue", "check_parts", "end_message", "known_agent"]

NOTHING, EXECUTING, REPLACED, CANCELLING = 0, 1, 2, 3
"""Stages of a message: what the row before was a part of."""


@leaf
def known_agent(state: State, agent: int) -> bool:
    """Whether an id is one of the scenario's agents."""
    return 0 <= agent < len(state.agents)


@kernel
def end_message(state: State) -> None:
    """Check that the message that ends here did all that it asked for."""
    head = state.head[0]
    if (head.stage == EXECUTING or head.stage == REPLACED) and head.leaves > 0:
        note(state, F.first_again, int64(0), int64(head.leaves))
    if head.stage == CANCELLING and head.n_cancels > 1 and known_agent(state, int64(head.agent)):
        # Two orders at once are withdrawn by a cancel-all only, which leaves none.
        expect(
            state, F.cancel_all_left, int64(0), int64(account_of(state, int64(head.agent), int64(head.symbol)).n_open)
        )
    head.stage = NOTHING


@kernel
def begin_or_continue(state: State, row: Any) -> bool:
    """Begin a message, or check that a row belongs to the one before; return whether it is a first row."""
    head = state.head[0]
    agent, symbol, time_ns = int64(row.agent), int64(row.symbol), int64(row.time_ns)
    if not row.flags & FIRST and head.stage != NOTHING and symbol == head.symbol:
        expect(state, F.message_time, int64(head.time_ns), time_ns)
        expect(state, F.other_agent, int64(head.agent), agent)
        return False
    end_message(state)
    head.symbol = symbol
    if not row.flags & FIRST:
        note(state, F.first_missing, int64(1), int64(0))
    if time_ns < head.time_ns:
        note(state, F.time_back, int64(head.time_ns), time_ns)
    head.time_ns = time_ns
    head.agent = agent
    head.has_executed = 0
    head.is_replace = 0
    head.n_cancels = 0
    head.leaves = 0
    head.reference = state.symbols[symbol].reference
    if known_agent(state, agent):
        account = account_of(state, agent, symbol)
        account.n_messages += 1
        if time_ns <= account.last_ns:
            note(state, F.agent_time, int64(account.last_ns), time_ns)
        account.last_ns = time_ns
        head.n_open = state.agents[agent].n_open
        group = state.groups[state.agents[agent].group]
        if symbol != group.symbol and symbol != group.watch:
            note(state, F.agent_symbol, int64(group.symbol), symbol)
    return True


@kernel
def _check_new_id(state: State, symbol: int, order_id: int, agent: int) -> None:
    s = state.symbols[symbol]
    if order_id >> CLIENT_ID_BITS == 0:
        expect(state, F.id_next, int64(s.next_id), order_id)
        s.next_id = order_id + 1
    elif order_id >> CLIENT_ID_BITS != agent + 1 or order_id & ((1 << CLIENT_ID_BITS) - 1) == 0:
        note(state, F.id_own, agent + 1, order_id >> CLIENT_ID_BITS)
    at = find(state, symbol, order_id)
    if at != 0:
        note(state, F.id_rests, int64(0), int64(state.orders[at].lots))


@kernel
def _open_order(state: State, row: Any, total: int) -> None:
    """Take note of an order that was accepted and starts with this row; `total` lots."""
    head, agent, symbol, side = state.head[0], int64(row.agent), int64(row.symbol), int64(row.side)
    s = state.symbols[symbol]
    if total < s.min_order or total > s.max_order:
        note(state, F.order_size, int64(s.max_order if total > s.max_order else s.min_order), total)
    _check_new_id(state, symbol, int64(row.order_id), agent)
    if known_agent(state, agent):
        check_accepted(state, agent, symbol, side, total, total)
        account = account_of(state, agent, symbol)
        account.n_orders += 1
        account.ordered_lots += total
    head.order_id = row.order_id
    head.side = side
    head.parent_id = row.parent_id
    head.leaves = total
    head.total = total


@kernel
def check_parts(state: State, row: Any, is_first: bool, total: int) -> bool:
    """Check a row of an order that came in: an execution, or what rests or expires at its end.

    Returns whether it can be one.
    """
    head = state.head[0]
    if is_first:
        _open_order(state, row, total)
        return True
    if head.stage != EXECUTING and head.stage != REPLACED:
        note(state, F.not_a_part, int64(head.stage), int64(row.kind))
        return False
    expect(state, F.other_order, int64(head.order_id), int64(row.order_id))
    expect(state, F.other_side, int64(head.side), int64(row.side))
    expect(state, F.other_parent, int64(head.parent_id), int64(row.parent_id))
    expect(state, F.leaves, int64(head.leaves), total)
    return True
