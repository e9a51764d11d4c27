"""Price changes explained by the flow of orders: order-flow imbalance, trade imbalance, Kyle's lambda.

Cont, Kukanov and Stoikov 2014 (Journal of Financial Econometrics 12): over windows of some seconds the change of the
midpoint is linear in the order-flow imbalance at the best prices, with a slope of about one over twice the depth.
Kyle's lambda (Kyle 1985) is the slope against the signed volume of trades. Standard errors are of Newey and West (1987,
Econometrica 55), since what is left over is neither independent nor of equal variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow

__all__ = ["Regression", "imbalance_regression", "newey_west", "order_flow_imbalance", "trade_regression"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Regression:
    """A line y = alpha + beta x by least squares.

    Attributes:
        alpha, beta: the line.
        alpha_error, beta_error: Newey-West standard errors.
        r_squared: share of the variance explained; nan if y does not vary.
        n: number of observations.
        lags: lags of the errors that were allowed for.
    """

    alpha: float
    beta: float
    alpha_error: float
    beta_error: float
    r_squared: float
    n: int
    lags: int


def newey_west(y: Any, x: Any, lags: int | None = None) -> Regression:
    """Return the least-squares line with heteroskedasticity- and autocorrelation-consistent errors.

    Args:
        y: shape (n,).
        x: shape (n,).
        lags: Bartlett weights run to this lag; default: 4 (n / 100)^(2/9), as is usual.
    """
    y, x = np.asarray(y, np.float64), np.asarray(x, np.float64)
    n = len(y)
    lags = int(4 * (n / 100) ** (2 / 9)) if lags is None else lags
    unknown = float("nan")
    nothing = Regression(unknown, unknown, unknown, unknown, unknown, n, lags)
    if n < 3 or np.ptp(x) == 0:
        return nothing
    design = np.column_stack([np.ones(n), x])
    inverse = np.linalg.inv(design.T @ design)
    line = inverse @ (design.T @ y)
    rest = y - design @ line
    scores = design * rest[:, None]
    middle = scores.T @ scores
    for lag in range(1, min(lags, n - 1) + 1):
        product = scores[lag:].T @ scores[:-lag]
        middle += (1 - lag / (lags + 1)) * (product + product.T)
    errors = np.sqrt(np.maximum(np.diag(inverse @ middle @ inverse), 0.0))
    total = float(((y - y.mean()) ** 2).sum())
    explained = 1 - float(rest @ rest) / total if total > 0 else float("nan")
    return Regression(float(line[0]), float(line[1]), float(errors[0]), float(errors[1]), explained, n, lags)


def order_flow_imbalance(flow: OrderFlow) -> Floats:
    """Return what each event adds to the order-flow imbalance, in lots, shape (n,); 0 where the touch is not known.

    With bid price P, quantity q: q_n if P_n >= P_{n-1}, less q_{n-1} if P_n <= P_{n-1}; for the ask with the opposite
    sign and the prices reversed.
    """
    e = np.zeros(len(flow))
    if len(flow) < 2:
        return e
    bid, ask, bid_lots, ask_lots = flow.bid_ticks, flow.ask_ticks, flow.bid_lots, flow.ask_lots
    change = (bid[1:] >= bid[:-1]) * bid_lots[1:] - (bid[1:] <= bid[:-1]) * bid_lots[:-1]
    change -= (ask[1:] <= ask[:-1]) * ask_lots[1:] - (ask[1:] >= ask[:-1]) * ask_lots[:-1]
    known = np.isfinite(bid[1:] + bid[:-1] + ask[1:] + ask[:-1])
    e[1:] = np.where(known, change, 0.0)
    return e


def _windows(flow: OrderFlow, per_event: Floats, window_s: float) -> tuple[Floats, Floats]:
    """Return the change of the midpoint over each window, and the sum of a quantity of the events within it."""
    if len(flow) < 2:
        return np.empty(0), np.empty(0)
    edges = np.arange(flow.time_ns[0], flow.time_ns[-1] + 1, int(window_s * SECOND_NS))
    at = np.searchsorted(flow.time_ns, edges, side="right")
    moves = np.diff(flow.mid_ticks[at - 1])
    sums = np.diff(np.concatenate([[0.0], np.cumsum(per_event)])[at])
    known = np.isfinite(moves)
    return moves[known], sums[known]


def imbalance_regression(flow: OrderFlow, window_s: float = 10.0) -> Regression:
    """Return the regression of the midpoint's change [ticks] on the order-flow imbalance [lots] over equal windows."""
    flow = flow.visible()
    return newey_west(*_windows(flow, order_flow_imbalance(flow), window_s))


def trade_regression(flow: OrderFlow, window_s: float = 10.0) -> Regression:
    """Return the regression on the signed volume of trades [lots]; its slope is Kyle's lambda [ticks per lot]."""
    flow = flow.visible()
    signed = np.where(flow.kind == FlowKind.EXECUTE, -flow.side * flow.size_lots, 0).astype(np.float64)
    return newey_west(*_windows(flow, signed, window_s))
