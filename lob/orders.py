"""Storage of resting orders: free nodes, the table from order id to node, and each agent's own list (compiled)."""

from __future__ import annotations

from numba import int64, uint64

from lob.book import extra_at, node_at, owner_at, slot_at
from lob.compiled import Record, leaf

__all__ = ["find_order", "find_slot", "forget_order", "remember_order", "slot_of_node", "take_node"]

# 2^64 / golden ratio: Fibonacci hashing spreads consecutive numbers evenly over the table (Knuth, TAOCP 3, 6.4).
GOLDEN = uint64(0x9E3779B97F4A7C15)


GROUP_BITS = 4
"""A cache line holds 16 slots of the id table."""
STRIDE = (1 << GROUP_BITS) + 1
STRIDE_INVERSE = pow(STRIDE, -1, 1 << 62)
"""Times the distance of two slots, modulo the table: how many probes lie between them."""


@leaf
def home_slot(book: Record, order_id: int) -> int:
    """Slot at which the search for an order id starts.

    Consecutive ids share a line, and lines are spread by Fibonacci hashing: what has just come is found in lines that
    are at hand. The place within the line is turned by further bits of the hash, so that ids with a common lower part,
    as a sender may choose them, do not meet.
    """
    spread = ((uint64(order_id) >> uint64(GROUP_BITS)) * GOLDEN) >> uint64(book.table_shift)
    return int64(spread ^ (uint64(order_id) & uint64((1 << GROUP_BITS) - 1)))


@leaf
def find_slot(book: Record, order_id: int) -> int:
    """Slot of a resting order in the id table; an empty slot when there is none."""
    mask = book.table_mask
    slot = home_slot(book, order_id)
    while True:
        index = int64(slot_at(book, slot).node)
        if index == 0 or node_at(book, index).order_id == order_id:
            return slot
        slot = (slot + STRIDE) & mask


@leaf
def find_order(book: Record, order_id: int) -> int:
    """Node of a resting order, 0 when there is none."""
    return int64(slot_at(book, find_slot(book, order_id)).node)


@leaf
def take_node(book: Record) -> int:
    """Return a free node; the caller has checked that one exists."""
    index = int64(book.free_head)
    if index != 0:
        book.free_head = node_at(book, index).next
    else:
        index = int64(book.n_fresh)
        book.n_fresh = index + 1
    book.n_orders += 1
    return index


@leaf
def remember_order(book: Record, index: int, order_id: int) -> None:
    """Enter a node into the id table."""
    mask = book.table_mask
    slot = home_slot(book, order_id)
    while slot_at(book, slot).node != 0:
        slot = (slot + STRIDE) & mask
    slot_at(book, slot).node = index


@leaf
def slot_of_node(book: Record, index: int) -> int:
    """Slot of a node that is in the id table."""
    mask = book.table_mask
    slot = home_slot(book, node_at(book, index).order_id)
    while slot_at(book, slot).node != index:
        slot = (slot + STRIDE) & mask
    return slot


@leaf
def forget_order(book: Record, index: int, slot: int) -> None:
    """Delete a node from its slot of the id table (backward shift, no tombstones) and give the node back."""
    mask = book.table_mask
    node = node_at(book, index)
    hole = slot
    probe = hole
    while True:
        probe = (probe + STRIDE) & mask
        other = int64(slot_at(book, probe).node)
        if other == 0:
            break
        home = home_slot(book, node_at(book, other).order_id)
        if (((probe - home) * STRIDE_INVERSE) & mask) >= (((probe - hole) * STRIDE_INVERSE) & mask):
            slot_at(book, hole).node = other
            hole = probe
    slot_at(book, hole).node = 0
    node.order_id = 0
    node.next = book.free_head
    book.free_head = index
    book.n_orders -= 1


@leaf
def join_owner(book: Record, index: int) -> None:
    """Put a tracked node at the end of its agent's list."""
    owner = owner_at(book, int64(node_at(book, index).agent))
    extra = extra_at(book, index)
    extra.next = 0
    extra.prev = owner.tail
    if owner.tail == 0:
        owner.head = index
    else:
        extra_at(book, int64(owner.tail)).next = index
    owner.tail = index


@leaf
def leave_owner(book: Record, index: int) -> None:
    """Take a tracked node out of its agent's list."""
    owner = owner_at(book, int64(node_at(book, index).agent))
    extra = extra_at(book, index)
    if extra.next == 0:
        owner.tail = extra.prev
    else:
        extra_at(book, int64(extra.next)).prev = extra.prev
    if extra.prev == 0:
        owner.head = extra.next
    else:
        extra_at(book, int64(extra.prev)).next = extra.next
