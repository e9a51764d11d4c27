"""Order flow of one symbol as plain arrays, the same for a simulated tape and for a recorded day."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np

from lob.errors import InputError
from lob.recording import HIDDEN, RESTATED, Recording
from lob.rules import MAX_PRICES
from lob.types import NO_PRICE, EventKind, Flag

__all__ = ["FlowKind", "OrderFlow", "agents_of_tape", "flow_of_day", "flow_of_tape", "visible_flow_of_tape"]

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
        book: the best levels after each event, shape (n, levels, 4): ask price [ticks], ask lots, bid price, bid lots;
            prices nan and lots 0 where a level is empty. None where they were not asked for.
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
    book: Floats | None = None

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.time_ns)

    @property
    def mid_ticks(self) -> Floats:
        """Midpoint after each event."""
        return (self.bid_ticks + self.ask_ticks) / 2

    def take(self, mask: Any) -> OrderFlow:
        """Return the events that a mask or an array of indices selects."""
        columns = {f.name: getattr(self, f.name)[mask] for f in fields(self) if f.name != "book"}
        return OrderFlow(**columns, book=None if self.book is None else self.book[mask])

    def window(self, from_ns: int, until_ns: int) -> OrderFlow:
        """Return the events from one time up to before another."""
        first, last = np.searchsorted(self.time_ns, [from_ns, until_ns])
        return self.take(slice(int(first), int(last)))

    def visible(self) -> OrderFlow:
        """Return the events without hidden executions, which a simulated market does not have."""
        return self.take(self.kind != FlowKind.HIDDEN)


def flow_of_day(day: Recording) -> OrderFlow:
    """Return the order flow of a recorded day; crosses, halts and what only restates the book are left out.

    Raises:
        InputError: if the day has no book.
    """
    if day.levels == 0:
        raise InputError(f"{day.name}: no orderbook file; order flow is measured with the book after each message")
    rows = day.messages
    keep = (rows["type"] <= HIDDEN) & (rows["flags"] & RESTATED == 0)
    rows, book = rows[keep], day.book[keep].astype(np.float64)
    book[:, :, 0::2] = np.where(book[:, :, 1::2] > 0, book[:, :, 0::2], np.nan)
    return OrderFlow(
        rows["time_ns"].astype(np.int64),
        rows["type"].astype(np.int64),
        rows["direction"].astype(np.int64),
        rows["price"] / day.tick_units,
        rows["size"].astype(np.int64),
        rows["order_id"].astype(np.int64),
        *_touch(book),
        book,
    )


def _touch(book: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    return book[:, 0, 2], book[:, 0, 0], book[:, 0, 3], book[:, 0, 1]


_STRETCH = 1 << 18
_KIND = np.zeros(256, np.int64)
_KIND[EventKind.ADD] = FlowKind.SUBMIT
_KIND[EventKind.CANCEL] = _KIND[EventKind.REPLACE] = FlowKind.DELETE
_KIND[EventKind.REDUCE] = FlowKind.PARTIAL_CANCEL
_KIND[EventKind.EXECUTE] = FlowKind.EXECUTE
_KIND[EventKind.REFRESH] = FlowKind.SUBMIT


def _kinds(rows: np.ndarray[Any, Any]) -> Ints:
    """Return the FlowKind of each tape row, 0 for what a feed does not show: orders that are not displayed."""
    kinds = _KIND[rows["kind"]]
    unseen = rows["flags"] & Flag.HIDDEN > 0
    return np.asarray(np.where(unseen, np.where(kinds == FlowKind.EXECUTE, FlowKind.HIDDEN, 0), kinds))


def flow_of_tape(rows: np.ndarray[Any, Any], symbol: int = 0) -> OrderFlow:
    """Return the order flow of a tape, as a recording of the same market would show it.

    A replaced order is a deletion and a submission; orders that are not shown appear when they trade only; rejects,
    expiries, phases and news are no order flow. The quantity
    of a replacement's deletion is that of the new order, since the tape does not repeat the old one.

    Args:
        rows: tape rows, dtype EVENT.
        symbol: index of the instrument.
    """
    rows = rows[(rows["symbol"] == symbol) & (_kinds(rows) > 0)]
    kind = _kinds(rows)
    executed = kind >= FlowKind.EXECUTE
    side = rows["side"].astype(np.int64)
    bid, ask = rows["bid_ticks"].astype(np.float64), rows["ask_ticks"].astype(np.float64)
    return OrderFlow(
        rows["time_ns"].astype(np.int64),
        kind,
        np.where(executed, -side, side),
        rows["price_ticks"] + np.where(rows["flags"] & Flag.HALF_TICK, 0.5, 0.0),
        rows["qty_lots"].astype(np.int64),
        np.where(executed, rows["contra_order_id"], rows["order_id"]).astype(np.int64),
        np.where(rows["bid_ticks"] == NO_PRICE, np.nan, bid),
        np.where(rows["ask_ticks"] == NO_PRICE, np.nan, ask),
        rows["bid_lots"].astype(np.float64),
        rows["ask_lots"].astype(np.float64),
    )


def agents_of_tape(rows: np.ndarray[Any, Any], symbol: int = 0) -> tuple[Ints, Ints]:
    """Return whose order each event of `flow_of_tape` concerns, and on executions who took it (-1 elsewhere).

    Args:
        rows: tape rows, dtype EVENT.
        symbol: index of the instrument.
    """
    rows = rows[(rows["symbol"] == symbol) & (_kinds(rows) > 0)]
    executed = rows["kind"] == EventKind.EXECUTE
    owner = np.where(executed, rows["contra_agent"], rows["agent"]).astype(np.int64)
    return owner, np.where(executed, rows["agent"], -1).astype(np.int64)


def visible_flow_of_tape(rows: np.ndarray[Any, Any], levels: int, symbol: int = 0) -> OrderFlow:
    """Return the order flow of a tape with its book, as a LOBSTER file of so many levels would show it.

    Unlike `flow_of_tape`, only events that change one of these levels are there (executions always), and a replaced
    order's deletion has the old price and quantity. The tape must begin with an empty book.

    Args:
        rows: tape rows, dtype EVENT.
        levels: of the book on each side.
        symbol: index of the instrument.

    Raises:
        InputError: if the rows are no tape of one book from its beginning.
    """
    from sim.formats.orders import Action, EventFeed

    rows = rows[rows["symbol"] == symbol]
    priced = rows["price_ticks"][_kinds(rows) > 0]
    if len(priced) == 0:
        return flow_of_tape(rows, symbol)
    lowest, highest = int(priced.min()), int(priced.max())
    if highest - lowest >= MAX_PRICES:
        raise InputError(f"a tape with prices from {lowest} to {highest} ticks; allowed: {MAX_PRICES} prices")
    feed = EventFeed(lowest, highest - lowest + 1, levels)
    stretches = [feed(rows[first : first + _STRETCH]) for first in range(0, len(rows), _STRETCH)] + [feed.finish()]
    if not feed.is_consistent:
        raise InputError("a tape that takes more from a price than it put there; allowed: a tape from its beginning")
    kept = [_kept(events, book, Action.PHASE) for events, book in stretches]
    events, index = np.concatenate([e for e, _ in kept]), np.concatenate([b for _, b in kept])
    book = index.astype(np.float64)
    book[:, :, 0::2] = np.where(index[:, :, 0::2] >= 0, feed.prices_ticks(index[:, :, 0::2]), np.nan)
    return OrderFlow(
        events["time_ns"].astype(np.int64),
        events["action"].astype(np.int64),
        events["side"].astype(np.int64),
        events["price_ticks"] + events["half_ticks"] / 2,
        events["qty_lots"].astype(np.int64),
        events["order_id"].astype(np.int64),
        *_touch(book),
        book,
    )


def _kept(events: Any, book: Any, phase: int) -> tuple[Any, Any]:
    keep = (events["is_visible"] > 0) & (events["action"] != phase)
    return events[keep], book[keep].astype(np.int32)
