"""Zero intelligence fitted in closed form: three rates and a window (Daniels et al. 2003; Farmer et al. 2005).

With one order as the unit (the mean limit order), as Farmer, Patelli and Zovko (PNAS 102, 2005) measure them:

- mu: traded quantity a second and side, over the unit;
- delta: quantity withdrawn over the quantity resting, integrated over time: the maximum-likelihood hazard;
- the window is the uniform law on 1 .. W with the mean distance from the opposite best of the recorded limit orders,
  W = 2 mean - 1; alpha is their rate a side over W. Both allow for distances outside of the recorded levels.

The spread is not fitted: it follows from the rates. Prices are the stock's own ticks; every order has the median size
of a limit order, which is the atom of the recorded sizes.
"""

from __future__ import annotations

import numpy as np

from agents.background.santa_fe import SantaFe, policy
from scenarios.baselines._fitted import Baseline, Fitted, check_flow
from scenarios.baselines._profile import distance_profile, median_spread_ticks, median_submission_lots
from sim.metrics.flow import OrderFlow

__all__ = ["BASELINE", "fit"]


def fit(flow: OrderFlow, name: str) -> Fitted:
    """Fit the model to a flow with its book.

    Raises:
        InputError: if the flow has no book or too few events.
    """
    flow = check_flow(flow, name)
    profile = distance_profile(flow)
    rates = profile.limit_rates
    mean = float(np.average(np.arange(1, len(rates) + 1), weights=rates))
    window = max(2, round(2 * mean - 1))
    settings = SantaFe(
        limit_rate=float(rates.sum()) / window,
        market_rate=profile.market_rate,
        cancel_rate=float(profile.cancelled_lots.sum() / profile.depth_lot_s.sum()),
        window_ticks=window,
        size_lots=median_submission_lots(flow),
        first_spread_ticks=min(median_spread_ticks(flow), window),
    )
    figures = {"events": float(len(flow)), "mean_distance_ticks": mean, "unit_lots": profile.unit_lots}
    return Fitted("santa_fe", name, policy, settings, figures)


BASELINE = Baseline("zero intelligence (Santa Fe)", "Farmer, Patelli, Zovko 2005, PNAS 102", fit)
