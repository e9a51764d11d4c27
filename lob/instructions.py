"""What an order may say beyond side, price and quantity, in words, as the fields and flags of a message."""

from __future__ import annotations

from typing import Any

from lob.errors import FieldError
from lob.fields import INT32, INT64, side_of, time_in_force_of, truth, whole
from lob.types import Flag, MessageKind, Peg, SelfTrade, TimeInForce

__all__ = ["ORDER_KINDS", "order_fields"]

ORDER_KINDS = {
    "limit": MessageKind.LIMIT,
    "market": MessageKind.MARKET,
    "stop": MessageKind.STOP,
    "stop_limit": MessageKind.STOP_LIMIT,
    "trailing_stop": MessageKind.TRAILING_STOP,
    "pegged": MessageKind.PEGGED,
    "market_to_limit": MessageKind.MARKET_TO_LIMIT,
}
"""New orders by name."""
_NUMBERS = {
    "price_ticks": INT32,
    "qty_lots": INT32,
    "trigger_ticks": INT32,
    "display_lots": INT32,
    "min_lots": INT32,
    "expires_ns": INT64,
    "order_id": INT64,
    "parent_id": INT32,
}
_SETS = {"display_lots": Flag.ICEBERG, "min_lots": Flag.MINIMUM}
_TRUTHS = {"hidden": Flag.HIDDEN, "all_or_none": Flag.ALL_OR_NONE, "post_only": Flag.POST_ONLY}
_WORDS: dict[str, Any] = {"peg": Peg, "self_trade": SelfTrade}
_ALLOWED = ("side", *_NUMBERS, *_TRUTHS, *_WORDS, "time_in_force")


def _code(name: str, value: Any) -> int:
    """A code of an enumeration from its name, in lower case, or from the code itself."""
    names = {each.name.lower(): int(each) for each in _WORDS[name]}
    if isinstance(value, str) and value in names:
        return names[value]
    if value in names.values() and not isinstance(value, bool):
        return int(value)
    raise FieldError(f"{name} = {value!r}; allowed: {', '.join(names)}")


def order_fields(kind: str, given: dict[str, Any]) -> dict[str, int]:
    """Return the MESSAGE fields of a new order.

    Args:
        kind: one of ORDER_KINDS.
        given: `side` ("buy", "sell"), `price_ticks`, `qty_lots`, `trigger_ticks` (a stop's trigger, a trailing stop's
            distance, a peg's offset), `display_lots` (makes an iceberg), `hidden`, `min_lots`, `all_or_none`,
            `post_only`, `peg` ("primary", "midpoint", "market"), `time_in_force` ("GTC", "IOC", "FOK", "DAY", "GTD"),
            `expires_ns` (makes it GTD), `self_trade` ("none", "cancel_newest", "cancel_oldest", "cancel_both",
            "decrement"), `order_id`, `parent_id`. A price makes a pegged order a limited one.

    Raises:
        FieldError: what cannot be an order at all; whether the exchange takes it is another matter.
    """
    if kind not in ORDER_KINDS:
        raise FieldError(f"kind = {kind!r}; allowed: {', '.join(ORDER_KINDS)}")
    unknown = [name for name in given if name not in _ALLOWED]
    if unknown:
        raise FieldError(f"{unknown[0]}: an order has no such field; allowed: {', '.join(_ALLOWED)}")
    fields = {"kind": int(ORDER_KINDS[kind]), "side": side_of(given.get("side"))}
    flags = 0
    for name, most in _NUMBERS.items():
        if given.get(name) is not None:
            fields[name] = whole(name, given[name], -most, most)
            flags |= _SETS.get(name, 0)
    for name, flag in _TRUTHS.items():
        flags |= flag if truth(name, given.get(name, False)) else 0
    for name in _WORDS:
        if given.get(name) is not None:
            fields[name] = _code(name, given[name])
    if "self_trade" in fields:
        flags |= Flag.SELF_TRADE
    if kind == "pegged" and "price_ticks" in fields:
        flags |= Flag.LIMITED
    life = given.get("time_in_force", TimeInForce.GTD if "expires_ns" in fields else TimeInForce.GTC)
    fields["time_in_force"] = int(TimeInForce.IOC) if kind == "market" and not life else time_in_force_of(life)
    fields["flags"] = int(flags)
    return fields
