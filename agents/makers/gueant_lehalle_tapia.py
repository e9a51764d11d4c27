"""Stationary quotes of Gueant, Lehalle and Fernandez-Tapia (Mathematics and Financial Economics 7, 2013).

Far from the end, and with inventories q (in quotes of one size) bounded by Q, the optimal distances from the fair
price are close to

    bid: (1/gamma) ln(1 + gamma/k) + (2 q + 1)/2 c,    ask: (1/gamma) ln(1 + gamma/k) - (2 q - 1)/2 c,
    c = sqrt(sigma^2 gamma / (2 k A) (1 + gamma/k)^(1 + k/gamma))

(their section 4), when fills at distance d come at rate A exp(-k d).
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from agents.makers._quotes import (
    NEEDS,
    WAKES_ON,
    fair_price,
    may_quote,
    quote_two_sides,
    rounded,
    timer_ns,
)
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices
from sim.rng import exp_portable, log1p_portable

__all__ = ["GueantLehalleTapia", "policy"]


class GueantLehalleTapia(Settings):
    """Settings of the market maker.

    Attributes:
        gamma_per_tick: risk aversion, per tick and quote.
        k_per_tick: decay of the rate of fills with the distance from the fair price.
        fill_rate_per_s: A, rate of fills at the fair price.
        sigma_ticks_per_sqrt_s: volatility of the fair price.
        refresh_s: time between two refreshes, in seconds.
        size_lots: size of a quote, the unit of the inventory.
        max_quotes: Q; no quote is larger than what would bring the inventory there; at it, one side is withdrawn. A
            fill while a new quote is on its way can exceed it by that quote.
        use_signal: the fair price is the value signal instead of the midpoint of the others' quotes.
        requote_on_fill: move the quotes after a fill, as soon as no message is on its way; otherwise at the next
            refresh.
        post_only: quotes that would trade at once are refused.
    """

    gamma_per_tick: Positive = 0.01
    k_per_tick: Positive = 0.3
    fill_rate_per_s: Positive = 1.0
    sigma_ticks_per_sqrt_s: NonNegative = 0.5
    refresh_s: Positive = 1.0
    size_lots: Annotated[int, Field(ge=1)] = 10
    max_quotes: Annotated[int, Field(ge=1)] = 20
    use_signal: bool = False
    requote_on_fill: bool = True
    post_only: bool = True


P = indices(GueantLehalleTapia)
S = indices(None, "is_due")


@decision
def skew_ticks(agent: Any) -> float:
    """The coefficient c: how far one unit of inventory moves both quotes."""
    gamma, k = agent.params[P.gamma_per_tick], agent.params[P.k_per_tick]
    sigma, rate = agent.params[P.sigma_ticks_per_sqrt_s], agent.params[P.fill_rate_per_s]
    power = exp_portable((1.0 + k / gamma) * log1p_portable(gamma / k))
    return math.sqrt(sigma * sigma * gamma / (2.0 * k * rate) * power)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Move the quotes to the optimal ones of this inventory."""
    delay = timer_ns(view, agent.params[P.refresh_s])
    if not may_quote(view, agent, out, S.is_due, agent.params[P.requote_on_fill]):
        return delay
    gamma = agent.params[P.gamma_per_tick]
    base = log1p_portable(gamma / agent.params[P.k_per_tick]) / gamma
    inventory = view.position_lots / agent.params[P.size_lots]
    skew = skew_ticks(agent)
    fair = fair_price(view, agent.params[P.use_signal], float(view.last_ticks))
    bid = rounded(fair - base - (2.0 * inventory + 1.0) / 2.0 * skew)
    ask = rounded(fair + base - (2.0 * inventory - 1.0) / 2.0 * skew)
    size = int(agent.params[P.size_lots])
    limit = size * int(agent.params[P.max_quotes])
    quote_two_sides(view, out, bid, ask, size, limit, agent.params[P.post_only])
    return delay


policy = Policy(GueantLehalleTapia, decide, needs=NEEDS, wakes_on=WAKES_ON)
