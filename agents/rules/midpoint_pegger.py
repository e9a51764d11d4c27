"""Midpoint pegger: an investor who waits at the midpoint, undisplayed, before paying the spread.

At its own Poisson times it wants to trade `size_lots` of a random side. It leaves an order pegged to the midpoint, with
a minimum quantity if it likes, and after `patience_s` it withdraws what is left and crosses the spread. With a patience
of 0 it crosses at once: the same investor without the order kind.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS, PEG_MIDPOINT
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import Lots, NonNegative, Positive, Settings
from sim.order_kinds import no_less_than, send_pegged
from sim.policy import Policy, decision, indices, send_cancel_all, send_market, uniform
from sim.records import Needs

__all__ = ["MidpointPegger", "policy"]


class MidpointPegger(Settings):
    """Settings of a midpoint pegger.

    Attributes:
        interval_s: mean time between the end of one wish to trade and the next, in seconds.
        size_lots: quantity of a wish.
        patience_s: how long it waits at the midpoint; 0: it trades at market at once.
        min_lots: least quantity of one execution at the midpoint; 0: any.
    """

    interval_s: Positive = 60.0
    size_lots: Lots = 10
    patience_s: NonNegative = 10.0
    min_lots: Annotated[int, Field(ge=0)] = 0


P = indices(MidpointPegger)
S = indices(None, "side", "target_lots", "is_waiting")
NEXT, SIDE = 0, 1


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Begin a wish at the midpoint, or end one by crossing with what is left."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    if view.reason & WAKE_START or view.phase != CONTINUOUS or view.bid_ticks == NO_PRICE or view.ask_ticks == NO_PRICE:
        return delay
    if agent.state[S.is_waiting] > 0.0:
        if view.n_own > 0:
            # What is left is known for certain once the order is gone.
            send_cancel_all(out)
            return 1_000_000
        side = int(agent.state[S.side])
        left = side * int(agent.state[S.target_lots] - view.position_lots)
        if view.n_in_flight > 0:
            return 1_000_000
        agent.state[S.is_waiting] = 0.0
        if left > 0:
            send_market(out, side, left)
        return delay
    side = 1 if uniform(agent, SIDE) < 0.5 else -1
    size = int(agent.params[P.size_lots])
    if agent.params[P.patience_s] <= 0.0:
        send_market(out, side, size)
        return delay
    send_pegged(out, side, PEG_MIDPOINT, size)
    if agent.params[P.min_lots] > 0.0:
        no_less_than(out, min(int(agent.params[P.min_lots]), size))
    agent.state[S.side] = side
    agent.state[S.target_lots] = view.position_lots + side * size
    agent.state[S.is_waiting] = 1.0
    return int(agent.params[P.patience_s] * 1e9) + 1


policy = Policy(MidpointPegger, decide, needs=Needs.OWN)
