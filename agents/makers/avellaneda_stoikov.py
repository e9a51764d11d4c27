"""Market maker of Avellaneda and Stoikov (Quantitative Finance 8(3), 2008).

With inventory q (in quotes of one size), risk aversion gamma, volatility sigma and time T - t to the end, it quotes
around

    reservation price  r = s - q gamma sigma^2 (T - t)                             (their equation 29)
    total spread       gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / k)       (their equation 30)

which is optimal to first order when fills at distance d come at rate A exp(-k d).
"""

from __future__ import annotations

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
from sim.rng import log1p_portable

__all__ = ["AvellanedaStoikov", "policy"]


class AvellanedaStoikov(Settings):
    """Settings of the market maker.

    Attributes:
        gamma_per_tick: risk aversion, per tick and quote.
        k_per_tick: decay of the rate of fills with the distance from the fair price.
        sigma_ticks_per_sqrt_s: volatility of the fair price.
        horizon_s: T - t, held fixed; 0: the time to the close.
        refresh_s: time between two refreshes, in seconds.
        size_lots: size of a quote, the unit of the inventory.
        max_quotes: no quote is larger than what would bring the inventory there; at it, one side is withdrawn. A fill
            while a new quote is on its way can exceed it by that quote.
        use_signal: the fair price is the value signal instead of the midpoint of the others' quotes.
        requote_on_fill: move the quotes after a fill, as soon as no message is on its way; otherwise at the next
            refresh.
        post_only: quotes that would trade at once are refused.
    """

    gamma_per_tick: Positive = 0.01
    k_per_tick: Positive = 0.3
    sigma_ticks_per_sqrt_s: NonNegative = 0.5
    horizon_s: NonNegative = 60.0
    refresh_s: Positive = 1.0
    size_lots: Annotated[int, Field(ge=1)] = 10
    max_quotes: Annotated[int, Field(ge=1)] = 100
    use_signal: bool = False
    requote_on_fill: bool = True
    post_only: bool = True


P = indices(AvellanedaStoikov)
S = indices(None, "is_due")


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Move the quotes to the optimal ones of this moment."""
    delay = timer_ns(view, agent.params[P.refresh_s])
    if not may_quote(view, agent, out, S.is_due, agent.params[P.requote_on_fill]):
        return delay
    gamma = agent.params[P.gamma_per_tick]
    sigma = agent.params[P.sigma_ticks_per_sqrt_s]
    left_s = agent.params[P.horizon_s]
    if left_s <= 0.0:
        left_s = (view.close_ns - view.time_ns) * 1e-9
    risk = gamma * sigma * sigma * left_s
    inventory = view.position_lots / agent.params[P.size_lots]
    reservation = fair_price(view, agent.params[P.use_signal], float(view.last_ticks)) - inventory * risk
    half = 0.5 * risk + log1p_portable(gamma / agent.params[P.k_per_tick]) / gamma
    bid, ask = rounded(reservation - half), rounded(reservation + half)
    size = int(agent.params[P.size_lots])
    limit = size * int(agent.params[P.max_quotes])
    quote_two_sides(view, out, bid, ask, size, limit, agent.params[P.post_only])
    return delay


policy = Policy(AvellanedaStoikov, decide, needs=NEEDS, wakes_on=WAKES_ON)
