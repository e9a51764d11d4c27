"""What TRADES calls an order, and the table of orders that an order flow turns into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from lob.recording import Recording
from scenarios.baselines.trades.settings import TradesConfig
from sim.metrics.flow import FlowKind, OrderFlow, flow_of_day

__all__ = ["ASK", "ASK_LOTS", "BID", "BID_LOTS", "OrderKind", "OrderTable", "TradesOrder", "depth_ticks", "order_table"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

ASK, ASK_LOTS, BID, BID_LOTS = 0, 1, 2, 3
"""Columns of a snapshot, shape (levels, 4); an empty level has price nan and 0 lots."""


class OrderKind(IntEnum):
    """The three types that TRADES generates; partial cancels count as cancels."""

    LIMIT = 0
    CANCEL = 1
    MARKET = 2


@dataclass(frozen=True)
class TradesOrder:
    """One order, as it is generated and as it happened.

    Attributes:
        kind: limit order, cancel or market order.
        offset_s: time since the order before, in seconds.
        size_lots: quantity.
        price_ticks: its price; of an execution the price of the resting order.
        direction: 1 buy, -1 sell. Of a market order that of the aggressor.
        depth_ticks: ticks behind the best price of its own side of the book, see `depth_ticks`.
    """

    kind: OrderKind
    offset_s: float
    size_lots: int
    price_ticks: float
    direction: int
    depth_ticks: float


@dataclass(frozen=True)
class OrderTable:
    """Orders with the books around them; arrays of shape (n,) unless said.

    Attributes:
        kind, offset_s, size_lots, price_ticks, direction, depth_ticks: as in TradesOrder.
        before: the book before each order, shape (n, levels, 4), as in OrderFlow.
    """

    kind: Ints
    offset_s: Floats
    size_lots: Floats
    price_ticks: Floats
    direction: Ints
    depth_ticks: Floats
    before: Floats

    def __len__(self) -> int:
        """Return the number of orders."""
        return len(self.kind)


def depth_ticks(kind: Any, direction: Any, price_ticks: Any, before: Floats, after: Floats, repaired: bool) -> Floats:
    """Return how far behind the touch orders are, in ticks, shape (n,).

    As published, a submission is measured against the touch that it has already moved, and what lies inside the
    spread (18% of real submissions) is clipped to 0. Repaired, every order is measured against the best price of its
    side before it, so that it is negative inside the spread. 0 where that side is empty.

    Args:
        kind: of the orders, shape (n,).
        direction: 1 buy, -1 sell; of a market order that of the aggressor.
        price_ticks: their prices.
        before: books before the orders, shape (n, levels, 4).
        after: books after them.
        repaired: the variant.
    """
    kind, direction = np.asarray(kind), np.asarray(direction)
    # A market order hits the other side: its depth is that of the resting order.
    side = np.where(kind == OrderKind.MARKET, -direction, direction)
    touch = before if repaired else np.where((kind == OrderKind.LIMIT)[:, None, None], after, before)
    behind = np.where(side > 0, touch[:, 0, BID] - price_ticks, price_ticks - touch[:, 0, ASK])
    behind = np.nan_to_num(behind, nan=0.0)
    return behind if repaired else np.maximum(behind, 0.0)


def order_table(flow: OrderFlow | Recording, config: TradesConfig) -> OrderTable:
    """Return the orders of a flow; hidden executions and the first event, whose book before is unknown, are left out.

    Raises:
        ValueError: if the flow has no book, too few levels, or fewer orders than one window.
    """
    if isinstance(flow, Recording):
        flow = flow_of_day(flow)
    flow = flow.visible()
    if flow.book is None:
        raise ValueError("order flow: book is None; TRADES needs the book after each event")
    if flow.book.shape[1] < config.levels:
        raise ValueError(f"order flow: {flow.book.shape[1]} book levels; the settings ask for {config.levels}")
    if len(flow) <= config.sequence:
        raise ValueError(f"order flow: {len(flow)} visible events; one window needs {config.sequence + 1}")
    book = flow.book[:, : config.levels]
    before, after = book[:-1], book[1:]
    executed = flow.kind[1:] == FlowKind.EXECUTE
    kind = np.where(executed, OrderKind.MARKET, OrderKind.CANCEL)
    kind = np.where(flow.kind[1:] == FlowKind.SUBMIT, OrderKind.LIMIT, kind).astype(np.int64)
    direction = np.where(executed, -flow.side[1:], flow.side[1:])
    price = flow.price_ticks[1:]
    return OrderTable(
        kind,
        np.diff(flow.time_ns) / 1e9,
        flow.size_lots[1:].astype(np.float64),
        price,
        direction,
        depth_ticks(kind, direction, price, before, after, config.repaired),
        before,
    )
