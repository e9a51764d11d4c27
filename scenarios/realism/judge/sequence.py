"""The judge's network: two small convolutions over the events of a window, told nothing about what to look for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from scenarios.realism.judge.channels import CHANNELS, Channels
from scenarios.realism.judge.trees import Clock, Windows
from scenarios.realism.windows import windows

__all__ = ["network_scores", "raw_windows_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
WIDTH, EPOCHS, BATCH, MOST = 24, 14, 64, 1_200


def raw_windows_of(flows: Sequence[Channels], length: int, clock: Clock) -> Windows:
    """Return windows of flows with all channels of every event, rows of shape (n, length * channels)."""
    rows, blocks = [], []
    for flow in flows:
        starts = windows(len(flow.time_ns), length, MOST)
        rows.append(flow.table[starts[:, None] + np.arange(length)].reshape(len(starts), -1))
        blocks.append(clock.block(flow.time_ns[starts + length // 2]))
    return Windows(np.concatenate(rows), np.concatenate(blocks))


def network_scores(table: Floats, label: Ints, fold: Ints, seed: int) -> Floats:
    """Return a score of each row by a network that has not seen its fold; rows as `raw_windows_of` makes them."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    n = len(CHANNELS)
    x = table.reshape(len(table), -1, n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a channel may have no value at all
        mean, spread = np.nanmean(x, axis=(0, 1)), np.nanstd(x, axis=(0, 1))
    x = np.nan_to_num((x - mean) / np.maximum(spread, 1e-6)).clip(-5, 5)
    inputs = torch.from_numpy(x).float().transpose(1, 2)
    labels = torch.from_numpy(label).float()
    scores = np.full(len(label), np.nan)
    for k in np.unique(fold):
        learn = np.flatnonzero(fold != k)
        if len(np.unique(label[learn])) < 2:
            continue
        weight = (label[learn] == 0).sum() / max((label[learn] == 1).sum(), 1)
        model = nn.Sequential(
            nn.Conv1d(n, WIDTH, 5), nn.ReLU(), nn.Conv1d(WIDTH, WIDTH, 5, dilation=2), nn.ReLU(),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(WIDTH, 1),
        )  # fmt: skip
        optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-2)
        loss_of = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(float(weight)))
        rng = torch.Generator().manual_seed(seed)
        for _ in range(EPOCHS):
            order = torch.from_numpy(learn)[torch.randperm(len(learn), generator=rng)]
            for batch in torch.split(order, BATCH):
                optimiser.zero_grad()
                loss_of(model(inputs[batch])[:, 0], labels[batch]).backward()
                optimiser.step()
        model.eval()
        with torch.no_grad():
            judged = np.flatnonzero(fold == k)
            scores[judged] = model(inputs[judged])[:, 0].numpy()
    return scores
