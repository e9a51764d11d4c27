"""Queues outside of the displayed book: hidden orders, and stops that wait for their trigger (compiled).

A queue is a ring of nodes: the head's predecessor is its last order, so that a price needs one number and no level.
Which prices are occupied stands in bitmaps like those of the displayed sides.
"""

from __future__ import annotations

from numba import int64

from lob.book import head_at, node_at
from lob.compiled import Record, kernel, leaf
from lob.levels import mark_empty, mark_occupied

__all__ = ["append_aside", "first_aside", "unlink_aside"]

HIDDEN_BIDS, HIDDEN_ASKS, STOP_BUYS, STOP_SELLS = 2, 3, 4, 5
"""Side numbers of the bitmaps; 0 and 1 are the displayed bid and ask."""


@leaf
def _head(book: Record, side: int, price: int) -> Record:
    return head_at(book, (side - 2) * book.n_prices + price)


@leaf
def first_aside(book: Record, side: int, price: int) -> int:
    """First order of a queue, 0 if it is empty."""
    return int64(_head(book, side, price).node)


@kernel
def append_aside(book: Record, side: int, price: int, index: int) -> None:
    """Put a node at the end of a queue."""
    head = _head(book, side, price)
    node = node_at(book, index)
    first = int64(head.node)
    if first == 0:
        node.next = index
        node.prev = index
        head.node = index
        mark_occupied(book, side, price)
    else:
        last = int64(node_at(book, first).prev)
        node.next = first
        node.prev = last
        node_at(book, last).next = index
        node_at(book, first).prev = index


@kernel
def unlink_aside(book: Record, side: int, price: int, index: int) -> None:
    """Take a node out of its queue."""
    head = _head(book, side, price)
    node = node_at(book, index)
    following, previous = int64(node.next), int64(node.prev)
    if following == index:
        head.node = 0
        mark_empty(book, side, price)
    else:
        node_at(book, following).prev = previous
        node_at(book, previous).next = following
        if head.node == index:
            head.node = following


@leaf
def following_aside(book: Record, side: int, price: int, index: int) -> int:
    """Next order of a queue, 0 after the last."""
    following = int64(node_at(book, index).next)
    return int64(0) if following == first_aside(book, side, price) else following
