"""Counting by queue length finds the rates of a queue-reactive flow, with queues any number of ticks apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.background import queue_reactive as policy_of
from agents.background.queue_reactive import K, QueueReactive, S, stationary_law
from lob.types import NO_PRICE, EventKind
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
    flow = simulated(policy_of.policy, true, SECONDS, levels=K * spacing)
    counts = queue_reactive.count_queues(flow, spacing, 5, first_ticks=MID_TICKS + 0.5)
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
def test_orders_lie_at_all_prices_of_their_queue_and_the_reference_price_moves_by_queues(redraw: float) -> None:
    settings = QueueReactive(theta=0.7, theta_redraw=redraw, spacing_ticks=7)
    market = flow_market(policy_of.policy, settings, seconds=3_000, n_prices=60_000)
    added = market.tape[market.tape["kind"] == EventKind.ADD]
    offsets = (added["price_ticks"].astype(np.int64) - MID_TICKS - 1) % 7
    counts = np.bincount(offsets, minlength=7)
    assert counts.min() > 0.5 * counts.mean()
    base = market.world.agents["state"][0][S.base_ticks]
    assert (base - MID_TICKS) % 7 == 0
    mids = market.tape["bid_ticks"][market.tape["bid_ticks"] != NO_PRICE]
    assert np.ptp(mids) > 3 * 7


def test_the_mean_spread_of_still_queues_is_that_of_their_laws() -> None:
    few = ((0.02,) * 30,) * K  # market orders take the best price of a queue and not any
    true = known(theta=0.0, spacing_ticks=9, arrivals=QueueReactive().arrivals, executions=few)
    flow = simulated(policy_of.policy, true, SECONDS, levels=2 * K)
    spreads = (flow.ask_ticks - flow.bid_ticks)[:-1]
    both = np.isfinite(spreads)
    assert both.mean() > 0.99
    spread = np.average(spreads[both], weights=np.diff(flow.time_ns)[both])
    assert queue_reactive.mean_spread_ticks(true) == pytest.approx(float(spread), rel=0.05)


def test_the_fit_has_the_spread_and_the_moves_it_was_fitted_to() -> None:
    true = QueueReactive(theta=0.7, theta_redraw=0.5, size_lots=100, spacing_ticks=10)
    flow = simulated(policy_of.policy, true, 4_000, levels=2 * K)
    fitted = BASELINES["queue_reactive"].fit(flow, "known")
    settings, figures = fitted.settings, fitted.figures
    assert isinstance(settings, QueueReactive)
    assert settings.size_lots == 100
    assert figures["mean_spread_ticks_fit"] == pytest.approx(figures["mean_spread_ticks"], rel=0.3)
    assert figures["reference_moves_per_s_fit"] == pytest.approx(figures["reference_moves_per_s"], rel=0.3)
