"""Returns: how large, how heavy their tails, how volatile at each interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from scenarios.facts.values import SAME, Curve, Fact, Found, Value, curve, missing_curve, value
from sim.metrics.facts import FACTS as STYLISED
from sim.metrics.flow import OrderFlow
from sim.metrics.moments import excess_kurtosis, grid_returns
from sim.metrics.signature import signature_bps
from sim.metrics.tails import gaussian_tail_index, hill, share_beyond

__all__ = ["CURVES", "FACTS", "clock_returns", "measure", "over_days"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
SECONDS = (1, 10, 60)
TAIL = 0.05
LEAST_RETURNS, LEAST_KURTOSIS, LEAST_TAIL, LEAST_EVENTS = 20, 100, 20, 1000
INTERVALS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
GAUSSIAN = gaussian_tail_index(TAIL)
OTHERS = ("still_share_1s", "skewness_60s", "leverage_10s", "volume_volatility")

FACTS: dict[str, Fact] = {
    **{
        f"return_sd_{s}s": Fact(f"volatility of {s} s returns", "bp", SAME if s > 1 else "standard deviation of "
                                "returns of the log midpoint at whole seconds of the clock, last value")
        for s in SECONDS
    },
    **{
        f"kurtosis_{s}s": Fact(f"excess kurtosis of {s} s returns", "", SAME if s > 1 else "fourth moment over "
                               "squared variance, less 3; 0 for a Gaussian, and nearer to it at long intervals")
        for s in SECONDS
    },
    **{
        f"tail_index_{s}s": Fact(f"tail index of {s} s returns", "", SAME if s > 1 else "Hill's exponent a of "
                                 "P(|r| > x) ~ x^-a over the largest 5%; "
                                 f"{GAUSSIAN:.1f} for a Gaussian; interval as for independent returns")
        for s in SECONDS[:2]
    },
    "signature_ratio": Fact("volatility at 1 s over that at 60 s", "", "realised volatility a minute from the "
                            "signature plot: above 1, short moves revert; below 1, they go on"),
    "still_share_1s": Fact("share of seconds without a move", "", "of the midpoint (intermittency)"),
    "skewness_60s": Fact("skewness of 60 s returns", "", "gain/loss asymmetry"),
    "leverage_10s": Fact("leverage of 10 s returns", "", "correlation of a return with the next squared one"),
    "volume_volatility": Fact("volume and volatility by minute", "", "correlation of volume and absolute move"),
}  # fmt: skip

CURVES = {
    "return_tail": "Share of absolute 10 s returns beyond each size, in standard deviations; dashed: a Gaussian.",
    "signature": "Signature plot: realised volatility of the midpoint, in bp a minute, against the interval at which "
    "it is sampled; flat for a random walk.",
}


def measure(flows: Sequence[OrderFlow]) -> Found:
    """Return the facts of returns; those of several days are put together, never across a night."""
    found = Found()
    returns = {s: np.concatenate([clock_returns(flow, s) for flow in flows]) for s in SECONDS}
    for s, r in returns.items():
        what = f"returns of {s} s"
        found.values[f"return_sd_{s}s"] = value(1e4 * _sd(r), len(r), LEAST_RETURNS, what)
        kurtosis = excess_kurtosis(r) if _sd(r) > 0 else float("nan")
        found.values[f"kurtosis_{s}s"] = value(kurtosis, len(r), LEAST_KURTOSIS, what)
    for s in SECONDS[:2]:
        tail = hill(np.abs(returns[s]), TAIL)
        ends = (tail.low, tail.high)
        found.values[f"tail_index_{s}s"] = value(tail.alpha, tail.n, LEAST_TAIL, f"returns of {s} s in the tail", ends)
    signature = _over_days([signature_bps(flow, INTERVALS_S) for flow in flows])
    with np.errstate(all="ignore"):
        ratio = float(signature[INTERVALS_S.index(1)] / signature[INTERVALS_S.index(60)])
    span_s = max(int(flow.time_ns[-1] - flow.time_ns[0]) / 1e9 for flow in flows)
    found.values["signature_ratio"] = value(ratio, int(span_s), 600, "seconds")
    for name in OTHERS:
        found.values[name] = over_days(STYLISED[name].of, flows)
    found.curves["return_tail"] = _tail(returns[10])
    found.curves["signature"] = curve(INTERVALS_S, signature, why=f"{span_s:.0f} s of prices are too few")
    return found


def clock_returns(flow: OrderFlow, seconds: int) -> Floats:
    """Return the log returns of the midpoint between multiples of so many seconds on the clock."""
    step = seconds * SECOND_NS
    first = -(-int(flow.time_ns[0]) // step) * step
    return grid_returns(flow, seconds, first, int(flow.time_ns[-1]))


def over_days(of: Callable[[OrderFlow], float], flows: Sequence[OrderFlow]) -> Value:
    """Return the mean over days of a number that takes a thousand events a day."""
    long = [flow for flow in flows if len(flow) >= LEAST_EVENTS]
    with np.errstate(all="ignore"):
        number = float(np.mean([of(flow) for flow in long])) if long else float("nan")
    return value(number, max(map(len, flows)), LEAST_EVENTS, "events")


def _sd(r: Floats) -> float:
    return float(r.std()) if len(r) else 0.0


def _over_days(rows: list[Floats]) -> Floats:
    """Root mean square over the days that know it."""
    table = np.array(rows)
    known = np.isfinite(table)
    n = known.sum(axis=0)
    total = np.where(known, table**2, 0.0).sum(axis=0)
    with np.errstate(all="ignore"):
        return np.asarray(np.where(n > 0, np.sqrt(total / np.maximum(n, 1)), np.nan))


def _tail(r: Floats) -> Curve:
    if len(r) < LEAST_RETURNS or _sd(r) == 0:
        return missing_curve(f"{len(r)} returns of 10 s, at least {LEAST_RETURNS} different ones needed")
    sizes = np.abs(r - r.mean()) / _sd(r)
    at = np.geomspace(0.1, float(sizes.max()), 60)
    share = share_beyond(sizes, at)
    return curve(at, np.where(share > 0, share, np.nan), why="all returns are the same")
