"""Iceberg: shows a small part of the quantity at the touch and shows the next when it is filled.

The shown order is pegged: when the best of its side has moved away it follows at the next look. At the end it crosses
what is left if `must_finish`, otherwise it withdraws.
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
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_REJECT, WAKE_START, WAKE_TIMER
from sim.order_kinds import show_only
from sim.policy import Policy, decision, indices, send_cancel, send_limit

__all__ = ["Iceberg", "policy"]


class Iceberg(MetaorderSettings):
    """Settings, with those of MetaorderSettings (`passive` and `patience_s` have no effect).

    Attributes:
        display_lots: quantity of the shown order.
        repeg_s: time between two looks at the touch, in seconds.
        limit_ticks: it never shows an order beyond this price; 0: no limit.
        must_finish: cross what is left at the end.
        native: leave all that is to be traded with the exchange as one iceberg order, of which it shows `display_lots`
            and renews them itself, instead of sending the next part after a fill.
    """

    display_lots: Annotated[int, Field(ge=1)] = 100
    repeg_s: Annotated[float, Field(gt=0)] = 1.0
    limit_ticks: Annotated[int, Field(ge=0)] = 0
    must_finish: bool = True
    native: bool = False


P = indices(Iceberg)


@decision
def show(view: Any, agent: Any, out: Any) -> None:
    """Have one order at the touch: show the next part, or move the shown one after the best."""
    side = int(agent.params[P.side])
    price = view.bid_ticks if side > 0 else view.ask_ticks
    limit = int(agent.params[P.limit_ticks])
    if price == NO_PRICE or (limit > 0 and side * (price - limit) > 0):
        price = limit
    if price <= 0 and limit == 0:
        return
    if view.n_own > 0:
        if view.own_ticks[0] != price:
            send_cancel(out, view.own_id[0])
        return
    left = int(agent.params[P.quantity_lots]) - executed_lots(view)
    lots = min(int(agent.params[P.display_lots]), left)
    if agent.params[P.native] > 0.0 and left > lots:
        send_limit(out, side, price, left, 0, 0, int(agent.params[P.parent_id]))
        show_only(out, lots)
        return
    if agent.params[P.max_child_lots] > 0.0:
        lots = min(lots, int(agent.params[P.max_child_lots]))
    if lots > 0:
        send_limit(out, side, price, lots, 0, 0, int(agent.params[P.parent_id]))


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Show, follow, reload; at the end cross or withdraw."""
    if agent.params[P.quantity_lots] <= 0.0:
        return 0
    if view.reason & WAKE_START:
        return start_ns(view, agent) - view.time_ns
    if executed_lots(view) >= agent.params[P.quantity_lots]:
        return 0
    if view.time_ns < start_ns(view, agent):
        return 0
    if view.time_ns >= end_ns(view, agent):
        if agent.params[P.must_finish] > 0.0:
            return work(view, agent, out, int(agent.params[P.quantity_lots]), view.time_ns)
        if view.n_own > 0 and view.n_in_flight == 0:
            send_cancel(out, view.own_id[0])
        return max(1, int(agent.params[P.retry_s] * 1e9)) if view.reason & WAKE_TIMER and view.n_own > 0 else 0
    # After a reject it waits for the timer: what was refused would be refused again at once.
    if view.phase == CONTINUOUS and view.n_in_flight == 0 and not view.reason & WAKE_REJECT:
        show(view, agent, out)
    if not view.reason & WAKE_TIMER:
        return 0
    wake_ns = min(view.time_ns + int(agent.params[P.repeg_s] * 1e9), end_ns(view, agent))
    return max(1, wake_ns - view.time_ns)


policy = Policy(Iceberg, decide, needs=NEEDS, wakes_on=WAKES_ON)
