"""What a generated order does to the book: the placement rules of both variants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scenarios.baselines.trades.book import LoopBook
from scenarios.baselines.trades.orders import OrderKind, TradesOrder, depth_ticks
from scenarios.baselines.trades.settings import TradesConfig
from sim.metrics.flow import FlowKind

__all__ = ["LoopEvent", "place", "usable"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class LoopEvent:
    """One change of the book.

    Attributes:
        kind: as a recording would call it.
        side: 1 bid, -1 ask: of the order that was submitted, withdrawn or executed against.
        price_ticks, size_lots, order_id: of that order and of the change.
        order: the event as the generator's conditioning has it.
        before, after: the book around it, shape (levels, 4).
    """

    kind: FlowKind
    side: int
    price_ticks: int
    size_lots: int
    order_id: int
    order: TradesOrder
    before: Floats
    after: Floats


def place(book: LoopBook, order: TradesOrder, config: TradesConfig) -> list[LoopEvent]:
    """Carry out a generated order; return what happened, empty if the order cannot be used and another must be drawn.

    Limit orders and cancels stand at the touch of their side minus the depth that was generated; the generated price
    is not used. A limit order behind the last level shown is not usable.
    """
    if order.size_lots <= 0:
        return []
    if order.kind == OrderKind.MARKET:
        return _execute(book, order, order.size_lots, None, config)[0]
    touch = book.touch(order.direction)
    if touch is None:
        return []
    price = touch - order.direction * int(order.depth_ticks)
    return _cancel(book, order, price, config) if order.kind == OrderKind.CANCEL else _limit(book, order, price, config)


def usable(book: LoopBook, order: TradesOrder) -> TradesOrder:
    """Return the nearest order that can always be carried out: a limit order at the touch."""
    direction = order.direction if book.touch(order.direction) is not None else -order.direction
    return replace(order, kind=OrderKind.LIMIT, size_lots=max(order.size_lots, 1), direction=direction, depth_ticks=0.0)


def _limit(book: LoopBook, order: TradesOrder, price: int, config: TradesConfig) -> list[LoopEvent]:
    worst, side = book.worst_shown(order.direction), order.direction
    if price <= 0 or (worst is not None and side * (price - worst) < 0):
        return []
    events, left = _execute(book, order, order.size_lots, price, config)
    if left:
        before = book.snapshot()
        order_id = book.add(side, price, left)
        offset = 0.0 if events else order.offset_s
        rested = replace(order, offset_s=offset, size_lots=left)
        events.append(_event(FlowKind.SUBMIT, side, price, order_id, rested, before, book.snapshot(), config))
    return events


def _cancel(book: LoopBook, order: TradesOrder, price: int, config: TradesConfig) -> list[LoopEvent]:
    side = order.direction
    if book.best(side) is None:
        return []
    # As published, the order withdrawn is looked for by price alone and may be of the other side.
    sides = (side,) if config.repaired else (side, -side)
    _, is_other, found = min((abs(near - price), other != side, near) for other in sides for near in book.prices(other))
    side = -side if is_other else side
    queue = book.queue(side, found)
    order_id = min(queue, key=lambda key: abs(queue[key] - order.size_lots))
    before = book.snapshot()
    size = book.take(side, found, order_id, queue[order_id])
    gone = replace(order, size_lots=size, direction=side)
    return [_event(FlowKind.DELETE, side, found, order_id, gone, before, book.snapshot(), config)]


def _execute(
    book: LoopBook, order: TradesOrder, size_lots: int, limit_ticks: int | None, config: TradesConfig
) -> tuple[list[LoopEvent], int]:
    """Trade against the other side up to a price; return the executions and the quantity left."""
    events: list[LoopEvent] = []
    side = -order.direction
    while size_lots and (first := book.first(side)) is not None:
        price, order_id, _ = first
        if limit_ticks is not None and order.direction * (price - limit_ticks) > 0:
            break
        before = book.snapshot()
        taken = book.take(side, price, order_id, size_lots)
        size_lots -= taken
        # Executions of one order come at one time, as in a recording.
        offset = 0.0 if events else order.offset_s
        part = replace(order, kind=OrderKind.MARKET, offset_s=offset, size_lots=taken)
        events.append(_event(FlowKind.EXECUTE, side, price, order_id, part, before, book.snapshot(), config))
    return events, size_lots


def _event(
    kind: FlowKind,
    side: int,
    price: int,
    order_id: int,
    order: TradesOrder,
    before: Floats,
    after: Floats,
    config: TradesConfig,
) -> LoopEvent:
    depth = depth_ticks(
        [order.kind], [order.direction], np.array([float(price)]), before[None], after[None], config.repaired
    )
    happened = replace(order, price_ticks=float(price), depth_ticks=float(depth[0]))
    return LoopEvent(kind, side, price, order.size_lots, order_id, happened, before, after)
