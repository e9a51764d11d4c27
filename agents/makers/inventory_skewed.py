"""Inventory-skewed market maker: two quotes that shift against its position (Amihud and Mendelson 1980)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.makers._quotes import CONTINUOUS, fair_price, quote_two_sides, rounded, withdraw_all
from lob.types import NO_PRICE
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices
from sim.records import Needs, Wake

__all__ = ["InventorySkewed", "policy"]


class InventorySkewed(Settings):
    """Settings of a market maker with two quotes.

    Attributes:
        refresh_s: time between two refreshes, in seconds.
        half_spread_ticks: distance of both quotes from their centre.
        skew_ticks_per_lot: the centre lies this much below the fair price for each lot held.
        size_lots: size of a quote.
        max_position_lots: at this position the quote that would add to it is withdrawn.
        use_signal: quote around the value signal instead of the midpoint.
        requote_on_fill: move the quotes at once after a fill; otherwise at the next refresh.
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
START, TIMER = int(Wake.START), int(Wake.TIMER)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Move the quotes to where they belong."""
    delay = max(1, int(agent.params[P.refresh_s] * 1e9)) if view.reason & (START | TIMER) else 0
    if view.phase != CONTINUOUS:
        withdraw_all(view, out)
        return delay
    if view.n_in_flight > 0 or (delay == 0 and agent.params[P.requote_on_fill] == 0.0):
        return delay
    centre = fair_price(view, agent.params[P.use_signal]) - agent.params[P.skew_ticks_per_lot] * view.position_lots
    half = agent.params[P.half_spread_ticks]
    most = agent.params[P.max_position_lots]
    bid = rounded(centre - half) if view.position_lots < most else NO_PRICE
    ask = rounded(centre + half) if view.position_lots > -most else NO_PRICE
    quote_two_sides(view, out, bid, ask, int(agent.params[P.size_lots]), agent.params[P.post_only])
    return delay


policy = Policy(InventorySkewed, decide, needs=Needs.OWN | Needs.SIGNAL, wakes_on=Wake.FILL | Wake.ACK | Wake.PHASE)
