"""The way into this package: one message, whatever it is, and the stops that it has elected (compiled)."""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import int64
from numba import types as nb_types
from numba.np.numpy_support import from_dtype

from lob.book import BOOK, anchor_at, detail_at, node_at
from lob.codes import (
    ALL_OR_NONE,
    BAD_KIND,
    BOOK_FULL,
    CANCEL,
    CANCEL_ALL,
    CLOSED,
    COLLAR,
    CONTINUOUS,
    DAY,
    EXPIRE,
    FIRST,
    FOK,
    FOK_UNFILLABLE,
    GTD,
    HALTED,
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
    REDUCE,
    REINSERTED,
    REPLACE,
    ROW_ADD,
    ROW_PHASE,
    ROW_REPLACE,
    ROW_TRIGGER,
    SELF_TRADE,
    SET_PHASE,
    STOP,
    STOP_LIMIT,
    TRACKED,
    TRAILING_STOP,
    WOULD_CROSS,
)
from lob.compiled import Record, function_address, kernel, leaf
from lob.execution import parent_of
from lob.extended.changes import change_order, expire_due, show_part, withdraw_all
from lob.extended.checks import is_stop, refused_order
from lob.extended.details import (
    ELECTED,
    HIDDEN_ORDER,
    ICEBERG_ORDER,
    PEG,
    PEG_BUYS,
    PEG_SELLS,
    STOP_LIMIT_ORDER,
    STOP_ORDER,
    TIMED,
    TRAILING_ORDER,
    attach_detail,
    free_detail,
    leave_due,
    leave_list,
)
from lob.extended.feasible import feasible_lots, meets_any
from lob.extended.pegs import NOWHERE, best_undisplayed2, find_undisplayed, know_pegs, peg_price2
from lob.extended.placing import place, remove_any, row_ticks, start_node
from lob.extended.stops import elect_reached, watch_trailing
from lob.extended.trading import expire_row, set_taker, trade
from lob.matching import beyond_collar, refused_id, rows_bound
from lob.orders import forget_order, leave_owner, slot_of_node
from lob.rows import begin_row, reject, takes_row
from lob.tape import TAPE, row_at
from lob.types import MESSAGE, NO_PRICE

__all__ = ["lend_engine"]


@leaf
def market_limit2(book: Record, side: int) -> int:
    """Worst price of an order without a limit, in half ticks: the collar's, the band's, or the end of the range."""
    limit = int64(book.highest_band) if side > 0 else int64(book.lowest_band)
    if book.collar_ticks != 0:
        collar = book.reference_ticks - book.min_price_ticks + side * book.collar_ticks
        limit = min(limit, collar) if side > 0 else max(limit, collar)
    return 2 * limit


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
def _new_order(book: Record, tape: Record, message: Record) -> None:
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
        _look_again(book, tape, time_ns, index)
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


@kernel
def _look_again(book: Record, tape: Record, time_ns: int, index: int) -> None:
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
def _settle_pegs(book: Record, tape: Record, time_ns: int, bid: int, ask: int, anyway: bool) -> None:
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
            _look_again(book, tape, time_ns, index)
            index = following


