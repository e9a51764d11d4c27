"""Implementation shortfall: a front-loaded schedule that also answers to the price.

The schedule is that of Almgren and Chriss with kappa T = `urgency` (0: even). As in their later work with Lorenz
(2007) it trades ahead of the schedule when the price has become better than at arrival, and behind it when worse if
`adaptation` is negative: what is due shifts by `adaptation` of the quantity for each percent of the price, within
`band`.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from agents.execution._working import (
    NEEDS,
    WAKES_ON,
    MetaorderSettings,
    start_ns,
    work,
)
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.policy import Policy, block, decision, indices

__all__ = ["ImplementationShortfall", "policy"]


class ImplementationShortfall(MetaorderSettings):
    """Settings, with those of MetaorderSettings.

    Attributes:
        n_slices: number of slices; the first is due at the start.
        urgency: kappa T; 0: even slices, 3: about two thirds in the first third of the time.
        adaptation: share of the quantity by which what is due grows for each percent that the price has become better
            since arrival; negative: it shrinks.
        band: largest shift, as a share of the quantity.
        limit_ticks: nothing is sent while the opposite best is beyond this price; 0: no limit. Not after the end.
    """

    n_slices: Annotated[int, Field(ge=1, le=100_000)] = 30
    urgency: Annotated[float, Field(ge=0, le=100)] = 2.0
    adaptation: float = 0.0
    band: Annotated[float, Field(ge=0, le=1)] = 0.2
    limit_ticks: Annotated[int, Field(ge=0)] = 0


P = indices(ImplementationShortfall)
S = indices(None, "deadline_ns", "is_crossing", "arrival_ticks")


def _block(settings: ImplementationShortfall) -> np.ndarray[Any, Any]:
    """Return the quantity due at the beginning of each slice, before adaptation."""
    n, urgency = settings.n_slices, settings.urgency
    left = 1 - np.arange(1, n + 1) / n
    held = left if urgency == 0 else np.sinh(urgency * left) / np.sinh(urgency)
    return np.rint(settings.quantity_lots * (1 - held))


@decision
def midpoint(view: Any) -> float:
    """Midpoint in ticks, or the last price."""
    if view.bid_ticks != NO_PRICE and view.ask_ticks != NO_PRICE:
        return 0.5 * (view.bid_ticks + view.ask_ticks)
    return float(view.last_ticks)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Trade what is due by the schedule and the price."""
    if agent.params[P.quantity_lots] <= 0.0:
        return 0
    if view.reason & WAKE_START:
        return start_ns(view, agent) - view.time_ns
    if agent.state[S.arrival_ticks] == 0.0:
        agent.state[S.arrival_ticks] = midpoint(view)
    schedule = block(view)
    n_slices = len(schedule)
    slice_ns = max(1.0, agent.params[P.duration_s] * 1e9 / n_slices)
    begun = min(int((view.time_ns - start_ns(view, agent)) / slice_ns), n_slices - 1)
    next_ns = start_ns(view, agent) + int((begun + 1) * slice_ns + 0.999)
    side = agent.params[P.side]
    arrival = agent.state[S.arrival_ticks]
    shift = 0.0
    if arrival != 0.0:
        shift = agent.params[P.adaptation] * 100.0 * side * (arrival - midpoint(view)) / abs(arrival)
    shift = min(max(shift, -agent.params[P.band]), agent.params[P.band])
    due = int(min(max(schedule[begun] + shift * agent.params[P.quantity_lots], 0.0), agent.params[P.quantity_lots]))
    opposite = view.ask_ticks if side > 0.0 else view.bid_ticks
    limit = agent.params[P.limit_ticks]
    if limit > 0.0 and (opposite == NO_PRICE or side * (opposite - limit) > 0.0):
        due = 0
    return work(view, agent, out, due, next_ns)


policy = Policy(ImplementationShortfall, decide, needs=NEEDS, wakes_on=WAKES_ON, block=_block)
