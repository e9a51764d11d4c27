"""Market maker that learns to break even against informed traders (Kyle, Econometrica 53, 1985, one period repeated).

In each period it lays a ladder around the prior price p0 on which the marginal price rises by 2 lambda a lot. A total
flow y in one direction then pays lambda y^2 above p0, as in Kyle's auction at the price p0 + lambda y. Of two orders,
the one that comes second pays for the price that the first has moved; since their order is random, each pays on
average what it would in the auction, so that Kyle's best responses and his lambda carry over to the continuous book.

At the end of a period the maker sees the value and regresses value - p0 on the flow that it absorbed, which is the
lambda at which it breaks even. With an informed trader who answers by beta = 1 / (2 lambda) the fixed point is
lambda = sigma_v / (2 sigma_u), and half of the variance of the value is revealed.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from sim.codes import WAKE_START
from sim.distributions import Positive, Settings
from sim.policy import Policy, decision, indices, send_cancel_all, send_limit
from sim.records import Needs

__all__ = ["KyleMaker", "policy"]

MAX_LEVELS = 31


class KyleMaker(Settings):
    """Settings of a learning maker.

    Attributes:
        period_s: length of a period.
        price_ticks: p0, the mean of the value, around which it quotes; default: the instrument's reference price.
        first_lambda_ticks_per_lot: lambda before anything is learned.
        memory_periods: periods over which the regression forgets.
        level_step_ticks: distance of two levels; even, since the first lie half of it from p0.
        n_levels: levels on each side.
    """

    from_reference: ClassVar[dict[str, float]] = {"price_ticks": 0.0}

    period_s: Positive = 10.0
    price_ticks: Positive | None = None
    first_lambda_ticks_per_lot: Positive = 0.5
    memory_periods: Annotated[int, Field(ge=10)] = 500
    level_step_ticks: Annotated[int, Field(ge=2, multiple_of=2)] = 100
    n_levels: Annotated[int, Field(ge=1, le=MAX_LEVELS)] = MAX_LEVELS


P = indices(KyleMaker)
S = indices(None, "lambda_", "value_flow", "flow_flow", "n_periods", "position_lots", "value_variance", "rest_variance")
MAX_STEP = 1.1
"""Largest factor by which lambda changes from one period to the next: a lucky guess must not empty the market."""
CLOSING_SHARE = 0.95
"""The value is looked at, and the next ladder laid, when this share of a period is over."""


@decision
def quote_ladder(view: Any, agent: Any, out: Any) -> None:
    """Lay levels whose quantities make the marginal price rise by 2 lambda a lot."""
    step = int(agent.params[P.level_step_ticks])
    lots = max(1, int(step / (2.0 * agent.state[S.lambda_]) + 0.5))
    centre = int(agent.params[P.price_ticks])
    for level in range(int(agent.params[P.n_levels])):
        away = step // 2 + step * level
        if centre - away >= view.min_price_ticks:
            send_limit(out, 1, centre - away, lots)
        if centre + away <= view.max_price_ticks:
            send_limit(out, -1, centre + away, lots)


@decision
def learn(view: Any, agent: Any) -> None:
    """Update the regression of value - p0 on the flow of the period that ends."""
    flow = agent.state[S.position_lots] - view.position_lots
    surprise = view.signal - agent.params[P.price_ticks]
    agent.state[S.n_periods] += 1.0
    # What was learned under a wrong lambda is soon forgotten: at first only the last fifth of all periods counts.
    weight = max(5.0 / (agent.state[S.n_periods] + 4.0), 1.0 / agent.params[P.memory_periods])
    agent.state[S.value_flow] += weight * (surprise * flow - agent.state[S.value_flow])
    agent.state[S.flow_flow] += weight * (flow * flow - agent.state[S.flow_flow])
    rest = surprise - agent.state[S.lambda_] * flow
    agent.state[S.value_variance] += weight * (surprise * surprise - agent.state[S.value_variance])
    agent.state[S.rest_variance] += weight * (rest * rest - agent.state[S.rest_variance])
    if agent.state[S.n_periods] >= 10.0 and agent.state[S.value_flow] > 0.0:
        found = agent.state[S.value_flow] / agent.state[S.flow_flow]
        before = agent.state[S.lambda_]
        agent.state[S.lambda_] = min(max(found, before / MAX_STEP), before * MAX_STEP)
    agent.state[S.position_lots] = view.position_lots


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Learn from the period that ends and quote for the next."""
    period_ns = int(agent.params[P.period_s] * 1e9)
    if view.reason & WAKE_START:
        agent.state[S.lambda_] = agent.params[P.first_lambda_ticks_per_lot]
        quote_ladder(view, agent, out)
        return max(1, int(CLOSING_SHARE * period_ns))
    learn(view, agent)
    send_cancel_all(out)
    quote_ladder(view, agent, out)
    return period_ns


policy = Policy(KyleMaker, decide, needs=Needs.SIGNAL)
