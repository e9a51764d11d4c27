"""Signature plot: realised volatility against the interval at which prices are sampled.

Andersen, Bollerslev, Diebold and Labys 2000 (Risk, "Great realizations"): flat for a price without memory; higher at
short intervals if moves revert (bid-ask bounce), lower if they go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lob.units import MINUTE_NS, SECOND_NS
from sim.metrics.flow import OrderFlow

__all__ = ["signature_bps"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
LEAST = 10
"""Intervals that must fit into the flow."""


def signature_bps(flow: OrderFlow, intervals_s: Sequence[float], step_s: float = 0.1) -> Floats:
    """Return the realised volatility in bp a minute at each interval, shape (n,); nan where too few intervals fit.

    Log midpoints, last value; all intervals that begin on a grid of `step_s` count, overlapping ones too.

    Args:
        flow: events of one day.
        intervals_s: multiples of the step.
        step_s: of the grid.
    """
    found = np.full(len(intervals_s), np.nan)
    known = np.isfinite(flow.mid_ticks) & (flow.mid_ticks > 0)
    if not known.any():
        return found
    times, logs = flow.time_ns[known], np.log(flow.mid_ticks[known])
    step = round(step_s * SECOND_NS)
    grid = logs[np.searchsorted(times, np.arange(times[0], times[-1] + 1, step), side="right") - 1]
    for k, interval in enumerate(intervals_s):
        lag = round(interval * SECOND_NS / step)
        if lag >= 1 and len(grid) > LEAST * lag:
            moves = grid[lag:] - grid[:-lag]
            found[k] = 1e4 * np.sqrt((moves @ moves) / len(moves) * MINUTE_NS / (lag * step))
    return found
