"""Fixed-ladder market maker: the same quantities at the same distances from the fair price, whatever its position.

At a refresh it cancels only what no longer belongs to the ladder and sends only what is missing, so that orders at
prices that stay keep their place in the queue. Levels lie on a grid of `spacing_ticks`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.makers._quotes import CONTINUOUS, fair_price, withdraw_all
from sim.distributions import NonNegative, Positive, Settings
from sim.lookup import own_count_at
from sim.policy import Policy, decision, indices, send_cancel, send_limit
from sim.records import Needs, Wake

__all__ = ["FixedLadder", "policy"]


class FixedLadder(Settings):
    """Settings of the market maker.

    Attributes:
        refresh_s: time between two refreshes, in seconds.
        half_spread_ticks: least distance of the first level from the fair price.
        spacing_ticks: distance of two levels.
        n_levels: levels on each side, at most 15.
        size_lots: quantity of a level.
        move_ticks: the ladder moves when the fair price has left the last one's by this much.
        use_signal: the fair price is the value signal instead of the midpoint.
    """

    refresh_s: Positive = 1.0
    half_spread_ticks: NonNegative = 1.0
    spacing_ticks: Annotated[int, Field(ge=1)] = 1
    n_levels: Annotated[int, Field(ge=1, le=15)] = 10
    size_lots: Annotated[int, Field(ge=1)] = 100
    move_ticks: NonNegative = 1.0
    use_signal: bool = False


P = indices(FixedLadder)
S = indices(None, "fair_ticks", "is_laid")
START = int(Wake.START)


@decision
def first_level(fair: float, agent: Any, side: int) -> int:
    """Price on the grid nearest to the fair price that keeps the half spread."""
    spacing = int(agent.params[P.spacing_ticks])
    wanted = fair - side * agent.params[P.half_spread_ticks]
    level = int(wanted / spacing)
    if side > 0:
        while level * spacing > wanted:
            level -= 1
    else:
        while level * spacing < wanted:
            level += 1
    return level * spacing


@decision
def lay_ladder(view: Any, agent: Any, out: Any, fair: float) -> None:
    """Cancel what does not belong to the ladder and send what is missing."""
    spacing, n_levels = int(agent.params[P.spacing_ticks]), int(agent.params[P.n_levels])
    bid, ask = first_level(fair, agent, 1), first_level(fair, agent, -1)
    if ask <= bid:
        ask = bid + spacing
    last = spacing * (n_levels - 1)
    for k in range(view.n_own):
        price = view.own_ticks[k]
        on_bid = view.own_side[k] > 0 and bid - last <= price <= bid and (bid - price) % spacing == 0
        on_ask = view.own_side[k] < 0 and ask <= price <= ask + last and (price - ask) % spacing == 0
        if not (on_bid or on_ask):
            send_cancel(out, view.own_id[k])
    for level in range(n_levels):
        low, high = bid - spacing * level, ask + spacing * level
        if view.min_price_ticks <= low <= view.max_price_ticks and own_count_at(view, 1, low) == 0:
            send_limit(out, 1, low, int(agent.params[P.size_lots]))
        if view.min_price_ticks <= high <= view.max_price_ticks and own_count_at(view, -1, high) == 0:
            send_limit(out, -1, high, int(agent.params[P.size_lots]))


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Renew the ladder at each refresh."""
    delay = max(1, int(agent.params[P.refresh_s] * 1e9))
    if view.phase != CONTINUOUS:
        withdraw_all(view, out)
        return delay
    if view.n_in_flight > 0:
        return delay
    fair = fair_price(view, agent.params[P.use_signal])
    if agent.state[S.is_laid] == 0.0 or abs(fair - agent.state[S.fair_ticks]) >= agent.params[P.move_ticks]:
        agent.state[S.fair_ticks] = fair
        agent.state[S.is_laid] = 1.0
    lay_ladder(view, agent, out, agent.state[S.fair_ticks])
    return delay


policy = Policy(FixedLadder, decide, needs=Needs.OWN | Needs.SIGNAL | Needs.BOOK)
