"""Conditionals: what happens when a condition holds, such as a circuit breaker that halts a falling market.

A price condition compares each trade with the highest or lowest one of a running window, which is kept in N_SLICES
slices: it reaches back between (N_SLICES - 1) / N_SLICES of its length and the whole of it. What follows happens in the
same nanosecond as the trade, after the message that traded and before any other; a phase that it sets ends after its
time unless the phase is another one by then. Then the conditional begins anew, with an empty window.

A share of a price is one of its size without the sign, which counts as one tick at least: prices may be zero or
negative, and a price that has not moved has not fallen.
"""

from __future__ import annotations

from numba import float64, int64

from lob.codes import CONTINUOUS
from lob.compiled import Record, kernel, leaf
from lob.types import NO_PRICE
from sim.codes import CONDITION_FALL, CONDITION_RISE, CONDITION_SPREAD, STAGE_ARMED, STAGE_FIRED, STAGE_SPENT
from sim.heap import NEVER
from sim.records import N_SLICES, book_in, conditional_at, symbol_at

__all__ = ["begin_anew", "due_conditional", "next_due_ns", "watch_spread", "watch_trade"]


@leaf
def _distance(conditional: Record, price: float) -> float:
    """How far a price must move from this one, or how wide the spread around it must be, in ticks."""
    return conditional.ticks + conditional.share * max(abs(price), 1.0)


@leaf
def _fire(world: Record, conditional: Record) -> None:
    conditional.stage = STAGE_FIRED
    conditional.due_ns = world.time_ns
    world.conditional_ns = min(int64(world.conditional_ns), int64(world.time_ns))


@leaf
def begin_anew(conditional: Record) -> None:
    """Arm a conditional again with an empty window, or leave it if it has happened as often as it may."""
    conditional.due_ns = NEVER
    conditional.stage = STAGE_ARMED if conditional.times_left > 0 else STAGE_SPENT
    conditional.slice = -1


@kernel
def watch_trade(world: Record, symbol_index: int, price_ticks: int) -> None:
    """Show a trade to the symbol's conditionals."""
    for k in range(world.n_conditionals):
        conditional = conditional_at(world, int64(k))
        condition = int64(conditional.condition)
        if conditional.symbol != symbol_index or conditional.stage != STAGE_ARMED or condition == CONDITION_SPREAD:
            continue
        now = world.time_ns // conditional.slice_ns
        first = max(int64(conditional.slice) + 1, now - N_SLICES + 1) if conditional.slice >= 0 else now - N_SLICES + 1
        for s in range(first, now + 1):
            conditional.highs[s % N_SLICES] = -NEVER
            conditional.lows[s % N_SLICES] = NEVER
        conditional.slice = now
        conditional.highs[now % N_SLICES] = max(int64(conditional.highs[now % N_SLICES]), price_ticks)
        conditional.lows[now % N_SLICES] = min(int64(conditional.lows[now % N_SLICES]), price_ticks)
        high, low = price_ticks, price_ticks
        for s in range(N_SLICES):
            high = max(high, int64(conditional.highs[s]))
            low = min(low, int64(conditional.lows[s]))
        fallen = high - price_ticks >= _distance(conditional, float64(high))
        risen = price_ticks - low >= _distance(conditional, float64(low))
        if (fallen and condition != CONDITION_RISE) or (risen and condition != CONDITION_FALL):
            _fire(world, conditional)


@kernel
def watch_spread(world: Record, symbol_index: int) -> None:
    """Show the touch after a message to the symbol's conditionals; both sides must be quoted."""
    symbol = symbol_at(world, symbol_index)
    bid, ask = int64(symbol.bid_ticks), int64(symbol.ask_ticks)
    if bid == NO_PRICE or ask == NO_PRICE or book_in(world, int64(symbol.off_book)).phase != CONTINUOUS:
        return
    for k in range(world.n_conditionals):
        conditional = conditional_at(world, int64(k))
        if (
            conditional.symbol != symbol_index
            or conditional.stage != STAGE_ARMED
            or conditional.condition != CONDITION_SPREAD
        ):
            continue
        if ask - bid >= _distance(conditional, 0.5 * (bid + ask)):
            _fire(world, conditional)


@leaf
def due_conditional(world: Record) -> int:
    """Return the first conditional that is due now."""
    for k in range(world.n_conditionals):
        if conditional_at(world, int64(k)).due_ns <= world.time_ns:
            return int64(k)
    return int64(-1)


@leaf
def next_due_ns(world: Record) -> int:
    """Return when the next conditional is due; NEVER: none is."""
    soonest = int64(NEVER)
    for k in range(world.n_conditionals):
        soonest = min(soonest, int64(conditional_at(world, int64(k)).due_ns))
    return soonest
