"""The last orders and the books before them, kept so that a new order costs one row and not a new table."""

from __future__ import annotations

from typing import Any

import numpy as np

from scenarios.baselines.trades.orders import OrderTable, TradesOrder
from scenarios.baselines.trades.scaling import FEATURES, Scale, raw_books, raw_orders
from scenarios.baselines.trades.settings import TradesConfig

__all__ = ["History"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]


class History:
    """The conditioning of the next order: the last `sequence - 1` orders and the books before each.

    Args:
        table: orders to begin with, at least `sequence - 1` of them.
        config: the settings.

    Raises:
        ValueError: if there are too few orders.
    """

    def __init__(self, table: OrderTable, config: TradesConfig) -> None:
        past = config.sequence - 1
        if len(table) < past:
            raise ValueError(f"history: {len(table)} orders; the settings ask for {past}")
        self._config = config
        self._past = past
        # Twice the room: a window is always one contiguous slice, and the shift back is rare.
        self._orders = np.zeros((2 * config.sequence, FEATURES))
        self._books = np.zeros((2 * config.sequence, config.levels, 4))
        self._orders[:past] = raw_orders(table, config)[-past:]
        self._books[:past] = raw_books(table.before[-past:], config)
        self._end = past

    def push(self, order: TradesOrder, before: Floats) -> None:
        """Append an order that has happened.

        Args:
            order: the order.
            before: the book before it, shape (levels, 4).
        """
        if self._end + 1 >= len(self._orders):
            self._orders[: self._past] = self._orders[self._end - self._past : self._end]
            self._books[: self._past] = self._books[self._end - self._past : self._end]
            self._end = self._past
        self._orders[self._end] = raw_orders(order, self._config)
        self._books[self._end] = raw_books(before, self._config)
        self._end += 1

    def window(self, now: Floats, scale: Scale) -> tuple[Singles, Singles]:
        """Return the conditioning of the next order.

        Args:
            now: the book as it stands, shape (levels, 4).
            scale: the model's scale.

        Returns:
            Orders, shape (sequence, FEATURES), whose last row is the order to come and means nothing yet, and books,
            shape (sequence, levels * 4).
        """
        self._books[self._end] = raw_books(now, self._config)
        window = slice(self._end - self._past, self._end + 1)
        return scale.window(self._orders[window], self._books[window], self._config)
