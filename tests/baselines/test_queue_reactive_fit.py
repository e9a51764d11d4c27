"""Counting by queue length finds the rates of a queue-reactive flow, with queues any number of ticks apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.background import queue_reactive as policy_of
from agents.background.queue_reactive import K, QueueReactive, stationary_law
from scenarios.baselines import BASELINES, queue_reactive
from tests.agents.flows import MID_TICKS, flow_market
from tests.baselines.flows import simulated

SECONDS = 8_000


def known(**changes: Any) -> QueueReactive:
    """Long queues, so that the midpoint hardly ever moves far."""
    arrivals, cancels = tuple(2.0 + 0.8**q for q in range(30)), tuple(0.4 * q for q in range(30))
    executions = (0.6,) * 30
    return QueueReactive(
        **{"arrivals": (arrivals,) * K, "cancels": (cancels,) * K, "executions": (executions,) * K, **changes}
    )


@pytest.mark.parametrize("spacing", [1, 9])
def test_rates_by_length_are_those_of_the_simulation(spacing: int) -> None:
    true = known(theta=0.0, size_lots=5, spacing_ticks=spacing)
    flow = simulated(policy_of.policy, true, SECONDS, levels=2 * K)
    counts = queue_reactive.count_queues(flow, spacing, 5)
    assert counts.time_s.sum() == pytest.approx(2 * K * SECONDS, rel=0.001)
    for i in range(K):
        law = stationary_law(true, i)
        for n in np.flatnonzero(law[:15] > 0.03):
            time_s, best_s = counts.time_s[i, n], counts.best_s[i, n]
            for found, rate in ((counts.arrivals, true.arrivals), (counts.cancels, true.cancels)):
                expected = rate[i][n] * time_s
                assert abs(found[i, n] - expected) < 4.5 * np.sqrt(expected + 1), (i, n)
            if n > 0 and i == 0:
                assert abs(counts.executions[i, n] - 0.6 * best_s) < 4.5 * np.sqrt(0.6 * best_s + 1), n


def test_the_reference_price_stays_for_half_a_queue_and_follows_a_whole_one() -> None:
    flow = simulated(policy_of.policy, known(theta=0.0, spacing_ticks=9), 300, levels=2 * K)
    still = queue_reactive.reference_path(flow, 9)
    assert (np.abs(flow.mid_ticks - still) <= 0.75 * 9).all()
    assert (np.diff(still) % 9 == 0).all()


@pytest.mark.parametrize("redraw", [0.0, 1.0])
def test_wider_queues_are_the_same_market_in_larger_ticks(redraw: float) -> None:
    settings = {"theta": 0.7, "theta_redraw": redraw, "arrivals": QueueReactive().arrivals}
    fine = flow_market(policy_of.policy, known(**settings), seconds=2_000).tape
    wide = flow_market(policy_of.policy, known(**settings, spacing_ticks=7), seconds=2_000, n_prices=60_000).tape
    priced = fine["price_ticks"] > 0
    assert len(fine) == len(wide)
    assert (fine["price_ticks"][priced].min(), fine["price_ticks"][priced].max()) != (MID_TICKS - 2, MID_TICKS + 3)
    expected = MID_TICKS + 7 * (fine["price_ticks"][priced].astype(np.int64) - MID_TICKS)
    assert (wide["price_ticks"][priced] == expected).all()
    for name in ("time_ns", "kind", "side", "qty_lots", "order_id"):
        assert (wide[name] == fine[name]).all(), name


def test_the_fit_has_the_spread_and_the_moves_it_was_fitted_to() -> None:
    true = QueueReactive(theta=0.7, theta_redraw=0.5, size_lots=100, spacing_ticks=10)
    flow = simulated(policy_of.policy, true, 4_000, levels=2 * K)
    fitted = BASELINES["queue_reactive"].fit(flow, "known")
    settings, figures = fitted.settings, fitted.figures
    assert isinstance(settings, QueueReactive)
    assert settings.size_lots == 100
    assert figures["mean_spread_ticks_fit"] == pytest.approx(figures["mean_spread_ticks"], rel=0.3)
    assert figures["reference_moves_per_s_fit"] == pytest.approx(figures["reference_moves_per_s"], rel=0.3)
