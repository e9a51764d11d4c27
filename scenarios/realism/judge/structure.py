"""Structure that distributions do not show: sizes as people send them, replacements, lives, and moves over a minute."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from lob.units import SECOND_NS
from scenarios.realism.judge.channels import CHANNELS, Channels, channels
from scenarios.realism.windows import Scale
from sim.metrics.flow import OrderFlow

__all__ = ["STRUCTURE", "moves_ticks", "structure_table"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
BLOCK_NS = 1200 * SECOND_NS
STRUCTURE = {
    "usual_size": "submissions of the usual size",
    "same_size_replacement": "submissions within 5 events of a withdrawal that have its size and side",
    "same_price_replacement": "and its price too",
    "log_size_acf_1": "autocorrelation of log size of submissions, lag 1",
    "log_size_acf_20": "lag 20",
    "partial_cancels": "partial cancels, share of events",
    "partial_round": "partial cancels that take the usual size or a multiple",
    "at_once": "gaps of at most 1 us",
    "executions_per_order": "executions of a market order",
    "life_p10_s": "life of withdrawn orders, 10% quantile [s]",
    "life_p50_s": "median [s]",
    "life_p90_s": "90% quantile [s]",
    "deviation_10s": "deviation of 10 s moves [median spreads]",
    "deviation_60s": "of 60 s moves [median spreads]",
    "variance_ratio": "variance ratio of 60 s over 10 s moves",
}
"""Names and labels of the rows."""


def moves_ticks(flow: OrderFlow, seconds: int) -> Floats:
    """Return the midpoint's moves over successive stretches of so many seconds."""
    known = np.isfinite(flow.mid_ticks)
    times, mids = flow.time_ns[known], flow.mid_ticks[known]
    if len(times) < 2:
        return np.zeros(0)
    grid = np.arange(times[0], times[-1] + 1, seconds * SECOND_NS)
    return np.diff(mids[np.searchsorted(times, grid, side="right") - 1])


def _autocorrelation(x: Floats, lag: int) -> float:
    x = x - x.mean() if len(x) else x
    power = float(x @ x)
    return float(x[lag:] @ x[:-lag]) / power if len(x) > lag and power > 0 else float("nan")


def _one(flow: OrderFlow, seen: Channels, usual: int, scale: Scale) -> dict[str, float]:
    def column(name: str) -> Floats:
        values = seen.table[:, CHANNELS.index(name)]
        return np.asarray(values[np.isfinite(values)])

    def mean(name: str) -> float:
        values = column(name)
        return float(values.mean()) if len(values) else float("nan")

    sizes, ages = column("submission's log_size"), 10.0 ** column("log_age of withdrawn")
    cuts = 10.0 ** column("partial cancel's log_size")
    lives = np.quantile(ages, [0.1, 0.5, 0.9]) if len(ages) else np.full(3, np.nan)
    short, long = (moves_ticks(flow, s) / scale.spread_ticks for s in (10, 60))
    return {
        "usual_size": mean("submission of the usual size"),
        "same_size_replacement": mean("replacement"),
        "same_price_replacement": mean("replacement at the same price"),
        "log_size_acf_1": _autocorrelation(sizes, 1),
        "log_size_acf_20": _autocorrelation(sizes, 20),
        "partial_cancels": mean("partial cancel"),
        "partial_round": float((np.round(cuts) % usual == 0).mean()) if len(cuts) else float("nan"),
        "at_once": mean("at_once"),
        "executions_per_order": mean("executions of market order"),
        "life_p10_s": float(lives[0]), "life_p50_s": float(lives[1]), "life_p90_s": float(lives[2]),
        "deviation_10s": float(short.std()) if len(short) else float("nan"),
        "deviation_60s": float(long.std()) if len(long) else float("nan"),
        "variance_ratio": float(long.var() / (6 * short.var())) if len(short) > 1 and short.var() > 0 else float("nan"),
    }  # fmt: skip


def structure_table(simulated: Sequence[OrderFlow], real: OrderFlow, scale: Scale, usual: int) -> pl.DataFrame:
    """Return name, label, simulated (mean over flows), real, and the real value's 95% interval (low, high).

    The interval is the value plus and minus 1.96 standard errors, from the spread over blocks of twenty minutes.
    """
    each = [_one(flow, channels(flow, scale, usual), usual, scale) for flow in simulated]
    seen = channels(real, scale, usual)
    theirs = _one(real, seen, usual, scale)
    edges = np.arange(real.time_ns[0], real.time_ns[-1] + BLOCK_NS, BLOCK_NS)
    blocks = []
    for a, b in pairwise(np.searchsorted(real.time_ns, edges).tolist()):
        if b - a > 200:
            part = slice(a, b)
            cut = Channels(seen.table[part], seen.kind[part], seen.mid[part], seen.time_ns[part])
            blocks.append(_one(real.take(part), cut, usual, scale))
    rows = []
    for name, label in STRUCTURE.items():
        parts = np.array([block[name] for block in blocks])
        parts = parts[np.isfinite(parts)]
        error = 1.96 * parts.std(ddof=1) / np.sqrt(len(parts)) if len(parts) > 1 else np.nan
        mine = [one[name] for one in each if np.isfinite(one[name])]
        value = float(np.mean(mine)) if mine else float("nan")
        rows.append({"name": name, "label": label, "simulated": value, "real": theirs[name],
                     "low": theirs[name] - float(error), "high": theirs[name] + float(error)})  # fmt: skip
    return pl.DataFrame(rows)
