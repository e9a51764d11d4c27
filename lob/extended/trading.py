"""Executions: the order of priority, refreshes of icebergs, self-trade prevention (compiled).

An incoming order meets the best price first; at one price displayed orders before the others, then the older before the
younger. Pegged orders stand, for the whole of it, where the touch before it has put them.
"""

from __future__ import annotations

from numba import int64

from lob.book import level_at, member_at, node_at
from lob.codes import (
    HALF_TICK,
    HIDDEN,
    MATCH_MIXED,
    ROW_EXECUTE,
    ROW_EXPIRE,
    ROW_REFRESH,
    STP_BOTH,
    STP_DECREMENT,
    STP_NEWEST,
    STP_NONE,
    STP_OLDEST,
    WAS_SELF_TRADE,
)
from lob.compiled import Record, kernel, leaf
from lob.execution import parent_of
from lob.extended.details import HIDDEN_ORDER, detail_of, kind_of, open_lots
from lob.extended.pegs import find_undisplayed
from lob.extended.placing import cancel_row, lay_down, remove_any, row_flags, shrink, take_up
from lob.extended.sharing import share_out, take_share
from lob.extended.stops import note_trade
from lob.rows import begin_row, takes_row

__all__ = ["execute", "expire_row", "is_own", "set_taker", "trade"]


@leaf
def set_taker(book: Record, order_id: int, agent: int, parent_id: int, side: int, mode: int) -> None:
    """Note whose order is incoming, and the touch that pegged orders stand at meanwhile."""
    book.taker_id = order_id
    book.taker_agent = agent
    book.taker_parent = parent_id
    book.taker_side = side
    book.taker_mode = mode
    book.taker_bid = book.best_bid
    book.taker_ask = book.best_ask


@leaf
def is_own(book: Record, agent: int) -> bool:
    """Whether self-trade prevention holds the incoming order and one of this agent apart."""
    if book.taker_mode == STP_NONE or agent < 0 or book.taker_agent < 0:
        return False
    if agent == book.taker_agent:
        return True
    if agent >= book.n_members or book.taker_agent >= book.n_members:
        return False
    group = member_at(book, agent).group
    return group != 0 and group == member_at(book, int64(book.taker_agent)).group


@kernel
def expire_row(book: Record, tape: Record, time_ns: int, ticks: int, lots: int, leaves: int, reason: int) -> None:
    """Say what the incoming order loses without trading it."""
    if takes_row(book, tape):
        row = begin_row(book, tape, time_ns, int64(ROW_EXPIRE))
        row.order_id = book.taker_id
        row.agent = book.taker_agent
        row.parent_id = book.taker_parent
        row.side = book.taker_side
        row.price_ticks = ticks
        row.qty_lots = lots
        row.leaves_lots = leaves
        row.reason = reason


@kernel
def execute(book: Record, tape: Record, time_ns: int, index: int, price2: int, traded: int, leaves: int) -> None:
    """Trade so much of a resting order at a price in half ticks; `leaves` is what is left of the incoming one.

    A part of an iceberg that has been taken up leaves its queue, and the next one joins at the end.
    """
    node = node_at(book, index)
    order_id, agent, side, parent_id = int64(node.order_id), int64(node.agent), int64(node.side), parent_of(book, index)
    total = open_lots(book, index) - traded
    is_undisplayed = kind_of(book, index) >= HIDDEN_ORDER
    renewed = False
    if traded < node.qty_lots:
        node.qty_lots -= traded
        if not is_undisplayed:
            level_at(book, (int64(0) if side > 0 else book.n_prices) + int64(node.price)).lots -= traded
    elif total > 0:
        take_up(book, index)
        renewed = True
    else:
        remove_any(book, index)
    ticks = (price2 >> 1) + book.min_price_ticks
    book.reference_ticks = ticks
    book.last_trade2 = price2
    book.sequence += 1
    row = begin_row(book, tape, time_ns, int64(ROW_EXECUTE))
    row.order_id = book.taker_id
    row.contra_order_id = order_id
    row.agent = book.taker_agent
    row.contra_agent = agent
    row.parent_id = book.taker_parent
    row.contra_parent_id = parent_id
    row.side = book.taker_side
    row.price_ticks = ticks
    row.qty_lots = traded
    row.leaves_lots = leaves
    row.contra_leaves_lots = total
    row.flags = (int64(HIDDEN) if is_undisplayed else int64(0)) | (int64(HALF_TICK) if price2 & 1 else int64(0))
    if renewed:
        detail = detail_of(book, index)
        shown = min(int64(detail.display_lots), int64(detail.reserve_lots))
        detail.reserve_lots -= shown
        book.n_slices -= 1
        node.qty_lots = shown
        top_bid, top_ask = int64(book.top_bid), int64(book.top_ask)
        lay_down(book, index)
        book.top_bid, book.top_ask = top_bid, top_ask  # a refresh betters no price
        if takes_row(book, tape):
            row = begin_row(book, tape, time_ns, int64(ROW_REFRESH))
            row.order_id = order_id
            row.agent = agent
            row.parent_id = parent_id
            row.side = side
            row.price_ticks = node.price + book.min_price_ticks
            row.qty_lots = shown
            row.leaves_lots = total
            row.contra_leaves_lots = shown
            row.flags = row_flags(book, index)
    note_trade(book, price2)


