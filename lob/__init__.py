"""The exchange: order books, matching, message and event records. No clock, no randomness, no accounts."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from lob.api import Level, OrderBook, Report, RestingOrder
    from lob.rules import Instrument
    from lob.types import (
        BUY,
        EVENT,
        MESSAGE,
        NO_PRICE,
        SELL,
        EventKind,
        Flag,
        MessageKind,
        Phase,
        Reject,
        TimeInForce,
    )

__all__ = [
    "BUY",
    "EVENT",
    "MESSAGE",
    "NO_PRICE",
    "SELL",
    "EventKind",
    "Flag",
    "Instrument",
    "Level",
    "MessageKind",
    "OrderBook",
    "Phase",
    "Reject",
    "Report",
    "RestingOrder",
    "TimeInForce",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "api": "Level OrderBook Report RestingOrder",
        "rules": "Instrument",
        "types": "BUY EVENT MESSAGE NO_PRICE SELL EventKind Flag MessageKind Phase Reject TimeInForce",
    },
)
