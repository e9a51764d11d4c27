"""Fixed-ladder market maker: the same quantities at the same distances from the fair price, whatever its position.

At a refresh it cancels only what no longer belongs to the ladder and sends only what is missing, so that orders at
prices that stay keep their place in the queue. Levels lie on a grid of `spacing_ticks`. A level is renewed when it has
been taken as a whole; until then the rest of its order stays.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from agents.makers._quotes import NEEDS, WAKES_ON, fair_price, may_quote, timer_ns
from lob.codes import POST_ONLY
from sim.distributions import NonNegative, Positive, Settings
from sim.lookup import own_count_at
from sim.order_kinds import show_only
from sim.policy import Policy, decision, indices, send_cancel, send_limit

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
        use_signal: the fair price is the value signal instead of the midpoint of the others' quotes. While others do
            not quote both sides there is no such midpoint, and the ladder stays.
        use_last_trade: the fair price is the last trade's instead.
        max_position_lots: position and open orders of a side together do not exceed this.
        requote_on_fill: renew levels after a fill, as soon as no message is on its way; otherwise at the next refresh.
        post_only: orders that would trade at once are refused.
        display_lots: levels are icebergs that show no more than this at a time; 0: all is shown.
    """

    refresh_s: Positive = 1.0
    half_spread_ticks: NonNegative = 1.0
    spacing_ticks: Annotated[int, Field(ge=1)] = 1
    n_levels: Annotated[int, Field(ge=1, le=15)] = 10
    size_lots: Annotated[int, Field(ge=1)] = 100
    move_ticks: NonNegative = 1.0
    use_signal: bool = False
    use_last_trade: bool = False
    max_position_lots: Annotated[int, Field(ge=1)] = 100_000
    requote_on_fill: bool = False
    post_only: bool = True
    display_lots: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_one_fair_price(self) -> FixedLadder:
        if self.use_signal and self.use_last_trade:
            raise ValueError("use_signal and use_last_trade are both true; allowed: one of them at most")
        return self


P = indices(FixedLadder)
S = indices(None, "is_due", "has_ladder", "fair_ticks")


@decision
def first_level(fair: float, agent: Any, side: int) -> int:
    """Price on the grid nearest to the fair price that keeps the half spread."""
    spacing = int(agent.params[P.spacing_ticks])
    wanted = min(max(fair - side * agent.params[P.half_spread_ticks], -1e15), 1e15)
    level = int(wanted / spacing)
    if side > 0:
        while level * spacing > wanted:
            level -= 1
    else:
        while level * spacing < wanted:
            level += 1
    return level * spacing


@decision
def send_level(agent: Any, out: Any, side: int, price_ticks: int, lots: int) -> None:
    """Send the order of one level, shown as a whole or in part."""
    send_limit(out, side, price_ticks, lots, 0, POST_ONLY if agent.params[P.post_only] > 0.0 else 0)
    display = int(agent.params[P.display_lots])
    if 0 < display < lots:
        show_only(out, display)


@decision
def quote_ladder(view: Any, agent: Any, out: Any, fair: float) -> None:
    """Cancel what does not belong to the ladder and send what is missing."""
    spacing, n_levels = int(agent.params[P.spacing_ticks]), int(agent.params[P.n_levels])
    size, limit = int(agent.params[P.size_lots]), int(agent.params[P.max_position_lots])
    bid, ask = first_level(fair, agent, 1), first_level(fair, agent, -1)
    if ask <= bid:
        ask = bid + spacing
    last = spacing * (n_levels - 1)
    bid_room, ask_room = limit - view.position_lots, limit + view.position_lots
    for k in range(view.n_own):
        price, lots = view.own_ticks[k], view.own_lots[k]
        on_bid = view.own_side[k] > 0 and bid - last <= price <= bid and (bid - price) % spacing == 0
        on_ask = view.own_side[k] < 0 and ask <= price <= ask + last and (price - ask) % spacing == 0
        if on_bid and lots <= bid_room:
            bid_room -= lots
        elif on_ask and lots <= ask_room:
            ask_room -= lots
        else:
            send_cancel(out, view.own_id[k])
    for level in range(n_levels):
        low, high = bid - spacing * level, ask + spacing * level
        if bid_room > 0 and view.min_price_ticks <= low <= view.max_price_ticks and own_count_at(view, 1, low) == 0:
            send_level(agent, out, 1, low, min(size, bid_room))
            bid_room -= size
        if ask_room > 0 and view.min_price_ticks <= high <= view.max_price_ticks and own_count_at(view, -1, high) == 0:
            send_level(agent, out, -1, high, min(size, ask_room))
            ask_room -= size


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Renew the ladder, around a new fair price if that has moved enough."""
    delay = timer_ns(view, agent.params[P.refresh_s])
    if not may_quote(view, agent, out, S.is_due, agent.params[P.requote_on_fill]):
        return delay
    last_fair = agent.state[S.fair_ticks] if agent.state[S.has_ladder] > 0.0 else float(view.last_ticks)
    if agent.params[P.use_last_trade] > 0.0:
        fair = float(view.last_ticks)
    else:
        fair = fair_price(view, agent.params[P.use_signal], last_fair)
    if agent.state[S.has_ladder] == 0.0 or abs(fair - last_fair) >= agent.params[P.move_ticks]:
        agent.state[S.fair_ticks] = fair
        agent.state[S.has_ladder] = 1.0
    quote_ladder(view, agent, out, agent.state[S.fair_ticks])
    return delay


policy = Policy(FixedLadder, decide, needs=NEEDS, wakes_on=WAKES_ON)
