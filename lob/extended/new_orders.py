"""New orders of every kind: what they need, why the book refuses them, where they go (compiled)."""

from __future__ import annotations

from numba import int64

from lob.book import node_at
from lob.codes import (
    ALL_OR_NONE,
    BOOK_FULL,
    DAY,
    FOK,
    FOK_UNFILLABLE,
    GTD,
    HIDDEN,
    ICEBERG,
    IOC,
    LIMIT,
    LIMITED,
    MARKET,
    MARKET_TO_LIMIT,
    MINIMUM,
    MINIMUM_UNFILLABLE,
    NO_LIQUIDITY,
    NONE,
    PEGGED,
    POST_ONLY,
    SELF_TRADE,
    STOP,
    STOP_LIMIT,
    TRACKED,
    TRAILING_STOP,
    WOULD_CROSS,
)
from lob.compiled import Record, kernel, leaf
from lob.extended.changes import show_part
from lob.extended.checks import is_stop, refused_order
from lob.extended.details import (
    HIDDEN_ORDER,
    ICEBERG_ORDER,
    PEG,
    STOP_LIMIT_ORDER,
    STOP_ORDER,
    TIMED,
    TRAILING_ORDER,
    attach_detail,
)
from lob.extended.elected import market_limit2
from lob.extended.feasible import feasible_lots, meets_any
from lob.extended.following import look_again
from lob.extended.placing import place, start_node
from lob.extended.stops import elect_reached, watch_trailing
from lob.extended.trading import expire_row, set_taker, trade
from lob.matching import refused_id
from lob.rows import reject
from lob.types import NO_PRICE

__all__ = ["new_order"]


@leaf
def _entry_limit2(book: Record, message: Record) -> int:
    """Limit of an incoming order in half ticks; that of a peg depends on its detail and is not this."""
    kind, side = int64(message.kind), int64(message.side)
    if kind == LIMIT:
        return 2 * (int64(message.price_ticks) - book.min_price_ticks)
    if kind == MARKET_TO_LIMIT:
        return 2 * int64(book.best_ask) if side > 0 else 2 * int64(book.best_bid)
    return market_limit2(book, side)


@leaf
def _detail_kind(message: Record) -> int:
    """Kind of detail that an order needs if it rests or waits; 0: none."""
    kind, flags = int64(message.kind), int64(message.flags)
    if kind == PEGGED:
        return int64(PEG)
    if kind == STOP:
        return int64(STOP_ORDER)
    if kind == STOP_LIMIT:
        return int64(STOP_LIMIT_ORDER)
    if kind == TRAILING_STOP:
        return int64(TRAILING_ORDER)
    if flags & HIDDEN:
        return int64(HIDDEN_ORDER)
    if flags & ICEBERG:
        return int64(ICEBERG_ORDER)
    return int64(TIMED) if message.time_in_force >= DAY else int64(0)


@kernel
def _describe(book: Record, index: int, message: Record, kind: int) -> None:
    """Fill a node's detail with what the message says."""
    detail = attach_detail(book, index)
    flags = int64(message.flags)
    lots = int64(node_at(book, index).qty_lots)
    detail.kind = kind
    detail.time_in_force = message.time_in_force
    if message.time_in_force == GTD:
        detail.expires_ns = message.expires_ns
    detail.self_trade = message.self_trade if flags & SELF_TRADE else book.self_trade
    if flags & ALL_OR_NONE:
        detail.all_or_none = 1
        detail.min_lots = lots
    elif flags & MINIMUM:
        detail.min_lots = message.min_lots
    if kind == ICEBERG_ORDER:
        show_part(book, index, int64(message.display_lots))
    elif kind == PEG:
        detail.peg = message.peg
        detail.trigger_ticks = message.trigger_ticks
        if flags & LIMITED:
            detail.limit = int64(message.price_ticks) - book.min_price_ticks
    elif kind == STOP_LIMIT_ORDER:
        detail.limit = int64(message.price_ticks) - book.min_price_ticks
    elif kind == TRAILING_ORDER:
        detail.trigger_ticks = message.trigger_ticks


@kernel
def _lacks_room(book: Record, message: Record, limit2: int) -> bool:
    """Whether the book has no room for what may rest or wait of an order."""
    at_once = message.kind == MARKET or message.time_in_force == IOC or message.time_in_force == FOK
    if at_once:
        return False
    if _detail_kind(message) != 0 and book.n_details >= book.max_details:
        return True
    if book.n_orders < book.max_orders:
        return False
    # What trades rests in the place of an order that it has filled.
    if is_stop(int64(message.kind)) or message.flags & (HIDDEN | ALL_OR_NONE) or message.kind == PEGGED:
        return True
    return not meets_any(book, limit2, int64(message.qty_lots))


