"""Flows whose facts are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.units import HOUR_NS, SECOND_NS
from sim.metrics import FlowKind, OrderFlow

__all__ = ["of_mid", "of_trades"]

OPEN_NS = 10 * HOUR_NS


def of_mid(mid: Any, spread: Any = 2.0, lots: Any = 5, step_s: float = 1.0) -> OrderFlow:
    """A submission and its deletion in turn, one at each step, after which midpoint and spread are these."""
    mid = np.asarray(mid, np.float64)
    n = len(mid)
    spread, lots = np.broadcast_to(spread, n), np.broadcast_to(lots, n).astype(np.float64)
    bid, ask = mid - spread / 2, mid + spread / 2
    kind = np.where(np.arange(n) % 2 == 0, FlowKind.SUBMIT, FlowKind.DELETE).astype(np.int64)
    levels = np.stack([np.stack([ask + k, lots, bid - k, lots], axis=1) for k in range(3)], axis=1)
    return OrderFlow(
        (OPEN_NS + np.arange(n) * step_s * SECOND_NS).astype(np.int64), kind, np.ones(n, np.int64), bid,
        lots.astype(np.int64), np.arange(n) // 2 + 1, bid, ask, lots, lots, levels,
    )  # fmt: skip


def of_trades(sign: Any, lots: Any, mid: Any, step_s: float = 1.0) -> OrderFlow:
    """A market order at each step, after which the midpoint is this."""
    flow = of_mid(mid, lots=1, step_s=step_s)
    n = len(flow)
    return OrderFlow(
        flow.time_ns, np.full(n, FlowKind.EXECUTE, np.int64), -np.asarray(sign), flow.mid_ticks,
        np.asarray(lots, np.int64), np.arange(n) + 1, flow.bid_ticks, flow.ask_ticks, flow.bid_lots, flow.ask_lots,
    )  # fmt: skip
