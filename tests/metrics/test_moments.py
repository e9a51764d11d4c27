"""Moments of order flow: those of the recorded days are the published ones, and a tape converts without loss."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from agents.background import replay
from lob import OrderBook
from lob.lobster import read_day
from lob.rules import Instrument
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.metrics import MOMENTS, FlowKind, flow_of_day, flow_of_tape, moment_distance, moments, noise_floor
from sim.metrics.moments import (
    autocorrelation,
    depths_ticks,
    excess_kurtosis,
    grid_returns,
    imbalance_and_next_move,
    lives_s,
    log_dt,
    market_orders,
    response_ticks,
)
from sim.settings import Listing, Population, Session
from tests.replay.days import DATA
from tests.sim.markets import MID_TICKS, OPEN_NS, market_of, zero_intelligence_traders

DAYS = {"GOOG_10": "GOOG_2012-06-21_10", "AMZN_5": "AMZN_2012-06-21_5"}


@pytest.fixture(scope="module", params=DAYS)
def day(request: Any) -> tuple[Any, Any]:
    """A recorded day's flow and its published facts."""
    if not (DATA / "facts.json").is_file():
        pytest.skip(f"no recorded days in {DATA}")
    facts = json.loads((DATA / "facts.json").read_text())[request.param]
    return flow_of_day(read_day(DATA / f"LOBSTER_SampleFile_{DAYS[request.param]}.zip")), facts


def test_times_between_events_are_the_published_ones(day: tuple[Any, Any]) -> None:
    flow, facts = day
    logs, published = log_dt(flow), facts["interarrival_s"]
    assert (np.diff(flow.time_ns) < 1_000_000).mean() == pytest.approx(published["share_lt_1ms"], abs=1e-4)
    for lag in (1, 2, 10):
        assert autocorrelation(logs, lag) == pytest.approx(published["logdt_acf"][str(lag)], abs=1e-4)


def test_placement_and_lives_are_the_published_ones(day: tuple[Any, Any]) -> None:
    flow, facts = day
    depth, published = depths_ticks(flow), facts["submit_depth_ticks"]
    assert (depth < 0).mean() == pytest.approx(published["share_improve"], abs=1e-4)
    assert (depth == 0).mean() == pytest.approx(published["share_at_best"], abs=1e-4)
    assert list(np.percentile(depth, [50, 90, 99])) == [published[p] for p in ("p50", "p90", "p99")]
    life = lives_s(flow)
    for p in (10, 50, 90):
        assert np.percentile(life, p) == pytest.approx(facts["lifetime_to_delete_s"][f"p{p}"], rel=1e-3)


def test_returns_are_the_published_ones(day: tuple[Any, Any]) -> None:
    flow, facts = day
    for step in (1, 10, 60):
        published = facts["returns"][f"{step}s"]
        found = grid_returns(flow, step, 34_200 * SECOND_NS, 57_600 * SECOND_NS)
        assert found.std() * 1e4 == pytest.approx(published["std_bp"], abs=1e-3)
        assert excess_kurtosis(found) == pytest.approx(published["ex_kurt"], abs=0.06)
        assert autocorrelation(np.abs(found), 1) == pytest.approx(published["abs_acf"]["1"], abs=1e-3)


def test_signs_responses_and_imbalance_are_the_published_ones(day: tuple[Any, Any]) -> None:
    flow, facts = day
    at, signs = market_orders(flow)
    assert len(at) == facts["market_orders"]["n"]
    for lag in (1, 10, 50):
        assert autocorrelation(signs, lag) == pytest.approx(facts["market_orders"]["sign_acf"][str(lag)], abs=2e-4)
    sides = flow.side[flow.kind == FlowKind.SUBMIT]
    assert autocorrelation(sides, 1) == pytest.approx(facts["order_sign_acf_all_submissions"]["1"], abs=1e-4)
    for lag in (1, 10, 100, 1000):
        published = facts["impact_response_ticks_by_event_lag"][str(lag)]
        assert response_ticks(flow, lag) == pytest.approx(published, rel=1e-3)
    imbalance, move = imbalance_and_next_move(flow)
    assert np.corrcoef(imbalance, move)[0, 1] == pytest.approx(facts["imbalance"]["corr_next_move"], abs=1e-4)