@kernel
def _act_elected(book: Record, tape: Record, time_ns: int) -> None:
    """Let the stop that was elected first trade, and rest if it has a limit."""
    index = int64(anchor_at(book, int64(ELECTED)).head)
    node = node_at(book, index)
    detail = detail_at(book, int64(node.detail))
    order_id, agent, side, tracked = int64(node.order_id), int64(node.agent), int64(node.side), int64(node.tracked)
    lots, parent_id, trigger = int64(node.qty_lots), parent_of(book, index), int64(node.price)
    kind, limit, tif = int64(detail.kind), int64(detail.limit), int64(detail.time_in_force)
    expires_ns, mode = int64(detail.expires_ns), int64(detail.self_trade)
    leave_list(book, int64(ELECTED), index)
    book.n_elected -= 1
    if tif != 0:
        leave_due(book, index)
    free_detail(book, index)
    if tracked:
        leave_owner(book, index)
    forget_order(book, index, slot_of_node(book, index))
    set_taker(book, order_id, agent, parent_id, side, mode)
    if takes_row(book, tape):
        row = begin_row(book, tape, time_ns, int64(ROW_TRIGGER))
        row.order_id = order_id
        row.agent = agent
        row.parent_id = parent_id
        row.side = side
        row.price_ticks = trigger + book.min_price_ticks
        row.qty_lots = lots
        row.leaves_lots = lots
        row.flags = HIDDEN
    has_limit = kind == STOP_LIMIT_ORDER
    limit2 = 2 * limit if has_limit else market_limit2(book, side)
    ticks = limit + book.min_price_ticks if has_limit else int64(NO_PRICE)
    if has_limit and beyond_collar(book, side, ticks):
        expire_row(book, tape, time_ns, ticks, lots, int64(0), int64(COLLAR))
        return
    leaves = trade(book, tape, time_ns, limit2, lots, ticks, False)
    if leaves == 0:
        return
    if not has_limit:
        expire_row(book, tape, time_ns, ticks, leaves, int64(0), int64(NONE))
        return
    index = start_node(book, order_id, agent, side, limit, leaves, tracked)
    if tif != 0:
        detail = attach_detail(book, index)
        detail.kind = TIMED
        detail.time_in_force = tif
        detail.expires_ns = expires_ns
        detail.self_trade = mode
    place(book, tape, time_ns, index, parent_id, int64(0))


@kernel
def _handle(book: Record, tape: Record, message: Record) -> None:
    kind = int64(message.kind)
    if kind == LIMIT or kind == MARKET or STOP <= kind <= MARKET_TO_LIMIT:
        _new_order(book, tape, message)
    elif kind == CANCEL or kind == REDUCE or kind == REPLACE:
        change_order(book, tape, message)
    elif kind == CANCEL_ALL:
        withdraw_all(book, tape, message)
    elif kind == SET_PHASE and CLOSED <= message.qty_lots <= HALTED:
        book.phase = message.qty_lots
        if takes_row(book, tape):
            row = begin_row(book, tape, int64(message.time_ns), int64(ROW_PHASE))
            row.agent = message.agent
            row.qty_lots = message.qty_lots
        if message.qty_lots == CLOSED:
            expire_due(book, tape, int64(message.time_ns), True)
    elif kind != EXPIRE:
        reject(book, tape, message, int64(BAD_KIND))


@kernel
def handle(book: Record, tape: Record, message: Record) -> int:
    """Handle one message, or with `tape.resuming` what the last one has set off; return the elected stops still to act.

    They act as long as the tape has room for what one of them can write.
    """
    time_ns = int64(message.time_ns)
    if tape.resuming == 0:
        if time_ns >= book.next_expiry_ns:
            expire_due(book, tape, time_ns, False)
        start = int64(tape.cursor)
        bid, ask = int64(book.best_bid), int64(book.best_ask)
        _handle(book, tape, message)
        _settle_pegs(book, tape, time_ns, bid, ask, message.kind == SET_PHASE)
        if tape.cursor > start:
            first = row_at(tape, start)
            first.flags = int64(first.flags) | FIRST
    tape.resuming = 0
    while book.n_elected > 0 and tape.capacity - tape.cursor >= rows_bound(book):
        bid, ask = int64(book.best_bid), int64(book.best_ask)
        _act_elected(book, tape, time_ns)
        _settle_pegs(book, tape, time_ns, bid, ask, False)
    return int64(book.n_elected)


ARGUMENTS = (from_dtype(BOOK), from_dtype(TAPE), from_dtype(MESSAGE))
RESULT = nb_types.int64


@cache
def _address() -> int:
    return function_address(handle, *ARGUMENTS)


def lend_engine(tape: Any) -> None:
    """Let messages that come with this tape reach this package; compiles it if it has never been."""
    tape["extended"], tape["asked"] = _address(), 0
