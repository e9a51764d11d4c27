"""Informed trader (Kyle, Econometrica 53, 1985): knows the value and trades beta x (value - price) once a period.

With `intensity_lots_per_tick` 0 it reads the slope of the book and plays Kyle's best response to it: if the marginal
price rises by 2 lambda a lot, a quantity x costs lambda x^2 more than at the midpoint, and (v - p) x - lambda x^2 is
largest at x = (v - p) / (2 lambda).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.rules._periods import next_in_period_ns
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_market
from sim.records import Needs

__all__ = ["Informed", "policy"]


class Informed(Settings):
    """Settings of an informed trader.

    Attributes:
        period_s: it trades once in each period of this length, at a random moment.
        price_ticks: the price before the news, to which the value is compared; 0: the midpoint.
        intensity_lots_per_tick: beta; 0: the best response to the slope of the book.
        max_lots: largest order. In a book that is thin beyond what it is shown, the slope of what it is shown promises
            more than there is.
        max_position_lots: largest position: a price far from the value is not one trader's to move.
    """

    period_s: Positive = 10.0
    price_ticks: NonNegative = 0.0
    intensity_lots_per_tick: NonNegative = 0.0
    max_lots: Annotated[int, Field(ge=1)] = 20
    max_position_lots: Annotated[int, Field(ge=1)] = 500


P = indices(Informed)
NEXT = 0


@decision
def book_slope(view: Any, side: int) -> float:
    """Rise of the marginal price on the side to be taken, in ticks a lot; 0 if fewer than three levels are shown.

    The best level is left out: somebody may have taken a part of it.
    """
    lots = 0.0
    if side > 0:
        last = view.n_ask_levels - 1
        for k in range(1, last):
            lots += 0.5 * (view.ask_depth_lots[k] + view.ask_depth_lots[k + 1])
        return (view.ask_depth_ticks[last] - view.ask_depth_ticks[1]) / lots if lots > 0.0 else 0.0
    last = view.n_bid_levels - 1
    for k in range(1, last):
        lots += 0.5 * (view.bid_depth_lots[k] + view.bid_depth_lots[k + 1])
    return (view.bid_depth_ticks[1] - view.bid_depth_ticks[last]) / lots if lots > 0.0 else 0.0


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Trade once in this period."""
    delay = next_in_period_ns(view, agent, NEXT, agent.params[P.period_s])
    bid, ask = view.bid_ticks, view.ask_ticks
    if view.reason & WAKE_START or view.phase != CONTINUOUS or bid == NO_PRICE or ask == NO_PRICE:
        return delay
    price = agent.params[P.price_ticks]
    gap = view.signal - (price if price > 0.0 else 0.5 * (bid + ask))
    side = 1 if gap > 0.0 else -1
    intensity = agent.params[P.intensity_lots_per_tick]
    if intensity <= 0.0:
        slope = book_slope(view, side)
        intensity = 1.0 / slope if slope > 0.0 else 0.0
    room = agent.params[P.max_position_lots] - side * view.position_lots
    lots = int(min(intensity * abs(gap) + 0.5, min(agent.params[P.max_lots], room)))
    if lots > 0:
        send_market(out, side, lots)
    return delay


policy = Policy(Informed, decide, needs=Needs.SIGNAL | Needs.DEPTH, needs_moving_value=True)
