"""Exact probabilities in the book of Cont, Stoikov and Talreja (Operations Research 58(3), 2010), spread one tick.

With a spread of one tick the two best queues are independent birth-death processes until one of them is empty: births
at rate lambda(1), deaths at rate mu + n theta(1) in a queue of n orders of unit size. Probabilities of what happens
first solve linear equations on a grid of states, which is cut off where it no longer matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import expm_multiply, spsolve

__all__ = [
    "CstRates",
    "probability_both_filled",
    "probability_filled",
    "probability_filled_within",
    "probability_mid_up",
    "probability_queue_grows",
]

N_MAX = 45
"""Longest queue of the grid; a longer one has a probability below 1e-20 at the default rates."""


@dataclass(frozen=True)
class CstRates:
    """Rates at the best prices, per second and per order of unit size: lambda(1), theta(1), mu."""

    limit: float = 1.85
    cancel: float = 0.71
    market: float = 0.94


def probability_queue_grows(n: int, rates: CstRates) -> float:
    """Probability that the next change of a best queue of n orders is an arrival: lambda / (lambda + mu + n theta)."""
    return rates.limit / (rates.limit + rates.market + n * rates.cancel)


def _solve(size: int, entries: list[tuple[int, int, float]], right: np.ndarray) -> np.ndarray:
    """Solve x = T x + right for a transition matrix given by (row, column, probability)."""
    rows, columns, values = map(np.array, zip(*entries, strict=True))
    matrix = coo_matrix((values, (rows, columns)), shape=(size, size))
    identity = coo_matrix((np.ones(size), (np.arange(size), np.arange(size))), shape=(size, size))
    return np.asarray(spsolve((identity - matrix).tocsr(), right))


def probability_mid_up(rates: CstRates, n_max: int = N_MAX) -> np.ndarray:
    """Return P(next move of the midpoint is up), shape (n_max + 1, n_max + 1), at [bid queue, ask queue].

    The midpoint moves up when the ask queue is empty first (paper, proposition 3, whose Table 3 shows the corner).
    """
    index = np.arange((n_max + 1) ** 2).reshape(n_max + 1, n_max + 1)
    entries, right = [], np.zeros(index.size)
    for b in range(1, n_max + 1):
        for a in range(1, n_max + 1):
            moves = [
                ((min(b + 1, n_max), a), rates.limit),
                ((b, min(a + 1, n_max)), rates.limit),
                ((b - 1, a), rates.market + b * rates.cancel),
                ((b, a - 1), rates.market + a * rates.cancel),
            ]
            total = sum(rate for _, rate in moves)
            for (nb, na), rate in moves:
                if na == 0:
                    right[index[b, a]] += rate / total
                elif nb > 0:
                    entries.append((index[b, a], index[nb, na], rate / total))
    return _solve(index.size, entries, right).reshape(n_max + 1, n_max + 1)


def probability_filled(rates: CstRates, n_max: int = N_MAX) -> np.ndarray:
    """Return P(an own order with `ahead` orders up to and including it is filled before the other queue is empty).

    Shape (n_max + 1, n_max + 1) at [ahead, other]: own orders are never cancelled, those in front are at rate theta
    (paper, proposition 4 and Table 4).
    """
    index = np.arange((n_max + 1) ** 2).reshape(n_max + 1, n_max + 1)
    entries, right = [], np.zeros(index.size)
    for ahead in range(1, n_max + 1):
        for other in range(1, n_max + 1):
            moves = [
                ((ahead - 1, other), rates.market + (ahead - 1) * rates.cancel),
                ((ahead, min(other + 1, n_max)), rates.limit),
                ((ahead, other - 1), rates.market + other * rates.cancel),
            ]
            total = sum(rate for _, rate in moves)
            for (n_ahead, n_other), rate in moves:
                if n_ahead == 0:
                    right[index[ahead, other]] += rate / total
                elif n_other > 0:
                    entries.append((index[ahead, other], index[n_ahead, n_other], rate / total))
    return _solve(index.size, entries, right).reshape(n_max + 1, n_max + 1)


def probability_filled_within(ahead: int, other: int, seconds: float, rates: CstRates, n_max: int = N_MAX) -> float:
    """Return P(the same, and within so many seconds): the law of the same chain at that time."""
    shape = (ahead + 1, n_max + 1)
    index = np.arange(shape[0] * shape[1]).reshape(shape)
    filled = index[0, 0]  # row 0 and column 0 are ends: filled, and the other queue empty
    entries = []
    for i in range(1, ahead + 1):
        for j in range(1, n_max + 1):
            here = index[i, j]
            moves = [
                (index[i - 1, j] if i > 1 else filled, rates.market + (i - 1) * rates.cancel),
                (index[i, min(j + 1, n_max)], rates.limit),
                (index[i, j - 1], rates.market + j * rates.cancel),
            ]
            entries += [(to, here, rate) for to, rate in moves] + [(here, here, -sum(rate for _, rate in moves))]
    rows, columns, values = map(np.array, zip(*entries, strict=True))
    generator = coo_matrix((values, (rows, columns)), shape=(index.size, index.size)).tocsr()
    start = np.zeros(index.size)
    start[index[ahead, other]] = 1.0
    return float(expm_multiply(generator * seconds, start)[filled])


def probability_both_filled(rates: CstRates, n_first: int = 5, n_max: int = 30) -> np.ndarray:
    """Return P(an own order at each best is filled before the midpoint moves), shape (n_first + 1, n_first + 1).

    At [bid queue, ask queue], which include the own order as their last; own orders are never cancelled. A state is
    (ahead on the bid, behind on the bid, ahead on the ask, behind on the ask). While both own orders rest no queue can
    be empty. When the first of them is filled, what stands behind it is the queue that must outlive the other one's
    wait; filled with nobody behind, its queue is empty and the midpoint has moved. Both sides are alike and
    independent until the first fill, so that the law of what stands behind at that moment suffices (paper, proposition
    5 and Table 5).
    """
    later = probability_filled(rates, n_max)
    result = np.zeros((n_first + 1, n_first + 1))
    n_behind = n_max
    # First fill: (ahead i, behind k) of the side that fills, (ahead j) of the other. What stands behind the other own
    # order never matters: that order keeps its queue alive until it is filled itself.
    shape = (n_first + 1, n_behind + 1, n_first + 1)
    index = np.arange(np.prod(shape)).reshape(shape)
    entries, right = [], np.zeros(index.size)
    for i in range(1, n_first + 1):
        for k in range(n_behind + 1):
            for j in range(1, n_first + 1):
                own, other = rates.market + (i - 1) * rates.cancel, rates.market + (j - 1) * rates.cancel
                grow, shrink = rates.limit, k * rates.cancel
                total = own + other + grow + shrink
                here = index[i, k, j]
                if i == 1:
                    # Filled first, with k left behind: the other, j ahead, must be filled before these k are gone.
                    right[here] += own / total * (later[j, k] if k > 0 else 0.0)
                else:
                    entries.append((here, index[i - 1, k, j], own / total))
                if j > 1:
                    entries.append((here, index[i, k, j - 1], other / total))
                # With j = 1 the other side is filled first: counted with the roles exchanged.
                entries.append((here, index[i, min(k + 1, n_behind), j], grow / total))
                if k > 0:
                    entries.append((here, index[i, k - 1, j], shrink / total))
    first = _solve(index.size, entries, right).reshape(shape)
    for b in range(1, n_first + 1):
        for a in range(1, n_first + 1):
            result[b, a] = first[b, 0, a] + first[a, 0, b]
    return result
