"""Participation of volume: keeps its own share of all that is traded at a fixed rate.

The rate is own volume / (own + others' volume) since the start; so for every lot that others trade it owes
rate / (1 - rate) lots. With `must_finish` all that is left is due at the end; otherwise the metaorder ends unfinished.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.execution._working import (
    NEEDS,
    WAKES_ON,
    MetaorderSettings,
    end_ns,
    executed_lots,
    start_ns,
    work,
)
from sim.codes import WAKE_START
from sim.policy import Policy, decision, indices, send_cancel_all

__all__ = ["Pov", "policy"]


class Pov(MetaorderSettings):
    """Settings, with those of MetaorderSettings.

    Attributes:
        participation_rate: share of all volume, above 0 and below 1.
        interval_s: time between two looks at the volume, in seconds.
        min_child_lots: nothing is sent until this much is due.
        must_finish: trade all that is left at the end.
    """

    participation_rate: Annotated[float, Field(gt=0, lt=1)] = 0.1
    interval_s: Annotated[float, Field(gt=0)] = 1.0
    min_child_lots: Annotated[int, Field(ge=1)] = 1
    must_finish: bool = True


P = indices(Pov)
S = indices(None, "deadline_ns", "is_crossing", "first_volume_lots", "is_started")


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look at the volume and trade what it makes due."""
    if agent.params[P.quantity_lots] <= 0.0:
        return 0
    if view.reason & WAKE_START:
        return start_ns(view, agent) - view.time_ns
    if agent.state[S.is_started] == 0.0:
        agent.state[S.is_started] = 1.0
        agent.state[S.first_volume_lots] = view.volume_lots
    if view.time_ns >= end_ns(view, agent) and agent.params[P.must_finish] == 0.0:
        # The end: what rests is withdrawn and nothing more is sent.
        if view.n_own > 0 and view.n_in_flight == 0:
            send_cancel_all(out)
        return 0
    rate = agent.params[P.participation_rate]
    others = view.volume_lots - agent.state[S.first_volume_lots] - executed_lots(view)
    due = int(rate / (1.0 - rate) * others)
    if due - executed_lots(view) < agent.params[P.min_child_lots]:
        due = executed_lots(view)
    return work(view, agent, out, due, view.time_ns + max(1, int(agent.params[P.interval_s] * 1e9)))


policy = Policy(Pov, decide, needs=NEEDS, wakes_on=WAKES_ON)
