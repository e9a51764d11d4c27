"""Structure that distributions do not show: sizes as people send them, replacements, lives, returns over a minute."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from lob.units import SECOND_NS
from scenarios.realism.judge.channels import CHANNELS, Channels
from sim.metrics.flow import OrderFlow
from sim.metrics.moments import autocorrelation, grid_returns

__all__ = ["STRUCTURE", "structure_table"]

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
    "deviation_10s": "deviation of 10 s returns [bp]",
    "deviation_60s": "of 60 s returns [bp]",
    "variance_ratio": "variance ratio of 60 s over 10 s returns",
}
"""Names and labels of the rows."""


def _one(flow: OrderFlow, seen: Channels, usual: int) -> dict[str, float]:
    def column(name: str) -> Floats:
        values = seen.table[:, CHANNELS.index(name)]
        return np.asarray(values[np.isfinite(values)])

    def mean(name: str) -> float:
        values = column(name)
        return float(values.mean()) if len(values) else float("nan")

    sizes, ages = column("submission's log_size"), 10.0 ** column("log_age of withdrawn")
    cuts = 10.0 ** column("partial cancel's log_size")
    lives = np.quantile(ages, [0.1, 0.5, 0.9]) if len(ages) else np.full(3, np.nan)
    short, long = (1e4 * grid_returns(flow, s) for s in (10, 60))
    return {
        "usual_size": mean("submission of the usual size"),
        "same_size_replacement": mean("replacement"),
        "same_price_replacement": mean("replacement at the same price"),
        "log_size_acf_1": autocorrelation(sizes, 1),
        "log_size_acf_20": autocorrelation(sizes, 20),
        "partial_cancels": mean("partial cancel"),
        "partial_round": float((np.round(cuts) % usual == 0).mean()) if len(cuts) else float("nan"),
        "at_once": mean("at_once"),
        "executions_per_order": mean("executions of market order"),
        "life_p10_s": float(lives[0]), "life_p50_s": float(lives[1]), "life_p90_s": float(lives[2]),
        "deviation_10s": float(short.std()) if len(short) else float("nan"),
        "deviation_60s": float(long.std()) if len(long) else float("nan"),
        "variance_ratio": float(long.var() / (6 * short.var())) if len(short) > 1 and short.var() > 0 else float("nan"),
    }  # fmt: skip


def structure_table(
    simulated: Sequence[OrderFlow], mine: Sequence[Channels], real: OrderFlow, theirs: Channels, usual: int
) -> pl.DataFrame:
    """Return name, label, simulated (mean over flows), real, and the real value's 95% interval (low, high).

    The interval is the value plus and minus 1.96 standard errors, from the spread over blocks of twenty minutes.

    Args:
        simulated: flows to be judged.
        mine: their channels.
        real: what they should look like.
        theirs: its channels.
        usual: its most frequent size [lots].
    """
    each = [_one(flow, seen, usual) for flow, seen in zip(simulated, mine, strict=True)]
    whole = _one(real, theirs, usual)
    edges = np.arange(real.time_ns[0], real.time_ns[-1] + BLOCK_NS, BLOCK_NS)
    blocks = []
    for a, b in pairwise(np.searchsorted(real.time_ns, edges).tolist()):
        if b - a > 200:
            part = slice(a, b)
            cut = Channels(theirs.table[part], theirs.kind[part], theirs.mid[part], theirs.time_ns[part])
            blocks.append(_one(real.take(part), cut, usual))
    rows = []
    for name, label in STRUCTURE.items():
        parts = np.array([block[name] for block in blocks])
        parts = parts[np.isfinite(parts)]
        error = 1.96 * parts.std(ddof=1) / np.sqrt(len(parts)) if len(parts) > 1 else np.nan
        found = [one[name] for one in each if np.isfinite(one[name])]
        value = float(np.mean(found)) if found else float("nan")
        rows.append({"name": name, "label": label, "simulated": value, "real": whole[name],
                     "low": whole[name] - float(error), "high": whole[name] + float(error)})  # fmt: skip
    return pl.DataFrame(rows)