@leaf
def _least_lots(message: Record) -> int:
    """What an order must trade at once if it is to trade at all."""
    if message.time_in_force == FOK or message.flags & ALL_OR_NONE:
        return int64(message.qty_lots)
    return int64(message.min_lots) if message.flags & MINIMUM else int64(1)


@leaf
def _refused_by_book(book: Record, message: Record, limit2: int) -> int:
    """Reason why an order is refused for what stands in the book, or NONE."""
    qty_lots, at_once = int64(message.qty_lots), message.time_in_force == IOC or message.time_in_force == FOK
    if message.kind == MARKET_TO_LIMIT and not 0 <= limit2 <= 2 * (book.n_prices - 1):
        return int64(NO_LIQUIDITY)
    if _lacks_room(book, message, limit2):
        return int64(BOOK_FULL)
    if message.flags & POST_ONLY and meets_any(book, limit2, qty_lots):
        return int64(WOULD_CROSS)
    must = message.time_in_force == FOK or (at_once and message.flags & MINIMUM != 0)
    if must and feasible_lots(book, limit2, qty_lots, False) < _least_lots(message):
        return int64(FOK_UNFILLABLE) if message.time_in_force == FOK else int64(MINIMUM_UNFILLABLE)
    return int64(NONE)


@kernel
def _park(book: Record, tape: Record, message: Record, order_id: int) -> None:
    """Let a stop wait; one whose trigger the last trade has reached is elected at once."""
    side, trigger = int64(message.side), int64(message.trigger_ticks) - book.min_price_ticks
    kind = _detail_kind(message)
    if kind == TRAILING_ORDER:
        last = (book.last_trade2 + 1) >> 1 if side > 0 else int64(book.last_trade2) >> 1
        trigger = min(max(last + side * int64(message.trigger_ticks), int64(0)), book.n_prices - 1)
    tracked = int64(1) if message.flags & TRACKED else int64(0)
    index = start_node(book, order_id, int64(message.agent), side, trigger, int64(message.qty_lots), tracked)
    _describe(book, index, message, kind)
    place(book, tape, int64(message.time_ns), index, int64(message.parent_id), int64(0))
    if kind == TRAILING_ORDER:
        watch_trailing(book, index)
    if book.last_trade2 >= 0:
        elect_reached(book, int64(book.last_trade2))


@kernel
def new_order(book: Record, tape: Record, message: Record) -> None:
    """Handle every kind of new order."""
    reason = refused_order(book, message)
    if reason != NONE:
        reject(book, tape, message, reason)
        return
    side, kind, flags = int64(message.side), int64(message.kind), int64(message.flags)
    time_ns, qty_lots, agent = int64(message.time_ns), int64(message.qty_lots), int64(message.agent)
    mode = int64(message.self_trade) if flags & SELF_TRADE else int64(book.self_trade)
    set_taker(book, int64(0), agent, int64(message.parent_id), side, mode)
    limit2 = _entry_limit2(book, message)
    reason = _refused_by_book(book, message, limit2)
    order_id = int64(message.order_id)
    if reason == NONE and order_id != 0:
        reason = refused_id(book, agent, order_id)
    if reason != NONE:
        reject(book, tape, message, reason)
        return
    if order_id == 0:
        order_id = int64(book.next_order_id)
        book.next_order_id = order_id + 1
    book.taker_id = order_id
    if is_stop(kind):
        _park(book, tape, message, order_id)
        return
    if kind == PEGGED:
        # Its price depends on its detail: it takes its place first, and trades from there.
        index = start_node(book, order_id, agent, side, int64(0), qty_lots, int64(1) if flags & TRACKED else int64(0))
        _describe(book, index, message, int64(PEG))
        place(book, tape, time_ns, index, int64(message.parent_id), int64(0))
        look_again(book, tape, time_ns, index)
        return
    leaves, price = qty_lots, limit2 >> 1
    has_price = kind == LIMIT or kind == MARKET_TO_LIMIT
    ticks = price + book.min_price_ticks if has_price else int64(NO_PRICE)
    least = _least_lots(message)
    at_once = kind == MARKET or message.time_in_force == IOC or message.time_in_force == FOK
    if at_once or least <= 1 or feasible_lots(book, limit2, qty_lots, False) >= least:
        leaves = trade(book, tape, time_ns, limit2, qty_lots, ticks, False)
    if leaves == 0:
        return
    if at_once:
        expire_row(book, tape, time_ns, ticks, leaves, int64(0), int64(NONE))
        return
    index = start_node(book, order_id, agent, side, price, leaves, int64(1) if flags & TRACKED else int64(0))
    detail_kind = _detail_kind(message)
    if detail_kind != 0:
        _describe(book, index, message, detail_kind)
    place(book, tape, time_ns, index, int64(message.parent_id), int64(0))
