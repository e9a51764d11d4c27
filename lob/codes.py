"""Kinds, flags and reasons as plain integers: compiled code reads these, not enum members."""

from __future__ import annotations

from lob.types import EventKind, Flag, MessageKind, Phase, Reject, TimeInForce

__all__ = [
    "BAD_KIND",
    "BAD_ORDER_ID",
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
    "ROW_ADD",
    "ROW_CANCEL",
    "ROW_EXECUTE",
    "ROW_EXPIRE",
    "ROW_PHASE",
    "ROW_REDUCE",
    "ROW_REJECT",
    "ROW_REPLACE",
    "SET_PHASE",
    "TRACKED",
    "UNKNOWN_AGENT",
    "UNKNOWN_ORDER",
    "WOULD_CROSS",
    "WRONG_PHASE",
]

LIMIT, MARKET = int(MessageKind.LIMIT), int(MessageKind.MARKET)
CANCEL, REDUCE, REPLACE = int(MessageKind.CANCEL), int(MessageKind.REDUCE), int(MessageKind.REPLACE)
CANCEL_ALL, SET_PHASE = int(MessageKind.CANCEL_ALL), int(MessageKind.SET_PHASE)
GTC, IOC, FOK = int(TimeInForce.GTC), int(TimeInForce.IOC), int(TimeInForce.FOK)
CLOSED, CONTINUOUS, HALTED = int(Phase.CLOSED), int(Phase.CONTINUOUS), int(Phase.HALTED)
POST_ONLY, TRACKED, FIRST, REINSERTED = (
    int(Flag.POST_ONLY),
    int(Flag.TRACKED),
    int(Flag.FIRST),
    int(Flag.REINSERTED),
)
ROW_ADD, ROW_CANCEL, ROW_REDUCE = int(EventKind.ADD), int(EventKind.CANCEL), int(EventKind.REDUCE)
ROW_REPLACE, ROW_EXECUTE = int(EventKind.REPLACE), int(EventKind.EXECUTE)
ROW_REJECT, ROW_EXPIRE, ROW_PHASE = int(EventKind.REJECT), int(EventKind.EXPIRE), int(EventKind.PHASE)
NONE = int(Reject.NONE)
BAD_KIND, BAD_SIDE = int(Reject.BAD_KIND), int(Reject.BAD_SIDE)
BAD_TIME_IN_FORCE = int(Reject.BAD_TIME_IN_FORCE)
PRICE_OUT_OF_RANGE, QTY_OUT_OF_RANGE = int(Reject.PRICE_OUT_OF_RANGE), int(Reject.QTY_OUT_OF_RANGE)
COLLAR, WOULD_CROSS = int(Reject.COLLAR), int(Reject.WOULD_CROSS)
FOK_UNFILLABLE, BOOK_FULL = int(Reject.FOK_UNFILLABLE), int(Reject.BOOK_FULL)
UNKNOWN_ORDER, NOT_OWNER = int(Reject.UNKNOWN_ORDER), int(Reject.NOT_OWNER)
WRONG_PHASE, UNKNOWN_AGENT = int(Reject.PHASE), int(Reject.UNKNOWN_AGENT)
BAD_ORDER_ID, DUPLICATE_ORDER_ID = int(Reject.BAD_ORDER_ID), int(Reject.DUPLICATE_ORDER_ID)
