"""Zero-intelligence traders with private values (Gode and Sunder, Journal of Political Economy 101, 1993).

At random times a trader draws a price uniformly between its value and the bound of the market, so that it can never
lose (ZI-C), or over the whole range (ZI-U, `constrained` false), and quotes one lot there in place of its last quote.
A quote that crosses trades at the resting price. In the original a trade clears all quotes; here other quotes stay in
the book until their traders' next decision, so that a trade need not wake anybody. In symmetric markets of 24 traders
with three units each clearing changed the mean efficiency by less than 0.2%.
"""

from __future__ import annotations

from typing import Any, ClassVar

from agents.rules._private_values import (
    PERIOD,
    SIDE,
    InducedValues,
    begin_period,
    nearest_tick,
    next_decision_ns,
    quote_one,
    unit_value,
    units_left,
)
from lob.codes import CONTINUOUS
from sim.codes import WAKE_START
from sim.distributions import Number
from sim.policy import Policy, decision, indices, uniform
from sim.records import Needs

__all__ = ["ZeroIntelligenceConstrained", "policy"]


class ZeroIntelligenceConstrained(InducedValues):
    """Settings of a ZI-C or ZI-U trader, with those of InducedValues.

    Attributes:
        low_ticks, high_ticks: bounds of the market: the range from which prices are drawn; default: a tenth
            below and above the instrument's reference price.
        constrained: true: never beyond the own value (ZI-C); false: anywhere in the range (ZI-U).
    """

    from_reference: ClassVar[dict[str, float]] = {"value_ticks": 0.0, "low_ticks": -0.1, "high_ticks": 0.1}

    low_ticks: Number | None = None
    high_ticks: Number | None = None
    constrained: bool = True


P = indices(ZeroIntelligenceConstrained)
NEXT, PRICE = 0, 1


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Quote the next unit at a random price."""
    is_new = begin_period(view, agent, out)
    delay = next_decision_ns(view, agent, NEXT)
    # With a message on its way the position may be about to change: a second quote could trade one unit too many.
    if is_new or view.reason & WAKE_START or view.phase != CONTINUOUS or view.n_in_flight > 0:
        return delay
    if units_left(view, agent) <= 0:
        return delay if agent.params[PERIOD] > 0.0 else 0
    side = int(agent.params[SIDE])
    low, high = agent.params[P.low_ticks], agent.params[P.high_ticks]
    if agent.params[P.constrained] > 0.0:
        value = unit_value(view, agent)
        if side > 0:
            high = min(high, value)
        else:
            low = max(low, value)
    if low <= high:  # else the unit is worth less than anything that may be quoted
        quote_one(view, out, side, nearest_tick(low + (high - low) * uniform(agent, PRICE), side))
    return delay


policy = Policy(ZeroIntelligenceConstrained, decide, needs=Needs.OWN)
