"""The Poisson flow of Cont, Stoikov and Talreja fitted by counting (Operations Research 58(3), 2010).

With S_l the mean limit order, at distance i from the opposite best:

    lambda(i) = N_l(i) / T(i),  mu = N_m S_m / (2 T S_l),  theta(i) = N_c(i) S_c / (integral of the depth at i),

the paper's estimation procedure, except that T(i) is the time for which distance i stood inside the recorded levels,
and that neighbouring distances share a rate until LEAST_COUNT limit orders and as many cancels stand behind it. The
paper knows a unit tick; here the table of rates is as long as the recorded levels reach, in the stock's own ticks, so
that a wide spread needs no coarser tick. Every order has the median size of a limit order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.background.cont_stoikov_talreja import ContStoikovTalreja, policy
from scenarios.baselines._fitted import Baseline, Fitted, check_flow
from scenarios.baselines._profile import (
    DistanceProfile,
    distance_profile,
    median_spread_ticks,
    median_submission_lots,
)
from sim.metrics.flow import OrderFlow

__all__ = ["BASELINE", "fit"]

LEAST_COUNT = 100
LEAST_RATE = 1e-6
Floats = np.ndarray[Any, np.dtype[np.float64]]


def _bins(profile: DistanceProfile) -> list[slice]:
    """Runs of distances with enough limit orders and cancels each; the last run takes what is left."""
    runs, first, n, lots = [], 0, 0.0, 0.0
    for i in range(len(profile.submissions)):
        n, lots = n + profile.submissions[i], lots + profile.cancelled_lots[i]
        if min(n, lots / profile.unit_lots) >= LEAST_COUNT:
            runs.append(slice(first, i + 1))
            first, n, lots = i + 1, 0.0, 0.0
    if first < len(profile.submissions):
        runs[-1:] = [slice(runs[-1].start if runs else 0, len(profile.submissions))]
    return runs


def _pooled(runs: list[slice], above: Floats, below: Floats) -> tuple[float, ...]:
    """The ratio of two sums over each run, for every distance in it."""
    rates = [max(float(above[run].sum() / max(below[run].sum(), LEAST_RATE)), LEAST_RATE) for run in runs]
    return tuple(rate for run, rate in zip(runs, rates, strict=True) for _ in range(run.stop - run.start))


def fit(flow: OrderFlow, name: str) -> Fitted:
    """Fit the model to a flow with its book.

    Raises:
        InputError: if the flow has no book or too few events.
    """
    flow = check_flow(flow, name)
    profile, spread = distance_profile(flow), median_spread_ticks(flow)
    runs = _bins(profile)
    n_levels = len(profile.submissions)
    settings = ContStoikovTalreja(
        limit_rates=_pooled(runs, profile.submissions, profile.seen_s),
        cancel_rates=_pooled(runs, profile.cancelled_lots, profile.depth_lot_s),
        market_rate=profile.market_rate,
        n_levels=n_levels,
        tail_scale=0.0,
        size_lots=median_submission_lots(flow),
        first_spread_ticks=spread,
        first_levels=max(1, min(round(profile.mean_orders), n_levels)),
        first_orders=1,
    )
    figures = {
        "events": float(len(flow)), "distances": float(n_levels), "rates": float(len(runs)),
        "unit_lots": profile.unit_lots, "mean_orders_a_side": profile.mean_orders,
    }  # fmt: skip
    return Fitted("cont_stoikov_talreja", name, policy, settings, figures)


BASELINE = Baseline("Poisson flow by distance", "Cont, Stoikov, Talreja 2010, Operations Research 58(3)", fit)
