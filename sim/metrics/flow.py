"""Order flow of one symbol as plain arrays, the same for a simulated tape and for a recorded LOBSTER day."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np

from lob.lobster import EMPTY_PRICE, PRICE_UNITS_PER_TICK, LobsterDay
from lob.types import NO_PRICE, EventKind

__all__ = ["FlowKind", "OrderFlow", "flow_of_day", "flow_of_tape"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


class FlowKind(IntEnum):
    """What an event did to the book; the numbers are LOBSTER's types."""

    SUBMIT = 1
    PARTIAL_CANCEL = 2
    DELETE = 3
    EXECUTE = 4
    HIDDEN = 5


@dataclass(frozen=True)
class OrderFlow:
    """Events in order of time, each with the touch after it; all arrays have shape (n,).

    Attributes:
        time_ns: ns since midnight.
        kind: a FlowKind.
        side: 1 bid, -1 ask: of the order that was submitted, withdrawn or executed against.
        price_ticks: its price; hidden executions may be at half ticks.
        size_lots: quantity of the event.
        order_id: its order; 0 where unknown.
        bid_ticks, ask_ticks: best prices after the event, nan where a side is empty.
        bid_lots, ask_lots: quantities there.
    """

    time_ns: Ints
    kind: Ints
    side: Ints
    price_ticks: Floats
    size_lots: Ints
    order_id: Ints
    bid_ticks: Floats
    ask_ticks: Floats
    bid_lots: Floats
    ask_lots: Floats

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.time_ns)

    @property
    def mid_ticks(self) -> Floats:
        """Midpoint after each event."""
        return (self.bid_ticks + self.ask_ticks) / 2

    def take(self, mask: Any) -> OrderFlow:
        """Return the events that a mask or an array of indices selects."""
        return OrderFlow(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})

    def window(self, from_ns: int, until_ns: int) -> OrderFlow:
        """Return the events from one time up to before another."""
        first, last = np.searchsorted(self.time_ns, [from_ns, until_ns])
        return self.take(slice(int(first), int(last)))

    def visible(self) -> OrderFlow:
        """Return the events without hidden executions, which a simulated market does not have."""
        return self.take(self.kind != FlowKind.HIDDEN)


def flow_of_day(day: LobsterDay) -> OrderFlow:
    """Return the order flow of a recorded day; crosses and halts are left out."""
    rows = day.messages
    keep = rows["type"] <= FlowKind.HIDDEN
    rows, book = rows[keep], day.book[keep, 0, :].astype(np.float64)
    ask, bid = book[:, 0], book[:, 2]
    return OrderFlow(
        rows["time_ns"].astype(np.int64),
        rows["type"].astype(np.int64),
        rows["direction"].astype(np.int64),
        rows["price"] / PRICE_UNITS_PER_TICK,
        rows["size"].astype(np.int64),
        rows["order_id"].astype(np.int64),
        np.where(np.abs(bid) < EMPTY_PRICE, bid / PRICE_UNITS_PER_TICK, np.nan),
        np.where(np.abs(ask) < EMPTY_PRICE, ask / PRICE_UNITS_PER_TICK, np.nan),
        book[:, 3],
        book[:, 1],
    )


_KIND = np.zeros(256, np.int64)
_KIND[EventKind.ADD] = FlowKind.SUBMIT
_KIND[EventKind.CANCEL] = _KIND[EventKind.REPLACE] = FlowKind.DELETE
_KIND[EventKind.REDUCE] = FlowKind.PARTIAL_CANCEL
_KIND[EventKind.EXECUTE] = FlowKind.EXECUTE


def flow_of_tape(rows: np.ndarray[Any, Any], symbol: int = 0) -> OrderFlow:
    """Return the order flow of a tape, as a recording of the same market would show it.

    A replaced order is a deletion and a submission; rejects, expiries, phases and news are no order flow. The quantity
    of a replacement's deletion is that of the new order, since the tape does not repeat the old one.

    Args:
        rows: tape rows, dtype EVENT.
        symbol: index of the instrument.
    """
    rows = rows[(rows["symbol"] == symbol) & (_KIND[rows["kind"]] > 0)]
    kind = _KIND[rows["kind"]]
    executed = kind == FlowKind.EXECUTE
    side = rows["side"].astype(np.int64)
    bid, ask = rows["bid_ticks"].astype(np.float64), rows["ask_ticks"].astype(np.float64)
    return OrderFlow(
        rows["time_ns"].astype(np.int64),
        kind,
        np.where(executed, -side, side),
        rows["price_ticks"].astype(np.float64),
        rows["qty_lots"].astype(np.int64),
        np.where(executed, rows["contra_order_id"], rows["order_id"]).astype(np.int64),
        np.where(rows["bid_ticks"] == NO_PRICE, np.nan, bid),
        np.where(rows["ask_ticks"] == NO_PRICE, np.nan, ask),
        rows["bid_lots"].astype(np.float64),
        rows["ask_lots"].astype(np.float64),
    )
