"""Zero intelligence: limit orders at random distances, market orders and cancels, all at Poisson times.

A per-agent version of the flow of Farmer, Patelli and Zovko (2005): each agent wakes at exponential times and sends a
limit order at a uniform distance from the opposite best, a market order, or the cancellation of its oldest order.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import Distribution, Lots, Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel, send_limit, send_market, uniform
from sim.records import Needs

__all__ = ["ZeroIntelligence", "policy"]

Share = Annotated[float, Field(ge=0, le=1)]


class ZeroIntelligence(Settings):
    """Settings of a zero-intelligence agent.

    Attributes:
        interval_s: mean time between two decisions, in seconds.
        market_share: probability that a decision is a market order.
        cancel_share: probability that a decision cancels the oldest own order (if there is one).
        max_distance_ticks: limit orders are placed 1 to this many ticks behind the opposite best.
        size_lots: size of every order.
    """

    interval_s: Positive = 10.0
    market_share: Share = 0.1
    cancel_share: Share = 0.4
    max_distance_ticks: Annotated[int, Field(ge=1)] | Distribution = 20
    size_lots: Lots = 1


P = indices(ZeroIntelligence)
# Purposes of the draws of one decision.
NEXT, KIND, SIDE, DISTANCE = 0, 1, 2, 3


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """One decision: a market order, a cancel or a limit order."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    if view.reason & WAKE_START:
        return delay
    size = int(agent.params[P.size_lots])
    side = 1 if uniform(agent, SIDE) < 0.5 else -1
    kind = uniform(agent, KIND)
    if kind < agent.params[P.market_share]:
        send_market(out, side, size)
    elif kind < agent.params[P.market_share] + agent.params[P.cancel_share]:
        if view.n_own > 0:
            send_cancel(out, view.own_id[0])
    else:
        opposite = view.ask_ticks if side > 0 else view.bid_ticks
        if opposite == NO_PRICE:
            opposite = view.last_ticks + side
        distance = 1 + int(uniform(agent, DISTANCE) * agent.params[P.max_distance_ticks])
        send_limit(out, side, opposite - side * distance, size)
    return delay


policy = Policy(ZeroIntelligence, decide, needs=Needs.OWN)
