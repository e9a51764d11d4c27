"""Stylised facts of returns and order flow as single numbers, beside the moments of sim/metrics/moments.py.

Cont 2001 (Quantitative Finance 1, "Empirical properties of asset returns") and Vyetrenko et al. 2019 ("Get real:
realism metrics for robust limit order book market simulations").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.moments import autocorrelation, counts, excess_kurtosis, grid_returns, log_dt, market_orders

__all__ = ["FACTS", "Fact", "facts"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Fact:
    """A stylised fact.

    Attributes:
        label: what is measured.
        of: from a flow without hidden executions to the number.
    """

    label: str
    of: Callable[[OrderFlow], float]


def _skewness(x: Floats) -> float:
    x = x - x.mean() if len(x) else x
    sd = float(x.std()) if len(x) else 0.0
    return float(np.mean(x**3)) / sd**3 if sd > 0 else 0.0


def _correlation(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(x, y)[0, 1]) if len(x) > 2 and x.std() > 0 and y.std() > 0 else 0.0


def _leverage(flow: OrderFlow) -> float:
    r = grid_returns(flow, 10.0)
    return _correlation(r[:-1], r[1:] ** 2)


def _volume_volatility(flow: OrderFlow) -> float:
    edges = np.arange(flow.time_ns[0], flow.time_ns[-1] + 1, 60 * SECOND_NS)
    at = np.searchsorted(flow.time_ns, edges, side="right")
    lots = np.cumsum(np.where(flow.kind == FlowKind.EXECUTE, flow.size_lots, 0))
    moves = np.abs(np.diff(flow.mid_ticks[at - 1]))
    volume = np.diff(lots[at - 1]).astype(np.float64)
    known = np.isfinite(moves)
    return _correlation(volume[known], moves[known])


def _absolute(seconds: float, lag: int) -> Callable[[OrderFlow], float]:
    return lambda flow: autocorrelation(np.abs(grid_returns(flow, seconds)), lag)


def _plain(seconds: float, lag: int = 1) -> Callable[[OrderFlow], float]:
    return lambda flow: autocorrelation(grid_returns(flow, seconds), lag)


def _kurtosis(seconds: float) -> Callable[[OrderFlow], float]:
    return lambda flow: excess_kurtosis(grid_returns(flow, seconds))


def _sign_memory(lag: int) -> Callable[[OrderFlow], float]:
    return lambda flow: autocorrelation(market_orders(flow)[1], lag)


def _submit_memory(lag: int) -> Callable[[OrderFlow], float]:
    return lambda flow: autocorrelation(flow.side[flow.kind == FlowKind.SUBMIT], lag)


def _still(flow: OrderFlow) -> float:
    returns = grid_returns(flow, 1.0)
    return float((returns == 0).mean()) if len(returns) else float("nan")


def _size_memory(lag: int) -> Callable[[OrderFlow], float]:
    return lambda flow: autocorrelation(np.log(flow.size_lots[flow.kind == FlowKind.SUBMIT]), lag)


def _size_kept(flow: OrderFlow) -> float:
    """Share of deletions, of orders submitted within the flow, that take out the quantity submitted."""
    born, gone = flow.kind == FlowKind.SUBMIT, flow.kind == FlowKind.DELETE
    order = np.argsort(flow.order_id[born], kind="stable")
    ids, lots = flow.order_id[born][order], flow.size_lots[born][order]
    if len(ids) == 0:
        return float("nan")
    at = np.searchsorted(ids, flow.order_id[gone], side="right") - 1
    known = (at >= 0) & (ids[np.maximum(at, 0)] == flow.order_id[gone])
    return float((lots[at[known]] == flow.size_lots[gone][known]).mean()) if known.any() else float("nan")


def _fano(seconds: float) -> Callable[[OrderFlow], float]:
    def of(flow: OrderFlow) -> float:
        n = counts(flow, seconds)
        return float(n.var() / n.mean()) if n.mean() > 0 else float("nan")

    return of


FACTS: dict[str, Fact] = {
    "return_acf_1s": Fact("autocorrelation of 1 s returns", _plain(1.0)),
    "return_acf_60s": Fact("autocorrelation of 60 s returns", _plain(60.0)),
    "abs_return_acf_1s": Fact("volatility clustering: autocorrelation of absolute 1 s returns", _absolute(1.0, 1)),
    "abs_return_acf_1s_60": Fact("its long memory: the same at lag 60", _absolute(1.0, 60)),
    "kurtosis_1s": Fact("heavy tails: excess kurtosis of 1 s returns", _kurtosis(1.0)),
    "kurtosis_60s": Fact("aggregational normality: excess kurtosis of 60 s returns", _kurtosis(60.0)),
    "still_share_1s": Fact("intermittency: share of seconds without a move", _still),
    "skewness_60s": Fact("gain/loss asymmetry: skewness of 60 s returns", lambda f: _skewness(grid_returns(f, 60.0))),
    "leverage_10s": Fact("leverage: correlation of a return with the next squared one, 10 s", _leverage),
    "volume_volatility": Fact("correlation of volume and absolute move over minutes", _volume_volatility),
    "fano_1s": Fact("clustering of events: variance over mean of counts in 1 s", _fano(1.0)),
    "fano_60s": Fact("the same in 60 s", _fano(60.0)),
    "log_dt_acf_1": Fact("autocorrelation of log time between events", lambda f: autocorrelation(log_dt(f), 1)),
    "log_dt_acf_10": Fact("the same at lag 10", lambda f: autocorrelation(log_dt(f), 10)),
    "size_acf_1": Fact("memory of log sizes of limit orders, lag 1", _size_memory(1)),
    "size_acf_10": Fact("the same at lag 10", _size_memory(10)),
    "size_kept_share": Fact("share of deletions of the quantity submitted", _size_kept),
    "submit_sign_acf_1": Fact("memory of the sides of limit orders, lag 1", _submit_memory(1)),
    "submit_sign_acf_10": Fact("the same at lag 10", _submit_memory(10)),
    "market_sign_acf_1": Fact("memory of market-order signs, lag 1", _sign_memory(1)),
    "market_sign_acf_10": Fact("the same at lag 10", _sign_memory(10)),
    "market_sign_acf_50": Fact("the same at lag 50", _sign_memory(50)),
}
"""The facts by name."""


def facts(flow: OrderFlow) -> dict[str, float]:
    """Return all FACTS of a flow; nan for one with fewer than 1,000 events. Hidden executions are left out."""
    flow = flow.visible()
    if len(flow) < 1000:
        return dict.fromkeys(FACTS, float("nan"))
    return {name: fact.of(flow) for name, fact in FACTS.items()}
