"""Latency arbitrageur: trades one asset on two books whenever they cross (Wah and Wellman 2013).

Its population trades one instrument and watches another that stands for the same asset. When the ask of one lies below
the bid of the other by more than the cost, it buys here and sells there at once, with orders that do not rest.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from lob.codes import CONTINUOUS, IOC
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Settings
from sim.policy import Policy, decision, indices, send_limit, send_market, to_watched
from sim.records import Wake

__all__ = ["LatencyArbitrageur", "policy"]


class LatencyArbitrageur(Settings):
    """Settings of a latency arbitrageur; its population needs `watch`.

    Attributes:
        cost_ticks: least difference of the prices that is worth a trade.
        max_lots: largest order.
        wait_us: least time between two decisions to trade, in microseconds.
    """

    cost_ticks: NonNegative = 0.0
    max_lots: Annotated[int, Field(ge=1)] = 100
    wait_us: NonNegative = 1.0


P = indices(LatencyArbitrageur)
S = indices(None, "last_ns")


@decision
def trade_both(out: Any, side: int, here_ticks: int, there_ticks: int, lots: int) -> None:
    """Trade `side` here and the opposite there."""
    send_limit(out, side, here_ticks, lots, IOC)
    send_limit(out, -side, there_ticks, lots, IOC)
    to_watched(out)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Trade a crossed pair of books; even out what one leg left open."""
    if view.reason & WAKE_START or view.watch < 0 or view.phase != CONTINUOUS or view.n_in_flight > 0:
        return 0
    if view.time_ns - agent.state[S.last_ns] < agent.params[P.wait_us] * 1e3:
        return 0
    cost, most = agent.params[P.cost_ticks], int(agent.params[P.max_lots])
    open_lots = int(view.position_lots + view.watch_position_lots)
    if open_lots != 0:
        send_market(out, -1 if open_lots > 0 else 1, abs(open_lots))
    elif (
        view.ask_ticks != NO_PRICE
        and view.watch_bid_ticks != NO_PRICE
        and (view.watch_bid_ticks - view.ask_ticks > cost)
    ):
        trade_both(out, 1, view.ask_ticks, view.watch_bid_ticks, min(most, min(view.ask_lots, view.watch_bid_lots)))
    elif (
        view.bid_ticks != NO_PRICE
        and view.watch_ask_ticks != NO_PRICE
        and (view.bid_ticks - view.watch_ask_ticks > cost)
    ):
        trade_both(out, -1, view.bid_ticks, view.watch_ask_ticks, min(most, min(view.bid_lots, view.watch_ask_lots)))
    else:
        return 0
    agent.state[S.last_ns] = view.time_ns
    return 0


policy = Policy(LatencyArbitrageur, decide, wakes_on=Wake.TOUCH | Wake.TRADE)
