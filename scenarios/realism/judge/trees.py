"""The judge's trees: the area under the ROC curve on windows they have not seen, its interval, and what gave it away.

Windows of both flows are told by blocks of time; a block is either learned from or judged, so that neighbours do not
give a window away, and a window is compared with windows of the same pair of blocks only: the area says how often the
simulated one of two has the higher score. Intervals are those of a bootstrap over pairs of blocks. The floor is the
same question for real flow against real flow: odd against even blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from scenarios.realism.judge.channels import Channels
from scenarios.realism.judge.summaries import SUMMARIES, summaries
from scenarios.realism.windows import windows

__all__ = ["Clock", "Giveaway", "Verdict", "Windows", "auc_of", "giveaways", "told_apart", "tree_scores", "windows_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
LONGEST_BLOCK_NS, LEAST_BLOCKS = 1200 * SECOND_NS, 12
N_FOLDS, N_BOOTSTRAP = 4, 400
MOST = 2_500
"""Windows of a flow that are looked at."""
Scorer = Callable[[Floats, Ints, Ints, int], Floats]


@dataclass(frozen=True)
class Windows:
    """Windows of some flows: rows of SUMMARIES, shape (n, summaries), and the block of time of each, shape (n,)."""

    rows: Floats
    block: Ints

    def take(self, mask: Any) -> Windows:
        """Return the windows that a mask selects."""
        return Windows(self.rows[mask], self.block[mask])


@dataclass(frozen=True)
class Verdict:
    """Area under the ROC curve with a 95% interval; `n` windows of each flow at least."""

    auc: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Giveaway:
    """A summary by which two flows differ: its area alone (.5 to 1), and its means."""

    name: str
    auc: float
    simulated: float
    real: float


@dataclass(frozen=True)
class Clock:
    """Which block of time a moment belongs to.

    Attributes:
        start_ns: when the first begins.
        block_ns: length of each: twenty minutes, or a twelfth of a shorter flow.
    """

    start_ns: int
    block_ns: int

    @staticmethod
    def of(time_ns: Ints) -> Clock:
        """Return the clock of a real flow, of whose events these are the times."""
        span = int(time_ns[-1] - time_ns[0]) + 1
        return Clock(int(time_ns[0]), max(min(LONGEST_BLOCK_NS, -(-span // LEAST_BLOCKS)), 1))

    def block(self, time_ns: Ints) -> Ints:
        """Return the block of each moment."""
        return (time_ns - self.start_ns) // self.block_ns


def windows_of(flows: Sequence[Channels], length: int, clock: Clock) -> Windows:
    """Return disjoint windows of flows as rows of summaries, at most MOST of each."""
    rows, blocks = [], []
    for flow in flows:
        starts = windows(len(flow.time_ns), length, MOST)
        rows.append(summaries(flow, starts, length))
        blocks.append(clock.block(flow.time_ns[starts + length // 2]))
    return Windows(np.concatenate(rows), np.concatenate(blocks))


def _fold(block: Ints) -> Ints:
    """Fold of each block: neighbours in different folds, and pairs of neighbours (odd and even) in one."""
    return block // 2 % N_FOLDS


def _balanced(label: Ints, rows: Ints) -> Ints:
    """Rows with as many of one label as of the other, evenly spread over the larger set (weights are slow in trees)."""
    sets = [rows[label[rows] == value] for value in (0, 1)]
    n = min(len(rows) for rows in sets)
    if n == 0:
        return rows[:0]
    return np.concatenate([one[np.linspace(0, len(one) - 1, n).astype(int)] for one in sets])


def tree_scores(table: Floats, label: Ints, fold: Ints, seed: int) -> Floats:
    """Return a score of each row by gradient-boosted trees that have not seen its fold; nan where that cannot be."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    scores = np.full(len(label), np.nan)
    for k in np.unique(fold):
        learn, judge = _balanced(label, np.flatnonzero(fold != k)), fold == k
        if len(learn) == 0:
            continue
        model = HistGradientBoostingClassifier(
            max_iter=100, max_leaf_nodes=15, min_samples_leaf=10, learning_rate=0.06, l2_regularization=1.0,
            random_state=seed,
        )  # fmt: skip
        known = np.isfinite(table[learn]).sum(axis=0) > 1  # trees cannot be given a column without values
        rows = table[:, known]
        with threadpool_limits(1):  # several threads on a busy machine wait for each other for minutes
            model.fit(rows[learn], label[learn])
            scores[judge] = model.decision_function(rows[judge])
    return scores


def auc_of(score: Floats, label: Ints) -> float:
    """Area under the ROC curve: how often a window of label 1 has the higher score, ties counting half."""
    from scipy.stats import rankdata

    good = np.isfinite(score)
    ones, zeros = int((label[good] == 1).sum()), int((label[good] == 0).sum())
    if ones == 0 or zeros == 0:
        return float("nan")
    ranks = rankdata(score[good])
    return float((ranks[label[good] == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def told_apart(one: Windows, other: Windows, seed: int = 0, score: Scorer | None = None) -> Verdict:
    """Return how well windows of two flows are told apart, out of sample and against windows of the same time.

    Args:
        one: windows of the first, label 1.
        other: of the second.
        seed: of the judge and of the bootstrap.
        score: the judge: from rows, labels, folds and seed to a score of each row, made without its fold; default:
            trees.
    """
    table = np.concatenate([one.rows, other.rows])
    label = np.repeat([1, 0], [len(one.rows), len(other.rows)])
    block = np.concatenate([one.block, other.block])
    scores = (score or tree_scores)(table, label, _fold(block), seed)
    areas, weights = _areas(scores, label, block)
    if len(areas) == 0:
        return Verdict(float("nan"), float("nan"), float("nan"), 0)
    generator = np.random.default_rng(seed)
    chosen = generator.integers(len(areas), size=(N_BOOTSTRAP, len(areas)))
    means = (areas * weights)[chosen].sum(axis=1) / weights[chosen].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Verdict(float(np.average(areas, weights=weights)), float(low), float(high),
                   min(len(one.rows), len(other.rows)))  # fmt: skip


def _areas(score: Floats, label: Ints, block: Ints) -> tuple[Floats, Floats]:
    """Area of each pair of neighbouring blocks that holds both labels, and how many windows it rests on.

    Scores of different folds come from different judges, so they are not compared with each other.
    """
    pair = block // 2
    areas, weights = [], []
    for k in np.unique(pair):
        inside = pair == k
        area = auc_of(score[inside], label[inside])
        if np.isfinite(area):
            areas.append(area)
            weights.append(min((label[inside] == 1).sum(), (label[inside] == 0).sum()))
    return np.array(areas), np.array(weights, np.float64)


def giveaways(simulated: Windows, real: Windows) -> list[Giveaway]:
    """Return the summaries by how well each alone tells the flows apart, the worst first."""
    label = np.repeat([1, 0], [len(simulated.rows), len(real.rows)])
    found = []
    for k, name in enumerate(SUMMARIES):
        column = np.concatenate([simulated.rows[:, k], real.rows[:, k]])
        area = auc_of(column, label)
        if np.isfinite(area):
            means = (float(np.mean(x[np.isfinite(x)])) for x in (simulated.rows[:, k], real.rows[:, k]))
            found.append(Giveaway(name, max(area, 1 - area), *means))
    return sorted(found, key=lambda one: -one.auc)
