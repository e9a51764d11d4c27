"""What the control market is like: statistics of its order flow, from whole runs, with intervals over runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
import polars as pl

from scenarios.experiments.bootstrap import Floats, bootstrap
from sim.metrics.flow import flow_of_tape
from sim.metrics.imbalance import imbalance_regression, trade_regression
from sim.metrics.propagator import decay_exponent, propagator, sign_statistics
from sim.metrics.response import EVENT_KINDS, responses

__all__ = ["structure_of", "structure_table"]

LAGS = (1, 2, 5, 10, 20, 50, 100, 200)
N_PROPAGATOR = 30
SHOWN_PROPAGATOR = (1, 2, 5, 10, 20, 30)
WINDOW_S = 10.0
KINDS = {
    "MO0": "market order that leaves the midpoint",
    "MO1": "market order that moves it",
    "LO0": "limit order at the best",
    "LO1": "limit order inside the spread",
    "CA0": "cancel at the best that leaves the midpoint",
    "CA1": "cancel that empties the best",
}
_REGRESSION = ("alpha", "beta", "alpha_error", "beta_error", "r_squared", "n", "lags")


def structure_of(rows: np.ndarray[Any, Any], symbol: int = 0) -> dict[str, list[float]]:
    """Return the statistics of one run as lists, which `structure_table` averages over runs."""
    flow = flow_of_tape(rows, symbol)
    found, _ = responses(flow, LAGS)
    response, correlation = sign_statistics(flow, N_PROPAGATOR)
    return {
        "structure.responses": found.ravel().tolist(),
        "structure.sign_response": response.tolist(),
        "structure.sign_correlation": correlation.tolist(),
        "structure.imbalance": [float(x) for x in astuple(imbalance_regression(flow, WINDOW_S))],
        "structure.trades": [float(x) for x in astuple(trade_regression(flow, WINDOW_S))],
    }


def structure_table(runs: pl.DataFrame, confidence: float = 0.95) -> pl.DataFrame:
    """Return means over the control runs that have them, with BCa intervals over runs.

    Columns: statistic, lag, value, low, high, unit, n_runs, meaning.
    """
    rows: list[dict[str, Any]] = []

    def add(names: list[tuple[str, int | None, str, str]], columns: Floats, function: Any = None) -> None:
        known = columns[np.isfinite(columns).all(axis=1)]
        if len(known) < 3:
            return
        with np.errstate(all="ignore"):
            found = bootstrap(known, function or (lambda means: means), confidence=confidence)
        for k, (statistic, lag, unit, meaning) in enumerate(names):
            rows.append(
                {
                    "statistic": statistic, "lag": lag, "value": found[k].value, "low": found[k].low,
                    "high": found[k].high, "unit": unit, "n_runs": len(known), "meaning": meaning,
                }
            )  # fmt: skip

    columns = _columns(runs)
    if columns:
        for which, kind in enumerate(EVENT_KINDS):
            for j, lag in enumerate(LAGS):
                # Kind by kind and lag by lag: a run too short for one lag still counts for the others.
                name = f"response {kind}"
                add([(name, lag, "ticks", KINDS[kind])], columns["responses"][:, [which * len(LAGS) + j]])
        for key, words in (("imbalance", "order-flow imbalance"), ("trades", "signed volume of trades")):
            of_trades = " (Kyle's lambda)" if key == "trades" else ""
            beta, error, fit = (columns[key][:, [_REGRESSION.index(n)]] for n in ("beta", "beta_error", "r_squared"))
            line = f"price change on {words}, windows of {WINDOW_S:g} s"
            add([(f"{key} slope", None, "ticks per lot", line + of_trades)], beta)
            add([(f"{key} slope error", None, "ticks per lot", "its Newey-West error in one run")], error)
            add([(f"{key} R2", None, "", "share explained")], fit)
        both = np.hstack([columns["sign_response"], columns["sign_correlation"]])
        kernel_names = [
            ("propagator G", lag, "ticks", "impact of one market order, lag in market orders")
            for lag in SHOWN_PROPAGATOR
        ]
        decay = ("propagator decay", None, "", "beta of G ~ lag^-beta from lag 3 on")
        add([*kernel_names, decay], both, _each(_kernel))
        add([("sign correlation", 1, "", "of successive market orders")], columns["sign_correlation"][:, [1]])
    schema = {"statistic": pl.String, "lag": pl.Int64, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
              "unit": pl.String, "n_runs": pl.Int64, "meaning": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col("value", "low", "high").fill_nan(None))


def _columns(runs: pl.DataFrame) -> dict[str, Floats]:
    names = [name for name in runs.columns if name.startswith("structure.")]
    if not names:
        return {}
    chosen = runs.filter(pl.col(names[0]).is_not_null()).sort("pair")
    return {name.partition(".")[2]: np.array(chosen[name].to_list(), np.float64) for name in names}


def _kernel(means: Floats) -> Floats:
    """Return the shown values of the propagator and its decay from mean responses and correlations."""
    kernel = propagator(means[:N_PROPAGATOR], means[N_PROPAGATOR:])
    return np.array([*[kernel[lag - 1] for lag in SHOWN_PROPAGATOR], decay_exponent(kernel)])


def _each(function: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """Return a function of one vector of means as one of many, shape (n, columns) to (n, estimates)."""
    return lambda means: np.array([function(row) for row in means])
