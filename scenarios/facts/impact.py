"""Impact: what follows a market order, and what follows many of one sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scenarios.facts.values import SAME, Fact, Found, Value, curve, missing, missing_curve, value
from sim.metrics.flow import OrderFlow
from sim.metrics.metaorders import fit_impact_law, proxy_metaorders
from sim.metrics.moments import imbalance_and_next_move, market_orders, response_ticks

__all__ = ["CURVES", "FACTS", "measure"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
LAGS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
NAMED = (1, 10, 100, 1000)
LEAST, LEAST_METAORDERS = 50, 50
TRADERS, CHILDREN = 5, 3

FACTS: dict[str, Fact] = {
    **{
        f"response_{lag}": Fact(f"response after {lag} event{'s' if lag > 1 else ''}", "ticks",
                                SAME if lag > 1 else "mean of sign x move of the midpoint, from just before a market "
                                "order to so many events later, its own first event included")
        for lag in NAMED
    },
    "imbalance_next_move": Fact("imbalance and next move", "", "correlation of (bid - ask) / (bid + ask) quantity "
                                "at the best prices with the sign of the next move of the midpoint"),
    "metaorder_exponent": Fact("impact exponent of proxy metaorders", "", "I / sigma = Y (Q / V)^exponent by weighted "
                               "least squares over ten groups by quantity, from 0 to 2; 0.5 is the square-root law"),
    "metaorder_y": Fact("prefactor Y of the square root", "", "the same fit with the exponent held at 0.5, so that "
                        "sources can be compared"),
    "metaorder_late": Fact("impact later, over that at the end", "", "one duration after the last child; 3/4 for "
                           "independent signs and lasting impact, since a run ends with an order of the other sign"),
    "metaorders": Fact("proxy metaorders", "", f"market orders are given at random to {TRADERS} traders; runs of one "
                       f"sign of one trader, at least {CHILDREN} children; mean number over 20 draws"),
}  # fmt: skip

CURVES = {
    "response": "Response of the midpoint to a market order after so many events, in mean spreads of the source.",
    "metaorder_impact": "Proxy metaorders (Maitrier, Loeper and Bouchaud 2025): market orders are given at random to "
    f"{TRADERS} traders, runs of one sign of one trader with at least {CHILDREN} children are metaorders. I: log move "
    "of the midpoint from before the first child to after the last, sigma: volatility of the day from 5-minute returns "
    "(1-minute in less than 3 h, 10-second in less than 20 min), V: volume of the day. Intervals: bootstrap of "
    "ten-minute blocks (twentieths, if the record is short); bars: one standard error.",
    "metaorder_fit": "The fitted law.",
}


def measure(flows: Sequence[OrderFlow], seed: int = 0) -> Found:
    """Return the facts of impact; several days weigh by their market orders, metaorders never span a night.

    Args:
        flows: one a day.
        seed: of the draws of who sends which market order.
    """
    found = Found()
    _response(found, flows)
    known = [imbalance_and_next_move(flow) for flow in flows]
    x, sign = np.concatenate([k[0] for k in known]), np.concatenate([k[1] for k in known])
    correlation = float(np.corrcoef(x, sign)[0, 1]) if len(x) > 2 and x.std() > 0 and sign.std() > 0 else float("nan")
    found.values["imbalance_next_move"] = value(correlation, len(x), LEAST, "quotes with a move to come")
    _metaorders(found, flows, seed)
    return found


def _response(found: Found, flows: Sequence[OrderFlow]) -> None:
    n = [len(market_orders(flow)[0]) for flow in flows]
    table = np.array([[response_ticks(flow, lag) for lag in LAGS] for flow in flows])
    weights = np.where(np.isfinite(table), np.array(n)[:, None], 0)
    total = weights.sum(axis=0)
    response = np.where(total > 0, (weights * np.nan_to_num(table)).sum(axis=0) / np.maximum(total, 1), np.nan)
    for lag in NAMED:
        events = max(map(len, flows))
        number = (
            value(float(response[LAGS.index(lag)]), sum(n), LEAST, "market orders")
            if events > 5 * lag
            else missing(f"{events:,} events, more than {5 * lag:,} needed")
        )
        found.values[f"response_{lag}"] = number
    if sum(n) < LEAST:
        found.curves["response"] = missing_curve(f"{sum(n)} market orders, at least {LEAST} needed")
        return
    long = np.array(LAGS) * 5 < max(map(len, flows))
    spread = np.concatenate([flow.ask_ticks - flow.bid_ticks for flow in flows])
    known = np.isfinite(spread)
    mean = float(spread[known].mean()) if known.any() else 0.0
    if mean <= 0:
        found.curves["response"] = missing_curve("no spread to measure it by")
        return
    found.curves["response"] = curve(np.array(LAGS)[long], (response / mean)[long], why="no quotes of both sides")


def _metaorders(found: Found, flows: Sequence[OrderFlow], seed: int) -> None:
    proxies = proxy_metaorders(flows, TRADERS, CHILDREN, seed=seed)
    n = len(proxies) / proxies.n_draws
    if n < LEAST_METAORDERS:
        why = f"{n:.0f} proxy metaorders while prices move for five minutes, at least {LEAST_METAORDERS} needed"
        found.values |= {name: missing(why) for name in ("metaorder_exponent", "metaorder_y", "metaorder_late")}
        found.values["metaorders"] = Value(n)
        found.curves |= {name: missing_curve(why) for name in ("metaorder_impact", "metaorder_fit")}
        return
    law = fit_impact_law(proxies, seed=seed)
    for name, (number, *ends) in (
        ("metaorder_exponent", law.exponent),
        ("metaorder_y", law.y),
        ("metaorder_late", law.late),
    ):
        found.values[name] = value(number, 1, 1, "metaorders", ends)
    if not np.isfinite(law.late[0]):
        found.values["metaorder_late"] = missing("the record ends before")
    found.values["metaorders"] = Value(law.n)
    found.curves["metaorder_impact"] = curve(law.share, law.impact, law.error, why="no impact")
    x = np.geomspace(float(law.share[0]), float(law.share[-1]), 30)
    found.curves["metaorder_fit"] = curve(x, law.y_free * x ** law.exponent[0], why="no impact")
