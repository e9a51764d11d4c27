"""All message and event records, kinds, flags and reject reasons of the exchange, in one place.

Prices are integer ticks, quantities integer lots, times int64 nanoseconds since midnight (exchange time).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any

import numpy as np

__all__ = [
    "BUY",
    "CLIENT_ID_BITS",
    "DETAIL_FIELDS",
    "EVENT",
    "MESSAGE",
    "NO_PRICE",
    "SELL",
    "EventKind",
    "Flag",
    "Matching",
    "MessageKind",
    "Peg",
    "Phase",
    "Reject",
    "SelfTrade",
    "TimeInForce",
]

BUY = 1
SELL = -1

NO_PRICE = -(2**31)
"""The price of an empty side in `bid_ticks` and `ask_ticks`."""

CLIENT_ID_BITS = 38
"""Ids below 2^38 are given by the exchange. An agent may choose the ids of its own new orders, so that it can withdraw
one before it has heard of it: (agent + 1) << CLIENT_ID_BITS, plus a number of its own from 1 to 2^38 - 1."""


class MessageKind(IntEnum):
    """What a participant (or the venue itself) asks of the exchange."""

    LIMIT = 1
    MARKET = 2
    CANCEL = 3
    REDUCE = 4
    """Take `qty_lots` away from a resting order, which keeps its place in the queue."""
    REPLACE = 5
    """Give a resting order a new price and open quantity; see `Instrument.replace_keeps_priority`."""
    CANCEL_ALL = 6
    """Withdraw every resting order of the agent in this symbol, oldest first."""
    SET_PHASE = 7
    """Venue only: change the trading phase to `qty_lots`."""
    STOP = 8
    """Becomes a market order once the last trade is at `trigger_ticks` or beyond."""
    STOP_LIMIT = 9
    """Becomes a limit order at `price_ticks` once the last trade is at `trigger_ticks` or beyond."""
    TRAILING_STOP = 10
    """A stop whose trigger follows the best last trade since entry at a distance of `trigger_ticks`."""
    PEGGED = 11
    """Rests undisplayed at a price that follows the touch; see `Peg`. `price_ticks` is its limit if it has LIMITED."""
    MARKET_TO_LIMIT = 12
    """Trades at the best opposite price; what is left rests there as a limit order."""
    EXPIRE = 13
    """Venue only: withdraw what has expired by `time_ns`."""


class TimeInForce(IntEnum):
    """How long an order may live."""

    GTC = 0
    IOC = 1
    FOK = 2
    DAY = 3
    """Until the phase becomes CLOSED."""
    GTD = 4
    """Until `expires_ns`."""


class Peg(IntEnum):
    """What the price of a PEGGED order follows, plus its offset (`trigger_ticks`; above 0: towards the other side)."""

    PRIMARY = 1
    """The displayed best of its own side."""
    MIDPOINT = 2
    """The middle of the displayed touch, which may lie between two ticks; no offset towards the other side."""
    MARKET = 3
    """The displayed best of the other side, which it never reaches."""


class SelfTrade(IntEnum):
    """What happens instead of a trade between orders of one agent, or of one group of agents."""

    NONE = 0
    CANCEL_NEWEST = 1
    """The incoming order loses what is left of it."""
    CANCEL_OLDEST = 2
    """The resting order is withdrawn, and the incoming one goes on."""
    CANCEL_BOTH = 3
    DECREMENT = 4
    """Both lose the smaller of the two quantities; neither trades."""


class Matching(IntEnum):
    """How an incoming order is shared out among the displayed orders of one price."""

    FIFO = 0
    MIXED = 1
    """TOP order, lead market makers, a share by time, the rest pro rata; see `lob.rules.Allocation`."""


class Phase(IntEnum):
    """Trading phase of a book. New orders match in CONTINUOUS only; cancels are taken in every phase but CLOSED."""

    CLOSED = 0
    CONTINUOUS = 1
    HALTED = 2


class Flag(IntFlag):
    """Bits of MESSAGE.flags (POST_ONLY, TRACKED, and from ICEBERG to LIMITED) and of EVENT.flags (the others)."""

    POST_ONLY = 1
    """Reject the order if it would take liquidity on arrival."""
    TRACKED = 2
    """Link the order into its agent's list of open orders and keep its metaorder id."""
    FIRST = 4
    """First row written for its message: rows with this flag count messages."""
    REINSERTED = 8
    """An ADD row of an order that a REPLACE put back."""
    HIDDEN = 16
    """An order that is not displayed. On a row: it concerns quantity that the book does not show; on an EXECUTE row:
    the resting order was not displayed."""
    ICEBERG = 32
    """`display_lots` counts: no more than that is shown at a time. On rows: `contra_leaves_lots` is what is shown."""
    MINIMUM = 64
    """`min_lots` counts: the least quantity of one execution."""
    ALL_OR_NONE = 128
    """Trades whole or not at all."""
    SELF_TRADE = 256
    """`self_trade` counts instead of the instrument's own setting."""
    LIMITED = 512
    """A PEGGED order goes no further than `price_ticks`."""
    HALF_TICK = 1024
    """On an EXECUTE row: the price is `price_ticks` and a half."""


class EventKind(IntEnum):
    """What the exchange did: one row of the tape each."""

    ADD = 1
    CANCEL = 2
    REDUCE = 3
    REPLACE = 4
    EXECUTE = 5
    REJECT = 6
    EXPIRE = 7
    """The unfilled rest of a MARKET, IOC or FOK order, which never rested."""
    PHASE = 8
    NEWS = 9
    PARK = 10
    """A stop waits, outside of the book, for its trigger, which is the row's price."""
    TRIGGER = 11
    """A stop has been elected; what it does follows."""
    REFRESH = 12
    """An iceberg shows its next part, at the end of its queue."""


