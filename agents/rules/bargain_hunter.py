"""Bargain hunter: an investor who knows the value, rarely looks, and comes when a halt makes the news.

It buys (sells) when the price is `discount_ticks` or more below (above) the value. It looks at its own Poisson times,
far apart, and once more soon after trading resumes after a halt: Greenwald and Stein (Journal of Business 64, 1991)
argue that a halt is worth its cost because it gives those who would buy the time to hear of it.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS, HALTED
from lob.types import NO_PRICE
from sim.codes import WAKE_PHASE, WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, exponential, indices, send_limit
from sim.records import Needs, Wake

__all__ = ["BargainHunter", "policy"]


class BargainHunter(Settings):
    """Settings of a bargain hunter.

    Attributes:
        interval_s: mean time between looks, in seconds.
        attention_s: mean time from the end of a halt to a look, in seconds; 0: it does not hear of halts.
        discount_ticks: least distance of the price from the value at which it trades.
        size_lots: size of an order.
        max_position_lots: largest position.
    """

    interval_s: Positive = 600.0
    attention_s: NonNegative = 20.0
    discount_ticks: NonNegative = 30.0
    size_lots: Annotated[int, Field(ge=1)] = 20
    max_position_lots: Annotated[int, Field(ge=1)] = 500


P = indices(BargainHunter)
S = indices(None, "was_halted")
NEXT, SOON = 0, 1


@decision
def look(view: Any, agent: Any, out: Any) -> None:
    """Trade up to the discount if the price is beyond it."""
    bid, ask = view.bid_ticks, view.ask_ticks
    lots, limit = int(agent.params[P.size_lots]), int(agent.params[P.max_position_lots])
    margin = int(agent.params[P.discount_ticks])
    value = int(view.signal + 0.5)
    if ask != NO_PRICE and ask <= value - margin and view.position_lots < limit:
        send_limit(out, 1, value - margin, min(lots, limit - view.position_lots), 1)
    elif bid != NO_PRICE and bid >= value + margin and view.position_lots > -limit:
        send_limit(out, -1, value + margin, min(lots, limit + view.position_lots), 1)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look on the timer; after a halt set an earlier one."""
    if view.reason & WAKE_START:
        return poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    if view.reason & WAKE_PHASE:
        if view.phase == HALTED:
            agent.state[S.was_halted] = 1.0
        elif view.phase == CONTINUOUS and agent.state[S.was_halted] > 0.0 and agent.params[P.attention_s] > 0.0:
            agent.state[S.was_halted] = 0.0
            return 1 + int(exponential(agent, SOON, agent.params[P.attention_s]) * 1e9)
        return 0
    if view.phase == CONTINUOUS and view.n_in_flight == 0:
        look(view, agent, out)
    return poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])


policy = Policy(BargainHunter, decide, needs=Needs.SIGNAL, wakes_on=Wake.PHASE)
