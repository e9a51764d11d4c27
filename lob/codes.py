"""Kinds, flags, phases and reasons as plain integers, which compiled code reads. Kinds of tape rows begin with ROW_."""

from __future__ import annotations

from lob.types import EventKind, Flag, Matching, MessageKind, Peg, Phase, Reject, SelfTrade, TimeInForce

__all__ = [
    "ALL_OR_NONE",
    "BAD_COMBINATION",
    "BAD_FLAGS",
    "BAD_INSTRUCTION",
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
    "DAY",
    "DUPLICATE_ORDER_ID",
    "EXPIRE",
    "FIRST",
    "FOK",
    "FOK_UNFILLABLE",
    "GTC",
    "GTD",
    "HALF_TICK",
    "HALTED",
    "HIDDEN",
    "ICEBERG",
    "INSTRUCTIONS",
    "IOC",
    "IS_ODD_LOT",
    "LIMIT",
    "LIMITED",
    "MARKET",
    "MARKET_TO_LIMIT",
    "MATCH_MIXED",
    "MINIMUM",
    "MINIMUM_UNFILLABLE",
    "NONE",
    "NOT_OWNER",
    "NO_LIQUIDITY",
    "OFF_TICK",
    "PEGGED",
    "PEG_MARKET",
    "PEG_MIDPOINT",
    "PEG_PRIMARY",
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
    "RISK_ORDER_TO_TRADE",
    "RISK_POSITION",
    "RISK_QUANTITY",
    "RISK_SHORT_SALE",
    "ROW_ADD",
    "ROW_CANCEL",
    "ROW_EXECUTE",
    "ROW_EXPIRE",
    "ROW_NEWS",
    "ROW_PARK",
    "ROW_PHASE",
    "ROW_REDUCE",
    "ROW_REFRESH",
    "ROW_REJECT",
    "ROW_REPLACE",
    "ROW_TRIGGER",
    "SELF_TRADE",
    "SET_PHASE",
    "STATIC_BAND",
    "STOP",
    "STOP_LIMIT",
    "STP_BOTH",
    "STP_DECREMENT",
    "STP_NEWEST",
    "STP_NONE",
    "STP_OLDEST",
    "TRACKED",
    "TRAILING_STOP",
    "UNKNOWN_AGENT",
    "UNKNOWN_ORDER",
    "UNKNOWN_SYMBOL",
    "WAS_EXPIRED",
    "WAS_SELF_TRADE",
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
STOP = int(MessageKind.STOP)
STOP_LIMIT = int(MessageKind.STOP_LIMIT)
TRAILING_STOP = int(MessageKind.TRAILING_STOP)
PEGGED = int(MessageKind.PEGGED)
MARKET_TO_LIMIT = int(MessageKind.MARKET_TO_LIMIT)
EXPIRE = int(MessageKind.EXPIRE)

GTC = int(TimeInForce.GTC)
IOC = int(TimeInForce.IOC)
FOK = int(TimeInForce.FOK)
DAY = int(TimeInForce.DAY)
GTD = int(TimeInForce.GTD)

PEG_PRIMARY = int(Peg.PRIMARY)
PEG_MIDPOINT = int(Peg.MIDPOINT)
PEG_MARKET = int(Peg.MARKET)

STP_NONE = int(SelfTrade.NONE)
STP_NEWEST = int(SelfTrade.CANCEL_NEWEST)
STP_OLDEST = int(SelfTrade.CANCEL_OLDEST)
STP_BOTH = int(SelfTrade.CANCEL_BOTH)
STP_DECREMENT = int(SelfTrade.DECREMENT)

MATCH_MIXED = int(Matching.MIXED)

CLOSED = int(Phase.CLOSED)
CONTINUOUS = int(Phase.CONTINUOUS)
HALTED = int(Phase.HALTED)

POST_ONLY = int(Flag.POST_ONLY)
TRACKED = int(Flag.TRACKED)
FIRST = int(Flag.FIRST)
REINSERTED = int(Flag.REINSERTED)
HIDDEN = int(Flag.HIDDEN)
ICEBERG = int(Flag.ICEBERG)
MINIMUM = int(Flag.MINIMUM)
ALL_OR_NONE = int(Flag.ALL_OR_NONE)
SELF_TRADE = int(Flag.SELF_TRADE)
LIMITED = int(Flag.LIMITED)
HALF_TICK = int(Flag.HALF_TICK)
INSTRUCTIONS = HIDDEN | ICEBERG | MINIMUM | ALL_OR_NONE | SELF_TRADE | LIMITED

ROW_ADD = int(EventKind.ADD)
ROW_CANCEL = int(EventKind.CANCEL)
ROW_REDUCE = int(EventKind.REDUCE)
ROW_REPLACE = int(EventKind.REPLACE)
ROW_EXECUTE = int(EventKind.EXECUTE)
ROW_REJECT = int(EventKind.REJECT)
ROW_EXPIRE = int(EventKind.EXPIRE)
ROW_PHASE = int(EventKind.PHASE)
ROW_NEWS = int(EventKind.NEWS)
ROW_PARK = int(EventKind.PARK)
ROW_TRIGGER = int(EventKind.TRIGGER)
ROW_REFRESH = int(EventKind.REFRESH)

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
BAD_COMBINATION = int(Reject.BAD_COMBINATION)
OFF_TICK = int(Reject.OFF_TICK)
IS_ODD_LOT = int(Reject.ODD_LOT)
STATIC_BAND = int(Reject.STATIC_BAND)
NO_LIQUIDITY = int(Reject.NO_LIQUIDITY)
WAS_SELF_TRADE = int(Reject.SELF_TRADE)
WAS_EXPIRED = int(Reject.EXPIRED)
MINIMUM_UNFILLABLE = int(Reject.MINIMUM_UNFILLABLE)
BAD_INSTRUCTION = int(Reject.BAD_INSTRUCTION)
RISK_QUANTITY = int(Reject.RISK_QUANTITY)
RISK_NOTIONAL = int(Reject.RISK_NOTIONAL)
RISK_POSITION = int(Reject.RISK_POSITION)
RISK_OPEN_ORDERS = int(Reject.RISK_OPEN_ORDERS)
RISK_MESSAGE_RATE = int(Reject.RISK_MESSAGE_RATE)
RISK_KILL_SWITCH = int(Reject.RISK_KILL_SWITCH)
RISK_SHORT_SALE = int(Reject.RISK_SHORT_SALE)
RISK_ORDER_TO_TRADE = int(Reject.RISK_ORDER_TO_TRADE)
BAD_FLAGS = int(Reject.BAD_FLAGS)
BAD_PARENT_ID = int(Reject.BAD_PARENT_ID)
