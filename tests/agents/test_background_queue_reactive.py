"""The queue-reactive flow keeps the stationary laws of its queues and moves its reference price as the paper says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from agents.background import queue_reactive
from agents.background.queue_reactive import K, QueueReactive, S, stationary_law
from lob.types import NO_PRICE, EventKind, Phase
from lob.units import SECOND_NS
from sim.checks import check_policy
from sim.records import ScheduledKind
from sim.settings import Scheduled
from tests.agents.flows import MID_TICKS, flow_market, lots_at, sampled, state_of
from tests.sim.markets import OPEN_NS, Scripted, python_trader, resting_orders

QR = queue_reactive.policy


@pytest.mark.parametrize("settings", [QueueReactive(), QueueReactive(theta=1.0, theta_redraw=0.0, size_lots=7)])
def test_the_policy_passes_the_checker(settings: QueueReactive) -> None:
    check_policy(QR, settings)


def quick(**changes: Any) -> QueueReactive:
    """Queues that forget within a few seconds, so that samples are soon independent."""
    arrivals = tuple(1.0 + 0.8**q for q in range(30))
    cancels = tuple(0.4 * q for q in range(30))
    executions, none = (0.7,) * 30, (0.0,) * 30
    tables = {"arrivals": (arrivals,) * K, "cancels": (cancels,) * K, "executions": (executions, none, none)}
    return QueueReactive(**{**tables, **changes})


def assert_law(queue: Any, law: Any) -> None:
    """Chi-square test of independent samples of a queue."""
    last = int(np.searchsorted(np.cumsum(law), 0.99))
    observed = np.bincount(np.minimum(queue, last), minlength=last + 1)
    expected = len(queue) * np.append(law[:last], law[last:].sum())
    assert stats.chisquare(observed, expected).pvalue > 0.001


def test_queues_follow_the_birth_death_law_while_the_reference_price_stands_still() -> None:
    settings = quick(theta=0.0)
    seconds = 40_000
    tape = flow_market(QR, settings, seconds=seconds).tape
    for i in range(K):
        for side, price in ((1, MID_TICKS - i), (-1, MID_TICKS + 1 + i)):
            queue = sampled(*lots_at(tape, side, price), every_s=20, first_s=20, last_s=seconds)
            # The chi-square law needs independent samples: no correlation between neighbours is left.
            assert abs(np.corrcoef(queue[1:], queue[:-1])[0, 1]) < 4 / np.sqrt(len(queue))
            assert_law(queue, stationary_law(settings, i))


def test_a_book_that_is_drawn_anew_has_the_same_laws() -> None:
    settings = QueueReactive(theta=1.0, theta_redraw=1.0)
    tape = flow_market(QR, settings, seconds=10_000).tape
    adds = tape[tape["kind"] == EventKind.ADD]
    # Orders of a redrawn book arrive 1 ns apart, all others far from each other.
    bursts = np.split(adds, np.flatnonzero(np.diff(adds["time_ns"]) > 100) + 1)
    base, lengths = MID_TICKS, []
    for book in [burst for burst in bursts if len(burst) > 1]:
        # The farthest queues tell the nearest price; where one is empty, the other one must: each move is by a tick.
        guesses = (book["price_ticks"].min() + K - 1, book["price_ticks"].max() - K)
        base = guesses[0] if not lengths or abs(guesses[0] - base) == 1 else guesses[1]
        offsets = base - book["price_ticks"][book["side"] > 0]
        lengths.append(np.bincount(offsets, book["qty_lots"][book["side"] > 0], minlength=K))
    assert len(lengths) > 500
    for i in range(K):
        assert_law(np.array(lengths, int)[:, i], stationary_law(settings, i))


@pytest.mark.parametrize("theta_redraw", [0.0, 1.0])
def test_the_reference_price_moves_and_the_book_stays_around_it(theta_redraw: float) -> None:
    market = flow_market(QR, QueueReactive(theta=0.7, theta_redraw=theta_redraw), seconds=5_000)
    tape = market.tape
    seen = tape["bid_ticks"][(tape["bid_ticks"] != NO_PRICE) & (tape["ask_ticks"] != NO_PRICE)]
    assert len(np.unique(seen)) > 5
    base = int(state_of(market, "base_ticks", S))
    for _, side, price, _, _ in resting_orders(market):
        distance = base - price if side > 0 else price - base - 1
        assert 0 <= distance < K
    assert not (tape["kind"] == EventKind.REJECT).any()


def test_the_reference_price_never_moves_with_theta_zero() -> None:
    market = flow_market(QR, QueueReactive(theta=0.0), seconds=5_000)
    assert state_of(market, "base_ticks", S) == MID_TICKS
    adds = market.tape[market.tape["kind"] == EventKind.ADD]
    assert set(np.unique(adds["price_ticks"])) == set(range(MID_TICKS - 2, MID_TICKS + 4))


def test_the_flow_follows_a_price_that_another_agent_has_moved() -> None:
    buys = Scripted({100.0: lambda view: view.limit("buy", MID_TICKS + 30, 1_000)})
    market = flow_market(QR, QueueReactive(), python_trader(lambda: buys, "buys"), seconds=200)
    assert state_of(market, "base_ticks", S) >= MID_TICKS + 29
    assert market.tape["ask_ticks"][-2] > MID_TICKS + 30


def test_cancels_leave_the_orders_of_others_alone() -> None:
    rests = Scripted({50.0: lambda view: view.limit("buy", MID_TICKS, 50)})
    market = flow_market(QR, QueueReactive(theta=0.0), python_trader(lambda: rests, "rests"), seconds=1_000)
    left = sum(int(row[3]) for row in resting_orders(market) if row[4] == 1)
    bought = int(market.world.accounts["position_lots"][1, 0])
    assert bought > 0
    assert bought + left == 50


def test_the_flow_pauses_in_a_halt_and_goes_on_after_it() -> None:
    halt, resume = (OPEN_NS + s * SECOND_NS for s in (100, 200))
    schedule = [
        Scheduled(halt, ScheduledKind.PHASE, Phase.HALTED),
        Scheduled(resume, ScheduledKind.PHASE, Phase.CONTINUOUS),
    ]
    tape = flow_market(QR, QueueReactive(), seconds=300, schedule=schedule).tape
    sent = tape["time_ns"][tape["kind"] != EventKind.PHASE]
    assert not ((sent > halt + 100) & (sent < resume)).any()
    assert (sent > resume).sum() > 500


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"arrivals": ((1.0, 1.0), (1.0, 1.0), (1.0, 1.0))}, "need the same number"),
        ({"arrivals": ((9.0,) * 30,) * 3}, "queue 1 would grow without bound"),
        ({"theta": 2.0}, "less than or equal to 1"),
    ],
)
def test_bad_tables_are_refused_in_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        QueueReactive(**fields)
