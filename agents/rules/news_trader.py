"""News trader: reads a number, believes a part of it, and trades until the price has moved that far.

News says how much more (or less) the instrument is worth, in ticks. The trader takes midpoint + `belief` x news as its
new value and buys below or sells above it at market until the midpoint has come within `tolerance_ticks`, or
`patience_s` has passed. Those who react first trade at the old prices of those who have not heard yet (Foucault,
Hombert and Rosu, Journal of Finance 71, 2016: speed is worth most on news).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_NEWS, WAKE_START
from sim.distributions import Distribution, NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_market
from sim.records import Wake

__all__ = ["NewsTrader", "policy"]


class NewsTrader(Settings):
    """Settings of a news trader.

    Attributes:
        belief: share of the news that it believes; may differ between traders.
        interval_s: mean time between two of its orders after the news, in seconds.
        size_lots: size of an order.
        max_position_lots: it stops there.
        tolerance_ticks: it stops when the midpoint is this near to its value.
        patience_s: it stops after this time, in seconds.
        exit_s: time after which it begins to trade its position back, one order an interval; 0: it keeps it.
    """

    belief: Annotated[float, Field(ge=0)] | Distribution = 1.0
    interval_s: Positive = 1.0
    size_lots: Annotated[int, Field(ge=1)] = 10
    max_position_lots: Annotated[int, Field(ge=1)] = 200
    tolerance_ticks: NonNegative = 2.0
    patience_s: Positive = 120.0
    exit_s: NonNegative = 0.0


P = indices(NewsTrader)
S = indices(None, "value_ticks", "heard_ns", "is_active")
NEXT = 0


@decision
def trade_towards_value(view: Any, agent: Any, out: Any, mid: float) -> None:
    """Send one order towards the value, if the price is not there yet."""
    gap = agent.state[S.value_ticks] - mid
    if abs(gap) <= agent.params[P.tolerance_ticks]:
        return
    side = 1 if gap > 0.0 else -1
    room = int(agent.params[P.max_position_lots]) - side * view.position_lots
    lots = min(int(agent.params[P.size_lots]), room)
    if lots > 0:
        send_market(out, side, lots)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Take in the news; afterwards one order at each of its times."""
    if view.reason & WAKE_START:
        return 0
    quoted = view.bid_ticks != NO_PRICE and view.ask_ticks != NO_PRICE
    mid = 0.5 * (view.bid_ticks + view.ask_ticks) if quoted else float(view.last_ticks)
    if view.reason & WAKE_NEWS:
        agent.state[S.value_ticks] = mid + agent.params[P.belief] * view.news
        agent.state[S.heard_ns] = view.time_ns
        agent.state[S.is_active] = 1.0
    elif agent.state[S.is_active] == 0.0:
        return 0
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    since_s = (view.time_ns - agent.state[S.heard_ns]) * 1e-9
    exit_s = agent.params[P.exit_s]
    if not quoted or view.phase != CONTINUOUS or view.n_in_flight > 0:
        return delay
    if since_s < agent.params[P.patience_s]:
        trade_towards_value(view, agent, out, mid)
        return delay
    if exit_s <= 0.0 or view.position_lots == 0:
        agent.state[S.is_active] = 0.0
        return 0
    if since_s >= exit_s:
        side = -1 if view.position_lots > 0 else 1
        send_market(out, side, min(int(agent.params[P.size_lots]), abs(int(view.position_lots))))
    return delay


policy = Policy(NewsTrader, decide, wakes_on=Wake.NEWS)
