"""From a recording to the closed loop's book, and from the closed loop's events to a recording."""

from __future__ import annotations

import numpy as np

from scenarios.baselines.trades.book import LoopBook
from scenarios.baselines.trades.orders import ASK, ASK_LOTS, BID, BID_LOTS
from scenarios.baselines.trades.placing import LoopEvent
from sim.metrics.flow import FlowKind, OrderFlow

__all__ = ["book_after", "flow_of_events"]


def book_after(flow: OrderFlow, levels: int) -> LoopBook:
    """Return the book at the end of a flow.

    Orders submitted during the flow are known one by one. What else a level holds is one order, ahead of them. Known
    orders behind the recorded levels stay in the book, although some may have been withdrawn where no one could see it.

    Args:
        flow: the recording, with its book.
        levels: of the new book's snapshots.
    """
    if flow.book is None:
        raise ValueError("order flow: book is None; the closed loop starts from the last recorded book")
    resting: dict[tuple[int, int], dict[int, int]] = {}
    columns = (flow.kind, flow.side, flow.price_ticks, flow.size_lots, flow.order_id)
    for kind, side, price, size, order_id in zip(*(column.tolist() for column in columns), strict=True):
        if kind == FlowKind.HIDDEN:
            continue
        queue = resting.setdefault((side, int(price)), {})
        if kind == FlowKind.SUBMIT:
            queue[order_id] = size
        elif order_id in queue:
            queue[order_id] -= size
            if queue[order_id] <= 0:
                del queue[order_id]
    book, last = LoopBook(levels, int(flow.order_id.max()) + 1), flow.book[-1]
    for side, column, lots in ((1, BID, BID_LOTS), (-1, ASK, ASK_LOTS)):
        shown = {int(row[column]): int(row[lots]) for row in last if row[lots] > 0}
        for price, total in shown.items():
            _fill(book, side, price, total, resting.get((side, price), {}))
        edge = min(shown, key=lambda price: side * price) if shown else None
        for (of_side, price), queue in resting.items():
            if of_side == side and edge is not None and side * (price - edge) < 0:
                for order_id, size in queue.items():
                    book.add(side, price, size, order_id)
    return book


def _fill(book: LoopBook, side: int, price: int, total: int, known: dict[int, int]) -> None:
    """Rest a level's orders: the unknown rest first, then as many known ones, the youngest first, as there is room."""
    kept: list[tuple[int, int]] = []
    for order_id, size in reversed(known.items()):
        if size <= total:
            kept.append((order_id, size))
            total -= size
    if total:
        book.add(side, price, total)
    for order_id, size in reversed(kept):
        book.add(side, price, size, order_id)


def flow_of_events(events: list[LoopEvent], start_ns: int, levels: int) -> OrderFlow:
    """Return events as an order flow; those that no snapshot shows are left out, as a recording would.

    Args:
        events: in order of time.
        start_ns: time from which the first event's offset counts.
        levels: of the snapshots.
    """
    offsets_ns = np.round(np.array([event.order.offset_s for event in events]) * 1e9).astype(np.int64)
    times = start_ns + np.cumsum(offsets_ns)
    seen = [
        k
        for k, event in enumerate(events)
        if event.kind == FlowKind.EXECUTE or not np.array_equal(event.before, event.after, equal_nan=True)
    ]
    shown = [events[k] for k in seen]
    book = np.array([event.after for event in shown], np.float64).reshape(-1, levels, 4)
    return OrderFlow(
        times[seen],
        np.array([event.kind for event in shown], np.int64),
        np.array([event.side for event in shown], np.int64),
        np.array([event.price_ticks for event in shown], np.float64),
        np.array([event.size_lots for event in shown], np.int64),
        np.array([event.order_id for event in shown], np.int64),
        book[:, 0, BID],
        book[:, 0, ASK],
        book[:, 0, BID_LOTS],
        book[:, 0, ASK_LOTS],
        book,
    )
