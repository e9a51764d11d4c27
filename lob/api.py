"""A pleasant Python face of one order book, for notebooks and tests; simulations drive the same compiled engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lob import inspect as look
from lob.blocks import header_of, record_address
from lob.book import BOOK, new_book
from lob.codes import (
    CANCEL,
    CANCEL_ALL,
    EXPIRE,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    REDUCE,
    REPLACE,
    SET_PHASE,
    TRACKED,
)  # fmt: skip
from lob.fields import INT32, INT64, side_of, time_in_force_of, truth, whole
from lob.instructions import order_fields
from lob.one_order import apply_from, send_one
from lob.rules import Instrument
from lob.tape import new_tape, rows_of
from lob.types import DETAIL_FIELDS, EVENT, MESSAGE, NO_PRICE, EventKind, Flag, Phase, Reject, TimeInForce

__all__ = ["Level", "OrderBook", "Report", "RestingOrder"]

SideName = Literal["buy", "sell"]
ROW_BYTES = EVENT.itemsize


@dataclass(frozen=True)
class Level:
    """One price level: price in ticks, total open quantity in lots, number of orders."""

    price_ticks: int
    qty_lots: int
    n_orders: int


@dataclass(frozen=True)
class RestingOrder:
    """An order in the book, or a stop that waits outside of it.

    Attributes:
        price_ticks: its limit, or a stop's trigger; None for a pegged order without a limit.
        qty_lots: what is open of it.
        shown_lots: what the book shows of that.
    """

    order_id: int
    side: SideName
    price_ticks: int | None
    qty_lots: int
    agent: int
    shown_lots: int


class Report:
    """What the exchange answered to one message.

    Attributes:
        order_id: id of the new order, or the target; 0 for a rejected new order.
        filled_lots: quantity executed at once.
        resting_lots: quantity of this order in the book afterwards, also if a change of it was refused.
    """

    __slots__ = ("_reason", "_rows", "filled_lots", "order_id", "resting_lots")

    def __init__(self, order_id: int, filled_lots: int, resting_lots: int, reason: int, rows: bytes) -> None:
        self.order_id, self.filled_lots, self.resting_lots = order_id, filled_lots, resting_lots
        self._reason, self._rows = reason, rows

    @property
    def rejected(self) -> Reject | None:
        """The reason, or None."""
        return Reject(self._reason) if self._reason else None

    @property
    def events(self) -> np.ndarray[Any, Any]:
        """The tape rows written, an EVENT array."""
        return np.frombuffer(self._rows, EVENT)

    @property
    def average_price_ticks(self) -> float | None:
        """Mean execution price, None without executions."""
        if self.filled_lots == 0:
            return None
        fills = self.events[self.events["kind"] == EventKind.EXECUTE]
        # Python's integers: the sum of a few large orders at large prices does not fit into 64 bits.
        fills = fills[fills["order_id"] == self.order_id]
        halves = (fills["flags"] & Flag.HALF_TICK > 0).tolist()
        prices, lots = fills["price_ticks"].tolist(), fills["qty_lots"].tolist()
        paid2 = sum((2 * p + half) * q for p, q, half in zip(prices, lots, halves, strict=True))
        return paid2 / (2 * self.filled_lots)

    def __repr__(self) -> str:
        """Show all but the rows."""
        return (
            f"Report(order_id={self.order_id}, rejected={self.rejected!r}, filled_lots={self.filled_lots}, "
            f"resting_lots={self.resting_lots}, average_price_ticks={self.average_price_ticks})"
        )

    def __eq__(self, other: object) -> bool:
        """Whether another report says the same."""
        if not isinstance(other, Report):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]


class OrderBook:
    """One instrument's limit order book, with the order kinds and rules of docs/market-rules.md.

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
        self._take(new_book(self.instrument)[0])
        self.time_ns = 0
        """Time stamped on messages sent through the methods below; advance it as you like."""

    def _take(self, block: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        """Hold a book's block, with a buffer and a message of one's own."""
        self._block, self._book = block, header_of(block, BOOK)
        self._book_address = record_address(block)
        self._message = np.zeros(1, MESSAGE)
        self._message_address = self._message.ctypes.data
        self._n_agents = self.instrument.n_agents
        self._lent = False
        self._make_room(64)

    def _make_room(self, n_rows: int) -> None:
        """Take a buffer for so many rows of one message."""
        self._tape_block, self._tape = self._new_tape(n_rows)
        tape = self._tape
        self._tape_address = record_address(self._tape_block)
        self._rows = memoryview(self._tape_block)[int(tape["off_rows"]) :]  # type: ignore[arg-type]
        self._n_rows = n_rows

    def _new_tape(self, n_rows: int) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Any]:
        block, tape = new_tape(n_rows)
        if self._lent:
            _lend(tape)
        return block, tape

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of."""
        return {"instrument": self.instrument, "time_ns": self.time_ns, "block": self._block.tobytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become a copy: addresses are its own."""
        self.instrument, self.time_ns = state["instrument"], state["time_ns"]
        block = new_book(self.instrument)[0]
        block[:] = np.frombuffer(state["block"], np.uint8)
        self._take(block)

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
        address, count = messages.ctypes.data, len(messages)
        parts = []
        position = 0
        # Written straight into what is returned; most messages write a row or two.
        room = 2 * count + 64
        while True:
            block, tape = self._new_tape(room)
            done = apply_from(self._book_address, record_address(block), address, position, count)
            if tape["cursor"]:
                parts.append(rows_of(block))
            if done == count and not self._book["n_elected"]:
                return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.zeros(0, EVENT)
            if tape["asked"]:
                self._lent = True
            else:
                # One message may write more rows than the buffer holds.
                room = max(2 * (count - done) + 64, 2 * room if not tape["cursor"] else 0)
            position = done

    def _send(
        self, kind: int, side: int = 0, price_ticks: Any = 0, qty_lots: Any = 0, order_id: Any = 0,
        time_in_force: int = 0, agent: Any = -1, parent_id: Any = 0, flags: int = 0,
    ) -> Report:  # fmt: skip
        # No price, quantity or owner beyond 32 bits, and no id beyond 64.
        if not (type(price_ticks) is int and -INT32 <= price_ticks <= INT32):
            price_ticks = whole("price_ticks", price_ticks, -INT32, INT32)
        if not (type(qty_lots) is int and -INT32 <= qty_lots <= INT32):
            qty_lots = whole("qty_lots", qty_lots, -INT32, INT32)
        if not (type(agent) is int and -INT32 <= agent <= INT32):
            agent = whole("agent", agent, -INT32, INT32)
        if parent_id != 0:
            parent_id = whole("parent_id", parent_id, -INT32, INT32)
        if not (type(order_id) is int and -INT64 <= order_id <= INT64):
            order_id = whole("order_id", order_id, -INT64, INT64)
        time_ns = self.time_ns
        if not (type(time_ns) is int and -INT64 <= time_ns <= INT64):
            time_ns = whole("time_ns", time_ns, -INT64, INT64)
        while True:
            n, last, reason, filled, resting = send_one(
                self._book_address, self._tape_address, self._message_address, time_ns, kind, side, price_ticks,
                qty_lots, order_id, time_in_force, agent, parent_id, flags,
            )  # fmt: skip
            if n >= 0:
                rows = self._rows[: n * ROW_BYTES].tobytes()
                if self._lent:
                    rows += self._wake()
                return Report(last, filled, resting, reason, rows)
            if self._tape["asked"]:
                self._lent = True
                _lend(self._tape)
            else:
                self._make_room(2 * self._n_rows)

    def _wake(self) -> bytes:
        """Rows of elected stops for which the buffer had no room."""
        rows = b""
        while self._book["n_elected"]:
            self._make_room(2 * self._n_rows)
            apply_from(self._book_address, self._tape_address, self._message_address, 1, 1)
            rows += self._rows[: int(self._tape["cursor"]) * ROW_BYTES].tobytes()
        return rows

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
        """Send a limit order; `time_in_force` is "GTC", "IOC", "FOK" or "DAY". For all else see `send`."""
        flags = self._tracked(agent) if agent != -1 else 0
        if post_only is not False:
            flags |= POST_ONLY if truth("post_only", post_only) else 0
        tif = 0 if time_in_force is TimeInForce.GTC else time_in_force_of(time_in_force, with_time=False)
        return self._send(LIMIT, side_of(side), price_ticks, qty_lots, 0, tif, agent, parent_id, flags)

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
        tif = FOK if truth("fill_or_kill", fill_or_kill) else IOC
        return self._send(MARKET, side_of(side), 0, qty_lots, 0, tif, agent, parent_id, self._tracked(agent))

    def send(self, kind: str, *, agent: int = -1, **instructions: Any) -> Report:
        """Send a new order with any instructions.

        Args:
            kind: "limit", "market", "stop", "stop_limit", "trailing_stop", "pegged" or "market_to_limit".
            agent: the owner.
            **instructions: see `lob.order_fields`; for instance side="buy", price_ticks=101, qty_lots=50,
                display_lots=10, expires_ns=36_000_000_000_000.

        Raises:
            FieldError: what cannot be an order at all; what the exchange refuses comes back with its reason.

        Example:
            >>> book = OrderBook()
            >>> book.send("limit", side="sell", price_ticks=101, qty_lots=100, display_lots=10).resting_lots
            100
            >>> book.depth("sell")[0].qty_lots
            10
        """
        fields = order_fields(kind, instructions)
        for name in DETAIL_FIELDS:
            self._message[name] = fields.get(name, 0)
        flags = fields["flags"] | (self._tracked(agent) if agent != -1 else 0)
        return self._send(
            fields["kind"], fields["side"], fields.get("price_ticks", 0), fields.get("qty_lots", 0),
            fields.get("order_id", 0), fields["time_in_force"], agent, fields.get("parent_id", 0), flags,
        )  # fmt: skip

    def iceberg(
        self, side: SideName, price_ticks: int, qty_lots: int, display_lots: int, *, agent: int = -1, **more: Any
    ) -> Report:
        """Send an iceberg: `qty_lots` in all, of which no more than `display_lots` are shown at a time."""
        given = {"side": side, "price_ticks": price_ticks, "qty_lots": qty_lots, "display_lots": display_lots}
        return self.send("limit", agent=agent, **given, **more)

    def hidden(self, side: SideName, price_ticks: int, qty_lots: int, *, agent: int = -1, **more: Any) -> Report:
        """Send a limit order that is not shown, behind those shown at its price; `min_lots` or `all_or_none` too."""
        given = {"side": side, "price_ticks": price_ticks, "qty_lots": qty_lots, "hidden": True}
        return self.send("limit", agent=agent, **given, **more)

    def stop(
        self, side: SideName, trigger_ticks: int, qty_lots: int, limit_ticks: int | None = None, *, agent: int = -1,
        **more: Any,
    ) -> Report:  # fmt: skip
        """Send an order that waits for a trade at its trigger or beyond: a market order then, or one with a limit."""
        given = {"side": side, "trigger_ticks": trigger_ticks, "qty_lots": qty_lots, "price_ticks": limit_ticks}
        return self.send("stop" if limit_ticks is None else "stop_limit", agent=agent, **given, **more)

    def trailing_stop(
        self, side: SideName, distance_ticks: int, qty_lots: int, *, agent: int = -1, **more: Any
    ) -> Report:
        """Send a stop whose trigger follows the best trade since its entry at a distance."""
        given = {"side": side, "trigger_ticks": distance_ticks, "qty_lots": qty_lots}
        return self.send("trailing_stop", agent=agent, **given, **more)

    def pegged(
        self, side: SideName, peg: str, qty_lots: int, offset_ticks: int = 0, *, agent: int = -1, **more: Any
    ) -> Report:
        """Send an order, not shown, whose price follows the touch: "primary", "midpoint" or "market".

        `offset_ticks` above 0 leads towards the other side; `price_ticks` is the limit it never passes.
        """
        given = {"side": side, "peg": peg, "qty_lots": qty_lots, "trigger_ticks": offset_ticks}
        return self.send("pegged", agent=agent, **given, **more)

    def market_to_limit(self, side: SideName, qty_lots: int, *, agent: int = -1, **more: Any) -> Report:
        """Send an order that trades at the best opposite price; what is left rests there."""
        return self.send("market_to_limit", agent=agent, side=side, qty_lots=qty_lots, **more)

    def expire(self) -> Report:
        """Withdraw what has expired by `time_ns`; any message does so first."""
        return self._send(EXPIRE)

    def cancel(self, order_id: int, *, agent: int = -1) -> Report:
        """Withdraw a resting order; `agent` must be its owner."""
        return self._send(CANCEL, order_id=order_id, agent=agent)

    def reduce(self, order_id: int, by_lots: int, *, agent: int = -1) -> Report:
        """Take `by_lots` away from a resting order, which keeps its place in the queue."""
        return self._send(REDUCE, qty_lots=by_lots, order_id=order_id, agent=agent)

    def replace(
        self, order_id: int, price_ticks: int, qty_lots: int, *, post_only: bool = False, agent: int = -1
    ) -> Report:
        """Give a resting order a new price and open quantity; see Instrument.replace_keeps_priority."""
        flags = POST_ONLY if truth("post_only", post_only) else 0
        return self._send(REPLACE, 0, price_ticks, qty_lots, order_id, agent=agent, flags=flags)

    def cancel_all(self, agent: int) -> Report:
        """Withdraw every order of an agent, oldest first."""
        return self._send(CANCEL_ALL, agent=agent)

    def set_phase(self, phase: Phase) -> Report:
        """Change the trading phase."""
        return self._send(SET_PHASE, qty_lots=phase)

    def _tracked(self, agent: int) -> int:
        return TRACKED if 0 <= whole("agent", agent, -INT32, INT32) < self._n_agents else 0

    # ---- looking ----------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """Current trading phase."""
        return Phase(int(self._book["phase"]))

    @property
    def n_orders(self) -> int:
        """Number of orders that rest, shown or not, or wait."""
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
        found = np.zeros(look.COLUMNS, np.int64)
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
        """Iterate over the orders that a side shows in the order in which they would trade by time."""
        table = np.zeros((self.n_orders, look.COLUMNS), np.int64)
        count = look.orders(self._book, 0 if side_of(side) > 0 else 1, table)
        return (_resting(row) for row in table[:count])

    def __repr__(self) -> str:
        """Show the touch."""
        bid, ask = self.depth("buy", 1), self.depth("sell", 1)
        left = f"{bid[0].qty_lots} x {bid[0].price_ticks}" if bid else "empty"
        right = f"{ask[0].price_ticks} x {ask[0].qty_lots}" if ask else "empty"
        return f"<OrderBook {self.instrument.name}: {left} | {right}, {self.n_orders} orders>"


def _lend(tape: Any) -> None:
    from lob.extended.entry import lend_engine

    lend_engine(tape)


def _resting(row: Any) -> RestingOrder:
    order_id, side, price, qty, agent, shown = (int(x) for x in row)
    return RestingOrder(
        order_id, "buy" if side > 0 else "sell", None if price == NO_PRICE else price, qty, agent, shown
    )
