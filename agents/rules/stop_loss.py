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
from sim.order_kinds import send_stop
from sim.policy import Policy, decision, indices, send_market
from sim.records import Needs

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
        as_orders: the stop is an order of the exchange, which waits there for its trigger and acts in the nanosecond of
            the trade that reaches it, the whole position at once; `interval_s` and `child_lots` then have no effect.
    """

    interval_s: Positive = 1.0
    direction: Annotated[int, Field(ge=-1, le=1)] | Distribution = 1
    stop_ticks: Positive = Distribution(uniform=(20.0, 200.0))
    position_lots: Annotated[int, Field(ge=1)] = 20
    child_lots: Annotated[int, Field(ge=0)] = 0
    rest_s: NonNegative = 0.0
    as_orders: bool = False


P = indices(StopLoss)
S = indices(None, "stop_ticks", "lots_left", "until_ns", "is_done")
NEXT = 0


@decision
def set_stop(view: Any, agent: Any) -> None:
    """Set the stop from the last price."""
    agent.state[S.stop_ticks] = view.last_ticks - agent.params[P.direction] * agent.params[P.stop_ticks]
    agent.state[S.is_done] = 0.0


@decision
def leave_orders(view: Any, agent: Any, out: Any) -> int:
    """Leave a stop with the exchange; when it is gone, a new one after `rest_s`."""
    if view.reason & WAKE_START:
        return 1  # once the market is open
    rest_ns = int(agent.params[P.rest_s] * 1e9)
    if view.n_own > 0 or view.n_in_flight > 0 or (rest_ns == 0 and agent.state[S.is_done] > 0.0):
        return rest_ns
    direction = 1 if agent.params[P.direction] >= 0.0 else -1
    trigger = int(view.last_ticks - direction * agent.params[P.stop_ticks])
    if view.phase == CONTINUOUS and view.min_price_ticks <= trigger <= view.max_price_ticks:
        send_stop(out, -direction, trigger, int(agent.params[P.position_lots]))
        agent.state[S.is_done] = 1.0
    return rest_ns


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look at the price; trade while the stop is being carried out."""
    if agent.params[P.as_orders] > 0.0:
        return leave_orders(view, agent, out)
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


policy = Policy(StopLoss, decide, needs=Needs.OWN)
