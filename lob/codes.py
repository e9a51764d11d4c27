"""Kinds, flags, phases and reasons as plain integers, which compiled code reads. Kinds of tape rows begin with ROW_."""

from __future__ import annotations

from lob.types import EventKind, Flag, MessageKind, Phase, Reject, TimeInForce

__all__ = [
    "BAD_FLAGS",
    "BAD_KIND",
    "BAD_ORDER_ID",
    "BAD_PARENT_ID",
    "BAD_SIDE",
    "BAD_TIME_IN_FORCE",
    "BOOK_FULL",
    "CANCEL",
    "CANCEL_ALL",
    "CLOSED",
    "COLLAR",
    "CONTINUOUS",
    "DUPLICATE_ORDER_ID",
    "FIRST",
    "FOK",
    "FOK_UNFILLABLE",
    "GTC",
    "HALTED",
    "IOC",
    "LIMIT",
    "MARKET",
    "NONE",
    "NOT_OWNER",
    "POST_ONLY",
    "PRICE_OUT_OF_RANGE",
    "QTY_OUT_OF_RANGE",
    "REDUCE",
    "REINSERTED",
    "REPLACE",
    "RISK_KILL_SWITCH",
    "RISK_MESSAGE_RATE",
    "RISK_NOTIONAL",
    "RISK_OPEN_ORDERS",
    "RISK_POSITION",
    "RISK_QUANTITY",
    "ROW_ADD",
    "ROW_CANCEL",
    "ROW_EXECUTE",
    "ROW_EXPIRE",
    "ROW_NEWS",
    "ROW_PHASE",
    "ROW_REDUCE",
    "ROW_REJECT",
    "ROW_REPLACE",
    "SET_PHASE",
    "TRACKED",
    "UNKNOWN_AGENT",
    "UNKNOWN_ORDER",
    "UNKNOWN_SYMBOL",
    "WOULD_CROSS",
    "WRONG_PHASE",
]

LIMIT = int(MessageKind.LIMIT)
MARKET = int(MessageKind.MARKET)
CANCEL = int(MessageKind.CANCEL)
REDUCE = int(MessageKind.REDUCE)
REPLACE = int(MessageKind.REPLACE)
CANCEL_ALL = int(MessageKind.CANCEL_ALL)
SET_PHASE = int(MessageKind.SET_PHASE)

GTC = int(TimeInForce.GTC)
IOC = int(TimeInForce.IOC)
FOK = int(TimeInForce.FOK)

CLOSED = int(Phase.CLOSED)
CONTINUOUS = int(Phase.CONTINUOUS)
HALTED = int(Phase.HALTED)

POST_ONLY = int(Flag.POST_ONLY)
TRACKED = int(Flag.TRACKED)
FIRST = int(Flag.FIRST)
REINSERTED = int(Flag.REINSERTED)

ROW_ADD = int(EventKind.ADD)
ROW_CANCEL = int(EventKind.CANCEL)
ROW_REDUCE = int(EventKind.REDUCE)
ROW_REPLACE = int(EventKind.REPLACE)
ROW_EXECUTE = int(EventKind.EXECUTE)
ROW_REJECT = int(EventKind.REJECT)
ROW_EXPIRE = int(EventKind.EXPIRE)
ROW_PHASE = int(EventKind.PHASE)
ROW_NEWS = int(EventKind.NEWS)

NONE = int(Reject.NONE)
BAD_KIND = int(Reject.BAD_KIND)
BAD_SIDE = int(Reject.BAD_SIDE)
BAD_TIME_IN_FORCE = int(Reject.BAD_TIME_IN_FORCE)
PRICE_OUT_OF_RANGE = int(Reject.PRICE_OUT_OF_RANGE)
QTY_OUT_OF_RANGE = int(Reject.QTY_OUT_OF_RANGE)
COLLAR = int(Reject.COLLAR)
WOULD_CROSS = int(Reject.WOULD_CROSS)
FOK_UNFILLABLE = int(Reject.FOK_UNFILLABLE)
UNKNOWN_ORDER = int(Reject.UNKNOWN_ORDER)
NOT_OWNER = int(Reject.NOT_OWNER)
BOOK_FULL = int(Reject.BOOK_FULL)
WRONG_PHASE = int(Reject.PHASE)
UNKNOWN_AGENT = int(Reject.UNKNOWN_AGENT)
UNKNOWN_SYMBOL = int(Reject.UNKNOWN_SYMBOL)
BAD_ORDER_ID = int(Reject.BAD_ORDER_ID)
DUPLICATE_ORDER_ID = int(Reject.DUPLICATE_ORDER_ID)
RISK_QUANTITY = int(Reject.RISK_QUANTITY)
RISK_NOTIONAL = int(Reject.RISK_NOTIONAL)
RISK_POSITION = int(Reject.RISK_POSITION)
RISK_OPEN_ORDERS = int(Reject.RISK_OPEN_ORDERS)
RISK_MESSAGE_RATE = int(Reject.RISK_MESSAGE_RATE)
RISK_KILL_SWITCH = int(Reject.RISK_KILL_SWITCH)
BAD_FLAGS = int(Reject.BAD_FLAGS)
BAD_PARENT_ID = int(Reject.BAD_PARENT_ID)
