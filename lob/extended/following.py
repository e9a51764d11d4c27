"""Pegged orders after the displayed touch has moved: whom they reach now (compiled)."""

from __future__ import annotations

from numba import int64

from lob.book import anchor_at, detail_at, node_at
from lob.codes import CONTINUOUS, HIDDEN, REINSERTED, ROW_ADD, ROW_REPLACE
from lob.compiled import Record, kernel, leaf
from lob.execution import parent_of
from lob.extended.details import PEG_BUYS, PEG_SELLS
from lob.extended.feasible import feasible_lots
from lob.extended.pegs import NOWHERE, best_undisplayed2, find_undisplayed, know_pegs, peg_price2
from lob.extended.placing import remove_any, row_ticks
from lob.extended.trading import set_taker, trade
from lob.rows import begin_row, takes_row

__all__ = ["look_again", "settle_pegs"]


@kernel
def look_again(book: Record, tape: Record, time_ns: int, index: int) -> None:
    """Let a pegged order at rest trade with undisplayed orders that its price now reaches.

    It is then told as replaced and, if anything is left of it, as added anew; it keeps its age.
    """
    node = node_at(book, index)
    detail = detail_at(book, int64(node.detail))
    side, lots = int64(node.side), int64(node.qty_lots)
    price2 = peg_price2(book, detail, side, int64(book.best_bid), int64(book.best_ask))
    if price2 == NOWHERE:
        return
    order_id, agent, parent_id = int64(node.order_id), int64(node.agent), parent_of(book, index)
    set_taker(book, order_id, agent, parent_id, side, int64(detail.self_trade))
    if find_undisplayed(book, price2, lots, int64(-1)) == 0:
        return
    least = min(int64(detail.min_lots), lots)
    if least > 1 and feasible_lots(book, price2, lots, True) < least:
        return
    ticks = row_ticks(book, index)
    if takes_row(book, tape):
        row = begin_row(book, tape, time_ns, int64(ROW_REPLACE))
        row.order_id = order_id
        row.agent = agent
        row.parent_id = parent_id
        row.side = side
        row.price_ticks = ticks
        row.qty_lots = lots
        row.leaves_lots = lots
        row.contra_leaves_lots = lots
        row.flags = HIDDEN
    leaves = trade(book, tape, time_ns, price2, lots, ticks, True)
    if leaves == 0:
        remove_any(book, index)
    else:
        node.qty_lots = leaves
        _tell_again(book, tape, time_ns, index, parent_id)


@leaf
def _tell_again(book: Record, tape: Record, time_ns: int, index: int, parent_id: int) -> None:
    """Write the ADD row of an order that rests where it did."""
    node = node_at(book, index)
    if takes_row(book, tape):
        row = begin_row(book, tape, time_ns, int64(ROW_ADD))
        row.order_id = node.order_id
        row.agent = node.agent
        row.parent_id = parent_id
        row.side = node.side
        row.price_ticks = row_ticks(book, index)
        row.qty_lots = node.qty_lots
        row.leaves_lots = node.qty_lots
        row.flags = HIDDEN | REINSERTED


@kernel
def settle_pegs(book: Record, tape: Record, time_ns: int, bid: int, ask: int, anyway: bool) -> None:
    """After the displayed touch has moved: pegged buys, then sells, oldest first, look whom they reach now."""
    if book.n_pegs == 0 or book.phase != CONTINUOUS or not (anyway or book.best_bid != bid or book.best_ask != ask):
        return
    know_pegs(book, int64(book.best_bid), int64(book.best_ask))
    if book.peg_bid2 < best_undisplayed2(book, int64(1)) and book.peg_ask2 > best_undisplayed2(book, int64(-1)):
        return
    for which in (PEG_BUYS, PEG_SELLS):
        index = int64(anchor_at(book, int64(which)).head)
        while index != 0:
            following = int64(detail_at(book, int64(node_at(book, index).detail)).next)
            look_again(book, tape, time_ns, index)
            index = following
