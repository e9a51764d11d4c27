"""What must hold of a book after every message; `check_invariants` is compiled so that tests can afford it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64

from lob.book import (
    N_SIDES,
    anchor_at,
    extra_at,
    head_at,
    level_at,
    node_at,
    owner_at,
    slot_at,
    word0_at,
    word1_at,
    word2_at,
)
from lob.compiled import Record, kernel
from lob.extended.details import DAY_ORDERS, DUE, HIDDEN_ORDER, ICEBERG_ORDER, PEG, detail_of, slices
from lob.levels import is_occupied, next_above, next_below
from lob.orders import find_order

__all__ = ["check_invariants"]

_BROKEN = (
    "",
    "the book is crossed",
    "best_bid is not the highest occupied bid",
    "best_ask is not the lowest occupied ask",
    "an occupied bit and the level's queue disagree",
    "a level's lots are not the sum of its orders",
    "a queue's backward link is broken",
    "a level's tail is not its last order",
    "an order has no quantity, or stands at another price or side than its level",
    "an order is not found by its id",
    "the number of orders is not the number in the levels",
    "the id table holds another number of orders",
    "an agent's list is broken",
    "the number of tracked orders is not the number in the agents' lists",
    "the upper levels of the bitmap disagree with the lower ones",
    "a queue of hidden orders or stops is broken",
    "the hidden, pegged or waiting orders are not as many as counted",
    "an iceberg shows nothing, or more than it may, or its parts are miscounted",
    "an order is displayed that should not be, or has a detail of another kind",
    "the orders with details are not as many as counted",
    "the list of timed orders is broken",
)


@kernel
def _bitmap_agrees(book: Record) -> bool:
    """Whether each bit of the upper bitmap levels says if its word below is non-zero."""
    for side in range(N_SIDES):
        for group in range(book.n_words0):
            bit = (word1_at(book, side * book.n_words1 + (group >> 6)).bits >> (group & 63)) & 1
            if (bit != 0) != (word0_at(book, side * book.n_words0 + group).bits != 0):
                return False
        for block in range(book.n_words1):
            bit = (word2_at(book, int64(side)).bits >> block) & 1
            if (bit != 0) != (word1_at(book, side * book.n_words1 + block).bits != 0):
                return False
    return True


@kernel
def _first_broken(book: Record) -> int:
    """Index into _BROKEN of the first invariant that fails, 0 if all hold."""
    if book.best_bid >= book.best_ask:
        return 1
    if book.best_bid != next_below(book, int64(0), int64(book.n_prices)):
        return 2
    if book.best_ask != next_above(book, int64(1), int64(-1)):
        return 3
    n_orders = int64(0)
    n_tracked = int64(0)
    for side in range(2):
        for price in range(book.n_prices):
            level = level_at(book, side * book.n_prices + price)
            if is_occupied(book, int64(side), int64(price)) != (level.head != 0):
                return 4
            lots = int64(0)
            previous = int64(0)
            index = int64(level.head)
            while index != 0:
                node = node_at(book, index)
                if node.prev != previous:
                    return 6
                if node.qty_lots <= 0 or node.price != price or (node.side > 0) != (side == 0):
                    return 8
                if find_order(book, int64(node.order_id)) != index:
                    return 9
                if detail_of(book, index).kind >= HIDDEN_ORDER:
                    return 18
                n_orders += 1
                n_tracked += node.tracked
                lots += node.qty_lots
                previous = index
                index = int64(node.next)
            if level.tail != previous:
                return 7
            if level.lots != lots:
                return 5
    n_orders += book.n_hidden + book.n_pegs + book.n_stops
    n_tracked += _tracked_aside(book)
    if n_orders != book.n_orders:
        return 10
    n_slots = int64(0)
    for slot in range(book.table_mask + 1):
        if slot_at(book, int64(slot)).node != 0:
            n_slots += 1
    if n_slots != n_orders:
        return 11
    for agent in range(book.n_agents):
        owner = owner_at(book, int64(agent))
        previous = int64(0)
        index = int64(owner.head)
        while index != 0:
            node = node_at(book, index)
            if extra_at(book, index).prev != previous or node.agent != agent or not node.tracked:
                return 12
            n_tracked -= 1
            previous = index
            index = int64(extra_at(book, index).next)
        if owner.tail != previous:
            return 12
    if n_tracked != 0:
        return 13
    if not _bitmap_agrees(book):
        return 14
    return _first_broken_aside(book)


@kernel
def _tracked_aside(book: Record) -> int:
    """Tracked orders among those that are not displayed."""
    total = int64(0)
    for slot in range(book.table_mask + 1):
        index = int64(slot_at(book, int64(slot)).node)
        if index != 0 and detail_of(book, index).kind >= HIDDEN_ORDER:
            total += node_at(book, index).tracked
    return total


@kernel
def _first_broken_aside(book: Record) -> int:
    """The same for what only lob.extended touches."""
    counted = np.zeros(6, np.int64)
    for side in range(2, N_SIDES):
        for price in range(book.n_prices):
            first = int64(head_at(book, (side - 2) * book.n_prices + price).node)
            if is_occupied(book, int64(side), int64(price)) != (first != 0):
                return 15
            index = first
            while index != 0:
                node = node_at(book, index)
                kind = detail_of(book, index).kind
                if node_at(book, int64(node.next)).prev != index or node.price != price:
                    return 15
                if (node.side > 0) != (side % 2 == 0) or (kind == HIDDEN_ORDER) != (side < 4):
                    return 18
                counted[side] += 1
                index = int64(node.next) if node.next != first else int64(0)
    if counted[2] + counted[3] != book.n_hidden or counted[4] + counted[5] != book.n_stops:
        return 16
    n_pegs, n_parts, n_details, n_due = int64(0), int64(0), int64(0), int64(0)
    for slot in range(book.table_mask + 1):
        index = int64(slot_at(book, int64(slot)).node)
        node = node_at(book, index)
        detail = detail_of(book, index)
        if index == 0 or node.detail == 0:
            continue
        n_details += 1
        n_pegs += int64(detail.kind == PEG)
        n_parts += slices(detail)
        n_due += int64(detail.time_in_force != 0)
        if node.qty_lots <= 0 or detail.reserve_lots < 0:
            return 17
        if detail.kind == ICEBERG_ORDER and node.qty_lots > detail.display_lots:
            return 17
    if n_pegs != book.n_pegs:
        return 16
    if n_parts != book.n_slices:
        return 17
    if n_details != book.n_details or book.extended < n_details or book.extended > n_details + 1:
        return 19
    for which in (DUE, DAY_ORDERS):
        earliest = int64(book.next_expiry_ns)
        index = int64(anchor_at(book, int64(which)).head)
        while index != 0:
            n_due -= 1
            if detail_of(book, index).expires_ns < earliest:
                return 20
            earliest = int64(detail_of(book, index).expires_ns)
            index = int64(detail_of(book, index).due_next)
    return 20 if n_due != 0 else 0


def check_invariants(book: Any) -> None:
    """Raise AssertionError naming the broken invariant of a book (an OrderBook, or a book's header record)."""
    record = getattr(book, "_book", book)
    broken = int(_first_broken(record))
    assert broken == 0, _BROKEN[broken]
