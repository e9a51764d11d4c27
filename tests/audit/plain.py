"""The heart of the audit as plain Python, for reading: books of dictionaries, one row after the other.

It knows the order of rows, the touch, priority, quantities and whose orders they are; not the limits, the reasons of
rejects and the like.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lob.types import NO_PRICE, EventKind

__all__ = ["first_bad_row"]


@dataclass
class Order:
    """A resting order."""

    agent: int
    parent_id: int
    side: int
    price_ticks: int
    lots: int


@dataclass
class Book:
    """Resting orders by id, oldest first."""

    orders: dict[int, Order] = field(default_factory=dict)
    sequence: int = 0

    def queue(self, side: int) -> list[tuple[int, Order]]:
        """Orders of a side as they would trade: by price, then age (the order of the dictionary)."""
        own = [(order_id, order) for order_id, order in self.orders.items() if order.side == side]
        return sorted(own, key=lambda entry: -side * entry[1].price_ticks)

    def touch(self) -> tuple[int, int, int, int]:
        """Best bid and its lots, best ask and its lots."""
        found: list[int] = []
        for side in (1, -1):
            prices = [order.price_ticks for order in self.orders.values() if order.side == side]
            best = side * max(side * price for price in prices) if prices else NO_PRICE
            at_best = [o.lots for o in self.orders.values() if o.side == side and o.price_ticks == best]
            found += [best, sum(at_best)]
        return found[0], found[1], found[2], found[3]


def first_bad_row(rows: np.ndarray[Any, Any]) -> int | None:
    """Return the number, from 1, of the first row that does not follow from the rows before it; None if all do."""
    books = {0: Book(), 1: Book()}
    leaves = 0
    for number, row in enumerate(rows, 1):
        book = books[int(row["symbol"])]
        sound, leaves = _follows(book, row, leaves)
        touch = tuple(int(row[name]) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))
        if not sound or book.sequence != row["sequence"] or book.touch() != touch:
            return number
    return None


def _follows(book: Book, row: Any, leaves: int) -> tuple[bool, int]:
    """Apply a row; return whether it follows, and what is left of the message's order."""
    kind, lots, side = EventKind(int(row["kind"])), int(row["qty_lots"]), int(row["side"])
    agent, parent, price = int(row["agent"]), int(row["parent_id"]), int(row["price_ticks"])
    order_id, row_leaves, is_first = int(row["order_id"]), int(row["leaves_lots"]), bool(row["flags"] & 4)
    book.sequence += 1
    if kind == EventKind.EXECUTE:
        resting_id, resting = book.queue(-side)[0] if book.queue(-side) else (0, Order(-1, 0, 0, 0, 0))
        told = (int(row["contra_order_id"]), int(row["contra_agent"]), int(row["contra_parent_id"]), price)
        is_next = told == (resting_id, resting.agent, resting.parent_id, resting.price_ticks)
        adds_up = lots > 0 and row["contra_leaves_lots"] == resting.lots - lots >= 0 and row_leaves >= 0
        as_much_as_can = row_leaves == 0 or row["contra_leaves_lots"] == 0
        if is_next and adds_up:
            resting.lots -= lots
            if resting.lots == 0:
                del book.orders[resting_id]
        return is_next and adds_up and as_much_as_can and (is_first or leaves == lots + row_leaves), row_leaves
    if kind == EventKind.ADD:
        sound = lots > 0 and row_leaves == lots and order_id not in book.orders and (is_first or leaves == lots)
        book.orders[order_id] = Order(agent, parent, side, price, lots)
        return sound, 0
    if kind in (EventKind.CANCEL, EventKind.REDUCE, EventKind.REPLACE):
        order = book.orders.get(order_id)
        if order is None or (order.agent, order.parent_id, order.side) != (agent, parent, side):
            return False, 0
        if kind == EventKind.REPLACE:
            del book.orders[order_id]
            return row_leaves == lots and row["contra_leaves_lots"] == order.lots, lots
        order.lots -= lots
        if kind == EventKind.CANCEL:
            del book.orders[order_id]
        return order.price_ticks == price and order.lots == row_leaves and (row_leaves > 0) == (
            order_id in book.orders
        ), 0
    if kind == EventKind.EXPIRE:
        return row_leaves == 0 and lots > 0 and (is_first or leaves == lots), 0
    return kind != EventKind.REJECT or row_leaves == 0, 0