def test_a_tape_shows_what_a_recording_of_it_would() -> None:
    book = OrderBook(Instrument(n_prices=64, n_agents=2))
    rows = []
    for send in (
        lambda: book.limit("buy", 10, 5),
        lambda: book.limit("sell", 20, 7),
        lambda: book.limit("buy", 20, 9),  # trades 7, rests 2
        lambda: book.reduce(1, 2),
        lambda: book.cancel(1),
        lambda: book.cancel(99),  # refused: no order flow
        lambda: book.market("sell", 1),
    ):
        rows.append(send().events)
    flow = flow_of_tape(np.concatenate(rows))
    assert list(flow.kind) == [1, 1, 4, 1, 2, 3, 4]
    assert list(flow.side) == [1, -1, -1, 1, 1, 1, 1]  # of the resting order, where one is executed
    assert list(flow.size_lots) == [5, 7, 7, 2, 2, 3, 1]
    assert list(flow.order_id) == [1, 2, 2, 3, 1, 1, 3]
    assert flow.bid_ticks[-1] == 20
    assert np.isnan(flow.ask_ticks[-1])


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded days in {DATA}")
def test_a_replayed_day_has_the_moments_of_the_recorded_one() -> None:
    """Through the whole simulator: what enters and leaves the recorded window is marked, and left out here."""
    path = DATA / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
    start, seconds = 36_000, 3600
    settings = replay.Replay(message=str(path), start="10:00:00")
    stock = Instrument(min_price_ticks=50_000, n_prices=16_384, max_orders=200_000, reference_ticks=57_700)
    session = Session(start * SECOND_NS, (start + seconds) * SECOND_NS)
    population = Population("day", 1, replay.policy, settings)
    market = Market([Listing(stock, ConstantValue(57_700.0))], [population], session)
    market.run()
    tape = market.tape[(market.tape["parent_id"] != replay.WINDOW) & (market.tape["contra_parent_id"] != replay.WINDOW)]
    first = start * SECOND_NS + 10_000
    found = moments(flow_of_tape(tape[tape["time_ns"] > first]))
    recorded = flow_of_day(read_day(path)).visible().window(first, (start + seconds) * SECOND_NS)
    expected = moments(recorded)
    # Window artefacts are gone from the events but not from the touch between them; signs and shares must agree.
    for name in ("inside_share", "at_best_share", "depth_p50_ticks", "submit_sign_acf_1", "spread_p50_ticks"):
        assert found[name] == pytest.approx(expected[name], rel=0.05, abs=0.02), name


def test_all_moments_are_known_for_a_lively_market_and_none_for_a_dead_one() -> None:
    market = market_of([zero_intelligence_traders(60)], seconds=900)
    market.run()
    flow = flow_of_tape(market.tape)
    found = moments(flow)
    assert list(found) == list(MOMENTS)
    assert np.isfinite(list(found.values())).all()
    assert np.isnan(list(moments(flow.window(OPEN_NS, OPEN_NS + SECOND_NS)).values())).all()
    assert abs(np.nanmean(flow.mid_ticks) - MID_TICKS) < 200


def test_the_distance_counts_in_units_of_the_floor_and_is_bounded() -> None:
    market = market_of([zero_intelligence_traders(60)], seconds=900)
    market.run()
    flow = flow_of_tape(market.tape)
    target, floor = moments(flow), {name: max(value, 0.01) for name, value in noise_floor(flow, 3).items()}
    assert moment_distance(target, target, floor) == 0
    shifted = {name: target[name] + 2 * floor[name] for name in target}
    assert moment_distance(shifted, target, floor) == pytest.approx(2)
    assert moment_distance(dict.fromkeys(target, float("nan")), target, floor) == 20
