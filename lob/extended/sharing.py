"""Allocation of an incoming order among the displayed orders of one price (compiled); steps: lob.rules.Allocation."""

from __future__ import annotations

from numba import float64, int64

from lob.book import level_at, member_at, node_at, share_at
from lob.compiled import Record, kernel, leaf

__all__ = ["share_out", "take_share"]

NEARLY = 1e-14
"""What a share may lack of a whole one through rounding, per lot shared out, where time pro-rata needs fractions."""


@leaf
def take_share(book: Record, index: int) -> int:
    """Return what an order has been allocated, and forget it."""
    share = share_at(book, index)
    lots = int64(share.lots)
    share.lots = 0
    return lots


@leaf
def give(book: Record, index: int, wanted: int, left: int) -> int:
    """Allocate at most so much to an order; return what is left to allocate."""
    share = share_at(book, index)
    lots = max(int64(0), min(min(wanted, left), int64(node_at(book, index).qty_lots) - int64(share.lots)))
    share.lots += lots
    return left - lots


@leaf
def unmet(book: Record, index: int) -> int:
    """What an order could still be allocated."""
    return int64(node_at(book, index).qty_lots) - int64(share_at(book, index).lots)


@leaf
def by_time(book: Record, first: int, left: int) -> int:
    """Allocate to the oldest first; return what is left."""
    index = first
    while index != 0 and left > 0:
        left = give(book, index, left, left)
        index = int64(node_at(book, index).next)
    return left


@leaf
def _power(base: float, exponent: int) -> float:
    result = 1.0
    for _ in range(exponent):
        result *= base
    return result


@kernel
def _pro_rata(book: Record, first: int, left: int) -> int:
    """Allocate in proportion to what each order can still be allocated; return what is left."""
    total = int64(0)
    index = first
    while index != 0:
        total += unmet(book, index)
        index = int64(node_at(book, index).next)
    amount, younger = left, total
    index = first
    while index != 0 and total > 0:
        size = unmet(book, index)
        if book.time_power == 1:
            share = amount * size // total
        else:
            power = int64(book.time_power)
            weight = _power(float64(younger) / float64(total), power)
            weight -= _power(float64(younger - size) / float64(total), power)
            share = int64(float64(amount) * (weight + NEARLY))
        younger -= size
        if share >= book.minimum_lots:
            left = give(book, index, share, left)
        index = int64(node_at(book, index).next)
    return left


@kernel
def share_out(book: Record, price: int, lots: int) -> None:
    """Allocate lots, fewer than the price displays, to the orders there: into the table of shares."""
    bids = book.taker_side < 0
    first = int64(level_at(book, (int64(0) if bids else book.n_prices) + price).head)
    left = lots
    top = int64(book.top_bid) if bids else int64(book.top_ask)
    if book.top_max_lots > 0 and top != 0 and node_at(book, top).price == price:
        left = give(book, top, int64(book.top_max_lots), left)
    amount = left
    index = first
    while index != 0 and book.n_members > 0:
        agent = int64(node_at(book, index).agent)
        if 0 <= agent < book.n_members and member_at(book, agent).lead_percent > 0:
            # One lead's orders at a price share its percentage by time.
            percent = int64(member_at(book, agent).lead_percent)
            if _is_first_of(book, first, index):
                left = _give_lead(book, index, amount * percent // 100, left)
        index = int64(node_at(book, index).next)
    if book.fifo_percent > 0:
        part = left * int64(book.fifo_percent) // 100
        left = left - part + by_time(book, first, part)
    if left > 0:
        left = _pro_rata(book, first, left)
    if book.leveling != 0:
        index = first
        while index != 0 and left > 0:
            if share_at(book, index).lots == 0:
                left = give(book, index, int64(1), left)
            index = int64(node_at(book, index).next)
    by_time(book, first, left)


@leaf
def _is_first_of(book: Record, first: int, index: int) -> bool:
    """Whether an order is its agent's oldest at the price."""
    agent = node_at(book, index).agent
    other = first
    while node_at(book, other).agent != agent:
        other = int64(node_at(book, other).next)
    return other == index


@leaf
def _give_lead(book: Record, index: int, wanted: int, left: int) -> int:
    """Allocate a lead's share to its orders, from this, its oldest, on; return what is left."""
    agent = node_at(book, index).agent
    while index != 0 and wanted > 0:
        if node_at(book, index).agent == agent:
            before = left
            left = give(book, index, wanted, left)
            wanted -= before - left
        index = int64(node_at(book, index).next)
    return left
