"""The latest events of a symbol, for agents that read the flow: all that happened since they last looked.

Kept only in markets in which somebody asks for it (`Needs.HISTORY`). Event number k (from 0) of a symbol stays readable
until N_HISTORY later ones have come.
"""

from __future__ import annotations

from numba import int64

from lob.blocks import record_at_address
from lob.codes import HIDDEN, ROW_ADD, ROW_CANCEL, ROW_EXECUTE, ROW_REDUCE, ROW_REFRESH, ROW_REPLACE
from lob.compiled import Record, kernel, leaf
from sim.records import HISTORY, N_HISTORY, history_at

__all__ = ["event_in", "event_of", "oldest_event", "remember"]


_event_from = record_at_address(HISTORY)


@leaf
def remember(world: Record, symbol: Record, symbol_index: int, row: Record) -> None:
    """Put a tape row into the symbol's ring, if it is order flow."""
    kind = int64(row.kind)
    seen = row.flags & HIDDEN == 0 or kind == ROW_EXECUTE
    if kind == ROW_REFRESH:
        kind = int64(ROW_ADD)  # what an onlooker takes it for
    if seen and (
        kind == ROW_ADD or kind == ROW_CANCEL or kind == ROW_REDUCE or kind == ROW_REPLACE or kind == ROW_EXECUTE
    ):
        event = history_at(world, symbol_index * N_HISTORY + symbol.n_history % N_HISTORY)
        symbol.n_history += 1
        event.time_ns = row.time_ns
        event.kind = kind
        event.side = row.side
        event.price_ticks = row.price_ticks
        event.qty_lots = row.qty_lots
        event.order_id = row.order_id
        event.agent = row.agent
        event.bid_ticks = row.bid_ticks
        event.bid_lots = row.bid_lots
        event.ask_ticks = row.ask_ticks
        event.ask_lots = row.ask_lots


@kernel
def event_in(history_address: int, number: int) -> tuple[int, int, int, int, int, int, int, int, int, int, int]:
    """`event_of` in the ring at this address."""
    event = _event_from(history_address, int64(number % N_HISTORY))
    return (
        int64(event.time_ns), int64(event.kind), int64(event.side), int64(event.price_ticks), int64(event.qty_lots),
        int64(event.order_id), int64(event.agent), int64(event.bid_ticks), int64(event.bid_lots),
        int64(event.ask_ticks), int64(event.ask_lots),
    )  # fmt: skip


@leaf
def oldest_event(view: Record) -> int:
    """Number of the oldest event that can still be read; `view.n_history` is the number of the next one."""
    return max(int64(0), int64(view.n_history) - N_HISTORY)


@leaf
def event_of(view: Record, number: int) -> tuple[int, int, int, int, int, int, int, int, int, int, int]:
    """Event `number`: time_ns, kind, side, price_ticks, qty_lots, order_id, agent, and bid and ask with lots after it.

    The number lies between `oldest_event` and `view.n_history` - 1.
    """
    return event_in(int64(view.history_address), int64(number))
