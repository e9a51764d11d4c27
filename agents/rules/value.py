"""Value trader: a Bayesian estimate of a mean-reverting fundamental, compared with the midpoint.

As the ValueAgent of ABIDES' rmsc04 (Byrd, Hybinette, Balch 2020), after Wah, Wright and Wellman (2017): each
wake-up gives a noisy look at the fundamental; the estimate is a Kalman update under
dV = kappa (mean - V) dt + sigma dW; its forecast for the close is bought when above the midpoint and sold when below.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from agents._draws import check_size, order_size_lots, poisson_delay_ns
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Number, Positive, Settings
from sim.policy import Policy, decision, indices, normal, send_cancel_all, send_limit, uniform
from sim.records import Needs
from sim.rng import exp_portable, time_weighted_by_decay

__all__ = ["Value", "policy"]


class Value(Settings):
    """Settings of a value trader.

    Attributes:
        interval_s: mean time between wake-ups, in seconds.
        mean_ticks: the trader's belief of the long-run mean of the fundamental; default: the instrument's reference
            price.
        kappa_per_s: believed speed of mean reversion per second.
        sigma_ticks_per_sqrt_s: believed volatility of the fundamental.
        noise_ticks: standard deviation of the error of one look at the fundamental.
        aggressive_share: probability of an order at the opposite touch.
        depth_spreads: other orders are placed uniformly up to this many spreads behind the opposite touch.
        size_lots, size_sigma: median and spread of the lognormal order size.
    """

    from_reference: ClassVar[dict[str, float]] = {"mean_ticks": 0.0}

    interval_s: Positive = 175.0
    mean_ticks: Number | None = None
    kappa_per_s: NonNegative = 1.67e-6
    sigma_ticks_per_sqrt_s: NonNegative = 1.0
    noise_ticks: Positive = 30.0
    aggressive_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    depth_spreads: NonNegative = 2.0
    size_lots: Positive = 30.0
    size_sigma: NonNegative = 0.0

    _whole_size = model_validator(mode="after")(check_size)


P = indices(Value)
S = indices(None, "estimate_ticks", "variance", "seen_ns")
NEXT, LOOK, AGGRESSIVE, DISTANCE, SIZE = 0, 1, 2, 3, 4


@decision
def update_estimate(view: Any, agent: Any) -> float:
    """Take one noisy look at the fundamental and return the forecast for the close, in ticks."""
    mean = agent.params[P.mean_ticks]
    kappa = agent.params[P.kappa_per_s]
    sigma = agent.params[P.sigma_ticks_per_sqrt_s]
    noise_variance = agent.params[P.noise_ticks] * agent.params[P.noise_ticks]
    look = view.signal + agent.params[P.noise_ticks] * normal(agent, LOOK)
    elapsed_s = (view.time_ns - agent.state[S.seen_ns]) * 1e-9
    decay = exp_portable(-kappa * elapsed_s)
    predicted = mean + (agent.state[S.estimate_ticks] - mean) * decay
    gained = sigma * sigma * time_weighted_by_decay(2.0 * kappa, elapsed_s)
    variance = decay * decay * agent.state[S.variance] + gained
    gain = variance / (variance + noise_variance) if variance > 0.0 else 0.0
    estimate = predicted + gain * (look - predicted)
    agent.state[S.estimate_ticks] = estimate
    agent.state[S.variance] = (1.0 - gain) * variance
    agent.state[S.seen_ns] = view.time_ns
    left_s = (view.close_ns - view.time_ns) * 1e-9
    return mean + (estimate - mean) * exp_portable(-kappa * left_s)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Withdraw the old order, look at the fundamental, and send one order towards it."""
    delay = poisson_delay_ns(agent, NEXT, agent.params[P.interval_s])
    if view.reason & WAKE_START:
        agent.state[S.estimate_ticks] = agent.params[P.mean_ticks]
        agent.state[S.seen_ns] = view.time_ns
        return delay
    forecast = update_estimate(view, agent)
    if view.n_own > 0:
        send_cancel_all(out)
    bid, ask = view.bid_ticks, view.ask_ticks
    size = order_size_lots(agent, SIZE, agent.params[P.size_lots], agent.params[P.size_sigma])
    if bid == NO_PRICE or ask == NO_PRICE:
        price = int(math.floor(forecast + 0.5))
        side = 1 if forecast >= view.last_ticks else -1
    else:
        side = 1 if 2.0 * forecast >= bid + ask else -1
        behind = 0
        if uniform(agent, AGGRESSIVE) >= agent.params[P.aggressive_share]:
            behind = int(uniform(agent, DISTANCE) * (agent.params[P.depth_spreads] * (ask - bid) + 1.0))
        price = ask - behind if side > 0 else bid + behind
    price = min(max(price, view.min_price_ticks), view.max_price_ticks)
    send_limit(out, side, price, size)
    return delay


policy = Policy(Value, decide, needs=Needs.SIGNAL | Needs.OWN)
