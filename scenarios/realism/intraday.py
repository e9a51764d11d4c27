"""Patterns through the day: activity, spread and volatility by half hour, each relative to its own mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.moments import grid_returns

__all__ = ["intraday_profile"]

BIN_NS = 1800 * SECOND_NS
LEAST = 50


def _one(flow: OrderFlow) -> dict[int, tuple[float, float, float, float]]:
    """Events, median spread, volatility of 10 s returns and volume of each half hour of the clock."""
    found = {}
    for k in range(int(flow.time_ns[0] // BIN_NS), int(flow.time_ns[-1] // BIN_NS) + 1):
        part = flow.window(k * BIN_NS, (k + 1) * BIN_NS)
        if len(part) < LEAST:
            continue
        spread = part.ask_ticks - part.bid_ticks
        returns = grid_returns(part, 10.0)
        volume = part.size_lots[part.kind == FlowKind.EXECUTE].sum()
        found[k] = (float(len(part)), float(np.nanmedian(spread)), float(returns.std() * 1e4), float(volume))
    return found


def intraday_profile(simulated: Sequence[OrderFlow], real: OrderFlow) -> pl.DataFrame:
    """Return measures by half hour: time (HH:MM), measure, simulated, real; null where one has no such half hour."""
    mine, theirs = [_one(flow) for flow in simulated], _one(real)
    rows = []
    for k in sorted({key for one in mine for key in one} | set(theirs)):
        for j, measure in enumerate(("events", "spread_ticks", "volatility_bps_10s", "volume_lots")):
            values = [one[k][j] for one in mine if k in one]
            rows.append(
                {
                    "time": f"{k // 2:02d}:{k % 2 * 30:02d}",
                    "measure": measure,
                    "simulated": float(np.mean(values)) if values else None,
                    "real": theirs[k][j] if k in theirs else None,
                }
            )
    return pl.DataFrame(rows, schema={"time": pl.String, "measure": pl.String, "simulated": pl.Float64,
                                      "real": pl.Float64})  # fmt: skip
