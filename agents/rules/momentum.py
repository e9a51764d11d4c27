"""Momentum trader: buys when a fast average of the midpoint is above a slow one, sells otherwise.

As the MomentumAgent of ABIDES' rmsc04, with exponential averages of the same mean age (20 and 50 looks) in place of
simple ones, so that an agent remembers two numbers.
"""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from agents._draws import check_size, order_size_lots, poisson_delay_ns
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, send_limit

__all__ = ["Momentum", "policy"]


class Momentum(Settings):
    """Settings of a momentum trader.

    Attributes:
        interval_s: mean time between looks, in seconds.
        fast_looks, slow_looks: spans of the two averages, in looks; a span n has weight 2 / (n + 1) on the newest.
        warm_up_looks: looks before the first order.
        size_lots, size_sigma: median and spread of the lognormal order size.
    """

    interval_s: Positive = 37.0
    fast_looks: Positive = 20.0
    slow_looks: Positive = 50.0
    warm_up_looks: NonNegative = 20.0
    size_lots: Positive = 30.0
    size_sigma: NonNegative = 0.0

    _whole_size = model_validator(mode="after")(check_size)


P = indices(Momentum)
S = indices(None, "fast_ticks", "slow_ticks", "looks")
NEXT, SIZE = 0, 1


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look at the midpoint and follow it."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    bid, ask = view.bid_ticks, view.ask_ticks
    if view.reason & WAKE_START or bid == NO_PRICE or ask == NO_PRICE:
        return delay
    mid = 0.5 * (bid + ask)
    if agent.state[S.looks] == 0.0:
        agent.state[S.fast_ticks] = mid
        agent.state[S.slow_ticks] = mid
    agent.state[S.looks] += 1.0
    agent.state[S.fast_ticks] += (mid - agent.state[S.fast_ticks]) * 2.0 / (agent.params[P.fast_looks] + 1.0)
    agent.state[S.slow_ticks] += (mid - agent.state[S.slow_ticks]) * 2.0 / (agent.params[P.slow_looks] + 1.0)
    if agent.state[S.looks] > agent.params[P.warm_up_looks]:
        side = 1 if agent.state[S.fast_ticks] >= agent.state[S.slow_ticks] else -1
        size = order_size_lots(agent, SIZE, agent.params[P.size_lots], agent.params[P.size_sigma])
        send_limit(out, side, ask if side > 0 else bid, size)
    return delay


policy = Policy(Momentum, decide)
