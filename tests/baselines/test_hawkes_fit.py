"""The maximum of the Hawkes likelihood lies at the parameters of the simulated process, and it is a maximum."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from agents.background import hawkes as policy_of
from agents.background.hawkes import Hawkes
from scenarios.baselines import BASELINES, hawkes
from sim.metrics import OrderFlow
from tests.baselines.flows import simulated

SECONDS = 4_000
# Few cancels, so that each finds an order and every event is on the tape; room for all of them.
TRUE = Hawkes(
    base_rates=(0.3, 0.3, 0.8, 0.8, 0.1, 0.1), inside_share=0.2, mean_depth_ticks=3.0, inside_mean_ticks=2.0,
    size_lots=50.0, size_sigma=0.6, max_orders=20_000,
    excitation=(
        (6.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 6.0, 0.0, 0.0, 0.0, 0.0), (4.0, 0.0, 6.0, 0.0, 0.0, 0.0),
        (0.0, 4.0, 0.0, 6.0, 0.0, 0.0), (0.0, 0.0, 2.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 2.0, 0.0, 0.0),
    ),
    decay=(15.0, 15.0, 25.0, 25.0, 10.0, 10.0),
)  # fmt: skip


@cache
def flow() -> OrderFlow:
    """All of its levels: no event is hidden."""
    return simulated(policy_of.policy, TRUE, SECONDS, levels=200)


@cache
def process() -> Any:
    """The fit of the times alone."""
    times, types = hawkes.events_of(flow())
    return hawkes.fit_process(times, types, SECONDS)


def log_likelihood(times: Any, types: Any, base: Any, jumps: Any, decay: Any) -> float:
    """The same from its definition: the intensity followed from event to event."""
    state, last, total = np.zeros((6, 6)), 0.0, 0.0
    for time, kind in zip(times, types, strict=True):
        fallen = state * np.exp(-decay * (time - last))[:, None]
        total -= ((state - fallen).sum(axis=1) / decay).sum() + base.sum() * (time - last)
        total += np.log(base[kind] + fallen[kind].sum())
        state, last = fallen, time
        state[:, kind] += jumps[:, kind]
    fallen = state * np.exp(-decay * (SECONDS - last))[:, None]
    return float(total - ((state - fallen).sum(axis=1) / decay).sum() - base.sum() * (SECONDS - last))


def test_rates_excitation_and_decays_are_those_of_the_simulation() -> None:
    found = process()
    branching = found.excitation / found.decay[:, None]
    assert found.base_rates == pytest.approx(np.array(TRUE.base_rates), rel=0.2)
    assert np.abs(branching - TRUE.branching()).max() < 0.05
    assert found.decay == pytest.approx(np.array(TRUE.decay), rel=0.25)
    assert found.radius == pytest.approx(0.4, abs=0.05)


def test_the_likelihood_is_that_of_its_definition_and_higher_than_at_the_truth() -> None:
    found, (times, types) = process(), hawkes.events_of(flow())
    at_fit = log_likelihood(times, types, found.base_rates, found.excitation, found.decay)
    truth = (np.array(x) for x in (TRUE.base_rates, TRUE.excitation, TRUE.decay))
    assert found.log_likelihood == pytest.approx(at_fit, rel=1e-9)
    at_truth = log_likelihood(times, types, *truth)
    # Wilks: twice the gain is about chi-square with 48 degrees of freedom (fewer at the bounds).
    assert 0 < 2 * (at_fit - at_truth) < 100


def test_an_unstable_fit_is_scaled_down_and_keeps_its_mean_rates() -> None:
    found = hawkes.HawkesFit(np.ones(2), np.array([[12.0, 2.0], [2.0, 12.0]]), np.array([10.0, 10.0]), 0.0)
    assert found.radius > 1
    stable = hawkes._stable(found, np.array([3.0, 3.0]))
    assert stable.radius == pytest.approx(hawkes.MAX_RADIUS)
    branching = stable.excitation / stable.decay[:, None]
    assert np.linalg.solve(np.eye(2) - branching, stable.base_rates) == pytest.approx([3.0, 3.0])


def test_sizes_and_improvements_have_the_laws_of_the_simulation() -> None:
    law = hawkes._placement(flow())
    assert law["size_lots"] == pytest.approx(50.0, rel=0.05)
    assert law["size_sigma"] == pytest.approx(0.6, rel=0.05)
    assert law["inside_share"] == pytest.approx(0.2, abs=0.02)
    assert law["mean_depth_ticks"] == pytest.approx(3.0, rel=0.05)


def test_the_whole_fit_is_a_policy_that_has_the_recorded_rates() -> None:
    fitted = BASELINES["hawkes"].fit(flow(), "known")
    assert isinstance(fitted.settings, Hawkes)
    _, types = hawkes.events_of(flow())
    recorded = np.bincount(types, minlength=6) / SECONDS
    assert fitted.settings.mean_rates() == pytest.approx(recorded, rel=0.03)
    assert fitted.figures["radius_used"] == fitted.figures["radius"] < 1
    for name in ("mean_spread_ticks", "mean_distance_ticks"):
        assert fitted.figures[f"{name}_fit"] == pytest.approx(fitted.figures[name], rel=0.4), name
