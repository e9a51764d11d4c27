"""Why the exchange refuses an order for what it says (compiled); docs/market-rules.md says it in words."""

from __future__ import annotations

from numba import int64

from lob.codes import (
    ALL_OR_NONE,
    BAD_COMBINATION,
    BAD_INSTRUCTION,
    BAD_SIDE,
    BAD_TIME_IN_FORCE,
    COLLAR,
    FOK,
    GTD,
    HIDDEN,
    ICEBERG,
    INSTRUCTIONS,
    IOC,
    IS_ODD_LOT,
    LIMIT,
    LIMITED,
    MARKET,
    MINIMUM,
    NONE,
    OFF_TICK,
    PEG_MARKET,
    PEG_MIDPOINT,
    PEG_PRIMARY,
    PEGGED,
    POST_ONLY,
    PRICE_OUT_OF_RANGE,
    QTY_OUT_OF_RANGE,
    SELF_TRADE,
    STATIC_BAND,
    STOP,
    STOP_LIMIT,
    STP_DECREMENT,
    TRACKED,
    TRAILING_STOP,
    UNKNOWN_AGENT,
    WRONG_PHASE,
)
from lob.codes import CONTINUOUS as CONTINUOUS_PHASE
from lob.compiled import Record, kernel, leaf
from lob.matching import beyond_collar

__all__ = ["is_stop", "refused_order", "refused_price", "refused_quantity"]

LARGEST_OFFSET = 2**20


@leaf
def is_stop(kind: int) -> bool:
    """Whether a kind of message waits for a trigger."""
    return kind == STOP or kind == STOP_LIMIT or kind == TRAILING_STOP


@leaf
def tick_size(book: Record, price_ticks: int) -> int:
    """Smallest change of a price there, in ticks."""
    step = int64(1)
    for band in range(book.n_tick_bands):
        if price_ticks >= book.tick_from[band]:
            step = int64(book.tick_step[band])
    return step


@kernel
def refused_price(book: Record, price_ticks: int, side: int, with_collar: bool) -> int:
    """Reason why an order may not be limited to a price, or NONE."""
    price = price_ticks - book.min_price_ticks
    if price < 0 or price >= book.n_prices:
        return int64(PRICE_OUT_OF_RANGE)
    if price_ticks % tick_size(book, price_ticks) != 0:
        return int64(OFF_TICK)
    if price < book.lowest_band or price > book.highest_band:
        return int64(STATIC_BAND)
    if with_collar and beyond_collar(book, side, price_ticks):
        return int64(COLLAR)
    return int64(NONE)


@leaf
def refused_quantity(book: Record, qty_lots: int) -> int:
    """Reason why an order may not have a quantity, or NONE."""
    if qty_lots < book.min_order_lots or qty_lots > book.max_order_lots:
        return int64(QTY_OUT_OF_RANGE)
    return int64(IS_ODD_LOT) if qty_lots % book.round_lot != 0 else int64(NONE)


@leaf
def _makes_no_sense(kind: int, tif: int, flags: int) -> bool:
    """Whether instructions contradict each other, or the kind of order."""
    at_once = tif == IOC or tif == FOK
    said = flags & INSTRUCTIONS & ~SELF_TRADE
    if kind == MARKET:
        return (said & ~MINIMUM) != 0 or (said != 0 and tif == FOK)
    if kind == LIMIT:
        if flags & LIMITED:
            return True
        if flags & ICEBERG:
            return at_once or (said & ~ICEBERG) != 0
        if at_once:
            return (said & ~MINIMUM) != 0 or (said != 0 and tif == FOK)
        if flags & MINIMUM:
            return flags & HIDDEN == 0 or flags & ALL_OR_NONE != 0
        return flags & ALL_OR_NONE != 0 and flags & HIDDEN == 0
    if kind == PEGGED:
        return flags & (ICEBERG | POST_ONLY) != 0 or (flags & MINIMUM != 0 and flags & ALL_OR_NONE != 0)
    return said != 0 or flags & POST_ONLY != 0


@leaf
def _is_misworded(book: Record, message: Record) -> bool:
    """Whether a number that an instruction needs is not one that is allowed."""
    kind, flags, qty_lots = int64(message.kind), int64(message.flags), int64(message.qty_lots)
    trigger = int64(message.trigger_ticks)
    if flags & ICEBERG:
        shown = int64(message.display_lots)
        if shown < book.min_order_lots or shown > qty_lots or shown % book.round_lot != 0:
            return True
    if flags & MINIMUM and not 1 <= message.min_lots <= qty_lots:
        return True
    if flags & SELF_TRADE and message.self_trade > STP_DECREMENT:
        return True
    if message.time_in_force == GTD and message.expires_ns <= message.time_ns:
        return True
    if kind == STOP or kind == STOP_LIMIT:
        index = trigger - book.min_price_ticks
        return index < 0 or index >= book.n_prices
    if kind == TRAILING_STOP:
        return trigger < 1 or trigger > LARGEST_OFFSET or book.last_trade2 < 0
    if kind == PEGGED:
        if not PEG_PRIMARY <= message.peg <= PEG_MARKET:
            return True
        return not -LARGEST_OFFSET <= trigger <= (0 if message.peg == PEG_MIDPOINT else LARGEST_OFFSET)
    return False


@kernel
def refused_order(book: Record, message: Record) -> int:
    """Reason why a new order is refused for what it says, or NONE; what the book says comes later."""
    kind, tif, flags = int64(message.kind), int64(message.time_in_force), int64(message.flags)
    if book.phase != CONTINUOUS_PHASE:
        return int64(WRONG_PHASE)
    if message.side != 1 and message.side != -1:
        return int64(BAD_SIDE)
    at_once = tif == IOC or tif == FOK
    if tif > GTD or (flags & POST_ONLY and (at_once or kind == MARKET)):
        return int64(BAD_TIME_IN_FORCE)
    if (kind == MARKET and tif > FOK) or (kind > MARKET and at_once):
        return int64(BAD_TIME_IN_FORCE)
    reason = refused_quantity(book, int64(message.qty_lots))
    if reason != NONE:
        return reason
    if _makes_no_sense(kind, tif, flags):
        return int64(BAD_COMBINATION)
    if _is_misworded(book, message):
        return int64(BAD_INSTRUCTION)
    if flags & TRACKED and (message.agent < 0 or message.agent >= book.n_agents):
        return int64(UNKNOWN_AGENT)
    if kind == LIMIT or kind == STOP_LIMIT or (kind == PEGGED and flags & LIMITED != 0):
        return refused_price(book, int64(message.price_ticks), int64(message.side), kind == LIMIT)
    return int64(NONE)
