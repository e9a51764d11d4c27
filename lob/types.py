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
    "EVENT",
    "MESSAGE",
    "NO_PRICE",
    "SELL",
    "EventKind",
    "Flag",
    "MessageKind",
    "Phase",
    "Reject",
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


class TimeInForce(IntEnum):
    """How long an order may live."""

    GTC = 0
    IOC = 1
    FOK = 2


class Phase(IntEnum):
    """Trading phase of a book. New orders match in CONTINUOUS only; cancels are taken in every phase but CLOSED."""

    CLOSED = 0
    CONTINUOUS = 1
    HALTED = 2


class Flag(IntFlag):
    """Bits of MESSAGE.flags (POST_ONLY, TRACKED) and of EVENT.flags (the others)."""

    POST_ONLY = 1
    """Reject the order if it would take liquidity on arrival."""
    TRACKED = 2
    """Link the order into its agent's list of open orders and keep its metaorder id."""
    FIRST = 4
    """First row written for its message: rows with this flag count messages."""
    REINSERTED = 8
    """An ADD row of an order that a REPLACE put back."""


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


class Reject(IntEnum):
    """Why a message was refused. Below 32: the exchange's own checks; from 32: those of the pre-trade risk gate."""

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
    ]
)
"""A message to the exchange (40 bytes). `order_id` names the target of CANCEL, REDUCE and REPLACE; on a new order it is
0, and the exchange gives the id, or an id of the sender's own choice (see CLIENT_ID_BITS). `agent` is the owner (-1:
anonymous, never TRACKED), `parent_id` the metaorder or 0. `gateway` is a note of the sender's own side; the exchange
does not look at it."""

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

`sequence` counts the rows of one symbol from 1. On EXECUTE, `order_id`, `agent`, `parent_id`, `side` and
`leaves_lots` are the aggressor's, the `contra_` fields the resting order's; `price_ticks` is the resting price.
On other rows the contra fields are 0 (`contra_agent` -1), but that on REPLACE `contra_leaves_lots` is what the order
had open before. `qty_lots` is the quantity added, taken away or executed;
on REPLACE the new open quantity; on PHASE the new phase. `leaves_lots` is what stays open of the order.
Empty sides of the touch: NO_PRICE and 0 lots.
"""
