"""Imbalance trader: trades with the side of the book that is deeper (Cont, Kukanov and Stoikov 2014)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import Positive, Settings
from sim.policy import Policy, decision, indices, send_market
from sim.records import Needs

__all__ = ["ImbalanceTrader", "policy"]


class ImbalanceTrader(Settings):
    """Settings of an imbalance trader.

    Attributes:
        interval_s: mean time between looks, in seconds.
        n_levels: levels of each side that it adds up, at most 10.
        threshold: it trades when (bid depth - ask depth) / (bid depth + ask depth) is beyond this.
        size_lots: size of every order.
        max_position_lots: largest position.
    """

    interval_s: Positive = 10.0
    n_levels: Annotated[int, Field(ge=1, le=10)] = 5
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.4
    size_lots: Annotated[int, Field(ge=1)] = 5
    max_position_lots: Annotated[int, Field(ge=1)] = 100


P = indices(ImbalanceTrader)
NEXT = 0


@decision
def depth_imbalance(view: Any, n_levels: int) -> float:
    """Depth of the bid less that of the ask, over their sum."""
    bid, ask = 0, 0
    for k in range(min(n_levels, view.n_bid_levels)):
        bid += view.bid_depth_lots[k]
    for k in range(min(n_levels, view.n_ask_levels)):
        ask += view.ask_depth_lots[k]
    return (bid - ask) / (bid + ask) if bid + ask > 0 else 0.0


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Buy when the bid is much deeper, sell when the ask is."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    one_sided = view.bid_ticks == NO_PRICE or view.ask_ticks == NO_PRICE
    if view.reason & WAKE_START or view.phase != CONTINUOUS or one_sided or view.n_in_flight > 0:
        return delay
    imbalance = depth_imbalance(view, int(agent.params[P.n_levels]))
    if abs(imbalance) > agent.params[P.threshold]:
        side = 1 if imbalance > 0.0 else -1
        room = int(agent.params[P.max_position_lots]) - side * view.position_lots
        lots = min(int(agent.params[P.size_lots]), room)
        if lots > 0:
            send_market(out, side, lots)
    return delay


policy = Policy(ImbalanceTrader, decide, needs=Needs.DEPTH)
