"""A pleasant Python face of one order book, for notebooks and tests; simulations drive the same compiled engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lob import inspect as look
from lob.book import new_book
from lob.fields import INT32, INT64, side_of, time_in_force_of, truth, whole
from lob.matching import apply_batch
from lob.rules import Instrument
from lob.tape import new_tape, rows_of
from lob.types import EVENT, MESSAGE, EventKind, Flag, MessageKind, Phase, Reject, TimeInForce

__all__ = ["Level", "OrderBook", "Report", "RestingOrder"]

SideName = Literal["buy", "sell"]


@dataclass(frozen=True)
class Level:
    """One price level: price in ticks, total open quantity in lots, number of orders."""

    price_ticks: int
    qty_lots: int
    n_orders: int


@dataclass(frozen=True)
class RestingOrder:
    """An order in the book."""

    order_id: int
    side: SideName
    price_ticks: int
    qty_lots: int
    agent: int


@dataclass(frozen=True)
class Report:
    """What the exchange answered to one message.

    Attributes:
        order_id: id of the new order, or the target; 0 for a rejected new order.
        rejected: the reason, or None.
        filled_lots: quantity executed at once.
        resting_lots: quantity of this order in the book afterwards, also if a change of it was refused.
        average_price_ticks: mean execution price, None without executions.
        events: the tape rows written, an EVENT array.
    """

    order_id: int
    rejected: Reject | None
    filled_lots: int
    resting_lots: int
    average_price_ticks: float | None
    events: np.ndarray[Any, Any]


class OrderBook:
    """One instrument's limit order book with price-time priority.

    What cannot be an order at all (a price of 1999.5, a quantity that no message can hold, a side "BUY") raises
    FieldError and leaves the book as it was; what the exchange may refuse comes back as a Report with the reason.

    Example:
        >>> book = OrderBook()
        >>> ask = book.limit("sell", price_ticks=101, qty_lots=5)
        >>> book.limit("buy", price_ticks=101, qty_lots=2).filled_lots
        2
        >>> book.best_ask_ticks, book.order(ask.order_id).qty_lots
        (101, 3)
    """

    def __init__(self, instrument: Instrument | None = None) -> None:
        self.instrument = instrument or Instrument()
        self._block, self._book = new_book(self.instrument)
        self._tape_block, self._tape = new_tape(4096)
        self.time_ns = 0
        """Time stamped on messages sent through the methods below; advance it as you like."""

    @property
    def block(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The bytes of the book itself; see lob.book."""
        return self._block

    # ---- sending ----------------------------------------------------------------------------------------------

    def apply(self, messages: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Handle a batch of MESSAGE records in order and return all tape rows, an EVENT array.

        Args:
            messages: shape (n,), dtype MESSAGE. Their `symbol` is not looked at.

        Raises:
            TypeError: if the dtype is not MESSAGE.
        """
        if messages.dtype != MESSAGE:
            raise TypeError(f"messages have dtype {messages.dtype}; expected lob.MESSAGE")
        messages = np.ascontiguousarray(messages)
        parts = []
        position = 0
        while True:
            self._tape["cursor"] = 0
            done = int(apply_batch(self._book, self._tape, messages, position))
            parts.append(rows_of(self._tape_block).copy())
            if done == len(messages):
                return np.concatenate(parts)
            if done == position:  # one message may write more rows than the buffer holds
                self._tape_block, self._tape = new_tape(2 * int(self._tape["capacity"]))
            position = done

    def _send(self, **fields: Any) -> Report:
        message = np.zeros(1, MESSAGE)
        message["time_ns"] = whole("time_ns", self.time_ns, -INT64, INT64)
        for name, value in fields.items():
            # No price, quantity or owner beyond 32 bits, and no id beyond 64.
            most = INT64 if name == "order_id" else INT32
            message[name] = whole(name, value, -most, most)
        rows = self.apply(message)
        last = rows[-1] if len(rows) else np.zeros(1, EVENT)[0]
        order_id = int(last["order_id"]) if len(rows) else int(message["order_id"][0])
        return _report(rows, order_id, self.order(order_id))

    def limit(
        self,
        side: SideName,
        price_ticks: int,
        qty_lots: int,
        *,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        post_only: bool = False,
        agent: int = -1,
        parent_id: int = 0,
    ) -> Report:
        """Send a limit order; `time_in_force` is "GTC", "IOC" or "FOK"."""
        return self._send(
            kind=MessageKind.LIMIT,
            side=side_of(side),
            price_ticks=price_ticks,
            qty_lots=qty_lots,
            time_in_force=time_in_force_of(time_in_force),
            agent=agent,
            parent_id=parent_id,
            flags=(Flag.POST_ONLY if truth("post_only", post_only) else 0) | self._tracked(agent),
        )

    def market(
        self,
        side: SideName,
        qty_lots: int,
        *,
        fill_or_kill: bool = False,
        agent: int = -1,
        parent_id: int = 0,
    ) -> Report:
        """Send a market order; what cannot be filled at once expires."""
        return self._send(
            kind=MessageKind.MARKET,
            side=side_of(side),
            qty_lots=qty_lots,
            time_in_force=TimeInForce.FOK if truth("fill_or_kill", fill_or_kill) else TimeInForce.IOC,
            agent=agent,
            parent_id=parent_id,
            flags=self._tracked(agent),
        )

    def cancel(self, order_id: int, *, agent: int = -1) -> Report:
        """Withdraw a resting order; `agent` must be its owner."""
        return self._send(kind=MessageKind.CANCEL, order_id=order_id, agent=agent)

    def reduce(self, order_id: int, by_lots: int, *, agent: int = -1) -> Report:
        """Take `by_lots` away from a resting order, which keeps its place in the queue."""
        return self._send(kind=MessageKind.REDUCE, order_id=order_id, qty_lots=by_lots, agent=agent)

    def replace(
        self, order_id: int, price_ticks: int, qty_lots: int, *, post_only: bool = False, agent: int = -1
    ) -> Report:
        """Give a resting order a new price and open quantity; see Instrument.replace_keeps_priority."""
        return self._send(
            kind=MessageKind.REPLACE,
            order_id=order_id,
            price_ticks=price_ticks,
            qty_lots=qty_lots,
            agent=agent,
            flags=Flag.POST_ONLY if truth("post_only", post_only) else 0,
        )

    def cancel_all(self, agent: int) -> Report:
        """Withdraw every order of an agent, oldest first."""
        return self._send(kind=MessageKind.CANCEL_ALL, agent=agent)

    def set_phase(self, phase: Phase) -> Report:
        """Change the trading phase."""
        return self._send(kind=MessageKind.SET_PHASE, qty_lots=phase)

    def _tracked(self, agent: int) -> int:
        return int(Flag.TRACKED) if 0 <= whole("agent", agent, -INT32, INT32) < self.instrument.n_agents else 0

    # ---- looking ----------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """Current trading phase."""
        return Phase(int(self._book["phase"]))

    @property
    def n_orders(self) -> int:
        """Number of resting orders."""
        return int(self._book["n_orders"])

    @property
    def best_bid_ticks(self) -> int | None:
        """Highest bid price in ticks, None if there are no bids."""
        index = int(self._book["best_bid"])
        return index + self.instrument.min_price_ticks if index >= 0 else None

    @property
    def best_ask_ticks(self) -> int | None:
        """Lowest ask price in ticks, None if there are no asks."""
        index = int(self._book["best_ask"])
        return index + self.instrument.min_price_ticks if index < self.instrument.n_prices else None

    @property
    def mid_ticks(self) -> float | None:
        """Midpoint of the touch in ticks, None unless both sides are there."""
        bid, ask = self.best_bid_ticks, self.best_ask_ticks
        return None if bid is None or ask is None else (bid + ask) / 2

    @property
    def spread_ticks(self) -> int | None:
        """Best ask minus best bid in ticks, None unless both sides are there."""
        bid, ask = self.best_bid_ticks, self.best_ask_ticks
        return None if bid is None or ask is None else ask - bid

    def depth(self, side: SideName, n_levels: int = 10) -> list[Level]:
        """Return up to `n_levels` levels from the touch outwards; side "buy" is the bid side."""
        table = np.zeros((min(whole("n_levels", n_levels, 0), self.instrument.n_prices), 3), np.int64)
        count = look.depth(self._book, 0 if side_of(side) > 0 else 1, table)
        return [Level(int(p), int(q), int(n)) for p, q, n in table[:count]]

    def order(self, order_id: int) -> RestingOrder | None:
        """Return a resting order, or None."""
        found = np.zeros(5, np.int64)
        if not look.order(self._book, whole("order_id", order_id, -INT64, INT64), found):
            return None
        return _resting(found)

    def queue_position(self, order_id: int) -> tuple[int, int] | None:
        """Return (orders ahead, lots ahead) of a resting order at its level, or None if it is not resting."""
        found = np.zeros(2, np.int64)
        if not look.queue_position(self._book, whole("order_id", order_id, -INT64, INT64), found):
            return None
        return int(found[0]), int(found[1])

    def orders(self, side: SideName) -> Iterator[RestingOrder]:
        """Iterate over the resting orders of a side in the order in which they would trade."""
        table = np.zeros((self.n_orders, 5), np.int64)
        count = look.orders(self._book, 0 if side_of(side) > 0 else 1, table)
        return (_resting(row) for row in table[:count])

    def __repr__(self) -> str:
        """Show the touch."""
        bid, ask = self.depth("buy", 1), self.depth("sell", 1)
        left = f"{bid[0].qty_lots} x {bid[0].price_ticks}" if bid else "empty"
        right = f"{ask[0].price_ticks} x {ask[0].qty_lots}" if ask else "empty"
        return f"<OrderBook {self.instrument.name}: {left} | {right}, {self.n_orders} orders>"


def _resting(row: Any) -> RestingOrder:
    order_id, side, price, qty, agent = (int(x) for x in row)
    return RestingOrder(order_id, "buy" if side > 0 else "sell", price, qty, agent)


def _report(rows: np.ndarray[Any, Any], order_id: int, resting: RestingOrder | None) -> Report:
    fills = rows[rows["kind"] == EventKind.EXECUTE]
    filled = int(fills["qty_lots"].sum(dtype=np.int64))
    # Python's integers: the sum of a few large orders at large prices does not fit into 64 bits.
    paid = sum(p * q for p, q in zip(fills["price_ticks"].tolist(), fills["qty_lots"].tolist(), strict=True))
    refused = bool(len(rows)) and rows["kind"][0] == EventKind.REJECT
    return Report(
        order_id=order_id,
        rejected=Reject(int(rows["reason"][0])) if refused else None,
        filled_lots=filled,
        resting_lots=resting.qty_lots if resting is not None else 0,
        average_price_ticks=paid / filled if filled else None,
        events=rows,
    )
