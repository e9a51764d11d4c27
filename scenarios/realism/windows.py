"""Windows of consecutive events as numbers that a classifier or a network can read, the same for every stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.moments import LEAST_DT_S

__all__ = ["FEATURES", "Scale", "features", "windows"]

Floats = np.ndarray[Any, np.dtype[np.float32]]
FEATURES = ("log_dt", "submit", "cancel", "execute", "side", "depth", "log_size", "spread", "imbalance", "move")


@dataclass(frozen=True)
class Scale:
    """Units of a real flow, by which a simulated one is measured too.

    Attributes:
        spread_ticks: median spread.
        size_lots: median size of submissions.
    """

    spread_ticks: float
    size_lots: float

    @staticmethod
    def of(flow: OrderFlow) -> Scale:
        """Return the scale of a flow."""
        spread = flow.ask_ticks - flow.bid_ticks
        sizes = flow.size_lots[flow.kind == FlowKind.SUBMIT]
        return Scale(float(np.median(spread[np.isfinite(spread)])), float(np.median(sizes)) if len(sizes) else 1.0)


def features(flow: OrderFlow, scale: Scale) -> Floats:
    """Return FEATURES of every event, shape (n, 10), float32; depth counts from the best before the event."""
    n = len(flow)
    bid, ask, mid = flow.bid_ticks, flow.ask_ticks, flow.mid_ticks
    before = np.maximum(np.arange(n) - 1, 0)
    depth = np.where(flow.side > 0, bid[before] - flow.price_ticks, flow.price_ticks - ask[before])
    dt = np.diff(flow.time_ns, prepend=flow.time_ns[:1]) / 1e9
    with np.errstate(all="ignore"):
        imbalance = (flow.bid_lots - flow.ask_lots) / (flow.bid_lots + flow.ask_lots)
    cancel = (flow.kind == FlowKind.DELETE) | (flow.kind == FlowKind.PARTIAL_CANCEL)
    columns = [
        np.log10(np.maximum(dt, LEAST_DT_S)) / 3 + 1,
        flow.kind == FlowKind.SUBMIT,
        cancel,
        flow.kind == FlowKind.EXECUTE,
        flow.side,
        np.clip(depth / scale.spread_ticks, -2, 4),
        np.log10(np.maximum(flow.size_lots, 1) / scale.size_lots),
        np.clip((ask - bid) / scale.spread_ticks, 0, 6),
        imbalance,
        np.clip((mid - mid[before]) / scale.spread_ticks, -3, 3),
    ]
    return np.nan_to_num(np.stack(columns, axis=1)).astype(np.float32)


def windows(
    n_events: int, length: int, most: int, ahead: int = 0, stride: int = 0
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the first events of at most `most` windows, evenly spread, at least `stride` apart (0: disjoint)."""
    room = n_events - length - ahead
    if room < 0:
        return np.zeros(0, np.int64)
    n = max(min(most, room // (stride or length) + 1), 1)
    return np.unique(np.linspace(0, room, n).astype(np.int64))
