"""Replay gives the recorded flow back event by event; all baselines refuse what they cannot fit, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.background import cont_stoikov_talreja
from agents.background.cont_stoikov_talreja import ContStoikovTalreja
from lob.errors import InputError
from lob.units import SECOND_NS
from scenarios.baselines import BASELINES
from sim.metrics import FlowKind, OrderFlow
from tests.baselines.flows import simulated
from tests.sim.markets import OPEN_NS


@pytest.fixture(scope="module")
def recorded() -> OrderFlow:
    return simulated(cont_stoikov_talreja.policy, ContStoikovTalreja(size_lots=4), 900, levels=5, seed=3)


def test_replay_has_every_recorded_event_and_the_recorded_book(recorded: OrderFlow) -> None:
    fitted = BASELINES["replay"].fit(recorded, "known")
    start, close = OPEN_NS + 300 * SECOND_NS, OPEN_NS + 900 * SECOND_NS
    market = fitted.market(1, start, close, 10_000)
    market.run()
    again = fitted.flow(market.tape, 5).window(start + SECOND_NS, close)
    before = recorded.window(start + SECOND_NS, close)
    assert len(again) == len(before) > 3_000
    assert np.abs(again.time_ns - before.time_ns).max() < 1_000
    # What came back into the recorded levels is anonymous: its deletion is one of a part of the quantity there.
    anonymous = (before.kind == FlowKind.DELETE) & (again.kind == FlowKind.PARTIAL_CANCEL)
    assert anonymous.mean() < 0.05
    assert (again.kind == before.kind)[~anonymous].all()
    for name in ("side", "price_ticks", "size_lots", "bid_ticks", "ask_ticks", "bid_lots", "ask_lots"):
        assert (getattr(again, name) == getattr(before, name)).all(), name


def test_replay_refuses_a_time_that_was_not_recorded(recorded: OrderFlow) -> None:
    fitted = BASELINES["replay"].fit(recorded, "known")
    with pytest.raises(InputError, match="allowed: times that overlap the recording"):
        fitted.market(1, OPEN_NS + 5_000 * SECOND_NS, OPEN_NS + 6_000 * SECOND_NS, 10_000)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_a_flow_without_book_or_events_is_refused(name: str, recorded: OrderFlow) -> None:
    with pytest.raises(InputError, match="comes without its book"):
        BASELINES[name].fit(replace(recorded, book=None), "AAA")
    with pytest.raises(InputError, match="AAA: 100 events; allowed: at least"):
        BASELINES[name].fit(recorded.take(slice(0, 100)), "AAA")
    with pytest.raises(InputError, match="no event of kind EXECUTE"):
        BASELINES[name].fit(recorded.take(recorded.kind != FlowKind.EXECUTE), "AAA")


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_a_fitted_market_is_the_same_for_the_same_seed_and_says_what_it_is(name: str, recorded: OrderFlow) -> None:
    fitted = BASELINES[name].fit(recorded, "AAA")
    assert (fitted.model, fitted.name) == (name, "AAA")
    assert fitted.figures["events"] > 0
    tapes = []
    for _ in range(2):
        market = fitted.market(4, OPEN_NS + 100 * SECOND_NS, OPEN_NS + 200 * SECOND_NS, 10_000)
        market.run()
        tapes.append(market.tape)
    assert len(tapes[0]) > 100
    assert tapes[0].tobytes() == tapes[1].tobytes()
    if name != "replay":
        with pytest.raises(InputError, match="reference_ticks = 1; allowed"):
            fitted.market(4, OPEN_NS, OPEN_NS + SECOND_NS, 1)
