"""The session: how much happens in all, and its shape by part of the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lob.units import HOUR_NS, MINUTE_NS, SECOND_NS
from scenarios.facts.returns import over_days
from scenarios.facts.values import Fact, Found, Value, curve, missing, value
from sim.metrics.facts import FACTS as STYLISED
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.moments import grid_returns, log_dt, market_orders

__all__ = ["CURVES", "FACTS", "measure"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
WIDTHS_NS = tuple(m * MINUTE_NS for m in (1, 2, 5, 10, 15, 30, 60, 120))
MOST_PARTS = 16
LEAST, LEAST_BINS, LEAST_PART = 2, 20, 0.2

FACTS: dict[str, Fact] = {
    "days": Fact("days", "", "of the source; put together if there are several"),
    "hours": Fact("hours a day", "h", "from the first event to the last"),
    "events_per_s": Fact("events a second", "1/s", "submissions, cancels, executions"),
    "dt_p50": Fact("time between events, median", "s", "at least 1e-7 s"),
    "fano_1s": Fact("Fano factor of 1 s", "", "variance over mean of the number of events in a second; 1 "
                    "if they come independently"),
    "fano_60s": Fact("Fano factor of 60 s", "", "the same in a minute"),
    "market_orders": Fact("market orders a day", "", "executions of one moment and side are one"),
    "volume": Fact("volume a day", "lots", "executed against visible orders"),
}  # fmt: skip

CURVES = {
    "day_events": "Events a second in each part of the session, over their own mean.",
    "day_volume": "Volume in each part, over its mean.",
    "day_spread": "Spread, weighted by time, over its mean.",
    "day_volatility": "Volatility of 10 s returns, over its mean. Several days: the mean over days of each part.",
}


def measure(flows: Sequence[OrderFlow]) -> Found:
    """Return the facts of the session; parts are of equal width on the clock, at most 16."""
    found = Found()
    spans_s = [float(flow.time_ns[-1] - flow.time_ns[0]) / SECOND_NS for flow in flows]
    events = sum(map(len, flows))
    volume = sum(float(flow.size_lots[flow.kind == FlowKind.EXECUTE].sum()) for flow in flows)
    dt = np.concatenate([log_dt(flow) for flow in flows])
    rate = events / sum(spans_s) if sum(spans_s) > 0 else float("nan")
    found.values = {
        "days": Value(float(len(flows))),
        "hours": Value(float(np.mean(spans_s)) / 3600),
        "events_per_s": value(rate, events, LEAST, "events"),
        "dt_p50": value(float(10 ** np.median(dt)) if len(dt) else float("nan"), events, LEAST, "events"),
        "fano_1s": _fano(flows, "fano_1s", 1, max(spans_s)),
        "fano_60s": _fano(flows, "fano_60s", 60, max(spans_s)),
        "market_orders": Value(float(np.mean([len(market_orders(flow)[0]) for flow in flows]))),
        "volume": Value(volume / len(flows)),
    }
    width_ns = next((w for w in WIDTHS_NS if max(spans_s) * SECOND_NS <= MOST_PARTS * w), WIDTHS_NS[-1])
    hours, shapes = _shape([replace(flow, book=None) for flow in flows], width_ns)
    for name, y in zip(CURVES, shapes, strict=True):
        known = np.isfinite(y)
        mean = float(y[known].mean()) if known.sum() >= LEAST else 0.0
        relative = y / mean if mean > 0 else np.full(len(y), np.nan)
        found.curves[name] = curve(hours, relative, why="nothing of it in two parts of a minute or more")
    return found


def _fano(flows: Sequence[OrderFlow], name: str, width_s: int, span_s: float) -> Value:
    if span_s < LEAST_BINS * width_s:
        return missing(f"{span_s:.0f} s, at least {LEAST_BINS * width_s:,} needed")
    return over_days(STYLISED[name].of, flows)


def _shape(flows: Sequence[OrderFlow], width_ns: int) -> tuple[Floats, list[Floats]]:
    """Return the middle of each part [h since midnight] and events, volume, spread, volatility in it."""
    bins = sorted({k for flow in flows for k in range(flow.time_ns[0] // width_ns, flow.time_ns[-1] // width_ns + 1)})
    table = np.full((len(flows), len(bins), 4), np.nan)
    for d, flow in enumerate(flows):
        for j, k in enumerate(bins):
            first, last = max(k * width_ns, int(flow.time_ns[0])), min((k + 1) * width_ns, int(flow.time_ns[-1]))
            if last - first >= LEAST_PART * width_ns:  # the first and the last part of a session are seldom whole
                table[d, j] = _part(flow.window(first, last), (last - first) / SECOND_NS)
    n = np.isfinite(table).sum(axis=0)
    means = np.where(n > 0, np.nansum(table, axis=0) / np.maximum(n, 1), np.nan)
    return (np.array(bins) + 0.5) * width_ns / HOUR_NS, list(means.T)


def _part(part: OrderFlow, seconds: float) -> tuple[float, float, float, float]:
    """Return events a second, volume a second, spread and volatility of a part of so many seconds."""
    held = np.diff(part.time_ns)
    spread = (part.ask_ticks - part.bid_ticks)[:-1]
    known = np.isfinite(spread) & (held > 0)
    returns = grid_returns(part, 10.0) if len(part) else np.zeros(0)
    return (
        len(part) / seconds,
        float(part.size_lots[part.kind == FlowKind.EXECUTE].sum()) / seconds,
        float(np.average(spread[known], weights=held[known])) if known.any() else float("nan"),
        float(np.sqrt(np.mean(returns**2))) if len(returns) > 1 else float("nan"),
    )
