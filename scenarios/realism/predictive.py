"""Predictive score: train a small recurrent network on simulated flow, test it on real flow.

As in TRADES (Berti, Prenkaj, Velardi 2025): if simulated flow is like real flow, a model of the next moves of the
midpoint that learned from it errs no more on real flow than one that learned from real flow. The error is the mean
absolute one, in median spreads of the real flow, of the move over the next 20 events, on a part of the real flow that
neither has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenarios.realism.windows import FEATURES, Scale, features, windows
from sim.metrics.flow import OrderFlow

__all__ = ["Predictive", "predictive_score"]

Floats = np.ndarray[Any, np.dtype[np.float32]]
LENGTH, AHEAD, STRIDE, MOST = 64, 20, 8, 6_000
HIDDEN, EPOCHS, BATCH = 32, 6, 128
SEEDS = (0, 1)


@dataclass(frozen=True)
class Predictive:
    """Mean absolute errors on real flow, in median spreads.

    Attributes:
        simulated: of a network trained on the simulated flow.
        real: of one trained on other real flow.
        nothing: of always predicting the mean move, zero knowledge.
        skill_simulated: share of the squared error of knowing nothing that the first saves.
        skill_real: the same of the second.
    """

    simulated: float
    real: float
    nothing: float
    skill_simulated: float
    skill_real: float


def _set(flows: Sequence[OrderFlow], scale: Scale) -> tuple[Floats, Floats]:
    """Windows (n, length, features) and the move of the midpoint after each, in spreads."""
    inputs, moves = [], []
    for flow in flows:
        table, mid = features(flow, scale), flow.mid_ticks
        starts = windows(len(flow), LENGTH, MOST // len(flows), AHEAD, STRIDE)
        last = starts + LENGTH - 1
        move = np.clip((mid[last + AHEAD] - mid[last]) / scale.spread_ticks, -5, 5)
        known = np.isfinite(move)
        inputs.append(table[starts[known, None] + np.arange(LENGTH)])
        moves.append(move[known].astype(np.float32))
    return np.concatenate(inputs), np.concatenate(moves)


def _fit(x: Floats, y: Floats, test: Floats, seed: int) -> Floats:
    """Train a GRU on windows and return its predictions for others. Uses one thread: results do not depend on cores."""
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    try:
        cell = torch.nn.GRU(len(FEATURES), HIDDEN, batch_first=True)
        head = torch.nn.Linear(HIDDEN, 1)
        optimiser = torch.optim.Adam([*cell.parameters(), *head.parameters()], lr=3e-3)
        inputs, target = torch.from_numpy(x), torch.from_numpy(y)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(target)).split(BATCH):  # type: ignore[no-untyped-call]
                hidden = cell(inputs[batch])[1][0]
                loss = torch.nn.functional.smooth_l1_loss(head(hidden)[:, 0], target[batch])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        with torch.no_grad():
            return np.asarray(head(cell(torch.from_numpy(test))[1][0])[:, 0].numpy())
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)


def predictive_score(simulated: Sequence[OrderFlow], train: OrderFlow, test: OrderFlow, scale: Scale) -> Predictive:
    """Return the errors on `test` of networks trained on simulated and on real flow.

    Args:
        simulated: the flows to be judged.
        train: real flow of another time than `test`.
        test: real flow.
        scale: units, of the real flow.
    """
    x, y = _set([test], scale)
    squares = float((y**2).mean())
    errors, saved = [], []
    for flows in (simulated, [train]):
        inputs, moves = _set(flows, scale)
        guess = np.mean([_fit(inputs, moves, x, seed) for seed in SEEDS], axis=0)
        errors.append(float(np.abs(guess - y).mean()))
        saved.append(1 - float(((guess - y) ** 2).mean()) / squares)
    return Predictive(errors[0], errors[1], float(np.abs(y - np.median(y)).mean()), saved[0], saved[1])
