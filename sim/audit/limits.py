"""Limits of a population, as far as rows tell: what an accepted order must have kept to (compiled)."""

from __future__ import annotations

from numba import int64

from lob.compiled import kernel
from lob.types import NO_PRICE
from lob.units import SECOND_NS
from sim.audit.book import note
from sim.audit.faults import F
from sim.audit.money import account_of
from sim.audit.state import State

__all__ = ["check_accepted", "check_notional", "exposure"]


@kernel
def exposure(state: State, agent: int, symbol: int, side: int) -> int:
    """Return the position towards `side` (1 or -1) if all that the agent has at rest on it were filled."""
    account = account_of(state, agent, symbol)
    if side > 0:
        return int64(account.position_lots + account.open_buy_lots)
    return int64(account.open_sell_lots - account.position_lots)


@kernel
def check_accepted(state: State, agent: int, symbol: int, side: int, lots: int, added: int) -> None:
    """Check an accepted order or replacement of `lots`, `added` more than were open, before its first row is booked.

    The message rate: the gate's seconds begin with a message, those of the clock overlap at most two of them, so twice
    the limit is what the tape can refute.
    """
    head, who = state.head[0], state.agents[agent]
    group = state.groups[who.group]
    if head.time_ns >= group.killed_ns:
        note(state, F.limit_killed, int64(group.killed_ns), int64(head.time_ns))
    if 0 < group.max_order < lots:
        note(state, F.limit_size, int64(group.max_order), lots)
    if group.max_position > 0 and added > 0:
        after = exposure(state, agent, symbol, side) + added
        if after > group.max_position:
            note(state, F.limit_position, int64(group.max_position), after)
    if group.max_rate > 0:
        second = head.time_ns // SECOND_NS
        if second != who.second:
            who.second = second
            who.n_in_second = 0
        who.n_in_second += 1
        if who.n_in_second > 2 * group.max_rate:
            note(state, F.limit_rate, 2 * int64(group.max_rate), int64(who.n_in_second))


@kernel
def check_notional(state: State, agent: int, price_ticks: int, reference: int, lots: int) -> None:
    """Check the value of an accepted order whose price is known; a market order's is that of the last trade before."""
    group = state.groups[state.agents[agent].group]
    price = reference if price_ticks == NO_PRICE else price_ticks
    value = abs(price) * lots
    if group.max_notional > 0 and value > group.max_notional:
        note(state, F.limit_notional, int64(group.max_notional), value)
