"""What an investor may decide: a closed schema, and the strict reading of a model's reply.

Hold, withdraw what rests, or up to three orders in ticks from the touch with size, kind and time in force, plus the
view on the price and the confidence in it. There is no field that could contradict another: no orders and no cancel
is a hold.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["CHANGES", "Decision", "OrderIdea", "Reflection", "Unusable", "json_schema", "read_reply"]

MAX_ORDERS = 3


class Closed(BaseModel):
    """Base: frozen, no other fields, no conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class OrderIdea(Closed):
    """One order that the model would like to send.

    Attributes:
        side: buy or sell.
        kind: limit, post_only (never trades at once), or market.
        offset_ticks: distance from the own side's best price, away from the market; 0 joins the queue there, negative
            values improve on it and may cross. Not used by market orders.
        qty_lots: quantity.
        time_in_force: gtc rests, ioc and fok do not.
    """

    side: Literal["buy", "sell"]
    kind: Literal["limit", "post_only", "market"]
    offset_ticks: Annotated[int, Field(ge=-100, le=100)]
    qty_lots: Annotated[int, Field(ge=1, le=1000)]
    time_in_force: Literal["gtc", "ioc", "fok"]


class Decision(Closed):
    """What an investor wants to do now.

    Attributes:
        view: where it sees the price going over its horizon.
        confidence: in that view, 0 to 100.
        cancel_open_orders: withdraw all own orders first.
        orders: at most three.
    """

    view: Literal["up", "flat", "down"]
    confidence: Annotated[int, Field(ge=0, le=100)]
    cancel_open_orders: bool
    orders: Annotated[list[OrderIdea], Field(max_length=MAX_ORDERS)]

    @property
    def action(self) -> str:
        """Return "trade", "cancel" or "hold"."""
        if self.orders:
            return "trade"
        return "cancel" if self.cancel_open_orders else "hold"


CHANGES = ("smaller_orders", "be_patient", "distrust_rumours", "none")


class Reflection(Closed):
    """What an investor learns from a losing period.

    Attributes:
        cause: why it lost.
        change: what it will do differently; stands in its memory from then on.
    """

    cause: Literal["false_news", "price_moved_against", "paid_the_spread", "bad_luck"]
    change: Literal["smaller_orders", "be_patient", "distrust_rumours", "none"]


M = TypeVar("M", bound=Closed)


class Unusable(Exception):
    """A reply that is no decision; `reason` is "no_json" or "schema"."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def json_schema(model: type[Closed]) -> dict[str, Any]:
    """Return the JSON schema that a model is asked to keep to, without titles and prose."""
    return _bare(model.model_json_schema())


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        # A property may be called "title"; a title of the schema is always a string.
        return {k: _bare(v) for k, v in value.items() if not (k in ("title", "description") and isinstance(v, str))}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def read_reply(text: str, model: type[M]) -> M:
    """Return a reply's content; what is not exactly of the schema is not repaired.

    What may stand around the object, because it leaves no doubt about it: see `bare_json`.

    Raises:
        Unusable: if the text is no JSON (cut off, wrapped in prose) or not of the schema, or names a field twice.
    """
    bare = bare_json(text)
    try:
        found = model.model_validate_json(bare)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = "no_json" if first["type"] == "json_invalid" else "schema"
        raise Unusable(reason, f"{where or model.__name__}: {first['msg']}") from None
    # The validator takes the last of two values; which one was meant nobody knows.
    json.loads(bare, object_pairs_hook=_each_once)
    return found


_FENCED = re.compile(r"```(?:json|JSON)?[ \t]*\r?\n((?:(?!```).)*)```", re.DOTALL)
_SPACE = "\ufeff \t\r\n"
THOUGHT_ENDS = "</think>"


def bare_json(text: str) -> str:
    """Return a reply without a byte order mark, white space, one thought in front, and one fence around all the rest.

    A thought ends at `</think>`, which must stand there once; servers often leave out where it begins.
    """
    _, ends, rest = text.partition(THOUGHT_ENDS)
    bare = (rest if ends else text).strip(_SPACE)
    fenced = _FENCED.fullmatch(bare)
    return fenced[1].strip(_SPACE) if fenced else bare


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Unusable("schema", f"{name}: given twice")
        found[name] = value
    return found
