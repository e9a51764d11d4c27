"""The exchange once more in plain Python: slow, obvious, what the fast engine is compared with.

Nothing here is shared with the engine but the record types and the instrument. A price level is a
dictionary of orders (Python keeps insertion order, so its first entry is the oldest order), the
prices of a side are a sorted list, the orders of an agent are another dictionary, oldest first.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lob.rules import Instrument
from lob.types import (
    BUY,
    CLIENT_ID_BITS,
    EVENT,
    NO_PRICE,
    SELL,
    EventKind,
    Flag,
    MessageKind,
    Phase,
    Reject,
    TimeInForce,
)

__all__ = ["Order", "ReferenceBook"]

LIMIT, MARKET = int(MessageKind.LIMIT), int(MessageKind.MARKET)
CANCEL, REDUCE, REPLACE = int(MessageKind.CANCEL), int(MessageKind.REDUCE), int(MessageKind.REPLACE)
POST_ONLY, TRACKED = int(Flag.POST_ONLY), int(Flag.TRACKED)
GTC, IOC, FOK = int(TimeInForce.GTC), int(TimeInForce.IOC), int(TimeInForce.FOK)


class _Message(NamedTuple):
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


@dataclass(slots=True)
class Order:
    """An order that rests or is about to: `open_lots` is what is still unfilled of it."""

    order_id: int
    side: int
    price_ticks: int
    open_lots: int
    agent: int
    parent_id: int
    tracked: bool


class _Side:
    """The resting orders of one side, best price first and oldest first within a price."""

    def __init__(self, side: int) -> None:
        self.best_index = -1 if side == BUY else 0
        self.prices: list[int] = []
        self.queues: dict[int, dict[int, Order]] = {}
        self.lots: dict[int, int] = {}

    def touch(self) -> tuple[int, int]:
        """Best price and the lots there."""
        if not self.prices:
            return NO_PRICE, 0
        price = self.prices[self.best_index]
        return price, self.lots[price]

    def oldest_at_best(self) -> Order:
        """The order that trades next."""
        return next(iter(self.queues[self.prices[self.best_index]].values()))

    def add(self, order: Order) -> None:
        """Put the order at the end of the queue of its price."""
        price = order.price_ticks
        if price not in self.queues:
            insort(self.prices, price)
            self.queues[price] = {}
            self.lots[price] = 0
        self.queues[price][order.order_id] = order
        self.lots[price] += order.open_lots

    def take(self, order: Order, lots: int) -> None:
        """Take lots away from the order; nothing left means that it leaves the book."""
        price = order.price_ticks
        order.open_lots -= lots
        self.lots[price] -= lots
        if order.open_lots == 0:
            del self.queues[price][order.order_id]
            if not self.queues[price]:
                del self.queues[price], self.lots[price]
                del self.prices[bisect_left(self.prices, price)]


class ReferenceBook:
    """One instrument's limit order book, written for reading.

    Args:
        instrument: price range, sizes, collar and priority rule.

    Attributes:
        phase: the trading phase, CONTINUOUS at first.
        reference_ticks: the price that the collar is measured from: the last execution's.
        orders: every resting order by its id.
        last_order_id: the id given last; 0 before the first accepted order.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.phase = int(Phase.CONTINUOUS)
        self.reference_ticks = instrument.reference_ticks
        self.orders: dict[int, Order] = {}
        self.last_order_id = 0
        self._lowest = instrument.min_price_ticks
        self._highest = instrument.min_price_ticks + instrument.n_prices - 1
        self._bids, self._asks = _Side(BUY), _Side(SELL)
        self._of_agent: dict[int, dict[int, Order]] = {}
        self._sequence = 0
        self._time_ns = 0
        self._first_row = False
        self._rows: list[tuple[int, ...]] = []

    def apply(self, messages: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Handle a MESSAGE array in order and return the EVENT rows that it caused."""
        self._rows = []
        for message in messages.tolist():
            self._handle(_Message._make(message))
        return np.array(self._rows, dtype=EVENT)

    def touch(self) -> tuple[int, int, int, int]:
        """Best bid price and lots, best ask price and lots; NO_PRICE and 0 for an empty side."""
        return self._bids.touch() + self._asks.touch()

    def queue(self, side: int) -> Iterator[Order]:
        """Every resting order of a side in the order in which they would trade."""
        own = self._own(side)
        for price in own.prices if side == SELL else reversed(own.prices):
            yield from own.queues[price].values()

    def _handle(self, m: _Message) -> None:
        self._time_ns = m.time_ns
        self._first_row = True
        if m.kind in (LIMIT, MARKET):
            self._new_order(m)
        elif m.kind == CANCEL:
            self._cancel(m)
        elif m.kind == REDUCE:
            self._reduce(m)
        elif m.kind == REPLACE:
            self._replace(m)
        elif m.kind == MessageKind.CANCEL_ALL:
            self._cancel_all(m)
        elif m.kind == MessageKind.SET_PHASE and m.qty_lots in (0, 1, 2):
            self.phase = m.qty_lots
            nothing = Order(0, 0, 0, 0, m.agent, 0, tracked=False)
            self._write(EventKind.PHASE, nothing, m.qty_lots)
        else:
            self._reject(m, Reject.BAD_KIND)

    def _new_order(self, m: _Message) -> None:
        limit = m.price_ticks if m.kind == LIMIT else self._market_limit(m.side)
        refusal = self._refuse_new_order(m, limit)
        if refusal:
            self._reject(m, refusal)
            return
        order_id = m.order_id
        if order_id == 0:
            order_id = self.last_order_id = self.last_order_id + 1
        tracked = bool(m.flags & TRACKED)
        order = Order(order_id, m.side, limit, m.qty_lots, m.agent, m.parent_id, tracked)
        self._match(order, limit)
        if order.open_lots and m.kind == LIMIT and m.time_in_force == GTC:
            self._rest(order)
        elif order.open_lots:
            rest, order.open_lots = order.open_lots, 0
            price = limit if m.kind == LIMIT else NO_PRICE
            self._write(EventKind.EXPIRE, order, rest, price=price)

    def _refuse_new_order(self, m: _Message, limit: int) -> Reject:
        """The first check that the order fails, NONE if it may trade."""
        rules = self.instrument
        if self.phase != Phase.CONTINUOUS:
            return Reject.PHASE
        if m.side not in (BUY, SELL):
            return Reject.BAD_SIDE
        if m.time_in_force not in (GTC, IOC, FOK):
            return Reject.BAD_TIME_IN_FORCE
        post_only = bool(m.flags & POST_ONLY)
        if post_only and (m.kind == MARKET or m.time_in_force != GTC):
            return Reject.BAD_TIME_IN_FORCE
        if not rules.min_order_lots <= m.qty_lots <= rules.max_order_lots:
            return Reject.QTY_OUT_OF_RANGE
        if m.flags & TRACKED and not 0 <= m.agent < rules.n_agents:
            return Reject.UNKNOWN_AGENT
        if m.kind == LIMIT and not self._lowest <= m.price_ticks <= self._highest:
            return Reject.PRICE_OUT_OF_RANGE
        if m.kind == LIMIT and self._beyond_collar(m.side, m.price_ticks):
            return Reject.COLLAR
        rests_at_once = m.kind == LIMIT and m.time_in_force == GTC and not self._crosses(m.side, limit)
        if rests_at_once and len(self.orders) >= rules.max_orders:
            return Reject.BOOK_FULL
        if post_only and self._crosses(m.side, limit):
            return Reject.WOULD_CROSS
        if m.time_in_force == FOK and self._lots_within(m.side, limit) < m.qty_lots:
            return Reject.FOK_UNFILLABLE
        base = (m.agent + 1) * 2**CLIENT_ID_BITS
        if m.order_id != 0 and (m.agent < 0 or not base < m.order_id < base + 2**CLIENT_ID_BITS):
            return Reject.BAD_ORDER_ID
        if m.order_id in self.orders:
            return Reject.DUPLICATE_ORDER_ID
        return Reject.NONE

    def _cancel(self, m: _Message) -> None:
        refusal = self._refuse_change(m)
        if refusal:
            self._reject(m, refusal)
        else:
            self._withdraw(self.orders[m.order_id])

    def _reduce(self, m: _Message) -> None:
        refusal = self._refuse_change(m)
        if not refusal and m.qty_lots <= 0:
            refusal = Reject.QTY_OUT_OF_RANGE
        if refusal:
            self._reject(m, refusal)
            return
        order = self.orders[m.order_id]
        if m.qty_lots >= order.open_lots:
            self._withdraw(order)
        else:
            self._shrink(order, m.qty_lots)

    def _replace(self, m: _Message) -> None:
        refusal = self._refuse_change(m)
        if not refusal:
            refusal = self._refuse_terms(m, self.orders[m.order_id].side)
        if refusal:
            self._reject(m, refusal)
            return
        order = self.orders[m.order_id]
        pure_decrease = m.price_ticks == order.price_ticks and m.qty_lots <= order.open_lots
        if pure_decrease and self.instrument.replace_keeps_priority:
            self._shrink(order, order.open_lots - m.qty_lots)
        elif m.flags & POST_ONLY and self._crosses(order.side, m.price_ticks):
            self._reject(m, Reject.WOULD_CROSS)
        else:
            before = order.open_lots
            self._remove(order)
            order.price_ticks, order.open_lots = m.price_ticks, m.qty_lots
            self._write(EventKind.REPLACE, order, m.qty_lots, contra=(0, -1, 0, before))
            self._match(order, m.price_ticks)
            if order.open_lots:
                self._rest(order, Flag.REINSERTED)

    def _cancel_all(self, m: _Message) -> None:
        if self.phase == Phase.CLOSED:
            self._reject(m, Reject.PHASE)
        elif not 0 <= m.agent < self.instrument.n_agents:
            self._reject(m, Reject.UNKNOWN_AGENT)
        else:
            for order in list(self._of_agent.get(m.agent, {}).values()):
                self._withdraw(order)

    def _refuse_change(self, m: _Message) -> Reject:
        """Why the message may not touch the order that it names."""
        closed = self.phase == Phase.CLOSED
        if closed or (m.kind == REPLACE and self.phase == Phase.HALTED):
            return Reject.PHASE
        if m.order_id not in self.orders:
            return Reject.UNKNOWN_ORDER
        if self.orders[m.order_id].agent != m.agent:
            return Reject.NOT_OWNER
        return Reject.NONE

    def _refuse_terms(self, m: _Message, side: int) -> Reject:
        """Why an order may not be given the message's price and quantity."""
        if not self.instrument.min_order_lots <= m.qty_lots <= self.instrument.max_order_lots:
            return Reject.QTY_OUT_OF_RANGE
        if not self._lowest <= m.price_ticks <= self._highest:
            return Reject.PRICE_OUT_OF_RANGE
        if self._beyond_collar(side, m.price_ticks):
            return Reject.COLLAR
        return Reject.NONE

    def _beyond_collar(self, side: int, price: int) -> bool:
        collar = self.instrument.collar_ticks
        return collar > 0 and side * (price - self.reference_ticks) > collar

    def _market_limit(self, side: int) -> int:
        """The worst price of a market order: the collar's, or the end of the price range."""
        collar = self.instrument.collar_ticks
        if side == BUY:
            return min(self._highest, self.reference_ticks + collar) if collar else self._highest
        return max(self._lowest, self.reference_ticks - collar) if collar else self._lowest

    def _own(self, side: int) -> _Side:
        return self._bids if side == BUY else self._asks

    def _other(self, side: int) -> _Side:
        return self._asks if side == BUY else self._bids

    def _crosses(self, side: int, limit: int) -> bool:
        """Whether an order with this limit would trade at once."""
        best, lots = self._other(side).touch()
        return lots > 0 and side * (limit - best) >= 0

    def _lots_within(self, side: int, limit: int) -> int:
        """What an order with this limit could trade at once."""
        return sum(lots for price, lots in self._other(side).lots.items() if side * (limit - price) >= 0)

    def _match(self, order: Order, limit: int) -> None:
        """Trade the order until it is filled or nothing within its limit is left."""
        while order.open_lots and self._crosses(order.side, limit):
            other = self._other(order.side).oldest_at_best()
            traded = min(order.open_lots, other.open_lots)
            order.open_lots -= traded
            self._take(other, traded)
            self.reference_ticks = other.price_ticks
            contra = (other.order_id, other.agent, other.parent_id, other.open_lots)
            self._write(EventKind.EXECUTE, order, traded, price=other.price_ticks, contra=contra)

    def _rest(self, order: Order, flag: int = 0) -> None:
        self._own(order.side).add(order)
        self.orders[order.order_id] = order
        if order.tracked:
            self._of_agent.setdefault(order.agent, {})[order.order_id] = order
        self._write(EventKind.ADD, order, order.open_lots, flag=flag)
        if not order.tracked:  # while it rests, its metaorder is not remembered
            order.parent_id = 0

    def _take(self, order: Order, lots: int) -> None:
        self._own(order.side).take(order, lots)
        if order.open_lots == 0:
            del self.orders[order.order_id]
            if order.tracked:
                del self._of_agent[order.agent][order.order_id]

    def _remove(self, order: Order) -> None:
        self._take(order, order.open_lots)

    def _withdraw(self, order: Order) -> None:
        lots = order.open_lots
        self._remove(order)
        self._write(EventKind.CANCEL, order, lots)

    def _shrink(self, order: Order, lots: int) -> None:
        self._take(order, lots)
        self._write(EventKind.REDUCE, order, lots)

    def _reject(self, m: _Message, reason: Reject) -> None:
        target = m.order_id if LIMIT <= m.kind <= REPLACE else 0
        refused = Order(target, m.side, m.price_ticks, 0, m.agent, m.parent_id, tracked=False)
        self._write(EventKind.REJECT, refused, m.qty_lots, reason=reason)

    def _write(
        self,
        kind: EventKind,
        order: Order,
        lots: int,
        *,
        price: int | None = None,
        contra: tuple[int, int, int, int] = (0, -1, 0, 0),
        flag: int = 0,
        reason: int = 0,
    ) -> None:
        """Write a row about an order as it is after what the row tells, with the touch of now."""
        self._sequence += 1
        flags = int(flag) | (int(Flag.FIRST) if self._first_row else 0)
        self._first_row = False
        bid, bid_lots, ask, ask_lots = self.touch()
        contra_order, contra_agent, contra_parent, contra_leaves = contra
        price = order.price_ticks if price is None else price
        self._rows.append((
            self._time_ns, self._sequence, order.order_id, contra_order, bid_lots, ask_lots,
            order.agent, contra_agent, order.parent_id, contra_parent,
            price, lots, order.open_lots, contra_leaves, bid, ask,
            self.instrument.symbol, flags, kind, order.side, reason, self.phase,
        ))  # fmt: skip
