"""Orders that fill a quote at distance d from the value at rate A exp(-k d): the world of model market makers.

The setting of Avellaneda and Stoikov (2008) and of Gueant, Lehalle and Fernandez-Tapia (2013) in a real book. Buyers
and sellers each come at rate A; each would pay an exponential reach, of mean 1 / k, beyond the value, and sends an
order that does not rest at that price. A quote that stands alone at distance d is therefore filled at rate A exp(-k
d).

Reaches are real numbers, quotes whole ticks, and an order's price is rounded towards the value: the rate is exact for
the distance between the quote's price and the value, and no tick is too large. (A maker's own rounding of its quotes
is another matter: 1 / k should be many ticks.) There is no reach below 0, so a quote beyond the value is filled at rate
A, where the formula has more.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from lob.codes import CONTINUOUS, IOC
from sim.codes import WAKE_START
from sim.distributions import Positive, Settings
from sim.policy import Policy, decision, exponential, indices, send_limit, uniform
from sim.records import Needs

__all__ = ["ModelFlow", "policy"]


class ModelFlow(Settings):
    """Settings of the flow; a population of one agent.

    Attributes:
        fill_rate_per_s: A, orders of each side a second.
        k_per_tick: k; 1 / k is the mean reach in ticks.
        size_lots: size of an order.
        step_s: above 0: time goes in steps of this length, in the middle of which each side comes with probability
            A x step_s, as in the simulations of these papers; 0: at Poisson times.
    """

    fill_rate_per_s: Positive = 1.0
    k_per_tick: Positive = 0.3
    size_lots: Annotated[int, Field(ge=1)] = 10
    step_s: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _is_a_probability(self) -> ModelFlow:
        if isinstance(self.fill_rate_per_s, float) and self.fill_rate_per_s * self.step_s > 1:
            raise ValueError("fill_rate_per_s x step_s is a probability; allowed: at most 1")
        return self


P = indices(ModelFlow)
NEXT, BUYER, SELLER, REACH = 0, 1, 2, 3


@decision
def send_one(view: Any, agent: Any, out: Any, side: int, index: int) -> None:
    """Send an order of one side that reaches beyond the value."""
    price = view.signal + side * exponential(agent, index, 1.0 / agent.params[P.k_per_tick])
    price = min(max(price, -1e15), 1e15)  # a larger float has no defined integer
    ticks = int(price)
    # A buyer pays at most its price, a seller takes at least its: rounded so that no quote beyond is reached.
    if side > 0 and ticks > price:
        ticks -= 1
    elif side < 0 and ticks < price:
        ticks += 1
    # Beyond the price range on the far side there are no quotes; an order may not be priced there.
    ticks = min(ticks, view.max_price_ticks) if side > 0 else max(ticks, view.min_price_ticks)
    if view.min_price_ticks <= ticks <= view.max_price_ticks:
        send_limit(out, side, ticks, int(agent.params[P.size_lots]), IOC)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Send one order at a Poisson time, or each side's by chance in the middle of a step."""
    step_s, rate = agent.params[P.step_s], agent.params[P.fill_rate_per_s]
    if step_s > 0.0:
        delay = max(1, int(step_s * (0.5e9 if view.reason & WAKE_START else 1e9)))
    else:
        delay = 1 + int(exponential(agent, NEXT, 0.5e9 / rate))
    if view.reason & WAKE_START or view.phase != CONTINUOUS:
        return delay
    if step_s > 0.0:
        if uniform(agent, BUYER) < rate * step_s:
            send_one(view, agent, out, 1, REACH)
        if uniform(agent, SELLER) < rate * step_s:
            send_one(view, agent, out, -1, REACH + 1)
    else:
        send_one(view, agent, out, 1 if uniform(agent, BUYER) < 0.5 else -1, REACH)
    return delay


policy = Policy(ModelFlow, decide, needs=Needs.SIGNAL)
