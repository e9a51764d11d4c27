"""Noise trader with a normal demand: a market order of N(0, sd) lots each period (liquidity traders of Kyle 1985)."""

from __future__ import annotations

from typing import Any

from agents.rules._periods import next_in_period_ns
from lob.codes import CONTINUOUS
from sim.codes import WAKE_START
from sim.distributions import Positive, Settings
from sim.policy import Policy, decision, indices, normal, send_market

__all__ = ["GaussianNoise", "policy"]


class GaussianNoise(Settings):
    """Settings of a noise trader.

    Attributes:
        period_s: it trades once in each period of this length, at a random moment.
        sd_lots: standard deviation of the signed quantity.
    """

    period_s: Positive = 10.0
    sd_lots: Positive = 100.0


P = indices(GaussianNoise)
NEXT, QUANTITY = 0, 1


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Trade once in this period."""
    delay = next_in_period_ns(view, agent, NEXT, agent.params[P.period_s])
    if view.reason & WAKE_START or view.phase != CONTINUOUS:
        return delay
    demand = agent.params[P.sd_lots] * normal(agent, QUANTITY)
    lots = int(abs(demand) + 0.5)
    if lots > 0:
        send_market(out, 1 if demand > 0.0 else -1, lots)
    return delay


policy = Policy(GaussianNoise, decide)
