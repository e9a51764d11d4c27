"""Optimal quotes in continuous time: Gueant, Lehalle and Fernandez-Tapia (2013), by the exponential of a matrix.

With w_q(t) = exp of the value function's inventory part to the power -k / gamma, their equation (3.9) becomes linear,

    dw_q / dt = a q^2 w_q - eta (w_{q-1} + w_{q+1}),  w_q(T) = 1,
    a = k gamma sigma^2 / 2,   eta = A (1 + gamma / k)^-(1 + k / gamma),

and the optimal distances are ln(w_q / w_{q+1}) / k + ln(1 + gamma / k) / gamma for the bid, and with q-1 for the ask.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import expm

from lob.errors import InputError

__all__ = ["glft_matrix", "optimal_distances", "stationary_distances"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


def glft_matrix(gamma: float, k: float, fill_rate: float, sigma: float, max_quotes: int) -> Floats:
    """Return the matrix M of dw / dt = M w over the inventories -Q..Q.

    Raises:
        InputError: if a number is not above 0.
    """
    for name, value in (("gamma", gamma), ("k", k), ("fill_rate", fill_rate), ("max_quotes", max_quotes)):
        if not value > 0:
            raise InputError(f"{name} = {value}; allowed: above 0")
    q = np.arange(-max_quotes, max_quotes + 1.0)
    eta = fill_rate * np.exp(-(1.0 + k / gamma) * np.log1p(gamma / k))
    beside = np.full(len(q) - 1, -eta)
    return np.asarray(np.diag(0.5 * k * gamma * sigma**2 * q**2) + np.diag(beside, 1) + np.diag(beside, -1))


def optimal_distances(
    gamma: float, k: float, fill_rate: float, sigma: float, max_quotes: int, left_s: float
) -> tuple[Floats, Floats]:
    """Return the optimal distances of bid and ask for inventories -Q..Q, in ticks; inf where a side does not quote.

    Args:
        gamma: risk aversion per tick and quote.
        k: decay of the fill rate per tick.
        fill_rate: A per second.
        sigma: volatility in ticks per root second.
        max_quotes: Q.
        left_s: time to the end.
    """
    matrix = glft_matrix(gamma, k, fill_rate, sigma, max_quotes)
    # Only ratios of w matter: without the lowest eigenvalue nothing grows, however far the end is.
    lowest = np.linalg.eigvalsh(matrix)[0]
    w = expm(-(matrix - lowest * np.eye(len(matrix))) * left_s) @ np.ones(2 * max_quotes + 1)
    return _distances(w, gamma, k)


def stationary_distances(
    gamma: float, k: float, fill_rate: float, sigma: float, max_quotes: int
) -> tuple[Floats, Floats]:
    """Return the limit of `optimal_distances` far from the end: that of the matrix's lowest eigenvector."""
    _, vectors = np.linalg.eigh(glft_matrix(gamma, k, fill_rate, sigma, max_quotes))
    return _distances(np.abs(vectors[:, 0]), gamma, k)


def _distances(w: Floats, gamma: float, k: float) -> tuple[Floats, Floats]:
    base = np.log1p(gamma / k) / gamma
    step = np.log(w[:-1] / w[1:]) / k
    return np.append(base + step, np.inf), np.append(np.inf, base - step)
