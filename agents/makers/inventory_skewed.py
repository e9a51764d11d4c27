"""Inventory-skewed market maker: two quotes that shift against its position.

With position q it quotes at s - skew q -+ h. That both quotes fall as the inventory grows is a result of Amihud and
Mendelson (Journal of Financial Economics 8, 1980), where the spread widens with it, and of Ho and Stoll (Journal of
Financial Economics 9, 1981), where the spread does not depend on it and the shift is linear; here as in the latter.
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

__all__ = ["InventorySkewed", "policy"]


class InventorySkewed(Settings):
    """Settings of a market maker with two quotes.

    Attributes:
        refresh_s: time between two refreshes, in seconds.
        half_spread_ticks: distance of both quotes from their centre.
        skew_ticks_per_lot: the centre lies this much below the fair price for each lot held.
        size_lots: size of a quote.
        max_position_lots: no quote is larger than what would bring the position there; at it, one side is withdrawn.
            A fill while a new quote is on its way can exceed it by that quote.
        use_signal: quote around the value signal instead of the midpoint of the others' quotes.
        requote_on_fill: move the quotes after a fill, as soon as no message is on its way; otherwise at the next
            refresh.
        post_only: quotes that would trade at once are refused.
    """

    refresh_s: Positive = 1.0
    half_spread_ticks: Positive = 2.0
    skew_ticks_per_lot: NonNegative = 0.02
    size_lots: Annotated[int, Field(ge=1)] = 10
    max_position_lots: Annotated[int, Field(ge=1)] = 500
    use_signal: bool = False
    requote_on_fill: bool = True
    post_only: bool = True


P = indices(InventorySkewed)
S = indices(None, "is_due")


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Move the quotes to where they belong."""
    delay = timer_ns(view, agent.params[P.refresh_s])
    if not may_quote(view, agent, out, S.is_due, agent.params[P.requote_on_fill]):
        return delay
    fair = fair_price(view, agent.params[P.use_signal], float(view.last_ticks))
    centre = fair - agent.params[P.skew_ticks_per_lot] * view.position_lots
    half = agent.params[P.half_spread_ticks]
    size, limit = int(agent.params[P.size_lots]), int(agent.params[P.max_position_lots])
    quote_two_sides(view, out, rounded(centre - half), rounded(centre + half), size, limit, agent.params[P.post_only])
    return delay


policy = Policy(InventorySkewed, decide, needs=NEEDS, wakes_on=WAKES_ON)
