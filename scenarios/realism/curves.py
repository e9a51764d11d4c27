"""Impact curves: the response of the midpoint to six kinds of events at the best, simulated beside real."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from scenarios.realism.reference import Reference
from scenarios.realism.verdict import ratio_of, verdict
from sim.metrics.flow import OrderFlow
from sim.metrics.response import EVENT_KINDS, responses

__all__ = ["response_curves"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
LAGS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
NAMES = {
    "MO0": "market orders that leave the midpoint", "MO1": "market orders that move it",
    "LO0": "limit orders that leave the midpoint", "LO1": "limit orders that move it",
    "CA0": "cancels that leave the midpoint", "CA1": "cancels that move it",
}  # fmt: skip


def _spreads(flow: OrderFlow) -> Floats:
    """Responses in units of the flow's median spread, shape (6, n_lags)."""
    spread = flow.ask_ticks - flow.bid_ticks
    return responses(flow, LAGS)[0] / float(np.median(spread[np.isfinite(spread)]))


def response_curves(flows: Sequence[OrderFlow], reference: Reference) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Return the curves (kind, lag, simulated, real, in median spreads) and a row of the scorecard for each kind.

    The distance of a kind is the mean over lags of the absolute difference, its floor the same between two real flows.
    """
    with np.errstate(all="ignore"):
        mine = np.nanmean([_spreads(flow) for flow in flows], axis=0)
        theirs = _spreads(reference.flow)
        one, other = (_spreads(flow) for flow in reference.two())
    curves = [
        {"kind": kind, "lag": lag, "simulated": float(mine[k, j]), "real": float(theirs[k, j])}
        for k, kind in enumerate(EVENT_KINDS)
        for j, lag in enumerate(LAGS)
    ]
    rows = []
    for k, kind in enumerate(EVENT_KINDS):
        known = np.isfinite(mine[k]) & np.isfinite(theirs[k])
        distance = float(np.abs(mine[k] - theirs[k])[known].mean()) if known.any() else float("nan")
        floor = float(np.nanmean(np.abs(one[k] - other[k]))) if np.isfinite(one[k] - other[k]).any() else float("nan")
        ratio = ratio_of(distance, floor)
        rows.append(
            {
                "group": "impact", "name": f"response_{kind}", "label": f"response to {NAMES[kind]} [spreads]",
                "l1": distance, "w1": float("nan"), "floor": floor, "floor_blocks": float("nan"), "ratio": ratio,
                "verdict": verdict(ratio), "n": sum(len(flow) for flow in flows),
            }
        )  # fmt: skip
    return pl.DataFrame(curves), rows
