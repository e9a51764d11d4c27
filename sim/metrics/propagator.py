"""The propagator: how the impact of one market order lasts when the signs of market orders are correlated.

Bouchaud, Gefen, Potters and Wyart 2004 (Quantitative Finance 4): the midpoint before market order t is a sum of the
decaying impacts of all earlier ones, m_t = sum_{n>0} G(n) eps_{t-n} + noise. In differences, m_{t+1} - m_t =
sum_{n>=0} K(n) eps_{t-n} with K(n) = G(n+1) - G(n) and G(0) = 0, the response of the differences S(l) =
E[(m_{t+l+1} - m_{t+l}) eps_t] and the correlation C(l) = E[eps_t eps_{t+l}] obey S(l) = sum_n K(n) C(|l - n|): a
Toeplitz system with one solution, where that of the price itself is nearly singular.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import solve_toeplitz

from sim.metrics.flow import OrderFlow
from sim.metrics.moments import market_orders

__all__ = ["decay_exponent", "propagator", "sign_statistics"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


def sign_statistics(flow: OrderFlow, n_lags: int) -> tuple[Floats, Floats]:
    """Return (S, C) at lags 0 to n_lags - 1, in ticks and without unit, each of shape (n_lags,); nan if too short."""
    flow = flow.visible()
    at, signs = market_orders(flow)
    at, signs = at[at > 0], signs[at > 0].astype(np.float64)
    mid = flow.mid_ticks[at - 1]
    known = np.isfinite(mid)
    mid, signs = mid[known], signs[known]
    moves = np.diff(mid)
    n = len(moves)
    if n <= 2 * n_lags:
        return np.full(n_lags, np.nan), np.full(n_lags, np.nan)
    response = np.array([np.mean(moves[lag:] * signs[: n - lag]) for lag in range(n_lags)])
    correlation = np.array([np.mean(signs[lag:n] * signs[: n - lag]) for lag in range(n_lags)])
    return response, correlation


def propagator(response: Floats, correlation: Floats) -> Floats:
    """Return G(1), ..., G(n_lags) in ticks from the statistics of the signs; nan if they have no solution.

    Args:
        response: S(0), ..., S(n_lags - 1).
        correlation: C(0), ..., C(n_lags - 1).
    """
    if not (np.isfinite(response).all() and np.isfinite(correlation).all()) or correlation[0] <= 0:
        return np.full(len(response), np.nan)
    try:
        kernel = solve_toeplitz(correlation, response)
    except np.linalg.LinAlgError:
        return np.full(len(response), np.nan)
    return np.asarray(np.cumsum(kernel))


def decay_exponent(kernel: Floats, first: int = 3) -> float:
    """Return beta of G(l) ~ l^-beta by least squares through the logarithms, from lag `first` on; nan if G <= 0."""
    lags = np.arange(1, len(kernel) + 1)
    used = lags >= first
    if used.sum() < 3 or not (kernel[used] > 0).all():
        return float("nan")
    return float(-np.polyfit(np.log(lags[used]), np.log(kernel[used]), 1)[0])
