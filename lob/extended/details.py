"""What an order is beyond a limit order until cancelled, and the lists that such orders stand in (compiled)."""

from __future__ import annotations

from numba import int64

from lob.book import NEVER_NS, anchor_at, detail_at, node_at
from lob.codes import DAY
from lob.compiled import Record, kernel, leaf

__all__ = ["attach_detail", "detail_of", "free_detail", "join_due", "join_list", "leave_due", "leave_list", "slices"]

TIMED, ICEBERG_ORDER, HIDDEN_ORDER, PEG, STOP_ORDER, STOP_LIMIT_ORDER, TRAILING_ORDER = range(1, 8)
"""Kinds of detail. TIMED is displayed as it is; from HIDDEN_ORDER on an order is not displayed."""
NO_LIMIT = -(2**31)
PEG_BUYS, PEG_SELLS, TRAILING, ELECTED, DUE, DAY_ORDERS = range(6)
"""Lists of orders; DUE holds those that expire at a time, the earliest first."""


@leaf
def detail_of(book: Record, index: int) -> Record:
    """Detail of a node; number 0, all zero, for a plain order."""
    return detail_at(book, int64(node_at(book, index).detail))


@leaf
def kind_of(book: Record, index: int) -> int:
    """Kind of a node's detail, 0: a plain order."""
    return int64(detail_of(book, index).kind)


@kernel
def attach_detail(book: Record, index: int) -> Record:
    """Give a node a detail, all zero but for rank and expiry; the caller has checked that there is room."""
    number = int64(book.detail_free)
    if number != 0:
        book.detail_free = detail_at(book, number).next
    else:
        number = int64(book.detail_fresh)
        book.detail_fresh = number + 1
    detail = detail_at(book, number)
    detail.rank = book.next_rank
    detail.expires_ns = NEVER_NS
    detail.reserve_lots = 0
    detail.display_lots = 0
    detail.min_lots = 0
    detail.trigger_ticks = 0
    detail.limit = NO_LIMIT
    detail.next = 0
    detail.prev = 0
    detail.due_next = 0
    detail.due_prev = 0
    detail.mark = 0
    detail.kind = 0
    detail.peg = 0
    detail.time_in_force = 0
    detail.self_trade = 0
    detail.all_or_none = 0
    book.next_rank += 1
    book.n_details += 1
    book.extended += 1
    node_at(book, index).detail = number
    return detail


@kernel
def free_detail(book: Record, index: int) -> None:
    """Take a node's detail away."""
    node = node_at(book, index)
    number = int64(node.detail)
    detail = detail_at(book, number)
    detail.kind = 0
    detail.next = book.detail_free
    book.detail_free = number
    book.n_details -= 1
    book.extended -= 1
    node.detail = 0


@leaf
def slices(detail: Record) -> int:
    """Parts that an iceberg has not yet shown."""
    if detail.reserve_lots == 0:
        return int64(0)
    return (int64(detail.reserve_lots) + int64(detail.display_lots) - 1) // int64(detail.display_lots)


@leaf
def open_lots(book: Record, index: int) -> int:
    """Open quantity of an order, what an iceberg does not show included."""
    node = node_at(book, index)
    total = int64(node.qty_lots)
    if node.detail != 0:
        total += detail_of(book, index).reserve_lots
    return total


@kernel
def join_list(book: Record, which: int, index: int) -> None:
    """Put a node at the end of a list other than DUE."""
    anchor = anchor_at(book, which)
    detail = detail_of(book, index)
    detail.next = 0
    detail.prev = anchor.tail
    if anchor.tail == 0:
        anchor.head = index
    else:
        detail_of(book, int64(anchor.tail)).next = index
    anchor.tail = index


@kernel
def leave_list(book: Record, which: int, index: int) -> None:
    """Take a node out of a list other than DUE."""
    anchor = anchor_at(book, which)
    detail = detail_of(book, index)
    if detail.next == 0:
        anchor.tail = detail.prev
    else:
        detail_of(book, int64(detail.next)).prev = detail.prev
    if detail.prev == 0:
        anchor.head = detail.next
    else:
        detail_of(book, int64(detail.prev)).next = detail.next


@leaf
def _due_list(detail: Record) -> int:
    return int64(DAY_ORDERS) if detail.time_in_force == DAY else int64(DUE)


@kernel
def join_due(book: Record, index: int) -> None:
    """Put a node into its list of timed orders: behind all that expire no later."""
    detail = detail_of(book, index)
    anchor = anchor_at(book, _due_list(detail))
    before = int64(anchor.tail)
    while before != 0 and detail_of(book, before).expires_ns > detail.expires_ns:
        before = int64(detail_of(book, before).due_prev)
    after = int64(anchor.head) if before == 0 else int64(detail_of(book, before).due_next)
    detail.due_prev = before
    detail.due_next = after
    if before == 0:
        anchor.head = index
    else:
        detail_of(book, before).due_next = index
    if after == 0:
        anchor.tail = index
    else:
        detail_of(book, after).due_prev = index
    book.next_expiry_ns = min(int64(book.next_expiry_ns), int64(detail.expires_ns))


@kernel
def leave_due(book: Record, index: int) -> None:
    """Take a node out of its list of timed orders; `next_expiry_ns` may stay too early, which costs a look."""
    detail = detail_of(book, index)
    anchor = anchor_at(book, _due_list(detail))
    if detail.due_next == 0:
        anchor.tail = detail.due_prev
    else:
        detail_of(book, int64(detail.due_next)).due_prev = detail.due_prev
    if detail.due_prev == 0:
        anchor.head = detail.due_next
    else:
        detail_of(book, int64(detail.due_prev)).due_next = detail.due_next
