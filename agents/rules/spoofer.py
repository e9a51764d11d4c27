"""Spoofer: shows large orders that it does not mean to trade, and trades against the price move that they cause.

Layering as in Wang and Wellman (2017): for `hold_s` it rests `n_layers` large orders on one side, `distance_ticks` and
more behind the best; the others move the price away from them; then it withdraws them and trades on the other side at
the better price. When the best comes within `retreat_ticks` of its orders it withdraws them at once.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START, WAKE_TIMER
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel_all, send_limit, send_market
from sim.records import Needs, Wake

__all__ = ["Spoofer", "policy"]


class Spoofer(Settings):
    """Settings of a spoofer.

    Attributes:
        side: side of the shown orders; 1: bids, to sell at a higher price; -1: asks, to buy at a lower one.
        start_s: first show, seconds after the open.
        hold_s: time for which the orders are shown.
        pause_s: time between the end of one show and the next.
        n_layers: number of shown orders.
        layer_lots: size of each; 0: it shows nothing, which is the placebo.
        distance_ticks: distance of the first from the same-side best; each further one lies one tick behind.
        retreat_ticks: it withdraws when the best is this near.
        trade_lots: what it trades on the other side at the end of a show; 0: nothing.
    """

    side: Annotated[int, Field(ge=-1, le=1)] = 1
    start_s: NonNegative = 300.0
    hold_s: Positive = 30.0
    pause_s: Positive = 120.0
    n_layers: Annotated[int, Field(ge=1, le=20)] = 5
    layer_lots: Annotated[int, Field(ge=0)] = 500
    distance_ticks: Annotated[int, Field(ge=1)] = 3
    retreat_ticks: Annotated[int, Field(ge=0)] = 1
    trade_lots: Annotated[int, Field(ge=0)] = 20


P = indices(Spoofer)
S = indices(None, "is_showing", "first_ticks")


@decision
def show(view: Any, agent: Any, out: Any, best: int) -> None:
    """Rest the layers behind the best."""
    side, lots = int(agent.params[P.side]), int(agent.params[P.layer_lots])
    first = best - side * int(agent.params[P.distance_ticks])
    agent.state[S.first_ticks] = first
    for layer in range(int(agent.params[P.n_layers])):
        price = first - side * layer
        if lots > 0 and view.min_price_ticks <= price <= view.max_price_ticks:
            send_limit(out, side, price, lots)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Begin or end a show on the timer; retreat when the market comes near."""
    if view.reason & WAKE_START:
        return max(1, int(agent.params[P.start_s] * 1e9))
    side = int(agent.params[P.side])
    best = view.bid_ticks if side > 0 else view.ask_ticks
    if not view.reason & WAKE_TIMER:
        distance = side * (best - int(agent.state[S.first_ticks]))
        if agent.state[S.is_showing] > 0.0 and (best == NO_PRICE or distance <= agent.params[P.retreat_ticks]):
            send_cancel_all(out)
            agent.state[S.is_showing] = 0.0
        return 0
    if agent.state[S.is_showing] > 0.0:
        if agent.params[P.trade_lots] > 0.0 and view.phase == CONTINUOUS:
            send_market(out, -side, int(agent.params[P.trade_lots]))
        send_cancel_all(out)
        agent.state[S.is_showing] = 0.0
        return int(agent.params[P.pause_s] * 1e9) + 1
    if best == NO_PRICE or view.phase != CONTINUOUS:
        return int(agent.params[P.pause_s] * 1e9) + 1
    show(view, agent, out, best)
    agent.state[S.is_showing] = 1.0
    return int(agent.params[P.hold_s] * 1e9) + 1


policy = Policy(Spoofer, decide, needs=Needs(0), wakes_on=Wake.TOUCH)