@kernel
def keep_apart(book: Record, tape: Record, time_ns: int, index: int, ticks: int, leaves: int) -> int:
    """Do what self-trade prevention does to two orders of one owner; return what is left of the incoming one."""
    mode = int64(book.taker_mode)
    reason = int64(WAS_SELF_TRADE)
    if mode == STP_OLDEST or mode == STP_BOTH:
        cancel_row(book, tape, time_ns, index, reason)
    if mode == STP_NEWEST or mode == STP_BOTH:
        expire_row(book, tape, time_ns, ticks, leaves, int64(0), reason)
        return int64(0)
    if mode == STP_DECREMENT:
        both = min(leaves, open_lots(book, index))
        if both == open_lots(book, index):
            cancel_row(book, tape, time_ns, index, reason)
        else:
            shrink(book, tape, time_ns, index, both, reason)
        leaves -= both
        expire_row(book, tape, time_ns, ticks, both, leaves, reason)
    return leaves


@leaf
def first_own(book: Record, price: int) -> int:
    """First order of the incoming one's owner among the displayed ones of a price; 0 if there is none."""
    if book.taker_mode == STP_NONE:
        return int64(0)
    index = int64(level_at(book, (book.n_prices if book.taker_side > 0 else int64(0)) + price).head)
    while index != 0 and not is_own(book, int64(node_at(book, index).agent)):
        index = int64(node_at(book, index).next)
    return index


@kernel
def trade(
    book: Record, tape: Record, time_ns: int, limit2: int, qty_lots: int, ticks: int, undisplayed_only: bool
) -> int:
    """Match the incoming order (`taker_` fields) up to a limit in half ticks; return what is left of it.

    What self-trade prevention takes from it is told with `ticks` and is not left.
    """
    side = int64(book.taker_side)
    leaves = int64(qty_lots)
    while leaves > 0:
        price = int64(book.best_ask) if side > 0 else int64(book.best_bid)
        displayed = not undisplayed_only and 0 <= price < book.n_prices and side * (limit2 - 2 * price) >= 0
        index = int64(0)
        if book.n_hidden + book.n_pegs > 0:
            # Who is no better than the displayed ones comes after them.
            better2 = 2 * price - side if displayed else limit2
            index = find_undisplayed(book, better2, leaves, int64(-1))
        price2 = int64(book.found2)
        if displayed and (index == 0 or side * (price2 - 2 * price) >= 0):
            price2 = 2 * price
            level = level_at(book, (book.n_prices if side > 0 else int64(0)) + price)
            index = int64(level.head)
            if book.matching == MATCH_MIXED:
                own = first_own(book, price)
                if own != 0:
                    leaves = keep_apart(book, tape, time_ns, own, ticks, leaves)
                    continue
                if leaves < level.lots:
                    share_out(book, price, leaves)
                    return _take_shares(book, tape, time_ns, price, leaves)
                leaves = _take_all(book, tape, time_ns, price, leaves)
                continue
        elif index == 0:
            break
        if is_own(book, int64(node_at(book, index).agent)):
            leaves = keep_apart(book, tape, time_ns, index, ticks, leaves)
            continue
        traded = min(leaves, int64(node_at(book, index).qty_lots))
        leaves -= traded
        execute(book, tape, time_ns, index, price2, traded, leaves)
    return leaves


@kernel
def _take_shares(book: Record, tape: Record, time_ns: int, price: int, leaves: int) -> int:
    """Execute what `share_out` has allocated, in the order of the queue; nothing is left."""
    from_ask = book.taker_side > 0
    index = int64(level_at(book, (book.n_prices if from_ask else int64(0)) + price).head)
    last = int64(level_at(book, (book.n_prices if from_ask else int64(0)) + price).tail)
    while True:
        following = int64(node_at(book, index).next)
        share = take_share(book, index)
        if share > 0:
            leaves -= share
            execute(book, tape, time_ns, index, 2 * price, share, leaves)
        if index == last:
            return leaves
        index = following


@kernel
def _take_all(book: Record, tape: Record, time_ns: int, price: int, leaves: int) -> int:
    """Execute all that a price displays, by time; what icebergs show then is shared out anew."""
    level = level_at(book, (book.n_prices if book.taker_side > 0 else int64(0)) + price)
    last = int64(level.tail)
    while True:
        index = int64(level.head)
        traded = int64(node_at(book, index).qty_lots)
        leaves -= traded
        execute(book, tape, time_ns, index, 2 * price, traded, leaves)
        if index == last:
            return leaves
