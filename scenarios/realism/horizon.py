"""Error against horizon: does a simulated flow drift away from the real one as it goes on?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from scenarios.realism.distributions import samples_of
from scenarios.realism.reference import Reference, Samples
from sim.metrics.distances import total_variation
from sim.metrics.flow import OrderFlow
from sim.metrics.scores import LOB_BENCH

__all__ = ["error_by_horizon"]

N_PARTS = 8


def _mean(one: Samples, other: Samples) -> float:
    return float(np.nanmean([total_variation(one[name], other[name]) for name in LOB_BENCH]))


def error_by_horizon(flows: Sequence[OrderFlow], theirs: Samples, reference: Reference) -> pl.DataFrame:
    """Return the mean distance of successive parts of a simulated flow to the whole real one.

    Columns: part (from 1), until_s (seconds since the start, mean over the flows), l1 (mean over the LOB-Bench scores
    and the flows), l1_real (the same of parts of the real flow with as many events, mean and so a floor).
    """
    n = min(len(flow) for flow in flows) // N_PARTS
    real = reference.flow
    floors = [
        _mean(samples_of([real.take(slice(at, at + n))]), theirs)
        for at in np.linspace(0, max(len(real) - n, 0), N_PARTS).astype(int)
    ]

    def seconds(piece: OrderFlow, flow: OrderFlow) -> float:
        return float(piece.time_ns[-1] - flow.time_ns[0]) / 1e9

    rows = []
    for part in range(N_PARTS):
        pieces = [flow.take(slice(part * n, (part + 1) * n)) for flow in flows]
        rows.append(
            {
                "part": part + 1,
                "until_s": float(np.mean([seconds(p, f) for p, f in zip(pieces, flows, strict=True)])),
                "l1": float(np.mean([_mean(samples_of([piece]), theirs) for piece in pieces])),
                "l1_real": float(np.mean(floors)),
            }
        )  # fmt: skip
    return pl.DataFrame(rows)
