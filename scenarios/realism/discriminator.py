"""Discriminator score: how well can a classifier tell windows of simulated flow from windows of real flow?

As in LOB-Bench (Nagy et al. 2025): the area under the ROC curve on windows that it has not seen; 0.5 is what nobody can
tell apart, 1 what is told every time. Folds are blocks of time, so that neighbours do not give a window away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scenarios.realism.windows import Scale, features, windows
from sim.metrics.flow import OrderFlow

__all__ = ["discriminator_auc"]

Floats = np.ndarray[Any, np.dtype[np.float32]]
LENGTH = 20
MOST = 2_500
N_FOLDS = 5


def _rows(flows: Sequence[OrderFlow], scale: Scale) -> tuple[Floats, Any]:
    """Return windows as rows (features of each event, then summaries) and a block of time for each."""
    rows, blocks = [], []
    for number, flow in enumerate(flows):
        table = features(flow, scale)
        starts = windows(len(flow), LENGTH, MOST // len(flows))
        cut = table[starts[:, None] + np.arange(LENGTH)]
        centred = cut - cut.mean(axis=1, keepdims=True)
        lag = (centred[:, 1:] * centred[:, :-1]).mean(axis=1)
        cross = np.einsum("ntf,ntg->nfg", cut[:, 1:, :5], cut[:, :-1, :5]).reshape(len(cut), -1) / LENGTH
        rows.append(np.concatenate([cut.reshape(len(cut), -1), cut.mean(axis=1), cut.std(axis=1), lag, cross], axis=1))
        blocks.append(np.arange(len(starts)) * 4 * N_FOLDS // max(len(starts), 1) + number)
    return np.concatenate(rows), np.concatenate(blocks)


def discriminator_auc(one: Sequence[OrderFlow], other: Sequence[OrderFlow], scale: Scale, seed: int = 0) -> float:
    """Return the area under the ROC curve, out of sample, of gradient-boosted trees.

    Args:
        one: flows of the first kind.
        other: flows of the second kind.
        scale: units, of the real flow.
        seed: of the classifier.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    (x, block_x), (y, block_y) = _rows(one, scale), _rows(other, scale)
    n = min(len(x), len(y))
    if n < 10 * N_FOLDS:
        return float("nan")
    keep = [np.linspace(0, len(rows) - 1, n).astype(int) for rows in (x, y)]
    table = np.concatenate([x[keep[0]], y[keep[1]]])
    label = np.repeat([0, 1], n)
    fold = np.concatenate([block_x[keep[0]], block_y[keep[1]]]) % N_FOLDS
    scores = np.zeros(2 * n)
    for k in range(N_FOLDS):
        model = HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=15, learning_rate=0.1, random_state=seed)
        model.fit(table[fold != k], label[fold != k])
        scores[fold == k] = model.predict_proba(table[fold == k])[:, 1]
    return float(roc_auc_score(label, scores))
