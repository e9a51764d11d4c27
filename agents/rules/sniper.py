"""Sniper: knows the value a moment before the quotes do, and takes stale ones (Budish, Cramton and Shim 2015).

It looks at fixed times. A quote that is off the value by more than `margin_ticks` is taken at its price, at once or not
at all; the position is closed at market when the price has come to the value, or after `hold_s`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from lob.codes import CONTINUOUS, IOC
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import Lots, NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_limit, send_market, uniform
from sim.records import Needs

__all__ = ["Sniper", "policy"]


class Sniper(Settings):
    """Settings of a sniper.

    Attributes:
        look_ms: time between two looks, in milliseconds.
        margin_ticks: least distance of a quote from the value that is worth a trade.
        max_lots: largest order.
        max_position_lots: largest position.
        hold_s: time after which a position is closed.
    """

    look_ms: Positive = 5.0
    margin_ticks: NonNegative = 1.0
    max_lots: Lots = 50
    max_position_lots: Annotated[int, Field(ge=1)] = 500
    hold_s: Positive = 5.0


P = indices(Sniper)
S = indices(None, "until_ns")


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Take a stale quote, or close what is held."""
    delay = int(agent.params[P.look_ms] * 1e6)
    if view.reason & WAKE_START:
        return 1 + int(uniform(agent, 0) * delay)
    if view.phase != CONTINUOUS or view.n_in_flight > 0 or view.bid_ticks == NO_PRICE or view.ask_ticks == NO_PRICE:
        return delay
    margin, most = agent.params[P.margin_ticks], int(agent.params[P.max_lots])
    position, limit = int(view.position_lots), int(agent.params[P.max_position_lots])
    if view.signal - view.ask_ticks > margin and position < limit:
        send_limit(out, 1, view.ask_ticks, min(most, int(view.ask_lots), limit - position), IOC)
        agent.state[S.until_ns] = view.time_ns + agent.params[P.hold_s] * 1e9
    elif view.bid_ticks - view.signal > margin and position > -limit:
        send_limit(out, -1, view.bid_ticks, min(most, int(view.bid_lots), limit + position), IOC)
        agent.state[S.until_ns] = view.time_ns + agent.params[P.hold_s] * 1e9
    elif position != 0 and view.time_ns >= agent.state[S.until_ns]:
        send_market(out, -1 if position > 0 else 1, min(abs(position), most))
    return delay


policy = Policy(Sniper, decide, needs=Needs.SIGNAL, needs_moving_value=True)
