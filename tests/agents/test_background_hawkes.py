"""The Hawkes flow: times, rates and messages on the tape are those of the process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from agents.background import hawkes
from agents.background.hawkes import Hawkes, S
from lob.types import EventKind, Flag, Phase
from lob.units import SECOND_NS
from sim.checks import check_policy
from sim.market import Market
from sim.records import ScheduledKind
from sim.settings import Scheduled
from tests.agents.flows import MID_TICKS, flow_market, state_of
from tests.sim.markets import OPEN_NS, Scripted, python_trader

HAWKES = hawkes.policy
SECONDS = 20_000
DEEP = Hawkes(base_rates=(0.15, 0.15, 0.8, 0.8, 0.1, 0.1))
"""So few cancels that each finds an order: then every event is on the tape."""
N = len(hawkes.TYPES)


@pytest.fixture(scope="module")
def market() -> Market:
    return flow_market(HAWKES, DEEP, seconds=SECONDS)


def events(market: Market) -> tuple[Any, Any]:
    """Times in s after the open and types of all events that sent a message, from the tape alone."""
    tape = market.tape
    tape = tape[(tape["flags"] & Flag.FIRST > 0) & (tape["agent"] == 0) & (tape["time_ns"] > OPEN_NS + 1000)]
    first_type = np.full(256, -1)
    first_type[[EventKind.EXECUTE, EventKind.EXPIRE]] = 0
    first_type[[EventKind.ADD, EventKind.REPLACE, EventKind.REDUCE]] = 2
    first_type[EventKind.CANCEL] = 4
    kinds = first_type[tape["kind"]]
    assert (kinds >= 0).all()
    return (tape["time_ns"] - OPEN_NS) / SECOND_NS, kinds + (tape["side"] < 0)


@pytest.mark.parametrize("settings", [Hawkes(), Hawkes(max_orders=30, decay=(20.0, 20.0, 30.0, 30.0, 25.0, 25.0))])
def test_the_policy_passes_the_checker(settings: Hawkes) -> None:
    check_policy(HAWKES, settings)


def test_mean_rates_are_those_of_the_stationary_process(market: Market) -> None:
    # Bacry and Muzy 2014: rates (1 - G)^-1 mu; counts have covariance T R diag(rates) R', R = (1 - G)^-1.
    settings = DEEP
    rates, response = settings.mean_rates(), np.linalg.inv(np.eye(N) - settings.branching())
    errors = np.sqrt(np.diag(response @ np.diag(rates) @ response.T) / SECONDS)
    _, kinds = events(market)
    assert state_of(market, "unsent_bids", S) == state_of(market, "unsent_asks", S) == 0
    assert (np.abs(np.bincount(kinds, minlength=N) / SECONDS - rates) < 4 * errors).all()


def test_compensated_times_between_events_of_each_type_are_exponential(market: Market) -> None:
    # Random time change (Meyer 1971): the integral of a type's intensity between its events is exponential, mean 1.
    settings = DEEP
    base, jumps, decay = (np.array(x) for x in (settings.base_rates, settings.excitation, settings.decay))
    times, kinds = events(market)
    excitation, waited, last = np.zeros(N), np.zeros(N), 0.0
    residuals: list[list[float]] = [[] for _ in range(N)]
    for time, kind in zip(times[:30_000], kinds[:30_000], strict=True):
        fallen = np.exp(-decay * (time - last))
        waited += base * (time - last) + excitation * (1 - fallen) / decay
        residuals[kind].append(float(waited[kind]))
        waited[kind] = 0.0
        excitation = excitation * fallen + jumps[:, kind]
        last = time
    for kind in range(N):
        assert len(residuals[kind]) > 2_000
        assert stats.kstest(residuals[kind], "expon").pvalue > 0.001, hawkes.TYPES[kind]


def test_the_flow_happens_at_the_same_times_whoever_else_trades(market: Market) -> None:
    script = {float(t): lambda view: view.market("buy", 30) for t in range(10, 500, 20)}
    others = flow_market(HAWKES, DEEP, python_trader(lambda: Scripted(dict(script)), "buyer"), seconds=500)
    alone, kinds_alone = events(market)
    disturbed, kinds = events(others)
    assert state_of(others, "unsent_bids", S) == state_of(others, "unsent_asks", S) == 0
    assert (kinds == kinds_alone[: len(kinds)]).all()
    assert np.abs(disturbed - alone[: len(disturbed)]).max() < 1e-8
    assert (others.tape["bid_ticks"][-2], others.tape["ask_ticks"][-2]) != (MID_TICKS, MID_TICKS + 1)


def test_limit_orders_lie_at_geometric_distances_from_the_same_side_best(market: Market) -> None:
    settings, tape = DEEP, market.tape
    added = np.flatnonzero((tape["kind"] == EventKind.ADD) & (tape["side"] > 0) & (tape["flags"] & Flag.FIRST > 0))
    before = tape[added - 1]
    tight = (before["ask_ticks"] - before["bid_ticks"] == 1) & (tape["time_ns"][added] > OPEN_NS + SECOND_NS)
    depth = (before["bid_ticks"] - tape["price_ticks"][added])[tight]
    mean = settings.mean_depth_ticks
    error = np.sqrt(mean * (1 + mean) / len(depth))
    assert len(depth) > 3_000
    assert depth.min() == 0
    assert abs(depth.mean() - mean) < 4 * error


def test_no_side_holds_more_orders_than_allowed() -> None:
    few = flow_market(HAWKES, Hawkes(max_orders=30), seconds=5_000)
    assert 30 < few.world.accounts["n_open"][0, 0] <= 60
    assert (few.tape["kind"] == EventKind.REPLACE).any()


def test_events_go_on_in_a_halt_but_send_nothing(market: Market) -> None:
    halt, resume = (OPEN_NS + s * SECOND_NS for s in (100, 200))
    schedule = [
        Scheduled(halt, ScheduledKind.PHASE, Phase.HALTED),
        Scheduled(resume, ScheduledKind.PHASE, Phase.CONTINUOUS),
    ]
    halted = flow_market(HAWKES, DEEP, seconds=300, schedule=schedule)
    assert not (halted.tape["kind"] == EventKind.REJECT).any()
    alone, kinds_alone = events(market)
    times, kinds = events(halted)
    inside = (alone > 100) & (alone < 200)
    assert state_of(halted, "halted", S) == inside.sum() > 0
    expected = kinds_alone[(alone < 300) & ~inside]
    assert (kinds == expected).all()
    assert not ((times > 100) & (times < 200)).any()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"decay": (1.0,) * 6}, "spectral radius"),
        ({"decay": (20.0,) * 5 + (0.0,)}, "decay must be above 0"),
        ({"base_rates": (0.0,) * 6}, "nothing would ever happen"),
    ],
)
def test_bad_settings_are_refused_in_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Hawkes(**fields)
