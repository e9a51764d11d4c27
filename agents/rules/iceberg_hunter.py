"""Iceberg hunter: reads the order-by-order feed, and trades ahead of a hidden reserve that it has found.

A feed that names orders gives an iceberg away: an order that has been executed as a whole comes back at the same price
under its own number. After `sightings` such returns on one side the hunter takes the other side's best with it, before
the reserve has been worked off, and sells to it, or to whom it has driven, after `hold_s`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS, ROW_ADD, ROW_EXECUTE
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import Lots, Positive, Settings
from sim.history import event_of, oldest_event
from sim.policy import Policy, decision, indices, send_market
from sim.records import Needs

__all__ = ["IcebergHunter", "policy"]


class IcebergHunter(Settings):
    """Settings of an iceberg hunter.

    Attributes:
        interval_s: mean time between two looks at the feed, in seconds.
        sightings: returns of one order that make it an iceberg.
        size_lots: quantity of one market order ahead of it.
        hold_s: time after which a position is closed again.
        max_position_lots: largest position.
    """

    interval_s: Positive = 0.5
    sightings: Annotated[int, Field(ge=1)] = 2
    size_lots: Lots = 10
    hold_s: Positive = 120.0
    max_position_lots: Annotated[int, Field(ge=1)] = 100


P = indices(IcebergHunter)
S = indices(None, "next_event", "suspect_id", "suspect_side", "returns", "until_ns")
NEXT = 0


@decision
def read_feed(view: Any, agent: Any) -> int:
    """Read what is new; return the side of an iceberg that has been seen again often enough, 0 without one."""
    found = 0
    k = max(int(agent.state[S.next_event]), oldest_event(view))
    while k < view.n_history:
        _, kind, side, price, _, order_id, _, _, _, _, _ = event_of(view, k)
        if kind == ROW_ADD and k > oldest_event(view):
            _, before_kind, before_side, before_price, _, _, _, _, _, _, _ = event_of(view, k - 1)
            # Just after an execution at its price, on the side that was hit.
            if before_kind == ROW_EXECUTE and before_side == -side and before_price == price:
                if float(order_id) == agent.state[S.suspect_id]:
                    agent.state[S.returns] += 1.0
                else:
                    agent.state[S.suspect_id] = float(order_id)
                    agent.state[S.returns] = 1.0
                agent.state[S.suspect_side] = side
                if agent.state[S.returns] >= agent.params[P.sightings]:
                    found = side
        k += 1
    agent.state[S.next_event] = float(view.n_history)
    return found


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look at the feed; go along with an iceberg, or close the position when its time is over."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    if view.reason & WAKE_START or view.phase != CONTINUOUS:
        return delay
    side = read_feed(view, agent)
    position = int(view.position_lots)
    if view.n_in_flight > 0 or view.bid_ticks == NO_PRICE or view.ask_ticks == NO_PRICE:
        return delay
    if side != 0:
        agent.state[S.until_ns] = view.time_ns + agent.params[P.hold_s] * 1e9
        lots = min(int(agent.params[P.size_lots]), int(agent.params[P.max_position_lots]) - side * position)
        if lots > 0:
            send_market(out, side, lots)
    elif position != 0 and view.time_ns >= agent.state[S.until_ns]:
        send_market(out, -1 if position > 0 else 1, min(abs(position), int(agent.params[P.size_lots])))
    return delay


policy = Policy(IcebergHunter, decide, needs=Needs.HISTORY)
