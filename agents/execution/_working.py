"""What all execution algorithms share: their settings, and how a quantity that is due gets traded.

The executed quantity is the agent's position, so an agent works one metaorder. It never has more in the market than is
left: it sends nothing while a message of its own is on its way, and at most one order of its own rests. What one
attempt leaves unfilled is due at the next one; after the end of the schedule attempts follow every `retry_s` until the
quantity is complete. Nothing is sent during a halt.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START, WAKE_TIMER
from sim.distributions import Settings
from sim.policy import block, decision, indices, send_cancel, send_limit, send_market
from sim.records import Needs, Wake

__all__ = ["NEEDS", "WAKES_ON", "MetaorderSettings", "end_ns", "executed_lots", "follow_schedule", "start_ns", "work"]


class MetaorderSettings(Settings):
    """Settings of every execution algorithm.

    Attributes:
        side: 1: buy, -1: sell.
        quantity_lots: quantity of the metaorder; 0: the agent is there and does nothing (a placebo).
        start_s: beginning, in seconds after the open.
        duration_s: length of the schedule, in seconds.
        parent_id: metaorder id that every child carries on the tape.
        passive: first rest at the own side of the touch, and cross only what is not filled after `patience_s`.
        patience_s: how long a passive order rests, in seconds.
        retry_s: time between two attempts when something is left after the end, in seconds.
        finish_before_close_s: this long before the close all that is left is due at once.
        max_child_lots: largest order; 0: no limit.
    """

    side: Annotated[int, Field(ge=-1, le=1)] = 1
    quantity_lots: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1000
    start_s: Annotated[float, Field(ge=0)] = 60.0
    duration_s: Annotated[float, Field(ge=0)] = 1800.0
    parent_id: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    passive: bool = False
    patience_s: Annotated[float, Field(gt=0)] = 10.0
    retry_s: Annotated[float, Field(gt=0)] = 1.0
    finish_before_close_s: Annotated[float, Field(ge=0)] = 60.0
    max_child_lots: Annotated[int, Field(ge=0)] = 0


P = indices(MetaorderSettings)
S = indices(None, "deadline_ns", "is_crossing")
NEEDS = Needs.OWN
WAKES_ON = Wake.FILL | Wake.ACK | Wake.REJECT


@decision
def executed_lots(view: Any) -> int:
    """Quantity of the metaorder that has been executed."""
    return abs(int(view.position_lots))


@decision
def start_ns(view: Any, agent: Any) -> int:
    """Beginning of the schedule, in ns since midnight; at least 1 ns after the open."""
    return view.open_ns + max(1, int(agent.params[P.start_s] * 1e9))


@decision
def end_ns(view: Any, agent: Any) -> int:
    """End of the schedule, or the time before the close at which all is due, whichever is earlier."""
    end = start_ns(view, agent) + int(agent.params[P.duration_s] * 1e9)
    return min(end, view.close_ns - int(agent.params[P.finish_before_close_s] * 1e9))


@decision
def cross(view: Any, agent: Any, out: Any, due_lots: int) -> None:
    """Send a market order for what is due and neither executed nor resting."""
    lots = due_lots - executed_lots(view)
    most = int(agent.params[P.max_child_lots])
    if most > 0:
        lots = min(lots, most)
    if lots > 0:
        send_market(out, int(agent.params[P.side]), lots, int(agent.params[P.parent_id]))


@decision
def rest(view: Any, agent: Any, out: Any, due_lots: int) -> bool:
    """Rest an order for what is due at the own side of the touch; False if there is none to join."""
    side = int(agent.params[P.side])
    price = view.bid_ticks if side > 0 else view.ask_ticks
    lots = due_lots - executed_lots(view)
    most = int(agent.params[P.max_child_lots])
    if most > 0:
        lots = min(lots, most)
    if price == NO_PRICE or lots <= 0:
        return False
    send_limit(out, side, price, lots, 0, 0, int(agent.params[P.parent_id]))
    agent.state[S.deadline_ns] = view.time_ns + agent.params[P.patience_s] * 1e9
    return True


@decision
def attempt(view: Any, agent: Any, out: Any, due_lots: int) -> None:
    """Trade towards the quantity that is due, as far as the state of the agent's own orders allows now."""
    hurry = view.time_ns >= end_ns(view, agent)
    if view.phase != CONTINUOUS or view.n_in_flight > 0:
        return
    if view.n_own > 0:
        if hurry or view.time_ns >= agent.state[S.deadline_ns]:
            for k in range(view.n_own):
                send_cancel(out, view.own_id[k])
            agent.state[S.is_crossing] = 1.0
        return
    may_rest = agent.params[P.passive] > 0.0 and not hurry and agent.state[S.is_crossing] == 0.0
    if may_rest and rest(view, agent, out, due_lots):
        return
    agent.state[S.is_crossing] = 0.0
    cross(view, agent, out, due_lots)


@decision
def work(view: Any, agent: Any, out: Any, due_lots: int, next_ns: int) -> int:
    """Trade towards the quantity that should be executed by now; return the delay until the next look.

    `next_ns` is the time at which more becomes due.
    """
    quantity = int(agent.params[P.quantity_lots])
    if executed_lots(view) >= quantity:
        return 0
    over = view.time_ns >= end_ns(view, agent)
    due = quantity if over else min(due_lots, quantity)
    if not view.reason & WAKE_TIMER:
        # A report on an own order: go on only with what the timer has begun.
        if agent.state[S.is_crossing] > 0.0:
            attempt(view, agent, out, due)
        return 0
    attempt(view, agent, out, due)
    retry_ns = max(1, int(agent.params[P.retry_s] * 1e9))
    if over:
        return retry_ns
    wake_ns = min(next_ns, end_ns(view, agent))
    if view.n_in_flight > 0 or view.phase != CONTINUOUS:
        wake_ns = min(wake_ns, view.time_ns + retry_ns)
    if agent.params[P.passive] > 0.0 and agent.state[S.deadline_ns] > view.time_ns:
        wake_ns = min(wake_ns, int(agent.state[S.deadline_ns]))
    return max(1, wake_ns - view.time_ns)


@decision
def follow_schedule(view: Any, agent: Any, out: Any) -> int:
    """Work a metaorder whose block holds the quantity that is due at the beginning of each of equal slices."""
    if agent.params[P.quantity_lots] <= 0.0:
        return 0
    if view.reason & WAKE_START:
        return start_ns(view, agent) - view.time_ns
    due = block(view)
    n_slices = len(due)
    slice_ns = max(1.0, agent.params[P.duration_s] * 1e9 / n_slices)
    begun = min(int((view.time_ns - start_ns(view, agent)) / slice_ns), n_slices - 1)
    next_ns = start_ns(view, agent) + int((begun + 1) * slice_ns + 0.999)
    return work(view, agent, out, int(due[begun]), next_ns)
