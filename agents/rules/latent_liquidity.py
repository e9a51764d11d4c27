"""Latent liquidity (Toth, Lemperiere, Deremble, de Lataillade, Kockelkoren and Bouchaud, Physical Review X 1, 2011).

Most of what people would trade is in no book. Each agent here has one intention, to buy or to sell at a price of its
own, that it shows as a limit order only while it lies within `reveal_ticks` of its side's best, and changes its mind
at rate `change_rate_per_s`. Intentions near the price are used up by trades and take time to come back, so that the
latent book is thin near the price and grows away from it: the mechanism behind a concave market impact.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel_all, send_limit, uniform
from sim.records import Needs
from sim.rng import exp_portable

__all__ = ["LatentLiquidity", "policy"]


class LatentLiquidity(Settings):
    """Settings of an agent with one latent order.

    Attributes:
        interval_s: mean time between two looks at the market, in seconds.
        depth_ticks: a new intention lies uniformly up to this far from the midpoint, on its own side.
        reveal_ticks: the intention is shown while it lies at most this far behind its side's best, or that side is
            empty.
        change_rate_per_s: rate at which an intention is dropped for a new one.
        size_lots: size of an order.
    """

    interval_s: Positive = 5.0
    depth_ticks: Positive = 200.0
    reveal_ticks: Positive = 20.0
    change_rate_per_s: NonNegative = 1e-3
    size_lots: Annotated[int, Field(ge=1)] = 10


P = indices(LatentLiquidity)
S = indices(None, "side", "price_ticks", "seen_ns", "is_shown")
NEXT, CHANGE, SIDE, DISTANCE = 0, 1, 2, 3


@decision
def change_mind(view: Any, agent: Any, mid: float) -> None:
    """Draw a new intention around the midpoint."""
    side = 1 if uniform(agent, SIDE) < 0.5 else -1
    price = mid - side * (0.5 + agent.params[P.depth_ticks] * uniform(agent, DISTANCE))
    agent.state[S.side] = side
    agent.state[S.price_ticks] = float(min(max(int(price), int(view.min_price_ticks)), int(view.max_price_ticks)))
    agent.state[S.is_shown] = 0.0


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Drop the intention, show it, or take it back."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    bid, ask = view.bid_ticks, view.ask_ticks
    mid = 0.5 * (bid + ask) if bid != NO_PRICE and ask != NO_PRICE else float(view.last_ticks)
    if view.reason & WAKE_START:
        change_mind(view, agent, mid)
        agent.state[S.seen_ns] = view.time_ns
    elif view.phase != CONTINUOUS or view.n_in_flight > 0:
        return delay
    elapsed_s = (view.time_ns - agent.state[S.seen_ns]) * 1e-9
    agent.state[S.seen_ns] = view.time_ns
    filled = agent.state[S.is_shown] > 0.0 and view.n_own == 0
    if filled or uniform(agent, CHANGE) > exp_portable(-agent.params[P.change_rate_per_s] * elapsed_s):
        if view.n_own > 0:
            send_cancel_all(out)
        change_mind(view, agent, mid)
        return delay
    side, price = int(agent.state[S.side]), int(agent.state[S.price_ticks])
    best = bid if side > 0 else ask
    near = best == NO_PRICE or side * (best - price) <= agent.params[P.reveal_ticks]
    if near and view.n_own == 0:
        send_limit(out, side, price, int(agent.params[P.size_lots]))
        agent.state[S.is_shown] = 1.0
    elif not near and view.n_own > 0:
        send_cancel_all(out)
        agent.state[S.is_shown] = 0.0
    return delay


policy = Policy(LatentLiquidity, decide, needs=Needs.OWN)
