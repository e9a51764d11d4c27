"""Noise trader: wakes at random times and sends an order at the opposite touch, buying or selling with equal chance.

As the NoiseAgent of ABIDES' rmsc04 (Byrd, Hybinette, Balch 2020; Amrouni et al. 2021): with `once` it wakes a single
time, uniformly over the session.
"""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from agents._draws import check_size, order_size_lots, poisson_delay_ns
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel_all, send_limit, uniform

__all__ = ["Noise", "policy"]


class Noise(Settings):
    """Settings of a noise trader.

    Attributes:
        once: wake once in the session, at a uniform time; otherwise again and again.
        interval_s: mean time between wake-ups when not `once`, in seconds.
        size_lots: median order size.
        size_sigma: spread of the lognormal order size; 0: fixed.
        passive_ticks: the order is placed up to this many ticks behind the opposite touch, uniformly; 0: at it.
        from_own_side: count `passive_ticks` from the touch of its own side, which it then joins or stays behind.
        max_age_wakes: 1: withdraw what is still open at every wake-up; 0: let it rest.
    """

    once: bool = False
    interval_s: Positive = 60.0
    size_lots: Positive = 10.0
    size_sigma: NonNegative = 0.0
    passive_ticks: NonNegative = 0.0
    max_age_wakes: int = 0
    from_own_side: bool = False

    _whole_size = model_validator(mode="after")(check_size)


P = indices(Noise)
NEXT, SIDE, SIZE, DISTANCE = 0, 1, 2, 3


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Send one order at (or some ticks behind) the opposite touch."""
    if view.reason & WAKE_START:
        if agent.params[P.once] > 0.0:
            return 1 + int(uniform(agent, NEXT) * (view.close_ns - view.time_ns))
        return poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    side = 1 if uniform(agent, SIDE) < 0.5 else -1
    size = order_size_lots(agent, SIZE, agent.params[P.size_lots], agent.params[P.size_sigma])
    takes = (side > 0) != (agent.params[P.from_own_side] > 0.0)
    touch = view.ask_ticks if takes else view.bid_ticks
    if agent.params[P.max_age_wakes] > 0.0:
        send_cancel_all(out)
    if touch != NO_PRICE:
        behind = int(uniform(agent, DISTANCE) * (agent.params[P.passive_ticks] + 1.0))
        send_limit(out, side, touch - side * behind, size)
    if agent.params[P.once] > 0.0:
        return 0
    return poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])


policy = Policy(Noise, decide)
