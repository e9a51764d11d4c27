"""The exchange: order books, matching, message and event records. No clock, no randomness, no accounts."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

# Loaded on first use: a command that only prints its help must not wait for the compiler.
_HOME = {
    "BUY": "lob.types",
    "EVENT": "lob.types",
    "EventKind": "lob.types",
    "Flag": "lob.types",
    "Instrument": "lob.rules",
    "Level": "lob.api",
    "MESSAGE": "lob.types",
    "MessageKind": "lob.types",
    "NO_PRICE": "lob.types",
    "OrderBook": "lob.api",
    "Phase": "lob.types",
    "Reject": "lob.types",
    "Report": "lob.api",
    "RestingOrder": "lob.api",
    "SELL": "lob.types",
    "TimeInForce": "lob.types",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'lob' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
