"""Price levels of a book: the bitmap of occupied prices and the FIFO queue of each level (compiled helpers)."""

from __future__ import annotations

from numba import int64, uint64

from lob.bits import high_bit, low_bit
from lob.book import level_at, node_at, word0_at, word1_at, word2_at
from lob.compiled import Record, kernel, leaf

__all__ = ["append_order", "is_occupied", "next_above", "next_below", "unlink_order"]

ONE = uint64(1)
ZERO = uint64(0)
ALL = uint64(0xFFFFFFFFFFFFFFFF)


@leaf
def mark_occupied(book: Record, side: int, price: int) -> None:
    """Set the bit of a price, and of its parents where they were empty."""
    word0 = word0_at(book, side * book.n_words0 + (price >> 6))
    before = word0.bits
    word0.bits = before | (ONE << uint64(price & 63))
    if before == ZERO:
        word1 = word1_at(book, side * book.n_words1 + (price >> 12))
        before1 = word1.bits
        word1.bits = before1 | (ONE << uint64((price >> 6) & 63))
        if before1 == ZERO:
            word2 = word2_at(book, side)
            word2.bits = word2.bits | (ONE << uint64(price >> 12))


@leaf
def mark_empty(book: Record, side: int, price: int) -> None:
    """Clear the bit of a price, and of its parents where they become empty."""
    word0 = word0_at(book, side * book.n_words0 + (price >> 6))
    after = word0.bits & ~(ONE << uint64(price & 63))
    word0.bits = after
    if after == ZERO:
        word1 = word1_at(book, side * book.n_words1 + (price >> 12))
        after1 = word1.bits & ~(ONE << uint64((price >> 6) & 63))
        word1.bits = after1
        if after1 == ZERO:
            word2 = word2_at(book, side)
            word2.bits = word2.bits & ~(ONE << uint64(price >> 12))


@kernel
def next_above(book: Record, side: int, price: int) -> int:
    """Lowest occupied price of `side` strictly above `price` (at least -1), or `n_prices`."""
    start = price + 1
    if start >= book.n_prices:
        return int64(book.n_prices)
    word = word0_at(book, side * book.n_words0 + (start >> 6)).bits & (ALL << uint64(start & 63))
    if word != ZERO:
        return (start & ~63) + low_bit(word)
    group = (start >> 6) + 1
    if group < book.n_words0:
        word = word1_at(book, side * book.n_words1 + (group >> 6)).bits & (ALL << uint64(group & 63))
        if word != ZERO:
            group = (group & ~63) + low_bit(word)
            return (group << 6) + low_bit(word0_at(book, side * book.n_words0 + group).bits)
        block = (group >> 6) + 1
        if block < book.n_words1:
            word = word2_at(book, side).bits & (ALL << uint64(block))
            if word != ZERO:
                block = low_bit(word)
                group = (block << 6) + low_bit(word1_at(book, side * book.n_words1 + block).bits)
                return (group << 6) + low_bit(word0_at(book, side * book.n_words0 + group).bits)
    return int64(book.n_prices)


@kernel
def next_below(book: Record, side: int, price: int) -> int:
    """Highest occupied price of `side` strictly below `price` (at most `n_prices`), or -1."""
    start = price - 1
    if start < 0:
        return int64(-1)
    word = word0_at(book, side * book.n_words0 + (start >> 6)).bits & (ALL >> uint64(63 - (start & 63)))
    if word != ZERO:
        return (start & ~63) + high_bit(word)
    group = (start >> 6) - 1
    if group >= 0:
        word = word1_at(book, side * book.n_words1 + (group >> 6)).bits & (ALL >> uint64(63 - (group & 63)))
        if word != ZERO:
            group = (group & ~63) + high_bit(word)
            return (group << 6) + high_bit(word0_at(book, side * book.n_words0 + group).bits)
        block = (group >> 6) - 1
        if block >= 0:
            word = word2_at(book, side).bits & (ALL >> uint64(63 - block))
            if word != ZERO:
                block = high_bit(word)
                group = (block << 6) + high_bit(word1_at(book, side * book.n_words1 + block).bits)
                return (group << 6) + high_bit(word0_at(book, side * book.n_words0 + group).bits)
    return int64(-1)


@leaf
def is_occupied(book: Record, side: int, price: int) -> bool:
    """Whether a price index of `side` holds an order."""
    word = word0_at(book, side * book.n_words0 + (price >> 6)).bits
    return (word >> uint64(price & 63)) & ONE != ZERO


@leaf
def append_order(book: Record, side: int, price: int, index: int, qty_lots: int) -> None:
    """Put node `index` at the tail of a level and move the best price if it improves."""
    level = level_at(book, side * book.n_prices + price)
    node = node_at(book, index)
    tail = int64(level.tail)
    node.next = 0
    node.prev = tail
    node_at(book, tail).next = index  # node 0 takes the write when the level was empty
    level.tail = index
    level.lots += qty_lots
    if tail == 0:
        level.head = index
        mark_occupied(book, side, price)
        if side == 0:
            if price > book.best_bid:
                book.best_bid = price
        elif price < book.best_ask:
            book.best_ask = price


@leaf
def unlink_order(book: Record, index: int) -> None:
    """Take a node out of its level with its open quantity; moves the best price when the level empties.

    The neighbours are written without asking whether they exist (node 0 takes those writes): where an order stands in
    its queue is random, and a branch on it would be mispredicted half of the time.
    """
    node = node_at(book, index)
    side = int64(0) if node.side > 0 else int64(1)
    price = int64(node.price)
    level = level_at(book, side * book.n_prices + price)
    following, previous = int64(node.next), int64(node.prev)
    level.lots -= node.qty_lots
    node_at(book, following).prev = previous
    node_at(book, previous).next = following
    level.tail = previous if following == 0 else int64(level.tail)
    level.head = following if previous == 0 else int64(level.head)
    if (following | previous) == 0:
        mark_empty(book, side, price)
        if side == 0:
            if price == book.best_bid:
                book.best_bid = next_below(book, side, price)
        elif price == book.best_ask:
            book.best_ask = next_above(book, side, price)
