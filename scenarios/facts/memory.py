"""Memory: autocorrelations of returns, absolute returns and signs of market orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scenarios.facts.returns import clock_returns
from scenarios.facts.values import SAME, Fact, Found, Value, curve, missing
from sim.metrics.flow import OrderFlow
from sim.metrics.moments import autocorrelation, market_orders

__all__ = ["CURVES", "FACTS", "LAGS", "measure"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
LAGS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 79, 100, 126, 158, 200, 251, 316, 398, 501)
LEAST = 30
TERMS = 10
"""A lag is looked at if the series is so many times as long."""

FACTS: dict[str, Fact] = {
    "return_acf_1s": Fact("autocorrelation of 1 s returns", "", "of successive returns of the log midpoint"),
    "return_acf_60s": Fact("autocorrelation of 60 s returns", "", "the same over minutes"),
    "abs_return_acf_1s": Fact("autocorrelation of absolute 1 s returns, lag 1", "", "volatility clustering"),
    "abs_return_acf_1s_60": Fact("autocorrelation of absolute 1 s returns, lag 60", "", "a minute later"),
    "market_sign_acf_1": Fact("autocorrelation of signs of market orders, lag 1", "", "+1 buys, -1 sells; executions "
                              "of one moment and side are one market order; lags count market orders"),
    "market_sign_acf_10": Fact("autocorrelation of signs of market orders, lag 10", "", SAME),
    "market_sign_acf_50": Fact("autocorrelation of signs of market orders, lag 50", "", SAME),
}  # fmt: skip

CURVES = {
    "return_acf": "Autocorrelation of 1 s returns of the log midpoint against the lag in seconds. Thin lines: "
    "+-1.96 / sqrt(n), within which independent values stay 95 times in 100.",
    "abs_return_acf": "The same of absolute 1 s returns: a slow decay is volatility clustering.",
    "sign_acf": "Autocorrelation of the signs of market orders against the lag in market orders: a slow decay is long "
    "memory of order flow.",
}


def measure(flows: Sequence[OrderFlow]) -> Found:
    """Return autocorrelations; over several days the mean weighted by length, each day around its own mean."""
    found = Found()
    second, minute = ([clock_returns(flow, s) for flow in flows] for s in (1, 60))
    absolute = [np.abs(r) for r in second]
    signs = [market_orders(flow)[1].astype(np.float64) for flow in flows]
    for name, series, lag, what in (
        ("return_acf_1s", second, 1, "returns"), ("return_acf_60s", minute, 1, "returns"),
        ("abs_return_acf_1s", absolute, 1, "returns"), ("abs_return_acf_1s_60", absolute, 60, "returns"),
        ("market_sign_acf_1", signs, 1, "market orders"), ("market_sign_acf_10", signs, 10, "market orders"),
        ("market_sign_acf_50", signs, 50, "market orders"),
    ):  # fmt: skip
        found.values[name] = _value(series, lag, what)
    for name, series, what in (
        ("return_acf", second, "returns"),
        ("abs_return_acf", absolute, "returns"),
        ("sign_acf", signs, "market orders"),
    ):
        n = sum(map(len, series))
        y = [_mean(series, lag) for lag in LAGS]
        found.curves[name] = curve(LAGS, y, [1.96 / max(n, 1) ** 0.5] * len(LAGS), why=_few(series, 1, what))
    return found


def _mean(series: Sequence[Floats], lag: int) -> float:
    """Autocorrelation at a lag over the days long enough for it, nan without one."""
    long = [x for x in series if len(x) >= max(LEAST, TERMS * lag) and x.std() > 0]
    if not long:
        return float("nan")
    return float(np.average([autocorrelation(x, lag) for x in long], weights=[len(x) for x in long]))


def _value(series: Sequence[Floats], lag: int, what: str) -> Value:
    number = _mean(series, lag)
    return Value(number) if np.isfinite(number) else missing(_few(series, lag, what))


def _few(series: Sequence[Floats], lag: int, what: str) -> str:
    longest, least = max(map(len, series)), max(LEAST, TERMS * lag)
    return f"{longest:,} {what}, at least {least:,} needed" if longest < least else f"all {what} are the same"
