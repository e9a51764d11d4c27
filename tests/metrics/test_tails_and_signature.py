"""Tails and the signature plot: planted power laws are found, Gaussians have none, a random walk is flat."""

from __future__ import annotations

import numpy as np
import pytest

from lob.units import SECOND_NS
from sim.metrics import OrderFlow
from sim.metrics.signature import signature_bps
from sim.metrics.tails import gaussian_tail_index, hill, share_beyond


def price_path(logs: np.ndarray, step_s: float = 0.1) -> OrderFlow:
    """One event at each step, with this log midpoint."""
    n = len(logs)
    ones, mid = np.ones(n), np.exp(logs)
    whole = np.ones(n, np.int64)
    times = (np.arange(n) * step_s * SECOND_NS).astype(np.int64)
    return OrderFlow(times, whole, whole, mid, whole, np.arange(n) + 1, mid * (1 - 1e-6), mid * (1 + 1e-6), ones, ones)


@pytest.mark.parametrize("alpha", [1.5, 3.0, 4.0])
def test_a_planted_power_law_is_found(alpha: float) -> None:
    rng = np.random.default_rng(1)
    found = hill(rng.pareto(alpha, 40_000) + 1, share=0.05)
    assert found.n == 2000 and found.low < alpha < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * found.alpha / np.sqrt(2000), rel=1e-3)
    assert found.high < found.gaussian


def test_gaussian_returns_have_no_heavy_tail() -> None:
    values = np.abs(np.random.default_rng(2).normal(size=200_000))
    for share in (0.01, 0.05, 0.1):
        found = hill(values, share)
        assert found.low < found.gaussian == gaussian_tail_index(share) < found.high


def test_the_interval_of_hill_holds_what_it_says() -> None:
    rng = np.random.default_rng(3)
    fits = [hill(rng.pareto(3.0, 4000) + 1, share=0.1) for _ in range(400)]
    assert 0.92 <= np.mean([f.low < 3.0 < f.high for f in fits]) <= 0.98


@pytest.mark.parametrize("values", [[], [1.0], np.zeros(1000), np.ones(1000)])
def test_no_tail_no_index(values: list[float]) -> None:
    assert np.isnan(hill(values).alpha)


def test_the_share_beyond_is_counted() -> None:
    assert share_beyond([1, 2, 2, 3], [0, 1, 2, 2.5, 3]).tolist() == [1, 0.75, 0.25, 0.25, 0]


def test_a_random_walk_is_as_volatile_at_every_interval_and_bounce_only_at_short_ones() -> None:
    rng = np.random.default_rng(4)
    walk = np.cumsum(rng.normal(0, 1e-4, 100_000))
    intervals = (0.1, 1.0, 10.0, 60.0)
    expected = 1e4 * 1e-4 * np.sqrt(600)  # of 600 steps a minute
    flat = signature_bps(price_path(walk), intervals)
    assert flat[:3] == pytest.approx(expected, rel=0.05) and flat[3] == pytest.approx(expected, rel=0.15)
    noisy = signature_bps(price_path(walk + rng.normal(0, 3e-4, len(walk))), intervals)
    assert noisy[0] == pytest.approx(np.sqrt(1 + 2 * 9) * expected, rel=0.05)  # Roll 1984
    assert noisy[3] == pytest.approx(expected, rel=0.15)


def test_intervals_that_do_not_fit_are_not_known() -> None:
    assert np.isnan(signature_bps(price_path(np.zeros(100)), [0.1, 5.0])).tolist() == [False, True]