class Reject(IntEnum):
    """Why a message was refused, or on a CANCEL row why the venue withdrew the order (NONE: its owner did).

    Below 32: the exchange's own checks; from 32: those of the pre-trade risk gate.
    """

    NONE = 0
    BAD_KIND = 1
    BAD_SIDE = 2
    BAD_TIME_IN_FORCE = 3
    PRICE_OUT_OF_RANGE = 4
    QTY_OUT_OF_RANGE = 5
    COLLAR = 6
    WOULD_CROSS = 7
    FOK_UNFILLABLE = 8
    UNKNOWN_ORDER = 9
    NOT_OWNER = 10
    BOOK_FULL = 11
    """There is no room for an order that cannot trade at once."""
    PHASE = 12
    UNKNOWN_AGENT = 13
    UNKNOWN_SYMBOL = 14
    BAD_ORDER_ID = 15
    """The sender chose an id outside of its own range; see `CLIENT_ID_BITS`."""
    DUPLICATE_ORDER_ID = 16
    """The sender chose the id of an order that still rests."""
    BAD_COMBINATION = 17
    """Instructions that make no sense together; see docs/market-rules.md."""
    OFF_TICK = 18
    """The price is no multiple of the tick size in force there."""
    ODD_LOT = 19
    """The quantity is no multiple of the round lot."""
    STATIC_BAND = 20
    """The price lies outside of the static price band."""
    NO_LIQUIDITY = 21
    """A market-to-limit order met an empty side."""
    SELF_TRADE = 22
    """Self-trade prevention."""
    EXPIRED = 23
    """The order's time was over."""
    MINIMUM_UNFILLABLE = 24
    """An order that must trade a minimum at once could not."""
    BAD_INSTRUCTION = 25
    """A display quantity, minimum, trigger, peg, offset, expiry or self-trade mode that is not allowed."""
    RISK_QUANTITY = 32
    RISK_NOTIONAL = 33
    RISK_POSITION = 34
    RISK_OPEN_ORDERS = 35
    RISK_MESSAGE_RATE = 36
    RISK_KILL_SWITCH = 37
    BAD_FLAGS = 38
    """A flag that no participant may set, or that does not exist."""
    BAD_PARENT_ID = 39
    """The metaorder's id does not fit into 32 bits."""
    RISK_SHORT_SALE = 40
    """The venue does not let agents sell what they do not hold, or not at this price."""
    RISK_ORDER_TO_TRADE = 41
    """The agent has sent too many messages for what it has traded."""


DETAIL_FIELDS = ("display_lots", "min_lots", "expires_ns", "trigger_ticks", "peg", "self_trade")
"""Fields of a message that are read only if its kind or a flag asks for them."""

MESSAGE: np.dtype[Any] = np.dtype(
    [
        ("time_ns", "<i8"),
        ("order_id", "<i8"),
        ("price_ticks", "<i4"),
        ("qty_lots", "<i4"),
        ("agent", "<i4"),
        ("parent_id", "<i4"),
        ("symbol", "<i2"),
        ("flags", "<u2"),
        ("kind", "u1"),
        ("side", "i1"),
        ("time_in_force", "u1"),
        ("gateway", "u1"),
        # Read only if the kind or a flag asks for it:
        ("display_lots", "<i4"),
        ("min_lots", "<i4"),
        ("expires_ns", "<i8"),
        ("trigger_ticks", "<i4"),
        ("peg", "u1"),
        ("self_trade", "u1"),
        ("reserved", "<u2"),
    ]
)
"""A message to the exchange (64 bytes, a cache line).

`order_id` names the target of CANCEL, REDUCE and REPLACE; on a new order it is 0, and the exchange gives the id, or an
id of the sender's own choice (see CLIENT_ID_BITS). `agent` is the owner (-1: anonymous, never TRACKED), `parent_id` the
metaorder or 0. `gateway` is a note of the sender's own side; the exchange does not look at it. `trigger_ticks` is a
stop's trigger, a trailing stop's distance or a peg's offset.
"""

EVENT: np.dtype[Any] = np.dtype(
    [
        ("time_ns", "<i8"),
        ("sequence", "<i8"),
        ("order_id", "<i8"),
        ("contra_order_id", "<i8"),
        ("bid_lots", "<i8"),
        ("ask_lots", "<i8"),
        ("agent", "<i4"),
        ("contra_agent", "<i4"),
        ("parent_id", "<i4"),
        ("contra_parent_id", "<i4"),
        ("price_ticks", "<i4"),
        ("qty_lots", "<i4"),
        ("leaves_lots", "<i4"),
        ("contra_leaves_lots", "<i4"),
        ("bid_ticks", "<i4"),
        ("ask_ticks", "<i4"),
        ("symbol", "<i2"),
        ("flags", "<u2"),
        ("kind", "u1"),
        ("side", "i1"),
        ("reason", "u1"),
        ("phase", "u1"),
    ]
)
"""One row of the tape (96 bytes, no padding): what the exchange did, and the touch after it.

`sequence` counts the rows of one symbol from 1. On EXECUTE, `order_id`, `agent`, `parent_id`, `side` and `leaves_lots`
are the aggressor's, the `contra_` fields the resting order's; `price_ticks` is the resting price. On other rows the
contra fields are 0 (`contra_agent` -1), but that `contra_leaves_lots` is on REPLACE what the order had open before, on
REJECT the kind of the refused message, and on ADD, REDUCE and REFRESH of an iceberg what is shown. `qty_lots` is the
quantity added, taken away or executed; on REPLACE the new open quantity; on PHASE the new phase; on ADD and REFRESH
what is shown. `leaves_lots` is what stays open of the order, what is not shown included. Empty sides of the touch:
NO_PRICE and 0 lots.
"""
