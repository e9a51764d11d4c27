"""Facts of returns that need a fitted model: the tail's exponent, and what a GARCH model leaves of heavy tails."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from sim.metrics.flow import OrderFlow
from sim.metrics.moments import excess_kurtosis, grid_returns

__all__ = ["TAILS", "tail_facts"]

TAILS = {
    "tail_exponent_10s": "heavy tails: exponent of the largest tenth of absolute 10 s returns",
    "garch_persistence_10s": "volatility clustering: alpha + beta of a GARCH(1,1) of 10 s returns",
    "garch_kurtosis_10s": "conditional heavy tails: excess kurtosis of what that model leaves",
}
"""Names and labels (Cont 2001, facts 2, 6 and 7)."""
LEAST = 150


def tail_facts(flow: OrderFlow) -> dict[str, float]:
    """Return the TAILS of a flow; nan for too few returns."""
    returns = 1e4 * grid_returns(flow, 10.0)
    if len(returns) < LEAST or not returns.any():
        return dict.fromkeys(TAILS, math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {"tail_exponent_10s": _exponent(np.abs(returns)), **_garch(returns)}


def _exponent(sizes: Any) -> float:
    """Exponent a of P(|r| > x) ~ x^-a above the ninth decile (maximum likelihood)."""
    import powerlaw

    start = float(np.quantile(sizes, 0.9))
    if start <= 0:
        return math.nan
    # The library's own bounds end at an exponent of 3, where its search would stick.
    ranges = {"alpha": [1.01, 50.0]}
    fit = powerlaw.Fit(sizes[sizes >= start], xmin=start, verbose=False, parameter_ranges=ranges)
    return float(fit.power_law.alpha) - 1.0


def _garch(returns: Any) -> dict[str, float]:
    from arch import arch_model

    fit = arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, rescale=False).fit(disp="off", show_warning=False)
    left = fit.std_resid[np.isfinite(fit.std_resid)]
    return {
        "garch_persistence_10s": float(fit.params["alpha[1]"] + fit.params["beta[1]"]),
        "garch_kurtosis_10s": excess_kurtosis(left),
    }
