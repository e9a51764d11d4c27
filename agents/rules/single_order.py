"""A single order at a set time: the building block of scripted events, such as an erroneous order."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from lob.codes import GTC, IOC
from lob.types import NO_PRICE
from sim.codes import WAKE_START, WAKE_TIMER
from sim.distributions import NonNegative, Settings
from sim.policy import Policy, decision, indices, send_limit, send_market

__all__ = ["SingleOrder", "policy"]


class SingleOrder(Settings):
    """Settings of the order.

    Attributes:
        side: 1: buy, -1: sell.
        quantity_lots: its size; 0: it is not sent.
        at_s: when it is sent, in seconds after the open.
        is_limit: a limit order instead of a market order.
        offset_ticks: its limit price beyond the opposite best (negative: short of it).
        stays: a limit order's rest stays in the book; otherwise it is cancelled at once.
        parent_id: metaorder id on the tape.
    """

    side: Annotated[int, Field(ge=-1, le=1)] = 1
    quantity_lots: Annotated[int, Field(ge=0, le=2**31 - 1)] = 100
    at_s: NonNegative = 60.0
    is_limit: bool = False
    offset_ticks: int = 0
    stays: bool = True
    parent_id: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


P = indices(SingleOrder)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Wait for the time and send the order."""
    if view.reason & WAKE_START:
        return max(1, int(agent.params[P.at_s] * 1e9))
    side, lots = int(agent.params[P.side]), int(agent.params[P.quantity_lots])
    if not view.reason & WAKE_TIMER or lots <= 0 or side == 0:
        return 0
    parent = int(agent.params[P.parent_id])
    if agent.params[P.is_limit] == 0.0:
        send_market(out, side, lots, parent)
        return 0
    opposite = view.ask_ticks if side > 0 else view.bid_ticks
    reference = int(opposite if opposite != NO_PRICE else view.last_ticks)
    price = reference + side * int(agent.params[P.offset_ticks])
    send_limit(out, side, price, lots, GTC if agent.params[P.stays] > 0.0 else IOC, 0, parent)
    return 0


policy = Policy(SingleOrder, decide)
