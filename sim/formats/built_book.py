"""The best levels after each message of a recording that has no book of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numba import int64

from lob.compiled import kernel
from lob.errors import InputError
from lob.recording import CROSS, EXECUTE, HIDDEN, NEW, RESTATED, Recording
from lob.replay import MAX_PRICE_TICKS
from lob.rules import MAX_PRICES
from sim.rebuilt_book import find_order, remove_order, with_room

__all__ = ["build_book", "with_book"]

Rows = np.ndarray[Any, Any]


@kernel
def _build(messages: Any, price: Any, lots: Any, orders: Any, touch: Any, book: Any, keep: Any) -> int:
    """Fill book[k] with the levels after message k, and keep[k] with whether they changed; count strangers.

    price: index of each message's price, outside of `lots` for one that no book holds. touch: best indices (bid, ask),
    -1 and n_prices where a side is empty.
    """
    mask = int64(orders.shape[0] - 1)
    n_prices, depth = int64(lots.shape[1]), int64(book.shape[1])
    strangers = int64(0)
    worst = np.empty(2, np.int64)  # of the levels kept: what lies behind changes nothing
    worst[0], worst[1] = int64(-1), n_prices
    for k in range(messages.shape[0]):
        row = messages[k]
        here = int64(price[k])
        s = int64(0) if row.direction > 0 else int64(1)
        changed = False
        if row.type <= EXECUTE and 0 <= here < n_prices:
            slot = find_order(orders, mask, int64(row.order_id) + 1)
            if row.type == NEW:
                orders[slot, 0], orders[slot, 1], orders[slot, 2] = row.order_id + 1, here, row.size
                lots[s, here] += row.size
                changed = True
            elif orders[slot, 0] == 0:
                strangers += 1
            else:
                taken = min(int64(row.size), orders[slot, 2])
                here = orders[slot, 1]
                lots[s, here] -= taken
                orders[slot, 2] -= taken
                if orders[slot, 2] == 0:
                    remove_order(orders, mask, slot)
                changed = True
        if changed:
            if s == 0:
                touch[0] = max(touch[0], here)
                while touch[0] >= 0 and lots[0, touch[0]] == 0:
                    touch[0] -= 1
                changed = here >= worst[0]
            else:
                touch[1] = min(touch[1], here)
                while touch[1] < n_prices and lots[1, touch[1]] == 0:
                    touch[1] += 1
                changed = here <= worst[1]
        if k > 0:
            for j in range(depth):
                for c in range(4):
                    book[k, j, c] = book[k - 1, j, c]
        if changed:
            at = touch[s]
            column = 2 if s == 0 else 0
            step = int64(-1) if s == 0 else int64(1)
            for j in range(depth):
                while 0 <= at < n_prices and lots[s, at] == 0:
                    at += step
                held = 0 <= at < n_prices
                book[k, j, column] = at if held else 0
                book[k, j, column + 1] = lots[s, at] if held else 0
                worst[s] = at
                at += step if held else int64(0)
        keep[k] = changed or row.type == EXECUTE or row.type == HIDDEN
    return strangers


def build_book(recording: Recording, levels: int, every: bool = False) -> tuple[Recording, int]:
    """Return a recording with the best levels after each message, built from the messages alone.

    Only messages that change these levels stay, as in files that bring a book; executions, crosses and halts always do.
    What rested before the first message is not known. Prices far from the market, beyond those that a book holds,
    are left out.

    Args:
        recording: without a book.
        levels: on each side.
        every: keep all messages.

    Returns:
        The recording, and how many messages were about orders that it does not show before; the book does without.

    Raises:
        InputError: if prices are beyond those of a book, or a level holds more than 31 bits of lots.
    """
    messages = recording.messages
    ticks = messages["price"] // recording.tick_units
    own = ticks[recording.is_visible]
    if len(own) == 0:  # nothing that a book could show
        return replace(recording, book=np.zeros((len(messages), levels, 4), np.int32)), 0
    low, n_prices = int(own.min()), int(own.max()) - int(own.min()) + 1
    if n_prices > MAX_PRICES:
        low, n_prices = max(low, int(np.percentile(own, 50, method="lower")) - MAX_PRICES // 2), MAX_PRICES
    if abs(low) > MAX_PRICE_TICKS:
        raise InputError(
            f"{recording.name}: prices near {low * recording.tick_size:g} are {low} ticks of {recording.tick_size:g}; "
            f"allowed: up to {MAX_PRICE_TICKS} ticks, hence a larger tick"
        )
    n_new = int((messages["type"] == NEW).sum())
    orders = with_room(np.zeros((1024, 3), np.int64), 0, n_new)
    lots = np.zeros((2, n_prices), np.int64)
    touch = np.array([-1, n_prices])
    book = np.zeros((len(messages), levels, 4), np.int32)
    keep = np.zeros(len(messages), np.bool_)
    strangers = int(_build(messages, ticks - low, lots, orders, touch, book, keep))
    if lots.max() > 2**31 - 1:
        raise InputError(f"{recording.name}: {lots.max()} lots at one price; allowed: 31 bits, hence a larger lot")
    book[:, :, 0::2] += np.where(book[:, :, 1::2] > 0, np.int32(low), np.int32(0))
    keep |= messages["type"] >= CROSS
    # What restates the book is no flow; the book after it stands beside the next message.
    keep |= messages["flags"] & RESTATED != 0
    if every or keep.all():
        return replace(recording, book=book), strangers
    return replace(recording, messages=messages[keep], book=book[keep]), strangers


def with_book(recording: Recording, levels: int) -> Recording:
    """Return a recording with a book: its own, or one that is built; see `build_book`."""
    return recording if recording.levels else build_book(recording, levels)[0]
