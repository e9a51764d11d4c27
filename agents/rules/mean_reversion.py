"""Mean-reversion trader: sells after rises and buys after falls (contrarian; Lo and MacKinlay 1990).

It compares the midpoint with an exponential average of the midpoints it has seen, in units of their running standard
deviation: beyond `entry_sd` it trades against the deviation, within `exit_sd` it closes its position.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel_all, send_limit
from sim.records import Needs

__all__ = ["MeanReversion", "policy"]


class MeanReversion(Settings):
    """Settings of a mean-reversion trader.

    Attributes:
        interval_s: mean time between looks, in seconds.
        span_looks: span n of the average; the newest look has weight 2 / (n + 1).
        warm_up_looks: looks before the first order.
        entry_sd: deviation at which it trades, in standard deviations.
        exit_sd: deviation at which it closes its position.
        size_lots: size of every order.
        max_position_lots: largest position.
        passive: quote at the own side of the touch; otherwise take the other side.
    """

    interval_s: Positive = 20.0
    span_looks: Positive = 50.0
    warm_up_looks: NonNegative = 20.0
    entry_sd: Positive = 1.5
    exit_sd: NonNegative = 0.25
    size_lots: Annotated[int, Field(ge=1)] = 10
    max_position_lots: Annotated[int, Field(ge=1)] = 100
    passive: bool = False


P = indices(MeanReversion)
S = indices(None, "mean_ticks", "variance", "looks")
NEXT = 0


@decision
def deviation(agent: Any, mid: float) -> float:
    """Enter a look into the averages and return its deviation in standard deviations; 0 while they are not known."""
    if agent.state[S.looks] == 0.0:
        agent.state[S.mean_ticks] = mid
    agent.state[S.looks] += 1.0
    weight = 2.0 / (agent.params[P.span_looks] + 1.0)
    gap = mid - agent.state[S.mean_ticks]
    agent.state[S.mean_ticks] += weight * gap
    agent.state[S.variance] = (1.0 - weight) * (agent.state[S.variance] + weight * gap * gap)
    if agent.state[S.looks] <= agent.params[P.warm_up_looks] or agent.state[S.variance] <= 0.0:
        return 0.0
    return gap / math.sqrt(agent.state[S.variance])


@decision
def wanted_lots(view: Any, agent: Any, deviation_sd: float) -> int:
    """Signed quantity to trade now."""
    size, limit = int(agent.params[P.size_lots]), int(agent.params[P.max_position_lots])
    position = int(view.position_lots)
    if deviation_sd > agent.params[P.entry_sd]:
        return -min(size, limit + position)
    if deviation_sd < -agent.params[P.entry_sd]:
        return min(size, limit - position)
    if abs(deviation_sd) < agent.params[P.exit_sd] and position != 0:
        return -position if abs(position) <= size else (-size if position > 0 else size)
    return 0


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look at the midpoint and trade against its deviation."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    bid, ask = view.bid_ticks, view.ask_ticks
    if view.reason & WAKE_START or bid == NO_PRICE or ask == NO_PRICE or view.phase != CONTINUOUS:
        return delay
    lots = wanted_lots(view, agent, deviation(agent, 0.5 * (bid + ask)))
    if view.n_in_flight > 0:
        return delay
    if view.n_own > 0:
        send_cancel_all(out)
    if lots != 0:
        side = 1 if lots > 0 else -1
        takes = agent.params[P.passive] == 0.0
        send_limit(out, side, (ask if side > 0 else bid) if takes else (bid if side > 0 else ask), abs(lots))
    return delay


policy = Policy(MeanReversion, decide, needs=Needs.OWN)
