"""Fundamentalist-chartist-noise trader (Chiarella and Iori 2002, Quantitative Finance 2; as PAMS' FCN agent).

A trader expects the log return

    r = (w_f ln(value / price) / tau_f  +  w_c mean past log return  +  w_n noise) / (w_f + w_c + w_n)  per second,

over its horizon: price x exp(r horizon). It buys below that price and sells above it, by a margin, with one limit
order that replaces its last one. Chiarella and Iori's fixed order size is kept; the demand from a risk aversion of
Chiarella, Iori and Perello (2009) is not.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents._draws import poisson_delay_ns
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import Distribution, NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, normal, send_cancel_all, send_limit
from sim.records import Needs
from sim.rng import exp_portable, expm1_portable, log_portable

__all__ = ["FundamentalistChartistNoise", "policy"]


class FundamentalistChartistNoise(Settings):
    """Settings of a trader; the weights are drawn per agent by default.

    Attributes:
        interval_s: mean time between two decisions, in seconds.
        fundamental_weight, chartist_weight, noise_weight: w_f, w_c, w_n.
        reversion_s: tau_f, time in which the price is expected to return to the value.
        trend_s: time over which the chartist averages past returns.
        horizon_s: time ahead for which the price is expected.
        noise_sd: standard deviation of the noise term over the horizon, as a log return.
        margin: the order is placed this share below (buyer) or above (seller) the expected price.
        size_lots: size of every order.
    """

    interval_s: Positive = 20.0
    fundamental_weight: NonNegative = Distribution(exponential=1.0)
    chartist_weight: NonNegative = Distribution(exponential=1.0)
    noise_weight: NonNegative = Distribution(exponential=1.0)
    reversion_s: Positive = 600.0
    trend_s: Positive = 300.0
    horizon_s: Positive = 600.0
    noise_sd: NonNegative = 0.002
    margin: Annotated[float, Field(ge=0, lt=1)] | Distribution = Distribution(uniform=(0.0, 0.002))
    size_lots: Annotated[int, Field(ge=1)] = 1


P = indices(FundamentalistChartistNoise)
S = indices(None, "mid_ticks", "seen_ns", "trend_per_s")
NEXT, NOISE = 0, 1


@decision
def update_trend(view: Any, agent: Any, mid: float) -> None:
    """Average the log returns seen since the last look, with weights that fall over `trend_s`."""
    elapsed_s = (view.time_ns - agent.state[S.seen_ns]) * 1e-9
    if agent.state[S.mid_ticks] > 0.0 and elapsed_s > 0.0:
        weight = -expm1_portable(-elapsed_s / agent.params[P.trend_s])
        rate = log_portable(mid / agent.state[S.mid_ticks]) / elapsed_s
        agent.state[S.trend_per_s] += weight * (rate - agent.state[S.trend_per_s])
    agent.state[S.mid_ticks] = mid
    agent.state[S.seen_ns] = view.time_ns


@decision
def expected_return(view: Any, agent: Any, mid: float) -> float:
    """Expected log return over the horizon."""
    fundamental, chartist = agent.params[P.fundamental_weight], agent.params[P.chartist_weight]
    noise, horizon = agent.params[P.noise_weight], agent.params[P.horizon_s]
    total = fundamental + chartist + noise
    if total <= 0.0:
        return 0.0
    gap = log_portable(max(view.signal, 1.0) / mid) * min(horizon / agent.params[P.reversion_s], 1.0)
    trend = agent.state[S.trend_per_s] * horizon
    shock = agent.params[P.noise_sd] * normal(agent, NOISE)
    return (fundamental * gap + chartist * trend + noise * shock) / total


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Form the expectation and place one order on the side of it."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    if view.reason & WAKE_START or view.phase != CONTINUOUS:
        return delay
    bid, ask = view.bid_ticks, view.ask_ticks
    mid = 0.5 * (bid + ask) if bid != NO_PRICE and ask != NO_PRICE else float(view.last_ticks)
    mid = max(mid, 1.0)
    update_trend(view, agent, mid)
    change = min(max(expected_return(view, agent, mid), -0.5), 0.5)
    if view.n_own > 0:
        send_cancel_all(out)
    if change != 0.0:
        side = 1 if change > 0.0 else -1
        target = mid * exp_portable(change) * (1.0 - side * agent.params[P.margin])
        price = int(min(max(target + 0.5, float(view.min_price_ticks)), float(view.max_price_ticks)))
        send_limit(out, side, price, int(agent.params[P.size_lots]))
    return delay


policy = Policy(FundamentalistChartistNoise, decide, needs=Needs.SIGNAL | Needs.OWN)
