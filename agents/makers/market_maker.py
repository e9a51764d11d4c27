"""Adaptive market maker: a ladder of quotes around the midpoint, sized by traded volume, as wide as the spread.

As the AdaptiveMarketMakerAgent of ABIDES' rmsc04 (after Chakraborty and Kearns 2011): at each refresh the ladder is
withdrawn and laid anew; its width is an exponential average of the spread, its size a share of recent volume. Besides
the timer, a fill or a move of the touch brings a refresh forward when the midpoint has left the quoted one far enough.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from lob.types import NO_PRICE
from sim.codes import WAKE_START, WAKE_TIMER
from sim.distributions import Lots, NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel_all, send_limit
from sim.records import Wake

__all__ = ["MarketMaker", "policy"]


class MarketMaker(Settings):
    """Settings of an adaptive market maker.

    Attributes:
        refresh_s: time between two refreshes, in seconds.
        n_levels: quotes on each side, at most 15.
        level_spacing_ticks: distance between two quotes of a side.
        first_spread_ticks: spread quoted before the market shows one.
        spread_weight: weight of the newest spread in the average.
        participation: quote size as a share of the volume traded since the last refresh.
        min_size_lots: smallest quote size.
        skew_ticks_per_lot: both sides shift by this much against the inventory.
        requote_ticks: refresh early when the midpoint has moved this far from the quoted one; 0: never.
        requote_wait_s: least time between two early refreshes. Without it, makers whose messages take long answer what
            their own last ones do to the touch, and each other, without end.
    """

    refresh_s: Positive = 60.0
    n_levels: Annotated[int, Field(ge=1, le=15)] = 10
    level_spacing_ticks: Positive = 5.0
    first_spread_ticks: Positive = 10.0
    spread_weight: Annotated[float, Field(gt=0, le=1)] = 0.75
    participation: NonNegative = 0.025
    min_size_lots: Lots = 1
    skew_ticks_per_lot: NonNegative = 0.0
    requote_ticks: NonNegative = 0.0
    requote_wait_s: NonNegative = 1.0


P = indices(MarketMaker)
S = indices(None, "spread_ticks", "quoted_mid_ticks", "quoted_ns", "volume_lots", "filled")


@decision
def wants_refresh(view: Any, agent: Any, mid: float) -> bool:
    """Whether a triggered wake-up is reason enough to lay the ladder anew."""
    if agent.params[P.requote_ticks] <= 0.0:
        return False
    if view.time_ns - agent.state[S.quoted_ns] < agent.params[P.requote_wait_s] * 1e9:
        return False
    moved = abs(mid - agent.state[S.quoted_mid_ticks])
    return moved >= agent.params[P.requote_ticks]


@decision
def quote_ladder(view: Any, agent: Any, out: Any, mid: float) -> None:
    """Send both sides of the ladder, from the touch outwards."""
    volume = view.volume_lots - agent.state[S.volume_lots]
    size = max(int(agent.params[P.participation] * volume + 0.5), int(agent.params[P.min_size_lots]))
    centre = mid - agent.params[P.skew_ticks_per_lot] * view.position_lots
    half = 0.5 * agent.state[S.spread_ticks]
    bid = int(math.floor(centre - half))
    ask = max(int(math.ceil(centre + half)), bid + 1)
    spacing = agent.params[P.level_spacing_ticks]
    for level in range(int(agent.params[P.n_levels])):
        step = int(level * spacing + 0.5)
        if bid - step >= view.min_price_ticks:
            send_limit(out, 1, bid - step, size)
        if ask + step <= view.max_price_ticks:
            send_limit(out, -1, ask + step, size)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Refresh the ladder on the timer, or earlier if the market has moved away from it."""
    bid, ask = view.bid_ticks, view.ask_ticks
    two_sided = bid != NO_PRICE and ask != NO_PRICE
    mid = 0.5 * (bid + ask) if two_sided else float(view.last_ticks)
    delay = int(agent.params[P.refresh_s] * 1e9)
    if view.reason & WAKE_START:
        agent.state[S.spread_ticks] = agent.params[P.first_spread_ticks]
    elif view.reason & WAKE_TIMER:
        if two_sided:
            weight = agent.params[P.spread_weight]
            agent.state[S.spread_ticks] += weight * ((ask - bid) - agent.state[S.spread_ticks])
        send_cancel_all(out)
    else:
        if not wants_refresh(view, agent, mid):
            return 0
        delay = 0
        send_cancel_all(out)
    quote_ladder(view, agent, out, mid)
    agent.state[S.quoted_mid_ticks] = mid
    agent.state[S.quoted_ns] = view.time_ns
    if view.reason & (WAKE_START | WAKE_TIMER):
        agent.state[S.volume_lots] = view.volume_lots
    return delay


policy = Policy(MarketMaker, decide, wakes_on=Wake.FILL | Wake.TOUCH)
