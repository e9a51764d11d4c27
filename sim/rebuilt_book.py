"""A book rebuilt exactly from tape rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from lob.codes import HIDDEN, ICEBERG, ROW_ADD, ROW_CANCEL, ROW_EXECUTE, ROW_REDUCE, ROW_REFRESH, ROW_REPLACE
from lob.compiled import kernel, leaf
from lob.errors import InputError

__all__ = ["RebuiltBook", "find_order", "remove_order", "shown_change", "with_room"]

Ints = np.ndarray[Any, np.dtype[np.int64]]
_MULTIPLIER = uint64(0x9E3779B97F4A7C15)


@leaf
def _home(order_id: int, mask: int) -> int:
    return int64((uint64(order_id) * _MULTIPLIER) >> uint64(32)) & mask


@leaf
def find_order(orders: Any, mask: int, order_id: int) -> int:
    """Slot of an order, or the empty slot where it belongs."""
    slot = _home(order_id, mask)
    while orders[slot, 0] != 0 and orders[slot, 0] != order_id:
        slot = (slot + 1) & mask
    return slot


@leaf
def remove_order(orders: Any, mask: int, slot: int) -> None:
    """Empty a slot and move later entries of its run back, so that no run has a hole."""
    hole = slot
    probe = (slot + 1) & mask
    while orders[probe, 0] != 0:
        home = _home(orders[probe, 0], mask)
        if ((probe - home) & mask) >= ((probe - hole) & mask):
            for column in range(orders.shape[1]):
                orders[hole, column] = orders[probe, column]
            hole = probe
        probe = (probe + 1) & mask
    orders[hole, 0] = 0


@leaf
def shown_change(row: Any, shown_lots: int) -> int:
    """What a REDUCE, CANCEL or REPLACE row takes away of what the book shows of an order."""
    if row.kind != ROW_REDUCE:
        return shown_lots
    return shown_lots - int64(row.contra_leaves_lots) if row.flags & ICEBERG else int64(row.qty_lots)


@kernel
def _apply_rows(levels: Any, min_price_ticks: int, orders: Any, rows: Any) -> int:
    """Book rows of one symbol into levels[side, price]; return the change of the number of resting orders.

    `orders` is an open-addressing table of (order id, price index, lots): a REPLACE row names neither the old price
    nor the old quantity, so each resting order is remembered.
    """
    mask = int64(orders.shape[0] - 1)
    change = int64(0)
    for i in range(rows.shape[0]):
        row = rows[i]
        kind = int64(row.kind)
        lots = int64(row.qty_lots)
        price = int64(row.price_ticks) - min_price_ticks
        side = int64(0) if row.side > 0 else int64(1)
        if row.flags & HIDDEN:
            continue  # nothing of it was ever shown
        if kind == ROW_ADD or kind == ROW_REFRESH:
            slot = find_order(orders, mask, int64(row.order_id))
            orders[slot, 0] = row.order_id
            orders[slot, 1] = price
            orders[slot, 2] = lots
            levels[side, price] += lots
            change += 1
        elif kind == ROW_EXECUTE:
            levels[1 - side, price] -= lots
            slot = find_order(orders, mask, int64(row.contra_order_id))
            if orders[slot, 0] != 0:
                orders[slot, 2] -= lots
                if orders[slot, 2] == 0:
                    remove_order(orders, mask, slot)
                    change -= 1
        elif kind == ROW_REDUCE or kind == ROW_CANCEL or kind == ROW_REPLACE:
            slot = find_order(orders, mask, int64(row.order_id))
            if orders[slot, 0] != 0:
                taken = shown_change(row, orders[slot, 2])
                levels[side, orders[slot, 1]] -= taken
                orders[slot, 2] -= taken
                if kind != ROW_REDUCE:
                    remove_order(orders, mask, slot)
                    change -= 1
    return change


@kernel
def _copy_orders(old: Any, new: Any) -> None:
    mask = int64(new.shape[0] - 1)
    for i in range(old.shape[0]):
        if old[i, 0] != 0:
            slot = find_order(new, mask, old[i, 0])
            for column in range(old.shape[1]):
                new[slot, column] = old[i, column]


def with_room(orders: Ints, n_orders: int, n_more: int) -> Ints:
    """Return a table of orders (the id, not 0, and whatever columns) of which at most half will be full."""
    while 2 * (n_orders + n_more) > len(orders):
        larger = np.zeros((2 * len(orders), orders.shape[1]), np.int64)
        _copy_orders(orders, larger)
        orders = larger
    return orders


class RebuiltBook:
    """Quantity at every price of one symbol, from its tape rows. Memory: the price range and the resting orders.

    Args:
        min_price_ticks: lowest price of the instrument.
        n_prices: number of its prices.
    """

    def __init__(self, min_price_ticks: int, n_prices: int) -> None:
        self.min_price_ticks = min_price_ticks
        self.lots: Ints = np.zeros((2, n_prices), np.int64)
        """Bids in row 0, asks in row 1."""
        self._orders: Ints = np.zeros((1024, 3), np.int64)
        self._n_orders = 0

    def reserve(self, n_more: int) -> Ints:
        """Return the table of resting orders (id, price index, lots), with room for more."""
        self._orders = with_room(self._orders, self._n_orders, n_more)
        return self._orders

    def count_orders(self) -> None:
        """Count the resting orders anew, after somebody else has changed the table."""
        self._n_orders = int(np.count_nonzero(self._orders[:, 0]))

    def check(self, rows: np.ndarray[Any, Any]) -> None:
        """Raise InputError unless all orders and executions of these rows are at prices of the instrument."""
        shown = ((rows["kind"] == ROW_ADD) & (rows["flags"] & HIDDEN == 0)) | (rows["kind"] == ROW_EXECUTE)
        placed = rows["price_ticks"][shown]
        highest = self.min_price_ticks + self.lots.shape[1] - 1
        if len(placed) and (placed.min() < self.min_price_ticks or placed.max() > highest):
            raise InputError(
                f"a tape with prices from {placed.min()} to {placed.max()} ticks; allowed: {self.min_price_ticks} to "
                f"{highest}, the instrument's"
            )

    def apply(self, rows: np.ndarray[Any, Any]) -> None:
        """Book rows of this symbol, in order.

        Raises:
            InputError: if a price is none of the instrument's.
        """
        self.check(rows)
        self.reserve(len(rows))
        self._n_orders += int(_apply_rows(self.lots, self.min_price_ticks, self._orders, rows))
