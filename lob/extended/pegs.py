"""Prices of pegged orders, and the undisplayed order that an incoming one meets first (compiled).

Prices are indices in half ticks here, twice the index of the price: a midpoint may lie between two ticks.
"""

from __future__ import annotations

from numba import int64

from lob.book import anchor_at, detail_at, node_at
from lob.codes import PEG_MARKET, PEG_MIDPOINT
from lob.compiled import Record, kernel, leaf
from lob.extended.aside import HIDDEN_ASKS, HIDDEN_BIDS, first_aside, following_aside
from lob.extended.details import NO_LIMIT, PEG_BUYS, PEG_SELLS, detail_of
from lob.levels import next_above, next_below

__all__ = ["best_undisplayed2", "find_undisplayed", "know_pegs", "peg_price2"]

NOWHERE = -1


@leaf
def peg_price2(book: Record, detail: Record, side: int, bid: int, ask: int) -> int:
    """Price of a pegged order at a displayed touch, NOWHERE while what it follows is not there.

    It reaches the displayed best of the other side in no case: at most one tick away from it, or the midpoint.
    """
    has_bid, has_ask = bid >= 0, ask < book.n_prices
    offset = int64(detail.trigger_ticks)
    if detail.peg == PEG_MIDPOINT:
        if not (has_bid and has_ask):
            return int64(NOWHERE)
        price2 = bid + ask + 2 * side * offset
    else:
        own = (side > 0) != (detail.peg == PEG_MARKET)  # whether it follows the bid
        if not (has_bid if own else has_ask):
            return int64(NOWHERE)
        price2 = 2 * ((bid if own else ask) + side * offset)
        if side > 0 and has_ask:
            price2 = min(price2, 2 * (ask - 1))
        elif side < 0 and has_bid:
            price2 = max(price2, 2 * (bid + 1))
    if detail.limit != NO_LIMIT:
        price2 = min(price2, 2 * int64(detail.limit)) if side > 0 else max(price2, 2 * int64(detail.limit))
    if price2 < 0 or price2 > 2 * (book.n_prices - 1):
        return int64(NOWHERE)
    return price2


@leaf
def may_trade(book: Record, index: int, lots: int, stamp: int) -> bool:
    """Whether an undisplayed order trades with `lots`: its minimum at least, or the rest of it if that is less."""
    detail = detail_of(book, index)
    if detail.mark == stamp:
        return False
    return lots >= min(int64(detail.min_lots), int64(node_at(book, index).qty_lots))


@leaf
def _first_hidden(book: Record, side: int, limit2: int, lots: int, stamp: int) -> int:
    """The hidden order of the best price within the limit that may trade, and the oldest there; 0 if none."""
    buys = side > 0  # the incoming order
    rows = int64(HIDDEN_ASKS) if buys else int64(HIDDEN_BIDS)
    price = next_above(book, rows, int64(-1)) if buys else next_below(book, rows, int64(book.n_prices))
    while (buys and price < book.n_prices and 2 * price <= limit2) or (not buys and price >= 0 and 2 * price >= limit2):
        index = first_aside(book, rows, price)
        while index != 0:
            if may_trade(book, index, lots, stamp):
                return index
            index = following_aside(book, rows, price, index)
        price = next_above(book, rows, price) if buys else next_below(book, rows, price)
    return int64(0)


@kernel
def _find_peg_bounds(book: Record, bid: int, ask: int) -> None:
    """Find the best prices of pegged orders at a displayed touch, beyond all prices where there are none."""
    best_bid2, best_ask2 = int64(NOWHERE), 2 * int64(book.n_prices)
    index = int64(anchor_at(book, int64(PEG_BUYS)).head)
    while index != 0:
        detail = detail_at(book, int64(node_at(book, index).detail))
        best_bid2 = max(best_bid2, peg_price2(book, detail, int64(1), bid, ask))
        index = int64(detail.next)
    index = int64(anchor_at(book, int64(PEG_SELLS)).head)
    while index != 0:
        detail = detail_at(book, int64(node_at(book, index).detail))
        price2 = peg_price2(book, detail, int64(-1), bid, ask)
        if price2 != NOWHERE:
            best_ask2 = min(best_ask2, price2)
        index = int64(detail.next)
    book.peg_bid2, book.peg_ask2 = best_bid2, best_ask2
    book.pegs_at_bid, book.pegs_at_ask = bid, ask


@leaf
def know_pegs(book: Record, bid: int, ask: int) -> None:
    """See to it that `peg_bid2` and `peg_ask2` are bounds at a touch: those that have left may still be in them."""
    if book.n_pegs > 0 and (book.pegs_at_bid != bid or book.pegs_at_ask != ask):
        _find_peg_bounds(book, bid, ask)


@leaf
def best_undisplayed2(book: Record, side: int) -> int:
    """Bound of the best price at which an incoming order of a side meets an undisplayed one; see `know_pegs`."""
    if side > 0:
        best2 = int64(book.peg_ask2) if book.n_pegs > 0 else 2 * int64(book.n_prices)
        if book.n_hidden > 0:
            best2 = min(best2, 2 * next_above(book, int64(HIDDEN_ASKS), int64(-1)))
        return best2
    best2 = int64(book.peg_bid2) if book.n_pegs > 0 else int64(NOWHERE)
    if book.n_hidden > 0:
        best2 = max(best2, 2 * next_below(book, int64(HIDDEN_BIDS), int64(book.n_prices)))
    return best2


@kernel
def find_undisplayed(book: Record, limit2: int, lots: int, stamp: int) -> int:
    """The undisplayed order that the incoming one (`taker_` fields) would meet first within its limit; 0 if none.

    Best price first, then age. Its price is left in `found2`. Orders marked with the stamp are passed over.
    """
    side = int64(book.taker_side)
    best, best2, best_rank = int64(0), int64(0), int64(0)
    know_pegs(book, int64(book.taker_bid), int64(book.taker_ask))
    if side * (limit2 - best_undisplayed2(book, side)) < 0:
        book.found2 = 0
        return best
    if book.n_hidden > 0:
        best = _first_hidden(book, side, limit2, lots, stamp)
        if best != 0:
            best2 = 2 * int64(node_at(book, best).price)
            best_rank = int64(detail_of(book, best).rank)
    if book.n_pegs > 0:
        index = int64(anchor_at(book, int64(PEG_SELLS) if side > 0 else int64(PEG_BUYS)).head)
        while index != 0:
            detail = detail_at(book, int64(node_at(book, index).detail))
            price2 = peg_price2(book, detail, -side, int64(book.taker_bid), int64(book.taker_ask))
            if price2 != NOWHERE and side * (limit2 - price2) >= 0 and may_trade(book, index, lots, stamp):
                gain = side * (best2 - price2)
                if best == 0 or gain > 0 or (gain == 0 and detail.rank < best_rank):
                    best, best2, best_rank = index, price2, int64(detail.rank)
            index = int64(detail.next)
    book.found2 = best2
    return best
