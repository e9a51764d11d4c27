"""What the twin keeps: orders, and the displayed orders of one side. Part of `lob.reference`."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from lob.types import BUY, NO_PRICE

__all__ = ["Message", "Nature", "Order", "Side"]


class Message(NamedTuple):
    """One MESSAGE record, field by field."""

    time_ns: int
    order_id: int
    price_ticks: int
    qty_lots: int
    agent: int
    parent_id: int
    symbol: int
    flags: int
    kind: int
    side: int
    time_in_force: int
    gateway: int
    display_lots: int
    min_lots: int
    expires_ns: int
    trigger_ticks: int
    peg: int
    self_trade: int
    reserved: int


class Nature(Enum):
    """What an order is while it rests or waits."""

    DISPLAYED = "displayed"
    ICEBERG = "iceberg"
    HIDDEN = "hidden"
    PEGGED = "pegged"
    STOP = "stop"
    STOP_LIMIT = "stop limit"
    TRAILING = "trailing stop"

    @property
    def is_displayed(self) -> bool:
        """Whether the book shows it, or some of it."""
        return self in (Nature.DISPLAYED, Nature.ICEBERG)

    @property
    def waits(self) -> bool:
        """Whether it is outside of the book until a trade elects it."""
        return self in (Nature.STOP, Nature.STOP_LIMIT, Nature.TRAILING)


@dataclass(slots=True)
class Order:
    """An order that rests, waits or is about to: `open_lots` is what is still unfilled of it.

    Attributes:
        price_ticks: its limit; of a stop, the trigger; of a peg without limit, NO_PRICE.
        hidden_lots: what an iceberg does not show at the moment.
        rank: age, counted when it came to where it rests.
        place: order in which stops came to their trigger.
    """

    order_id: int
    side: int
    price_ticks: int
    open_lots: int
    agent: int
    parent_id: int
    tracked: bool
    nature: Nature = Nature.DISPLAYED
    time_in_force: int = 0
    expires_ns: int = 0
    display_lots: int = 0
    hidden_lots: int = 0
    min_lots: int = 0
    all_or_none: bool = False
    self_trade: int = 0
    peg: int = 0
    offset: int = 0
    limit: int | None = None
    rank: int = 0
    place: int = field(default=0, compare=False)

    @property
    def shown_lots(self) -> int:
        """What the book shows of it, if it shows anything."""
        return self.open_lots - self.hidden_lots

    @property
    def detailed(self) -> bool:
        """Whether it is more than a limit order until cancelled."""
        return self.nature is not Nature.DISPLAYED or self.time_in_force != 0


class Side:
    """The displayed orders of one side, best price first and oldest first within a price."""

    def __init__(self, side: int) -> None:
        self.best_index = -1 if side == BUY else 0
        self.prices: list[int] = []
        self.queues: dict[int, dict[int, Order]] = {}
        self.lots: dict[int, int] = {}

    def touch(self) -> tuple[int, int]:
        """Best price and the lots shown there."""
        if not self.prices:
            return NO_PRICE, 0
        price = self.prices[self.best_index]
        return price, self.lots[price]

    def at_best(self) -> list[Order]:
        """The orders at the best price, oldest first."""
        return list(self.queues[self.prices[self.best_index]].values())

    def oldest_at_best(self) -> Order:
        """The order that trades next by time."""
        return next(iter(self.queues[self.prices[self.best_index]].values()))

    def add(self, order: Order) -> None:
        """Put the order at the end of the queue of its price."""
        price = order.price_ticks
        if price not in self.queues:
            insort(self.prices, price)
            self.queues[price] = {}
            self.lots[price] = 0
        self.queues[price][order.order_id] = order
        self.lots[price] += order.shown_lots

    def remove(self, order: Order) -> None:
        """Take the order out of its queue."""
        price = order.price_ticks
        self.lots[price] -= order.shown_lots
        del self.queues[price][order.order_id]
        if not self.queues[price]:
            del self.queues[price], self.lots[price]
            del self.prices[bisect_left(self.prices, price)]

    def less(self, order: Order, lots: int) -> None:
        """Note that the order is going to show so much less, and something still."""
        self.lots[order.price_ticks] -= lots
