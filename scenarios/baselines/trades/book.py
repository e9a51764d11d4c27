"""A small order book for the closed loop: price-time priority, snapshots of the best levels, orders found by price."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

import numpy as np

from scenarios.baselines.trades.orders import ASK, BID

__all__ = ["LoopBook"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


class LoopBook:
    """Resting orders of both sides. Sides are 1 for bids and -1 for asks; prices in ticks, quantities in lots.

    A generator needs what a matching engine does not offer, to find orders by price and size, and nothing else of it.

    Args:
        levels: of a snapshot on each side.
        first_id: of the ids that the book itself gives.
    """

    def __init__(self, levels: int, first_id: int = 1) -> None:
        self.levels = levels
        self._queues: dict[int, dict[int, dict[int, int]]] = {1: {}, -1: {}}
        self._prices: dict[int, list[int]] = {1: [], -1: []}
        self._last_best: dict[int, int] = {}
        self._next_id = first_id

    def add(self, side: int, price_ticks: int, size_lots: int, order_id: int = 0) -> int:
        """Rest an order at the end of its queue and return its id; a new one unless it is given.

        Raises:
            ValueError: if it would cross the other side, or its size is not positive.
        """
        best = self.best(-side)
        if size_lots <= 0 or (best is not None and side * (price_ticks - best) >= 0):
            raise ValueError(f"order book: side {side}, {size_lots} lots at {price_ticks}; the other best is {best}")
        if not order_id:
            order_id = self._next_id
            self._next_id += 1
        queues = self._queues[side]
        if price_ticks not in queues:
            queues[price_ticks] = {}
            insort(self._prices[side], price_ticks)
        queues[price_ticks][order_id] = size_lots
        return order_id

    def take(self, side: int, price_ticks: int, order_id: int, size_lots: int) -> int:
        """Take up to `size_lots` from a resting order, whether by a cancel or an execution; return what was taken."""
        queue = self._queues[side][price_ticks]
        taken = min(size_lots, queue[order_id])
        queue[order_id] -= taken
        if queue[order_id] == 0:
            del queue[order_id]
        if not queue:
            del self._queues[side][price_ticks]
            prices = self._prices[side]
            del prices[bisect_left(prices, price_ticks)]
            if not prices:
                self._last_best[side] = price_ticks
        return taken

    def best(self, side: int) -> int | None:
        """Return the best price of a side, or None."""
        prices = self._prices[side]
        return (prices[-1] if side > 0 else prices[0]) if prices else None

    def touch(self, side: int) -> int | None:
        """Return the best price of a side; of an empty one the last it had, or one tick beyond the other side."""
        best, other = self.best(side), self.best(-side)
        if best is not None:
            return best
        return self._last_best.get(side, None if other is None else other - side)

    def first(self, side: int) -> tuple[int, int, int] | None:
        """Return (price, order id, size) of the order of a side that trades next, or None."""
        price = self.best(side)
        if price is None:
            return None
        order_id, size = next(iter(self._queues[side][price].items()))
        return price, order_id, size

    def queue(self, side: int, price_ticks: int) -> dict[int, int]:
        """Return the sizes of the orders at a price by id, oldest first; empty if there are none."""
        return self._queues[side].get(price_ticks, {})

    def prices(self, side: int) -> list[int]:
        """Return the prices of a side in ascending order."""
        return self._prices[side]

    def worst_shown(self, side: int) -> int | None:
        """Return the worst price of a snapshot if all its levels are there, else None."""
        prices = self._prices[side]
        if len(prices) < self.levels:
            return None
        return prices[-self.levels] if side > 0 else prices[self.levels - 1]

    def snapshot(self) -> Floats:
        """Return the best levels, shape (levels, 4): ask price, ask lots, bid price, bid lots; price nan if empty."""
        book = np.zeros((self.levels, 4))
        book[:, 0::2] = np.nan
        for side, column in ((1, BID), (-1, ASK)):
            prices, queues = self._prices[side], self._queues[side]
            shown = prices[: -self.levels - 1 : -1] if side > 0 else prices[: self.levels]
            for level, price in enumerate(shown):
                book[level, column] = price
                book[level, column + 1] = sum(queues[price].values())
        return book
