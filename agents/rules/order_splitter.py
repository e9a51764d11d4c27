"""Long-memory order splitting (Lillo, Mike and Farmer, Physical Review E 71, 2005).

Each trader works one hidden metaorder at a time, one child at each of its Poisson times, all of one sign. The number
of children follows P(L >= l) = l^-alpha; when the last is sent a new metaorder begins with a sign of its own. With N
equal traders every market order comes from one of N hidden orders chosen at random, which is the paper's model: the
signs of market orders then have an autocorrelation that falls as lag^-(alpha - 1).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, exponential, indices, send_market, uniform
from sim.rng import exp_portable, log_portable

__all__ = ["OrderSplitter", "policy"]


class OrderSplitter(Settings):
    """Settings of a trader that splits its orders.

    Attributes:
        interval_s: mean time between two children, in seconds.
        tail_exponent: alpha of the number of children; 1.5 is what Lillo et al. found.
        max_children: longest metaorder.
        idle_s: mean pause between two metaorders, in seconds; 0: none.
        size_lots: size of a child.
        touch_share: if above 0, a child takes this share of what stands at the opposite best instead (at least a lot).
    """

    interval_s: Positive = 30.0
    tail_exponent: Annotated[float, Field(gt=1)] = 1.5
    max_children: Annotated[int, Field(ge=1, le=10**9)] = 1_000_000
    idle_s: NonNegative = 0.0
    size_lots: Annotated[int, Field(ge=1)] = 1
    touch_share: Annotated[float, Field(ge=0, le=1)] = 0.0


P = indices(OrderSplitter)
S = indices(None, "children_left", "side", "metaorder")
NEXT, LENGTH, SIDE, IDLE = 0, 1, 2, 3


@decision
def begin_metaorder(agent: Any) -> None:
    """Draw the sign and the number of children of a new metaorder."""
    length = exp_portable(-log_portable(uniform(agent, LENGTH)) / agent.params[P.tail_exponent])
    agent.state[S.children_left] = float(int(min(length, agent.params[P.max_children])))
    agent.state[S.side] = 1.0 if uniform(agent, SIDE) < 0.5 else -1.0
    agent.state[S.metaorder] += 1.0


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Send the next child; (agent, parent_id) names the metaorder on the tape."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    if view.reason & WAKE_START or view.phase != CONTINUOUS:
        return delay
    if agent.state[S.children_left] < 1.0:
        begin_metaorder(agent)
    side = int(agent.state[S.side])
    size = int(agent.params[P.size_lots])
    if agent.params[P.touch_share] > 0.0:
        there = view.ask_lots if side > 0 else view.bid_lots
        size = max(1, int(agent.params[P.touch_share] * there))
    send_market(out, side, size, int(agent.state[S.metaorder]))
    agent.state[S.children_left] -= 1.0
    if agent.state[S.children_left] < 1.0 and agent.params[P.idle_s] > 0.0:
        delay += int(exponential(agent, IDLE, agent.params[P.idle_s]) * 1e9)
    return delay


policy = Policy(OrderSplitter, decide)
