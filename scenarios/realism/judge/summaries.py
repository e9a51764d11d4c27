"""Windows of consecutive events as rows of named summaries: levels, spreads, memories, transitions, moves."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from scenarios.realism.judge.channels import CHANNELS, KINDS, Channels

__all__ = ["SUMMARIES", "summaries"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
SPREAD_OF = (
    "log_gap", "depth", "log_size", "log_age of withdrawn", "depth of submission", "depth of withdrawal",
    "executions of market order", "log_spread", "log_touch", "log_depth", "imbalance", "gap", "move",
)  # fmt: skip
MEMORY_OF = ("log_gap", "buy side", "log_size", "usual size", "submission", "log_spread", "log_touch", "imbalance")
LAGS = (1, 5)
LETTERS = "SPDX"
SUMMARIES = (
    *(f"mean {name}" for name in CHANNELS),
    *(f"deviation of {name}" for name in SPREAD_OF),
    *(f"autocorrelation {lag} of {name}" for lag in LAGS for name in MEMORY_OF),
    *(f"share of {a} then {b}" for a in LETTERS for b in LETTERS),
    "log duration", "size of net move", "range", "net move over path", "sizes that differ",
)  # fmt: skip
"""S a submission, P a partial cancel, D a withdrawal, X an execution."""


def _cut(column: Any, starts: Any, length: int) -> Any:
    return column[starts[:, None] + np.arange(length)]


def _memory(rows: Floats, lag: int) -> Floats:
    rows = np.nan_to_num(rows - np.nanmean(rows, axis=1, keepdims=True))
    power = (rows**2).sum(axis=1)
    return np.where(power > 1e-12, (rows[:, lag:] * rows[:, :-lag]).sum(axis=1) / np.maximum(power, 1e-12), 0.0)


def summaries(flow: Channels, starts: np.ndarray[Any, np.dtype[np.int64]], length: int) -> Floats:
    """Return one row of SUMMARIES for each window, shape (windows, summaries), nan where nothing can be said.

    Args:
        flow: channels.
        starts: first event of each window.
        length: events of a window.
    """
    at = {name: k for k, name in enumerate(CHANNELS)}
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is nan, as it should be
        cut = {name: _cut(flow.table[:, at[name]], starts, length) for name in CHANNELS}
        found += [np.nanmean(cut[name], axis=1) for name in CHANNELS]
        found += [np.nanstd(cut[name], axis=1) for name in SPREAD_OF]
        found += [_memory(cut[name], lag) for lag in LAGS for name in MEMORY_OF]
    n = len(KINDS)
    pairs = _cut(flow.kind[:-1] * n + flow.kind[1:], starts, length - 1)
    found += [(pairs == k).mean(axis=1) for k in range(n * n)]
    mid, time_s = _cut(flow.mid, starts, length), _cut(flow.time_ns, starts, length) / 1e9
    net, path = np.abs(mid[:, -1] - mid[:, 0]), np.abs(np.diff(mid, axis=1)).sum(axis=1)
    sizes = np.sort(cut["log_size"], axis=1)
    found += [
        np.log10(np.maximum(time_s[:, -1] - time_s[:, 0], 1e-6)),
        net,
        np.nanmax(mid, axis=1) - np.nanmin(mid, axis=1),
        np.where(path > 0, net / np.maximum(path, 1e-12), 0.0),
        1.0 + (np.diff(sizes, axis=1) > 0).sum(axis=1),
    ]
    return np.stack(found, axis=1)
