"""Stop-loss herd: holders who sell at market when the price falls to their stop (Osler 2005: cascades of stop orders).

Each agent looks at the last price at its own Poisson times. Once the price has moved against its position by the stop
distance it trades its whole position away in market orders; after `rest_s` it takes a new stop below the price of
then.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import Distribution, NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_market

__all__ = ["StopLoss", "policy"]


class StopLoss(Settings):
    """Settings of a holder with a stop.

    Attributes:
        interval_s: mean time between two looks at the price, in seconds.
        direction: 1: holds a long position and sells at the stop; -1: holds a short one and buys.
        stop_ticks: distance of the stop from the price at which it was set.
        position_lots: what is traded when the stop is hit.
        child_lots: size of one market order; 0: the whole position at once.
        rest_s: time after which a new position with a new stop is assumed; 0: never.
    """

    interval_s: Positive = 1.0
    direction: Annotated[int, Field(ge=-1, le=1)] | Distribution = 1
    stop_ticks: Positive = Distribution(uniform=(20.0, 200.0))
    position_lots: Annotated[int, Field(ge=1)] = 20
    child_lots: Annotated[int, Field(ge=0)] = 0
    rest_s: NonNegative = 0.0


P = indices(StopLoss)
S = indices(None, "stop_ticks", "lots_left", "until_ns", "is_done")
NEXT = 0


@decision
def set_stop(view: Any, agent: Any) -> None:
    """Set the stop from the last price."""
    agent.state[S.stop_ticks] = view.last_ticks - agent.params[P.direction] * agent.params[P.stop_ticks]
    agent.state[S.is_done] = 0.0


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look at the price; trade while the stop is being carried out."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    if view.reason & WAKE_START:
        set_stop(view, agent)
        return delay
    direction = 1 if agent.params[P.direction] >= 0.0 else -1
    if view.phase != CONTINUOUS:
        return delay
    if agent.state[S.is_done] > 0.0:
        if agent.params[P.rest_s] <= 0.0:
            return 0
        if view.time_ns >= agent.state[S.until_ns]:
            set_stop(view, agent)
        return delay
    if agent.state[S.lots_left] == 0.0 and direction * (view.last_ticks - agent.state[S.stop_ticks]) <= 0.0:
        agent.state[S.lots_left] = agent.params[P.position_lots]
    opposite = view.bid_ticks if direction > 0 else view.ask_ticks
    if agent.state[S.lots_left] > 0.0 and opposite != NO_PRICE:
        child = int(agent.params[P.child_lots])
        lots = int(agent.state[S.lots_left]) if child == 0 else min(child, int(agent.state[S.lots_left]))
        send_market(out, -direction, lots)
        agent.state[S.lots_left] -= lots
        if agent.state[S.lots_left] == 0.0:
            agent.state[S.is_done] = 1.0
            agent.state[S.until_ns] = view.time_ns + agent.params[P.rest_s] * 1e9
    return delay


policy = Policy(StopLoss, decide)
