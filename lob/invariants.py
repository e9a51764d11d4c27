"""What must hold of a book after every message; `check_invariants` is compiled so that tests can afford it."""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.book import extra_at, level_at, node_at, owner_at, slot_at, word0_at, word1_at, word2_at
from lob.compiled import Record, kernel
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
)


@kernel
def _bitmap_agrees(book: Record) -> bool:
    """Whether each bit of the upper bitmap levels says if its word below is non-zero."""
    for side in range(2):
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
                n_orders += 1
                n_tracked += node.tracked
                lots += node.qty_lots
                previous = index
                index = int64(node.next)
            if level.tail != previous:
                return 7
            if level.lots != lots:
                return 5
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
    return 0


def check_invariants(book: Any) -> None:
    """Raise AssertionError naming the broken invariant of a book (an OrderBook, or a book's header record)."""
    record = getattr(book, "_book", book)
    broken = int(_first_broken(record))
    assert broken == 0, _BROKEN[broken]
