"""The exchange: order books, matching, message and event records. No clock, no randomness, no accounts."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from lob.api import Level, OrderBook, Report, RestingOrder
    from lob.instructions import ORDER_KINDS, order_fields
    from lob.rules import Allocation, Instrument
    from lob.types import (
        BUY,
        EVENT,
        MESSAGE,
        NO_PRICE,
        SELL,
        EventKind,
        Flag,
        Matching,
        MessageKind,
        Peg,
        Phase,
        Reject,
        SelfTrade,
        TimeInForce,
    )

__all__ = [
    "BUY",
    "EVENT",
    "MESSAGE",
    "NO_PRICE",
    "ORDER_KINDS",
    "SELL",
    "Allocation",
    "EventKind",
    "Flag",
    "Instrument",
    "Level",
    "Matching",
    "MessageKind",
    "OrderBook",
    "Peg",
    "Phase",
    "Reject",
    "Report",
    "RestingOrder",
    "SelfTrade",
    "TimeInForce",
    "order_fields",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "api": "Level OrderBook Report RestingOrder",
        "instructions": "ORDER_KINDS order_fields",
        "rules": "Allocation Instrument",
        "types": (
            "BUY EVENT MESSAGE NO_PRICE SELL EventKind Flag Matching MessageKind Peg Phase Reject SelfTrade TimeInForce"
        ),
    },
)
