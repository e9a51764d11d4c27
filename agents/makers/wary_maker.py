"""A market maker that leaves when it gets dangerous, and comes back.

In calm times it lays a ladder around the midpoint, shifted against its position. It withdraws everything

- when the midpoint has left its own average by `pull_ticks`, for `rest_s`: what high-frequency makers did on 6 May 2010
  (CFTC and SEC, "Findings regarding the market events of May 6, 2010"; Kirilenko, Kyle, Samadi and Tuzun, Journal of
  Finance 72, 2017, who also find the hard limits of their inventories);
- from `away_from_s` to `away_until_s` after the open: around an announcement whose time is known, dealers widen or
  withdraw (Fleming and Remolona, Journal of Finance 54, 1999).

With `away_widening` above 0 it does not leave but quotes that many times its half spread.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.makers._quotes import rounded
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel_all, send_limit, uniform
from sim.rng import exp_portable

__all__ = ["WaryMaker", "policy"]


class WaryMaker(Settings):
    """Settings of a wary market maker.

    Attributes:
        refresh_s: time between two refreshes, in seconds; the first at a random part of it.
        half_spread_ticks: distance of the first quotes from the centre.
        level_spacing_ticks: distance of two quotes of a side.
        n_levels: quotes on each side, at most 15.
        size_lots: size of a quote.
        skew_ticks_per_lot: the centre lies this much below the midpoint for each lot held.
        max_position_lots: no quote on the side that would bring the position beyond it.
        pull_ticks: it withdraws when the midpoint is this far from its average; 0: never.
        memory_s: time constant of that average, in seconds.
        rest_s: how long it stays away then, in seconds.
        away_from_s, away_until_s: a time of absence, in seconds after the open; equal: none.
        away_widening: half spreads at which it quotes instead of being away; 0: it is away.
    """

    refresh_s: Positive = 1.0
    half_spread_ticks: NonNegative = 2.0
    level_spacing_ticks: Annotated[int, Field(ge=1)] = 1
    n_levels: Annotated[int, Field(ge=1, le=15)] = 5
    size_lots: Annotated[int, Field(ge=1)] = 20
    skew_ticks_per_lot: NonNegative = 0.01
    max_position_lots: Annotated[int, Field(ge=1)] = 500
    pull_ticks: NonNegative = 0.0
    memory_s: Positive = 60.0
    rest_s: NonNegative = 60.0
    away_from_s: NonNegative = 0.0
    away_until_s: NonNegative = 0.0
    away_widening: NonNegative = 0.0


P = indices(WaryMaker)
S = indices(None, "average_ticks", "seen_ns", "rests_until_ns")
FIRST = 0


@decision
def is_frightened(view: Any, agent: Any, mid: float) -> bool:
    """Whether the price has moved too fast; keeps the average."""
    elapsed_s = (view.time_ns - agent.state[S.seen_ns]) * 1e-9
    agent.state[S.seen_ns] = view.time_ns
    kept = exp_portable(-elapsed_s / agent.params[P.memory_s])
    agent.state[S.average_ticks] = mid + (agent.state[S.average_ticks] - mid) * kept
    if agent.params[P.pull_ticks] > 0.0 and abs(mid - agent.state[S.average_ticks]) >= agent.params[P.pull_ticks]:
        agent.state[S.rests_until_ns] = view.time_ns + agent.params[P.rest_s] * 1e9
    return view.time_ns < agent.state[S.rests_until_ns]


@decision
def quote_ladder(view: Any, agent: Any, out: Any, mid: float, half: float) -> None:
    """Send both sides, the nearest first, as far as the position allows."""
    centre = mid - agent.params[P.skew_ticks_per_lot] * view.position_lots
    size, limit = int(agent.params[P.size_lots]), int(agent.params[P.max_position_lots])
    spacing = int(agent.params[P.level_spacing_ticks])
    bid = rounded(centre - half)
    ask = max(rounded(centre + half), bid + 1)
    bid_room, ask_room = limit - view.position_lots, limit + view.position_lots
    for level in range(int(agent.params[P.n_levels])):
        low, high = bid - level * spacing, ask + level * spacing
        if bid_room > 0 and low >= view.min_price_ticks:
            send_limit(out, 1, low, min(size, bid_room))
            bid_room -= size
        if ask_room > 0 and high <= view.max_price_ticks:
            send_limit(out, -1, high, min(size, ask_room))
            ask_room -= size


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Withdraw the ladder and, unless there is a reason to stay away, lay it anew."""
    delay = max(1, int(agent.params[P.refresh_s] * 1e9))
    bid, ask = view.bid_ticks, view.ask_ticks
    mid = 0.5 * (bid + ask) if bid != NO_PRICE and ask != NO_PRICE else float(view.last_ticks)
    if view.reason & WAKE_START:
        agent.state[S.average_ticks] = mid
        agent.state[S.seen_ns] = view.time_ns
        return max(1, int(uniform(agent, FIRST) * agent.params[P.refresh_s] * 1e9))
    frightened = is_frightened(view, agent, mid)
    send_cancel_all(out)
    if frightened or view.phase != CONTINUOUS:
        return delay
    now_s = (view.time_ns - view.open_ns) * 1e-9
    half = agent.params[P.half_spread_ticks]
    if agent.params[P.away_from_s] <= now_s < agent.params[P.away_until_s]:
        if agent.params[P.away_widening] <= 0.0:
            return delay
        half *= agent.params[P.away_widening]
    quote_ladder(view, agent, out, mid, half)
    return delay


policy = Policy(WaryMaker, decide)
