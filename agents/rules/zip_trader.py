"""Zero-intelligence-plus traders (Cliff 1997, HP Laboratories report HPL-97-91).

A trader quotes value x (1 + margin), with a negative margin for buyers, and learns the margin from what the market
does: after each trade and each improvement of the quotes it moves its price towards a target a little above or below
the price that was seen, by Widrow-Hoff steps with momentum. Margins rise when a deal at a better price was possible
and fall when others get the deals. What is kept is the price, not the margin as in the paper: with one value per
trader they are the same, and after a unit of another value the learned price still holds.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.rules._private_values import (
    SIDE,
    InducedValues,
    begin_period,
    nearest_tick,
    next_decision_ns,
    quote_one,
    unit_value,
    units_left,
)
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START, WAKE_TIMER
from sim.distributions import Distribution, NonNegative, Positive
from sim.policy import Policy, decision, indices, uniform
from sim.records import Needs, Wake

__all__ = ["ZeroIntelligencePlus", "policy"]


class ZeroIntelligencePlus(InducedValues):
    """Settings of a ZIP trader, with those of InducedValues; defaults are Cliff's ranges.

    Attributes:
        first_margin: size of the margin at the open, as a share of the value.
        learning_rate: beta, share of the gap to the target that one step closes.
        momentum: gamma, weight of the last step in the next.
        relative_noise: largest relative perturbation of a target.
        absolute_noise_ticks: largest absolute perturbation of a target.
    """

    first_margin: NonNegative = Distribution(uniform=(0.05, 0.35))
    learning_rate: Annotated[float, Field(gt=0, le=1)] | Distribution = Distribution(uniform=(0.1, 0.5))
    momentum: Annotated[float, Field(ge=0, lt=1)] | Distribution = Distribution(uniform=(0.0, 0.1))
    relative_noise: NonNegative = 0.05
    absolute_noise_ticks: Positive = 5.0


P = indices(ZeroIntelligencePlus)
S = indices(None, "price_ticks", "step_ticks", "n_trades", "bid_ticks", "ask_ticks")
NEXT, RELATIVE, ABSOLUTE = 0, 1, 2


@decision
def move_towards(agent: Any, seen_ticks: float, up: bool, value: float) -> None:
    """One Widrow-Hoff step of the quote towards a target slightly above (up) or below the price that was seen."""
    sign = 1.0 if up else -1.0
    relative = 1.0 + sign * agent.params[P.relative_noise] * uniform(agent, RELATIVE)
    target = relative * seen_ticks + sign * agent.params[P.absolute_noise_ticks] * uniform(agent, ABSOLUTE)
    gap = agent.params[P.learning_rate] * (target - agent.state[S.price_ticks])
    momentum = agent.params[P.momentum]
    agent.state[S.step_ticks] = momentum * agent.state[S.step_ticks] + (1.0 - momentum) * gap
    price = agent.state[S.price_ticks] + agent.state[S.step_ticks]
    # A margin never turns into a loss.
    agent.state[S.price_ticks] = min(price, value) if agent.params[SIDE] > 0.0 else max(price, value)


@decision
def learn(view: Any, agent: Any, active: bool) -> None:
    """Look at the last trade, or else at the best quotes, and adapt the price (Cliff 1997, section 5)."""
    side = int(agent.params[SIDE])
    value, own = unit_value(view, agent), agent.state[S.price_ticks]
    if view.n_trades > agent.state[S.n_trades]:
        seen = float(view.last_ticks)
        # The trade's aggressor tells whose shout was accepted: an accepted offer was taken by a buyer.
        offer_accepted = view.last_side > 0
        if side * (own - seen) >= 0.0:  # could have had a better price
            move_towards(agent, seen, side < 0, value)
        elif active and (offer_accepted if side > 0 else not offer_accepted):
            move_towards(agent, seen, side > 0, value)
        return
    best = view.bid_ticks if side > 0 else view.ask_ticks
    last_best = agent.state[S.bid_ticks] if side > 0 else agent.state[S.ask_ticks]
    # A quote at least as good as the own one, or the own one itself, that is not accepted: make a better one. A quote
    # that stays in the book counts as shouted again whenever the trader's turn comes. Quotes are whole ticks: hence 1.
    is_new = best != last_best or view.reason & WAKE_TIMER != 0
    if active and best != NO_PRICE and is_new and side * (best - own) > -1.0:
        move_towards(agent, float(best), side > 0, value)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Learn from what was seen since the last wake-up; on the timer, renew the quote."""
    if view.reason & WAKE_START:
        margin = agent.params[P.first_margin]
        agent.state[S.price_ticks] = unit_value(view, agent) * (1.0 - agent.params[SIDE] * margin)
        return next_decision_ns(view, agent, NEXT)
    is_new = begin_period(view, agent, out)
    active = units_left(view, agent) > 0
    learn(view, agent, active)
    agent.state[S.n_trades] = view.n_trades
    agent.state[S.bid_ticks] = view.bid_ticks
    agent.state[S.ask_ticks] = view.ask_ticks
    if not view.reason & WAKE_TIMER:
        return 0
    delay = next_decision_ns(view, agent, NEXT)
    if is_new or view.phase != CONTINUOUS or view.n_in_flight > 0:
        return delay
    if active:
        side = int(agent.params[SIDE])
        value, price = unit_value(view, agent), agent.state[S.price_ticks]
        quote_one(view, out, side, nearest_tick(min(price, value) if side > 0 else max(price, value), side))
    return delay


policy = Policy(ZeroIntelligencePlus, decide, needs=Needs.OWN, wakes_on=Wake.TRADE | Wake.TOUCH)
