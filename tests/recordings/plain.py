"""The slow obvious twins of the feed and of the built book: dictionaries instead of tables."""

from __future__ import annotations

from typing import Any

from lob.recording import CROSS, DELETE, EXECUTE, HALT, HIDDEN, NEW, REDUCE, RESTATED
from sim.formats.feed import LAST, SNAPSHOT, Act

__all__ = ["PlainFeed", "plain_levels"]


class PlainFeed:
    """What sim.formats.feed.Feed does, row by row: `messages` are (time, type, id, side, price, size, flags)."""

    def __init__(self) -> None:
        self.orders: dict[int, list[int]] = {}  # id -> side, price, size, filled
        self.messages: list[tuple[int, ...]] = []
        self.trade: list[int] | None = None  # price, size, side
        self.time = 0

    def tell(self, kind: int, order: int, side: int, price: int, size: int, flags: int) -> None:
        self.messages.append((self.time, kind, order, side, price, size, flags))

    def put(self, order: int, side: int, price: int, size: int, flags: int) -> None:
        if order in self.orders:
            old = self.orders.pop(order)
            self.tell(DELETE, order, old[0], old[1], old[2], flags)
        self.orders[order] = [side, price, size, 0]
        self.tell(NEW, order, side, price, size, flags)

    def take(self, order: int, lost: int, executed: int, flags: int) -> None:
        side, price, held, _ = self.orders[order]
        lost = min(lost, held)
        executed = min(executed, lost)
        if executed:
            self.tell(EXECUTE, order, side, price, executed, flags)
        if lost > executed:
            self.tell(DELETE if lost == held else REDUCE, order, side, price, lost - executed, flags)
        if lost == held:
            del self.orders[order]
        else:
            self.orders[order][2] -= lost

    def finish(self) -> None:
        if self.trade and self.trade[1] > 0:
            price, size, side = self.trade
            self.tell(HIDDEN if side else CROSS, 0, side or -1, price, size, 0)
        self.trade = None

    def __call__(self, row: Any) -> None:
        self.time = max(self.time, int(row["time_ns"]))
        flags = RESTATED if row["flags"] & SNAPSHOT else 0
        order, side, price, size = (int(row[name]) for name in ("order_id", "side", "price", "size"))
        act = int(row["act"])
        if act == Act.ADD:
            self.put(order, side, price, size, flags)
        elif act == Act.TRADE:
            self.finish()
            self.trade = [price, size, side]
        elif act == Act.CLEAR:
            gone = [o for o, (s, *_) in self.orders.items() if side in (0, s)]
            for o in gone:
                s, p, q, _ = self.orders.pop(o)
                self.tell(DELETE, o, s, p, q, flags)
        elif act in (Act.HIDDEN, Act.CROSS):
            self.tell(HIDDEN if act == Act.HIDDEN else CROSS, order, side, price, size, flags)
        elif act == Act.PHASE:
            self.tell(HALT, 0, -1, price, 0, flags)
        elif act == Act.MODIFY and order not in self.orders:
            self.put(order, side, price, size, flags)
        elif act != Act.NOTHING and order in self.orders:
            self.known(act, order, price, size, int(row["other_id"]), flags)
        if row["flags"] & LAST:
            self.finish()

    def known(self, act: int, order: int, price: int, size: int, other: int, flags: int) -> None:
        side, at, held, filled = self.orders[order]
        if act == Act.FILL:
            self.orders[order][3] += size
            if self.trade:
                self.trade[1] = max(0, self.trade[1] - size)
        elif act == Act.EXECUTE:
            self.take(order, size, size, flags)
        elif act in (Act.CANCEL, Act.DELETE):
            lost = held if act == Act.DELETE or size <= 0 else size
            self.orders[order][3] = max(0, filled - lost)
            self.take(order, lost, filled, flags)
        elif act == Act.SET_SIZE:
            if size <= held:
                self.take(order, held - size, held - size, flags)
        elif act == Act.REPLACE:
            self.take(order, held, 0, flags)
            self.put(other, side, price, size, flags)
        elif price == at and size <= held:
            self.orders[order][3] = max(0, filled - (held - size))
            self.take(order, held - size, filled, flags)
        else:
            self.take(order, held, filled, flags)
            self.put(order, side, price, size, flags)


def plain_levels(messages: Any, tick: int, depth: int) -> list[list[tuple[int, int, int, int]]]:
    """Return the best levels (ask price, lots, bid price, lots) in ticks after each message, 0 where empty."""
    orders: dict[int, list[int]] = {}
    books = []
    for row in messages:
        order, size = int(row["order_id"]), int(row["size"])
        if row["type"] == NEW:
            orders[order] = [int(row["direction"]), int(row["price"]) // tick, size]
        elif row["type"] <= EXECUTE and order in orders:
            orders[order][2] -= size
            if orders[order][2] <= 0:
                del orders[order]
        levels: list[list[tuple[int, int]]] = []
        for side in (-1, 1):
            lots: dict[int, int] = {}
            for s, price, q in orders.values():
                if s == side:
                    lots[price] = lots.get(price, 0) + q
            best = sorted(lots.items(), reverse=side > 0)[:depth]
            levels.append(best + [(0, 0)] * (depth - len(best)))
        books.append([(*a, *b) for a, b in zip(*levels, strict=True)])
    return books
