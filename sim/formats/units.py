"""Ticks and lots of a feed: what its numbers say they are, or what the user says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64

from lob.compiled import kernel
from lob.errors import InputError
from lob.recording import CROSS, DELETE, HALT, NEW, RECORDED, Recording, with_tick
from lob.rules import MAX_ORDER_LOTS
from sim.rebuilt_book import find_order, remove_order, with_room

__all__ = ["recording_of"]

Rows = np.ndarray[Any, Any]
CAPPED_SHARE = 1e-3
"""Of the messages; so few may be larger than the largest order that a book takes."""


@kernel
def _in_lots(orders: Any, messages: Any, lot: int, sizes: Any) -> None:
    """Sizes in lots, so that what is left of an order is always its rest in whole lots, rounded down and capped."""
    mask = int64(orders.shape[0] - 1)
    for k in range(messages.shape[0]):
        row = messages[k]
        if row.type > DELETE + 1:
            sizes[k] = min(row.size // lot, int64(MAX_ORDER_LOTS))
            continue
        slot = find_order(orders, mask, int64(row.order_id) + 1)
        if row.type == NEW:
            orders[slot, 0], orders[slot, 1] = row.order_id + 1, row.size
            sizes[k] = min(row.size // lot, int64(MAX_ORDER_LOTS))
        else:
            held = orders[slot, 1]
            left = min((held - row.size) // lot, int64(MAX_ORDER_LOTS))
            sizes[k] = min(held // lot, int64(MAX_ORDER_LOTS)) - left
            orders[slot, 1] = held - row.size
            if held == row.size:
                remove_order(orders, mask, slot)


def _lot(sizes: Rows, size_units: int, given: float | None, where: str) -> int:
    """Return one lot in units of the sizes."""
    if given is not None:
        units = round(given * size_units) if 0 < given < 1e9 else 0
        if units < 1 or abs(units - given * size_units) > 1e-6 * units:
            raise InputError(
                f"lot = {given:g}: sizes of {where} are multiples of {1 / size_units:g}; allowed: such a lot"
            )
        return units
    divisor, unit = int(np.gcd.reduce(sizes, initial=0)), 1
    while unit * 10 <= size_units and divisor and divisor % (unit * 10) == 0:
        unit *= 10
    while np.count_nonzero(sizes // unit > MAX_ORDER_LOTS) > CAPPED_SHARE * len(sizes):
        unit *= 10
    return unit


def recording_of(
    name: str, fine: Rows, price_units: int, size_units: int, tick_size: float | None, lot_size: float | None,
    **fields: Any,
) -> Recording:  # fmt: skip
    """Return a recording in ticks and lots.

    Args:
        name: of the instrument and the day.
        fine: messages, dtype FINE.
        price_units: units of their prices in one unit of the currency.
        size_units: units of their sizes in one share or coin.
        tick_size: one tick in the currency; default: the largest usual one that fits.
        lot_size: one lot; default: the largest power of ten up to 1 that all sizes are multiples of, or larger if
            many sizes would not fit 30 bits. Parts of lots are left out, so that each order holds its whole lots; the
            few orders that are still larger than any book takes count as the largest, and are told.
        fields: further fields of Recording.

    Raises:
        InputError: if prices lie between ticks, or sizes are too large for the lot.
    """
    sizes = fine["size"]
    unit = _lot(sizes[fine["type"] != HALT], size_units, lot_size, name)
    notes = list(fields.pop("notes", ()))
    messages = np.zeros(len(fine), RECORDED)
    for field in RECORDED.names or ():
        if field != "size":
            messages[field] = fine[field]
    if unit == 1 and sizes.max(initial=0) <= MAX_ORDER_LOTS:
        lots = sizes
    else:
        lots = np.zeros(len(fine), np.int64)
        _in_lots(with_room(np.zeros((1024, 2), np.int64), 0, int((fine["type"] == NEW).sum())), fine, unit, lots)
    capped = int(np.count_nonzero(sizes // unit > MAX_ORDER_LOTS))
    if capped:
        largest = MAX_ORDER_LOTS * unit / size_units
        if lot_size is not None or capped > CAPPED_SHARE * len(sizes):
            raise InputError(
                f"{name}: {capped} sizes of more than {largest:g}, which is {MAX_ORDER_LOTS} lots of "
                f"{unit / size_units:g}; allowed: a larger lot"
            )
        notes.append(f"{capped:,} messages of sizes above {largest:g}: counted as that")
    messages["size"] = lots
    empty = (lots == 0) & (messages["type"] < CROSS)
    if empty.any():
        notes.append(f"{int(empty.sum()):,} messages of less than a lot of {unit / size_units:g}: left out")
        messages = messages[~empty]
    recording = Recording(
        name, messages, np.zeros((len(messages), 0, 4), np.int32), 1, price_units, unit / size_units,
        notes=tuple(notes), **fields,
    )  # fmt: skip
    return with_tick(recording, tick_size)
