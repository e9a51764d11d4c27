"""Next price move in the queueing model of Cont and de Larrard (SIAM Journal on Financial Mathematics 4, 2013).

Balanced flow: each best queue is a random walk whose steps up and down have equal rates.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad

__all__ = ["probability_up", "probability_up_within"]


def probability_up(bid_queue: int, ask_queue: int) -> float:
    """Probability that the ask queue is empty first, for queues of unit orders (proposition 3)."""

    def integrand(t: float) -> float:
        c = 2.0 - math.cos(t)
        return (c - math.sqrt(c * c - 1.0)) ** ask_queue * math.sin(bid_queue * t) * math.cos(t / 2) / math.sin(t / 2)

    return float(quad(integrand, 0.0, math.pi, limit=200)[0] / math.pi)


def probability_up_within(bid_queue: int, ask_queue: int, n_events: int, n_max: int = 400) -> tuple[float, float]:
    """Return P(up within n events) and P(nothing within n events), by the recursion of the walk.

    Each event changes one of the two queues, chosen with equal chance, by one order up or down with equal chance.
    """
    p = np.zeros((n_max + 1, n_max + 1))
    p[bid_queue, ask_queue] = 1.0
    up = 0.0
    for _ in range(n_events):
        q = np.zeros_like(p)
        q[1:, :] += p[:-1, :]
        q[:-1, :] += p[1:, :]
        q[:, 1:] += p[:, :-1]
        q[:, :-1] += p[:, 1:]
        q *= 0.25
        up += float(q[1:, 0].sum())
        q[:, 0] = 0.0
        q[0, :] = 0.0
        p = q
    return up, float(p.sum())
