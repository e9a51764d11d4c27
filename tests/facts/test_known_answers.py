"""What is planted in a flow is what the facts say: no tail in a Gaussian, a power law, a spread, linear impact."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from scenarios.facts import MarketFacts, facts_frame, facts_of, facts_page
from scenarios.facts.folder import facts_record
from scenarios.facts.market_facts import FACTS, TOPICS
from sim.metrics import FlowKind, OrderFlow
from tests.facts.flows import of_mid, of_trades
from tests.replay.days import DATA

GOOG = DATA / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
AMZN = DATA / "LOBSTER_SampleFile_AMZN_2012-06-21_5.zip"


def walk(returns: np.ndarray) -> OrderFlow:
    return of_mid(50_000 * np.exp(np.cumsum(returns)))


def interval(facts: MarketFacts, name: str) -> tuple[float, float]:
    found = facts.values[name]
    assert found.low is not None and found.high is not None
    return found.low, found.high


def check_whole(facts: MarketFacts) -> None:
    """Every fact is a finite number or says why it is none, and so do the curves."""
    assert list(facts.values) == list(FACTS)
    assert set(facts.curves) == {name for topic in TOPICS.values() for name in topic.CURVES}
    for name, found in facts.values.items():
        assert (found.value is None) == bool(found.why), name
    for name, curve in facts.curves.items():
        assert len(curve.x) == len(curve.y) and bool(curve.x) != bool(curve.why), name
    json.dumps(facts_record([facts]), allow_nan=False)


def test_gaussian_returns_have_no_heavy_tail_and_no_memory() -> None:
    facts = facts_of(walk(np.random.default_rng(1).normal(0, 1e-4, 20_000)))
    check_whole(facts)
    assert facts["return_sd_1s"] == pytest.approx(1.0, rel=0.02)
    assert facts["return_sd_10s"] == pytest.approx(10**0.5, rel=0.06)
    assert abs(facts["kurtosis_1s"] or 9) < 0.15 and abs(facts["kurtosis_60s"] or 9) < 0.8
    low, high = interval(facts, "tail_index_1s")
    assert low < 6.0 < high  # what Hill says of a Gaussian at 5%
    for name in ("return_acf_1s", "abs_return_acf_1s", "abs_return_acf_1s_60"):
        assert abs(facts[name] or 9) < 0.03
    assert facts["signature_ratio"] == pytest.approx(1.0, abs=0.1)
    _, y, _ = facts.curves["signature"].points()
    assert y[3:9] == pytest.approx(60**0.5, rel=0.1)


def test_a_planted_power_law_is_found_in_the_returns() -> None:
    rng = np.random.default_rng(2)
    returns = rng.choice([-1, 1], 40_000) * 1e-5 * (rng.pareto(3.0, 40_000) + 1)
    low, high = interval(facts_of(walk(returns)), "tail_index_1s")
    assert low < 3.0 < high < 4.0


def test_volatility_that_comes_in_spells_is_memory_of_absolute_returns_alone() -> None:
    rng = np.random.default_rng(3)
    facts = facts_of(walk(rng.normal(size=20_000) * np.repeat(rng.choice([1e-5, 1e-4], 100), 200)))
    assert (facts["abs_return_acf_1s"] or 0) > 0.3 and (facts["abs_return_acf_1s_60"] or 0) > 0.15
    assert abs(facts["return_acf_1s"] or 9) < 0.05


def test_bounce_reverts_and_shows_at_short_intervals() -> None:
    n = 20_000
    rng = np.random.default_rng(4)
    bounce = 3e-4 * rng.choice([-1, 1], n)
    facts = facts_of(walk(rng.normal(0, 1e-4, n) + np.diff(bounce, prepend=0)))
    assert facts["return_acf_1s"] == pytest.approx(-9 / 19, abs=0.03)  # Roll 1984
    assert (facts["signature_ratio"] or 0) > 3


def test_spread_queue_and_depth_are_weighted_by_time() -> None:
    n = 1000
    wide = np.arange(n) % 10 == 9
    flow = of_mid(np.full(n, 100.0), spread=np.where(wide, 11.0, 1.0), lots=np.where(wide, 30, 10))
    facts = facts_of(flow)
    assert facts["spread_mean"] == pytest.approx(2.0, abs=0.02) and facts["spread_p50"] == 1
    assert facts["one_tick_share"] == pytest.approx(0.9, abs=0.01)
    assert facts["queue_lots_mean"] == pytest.approx(12, abs=0.1)
    assert facts["depth_lots"] == pytest.approx(36, abs=0.2) and facts["depth_levels"] == 3
    assert facts.curves["level_distance"].y == pytest.approx((0, 1, 2))
    x, y, _ = facts.curves["spread"].points()
    assert x.tolist() == [1, 11] and y == pytest.approx([0.9, 1], abs=0.01)


def test_impact_in_proportion_to_quantity_has_exponent_one() -> None:
    rng = np.random.default_rng(5)
    n = 20_000
    sign, lots = rng.choice([-1, 1], n), np.round(np.exp(rng.normal(4, 1, n))) + 1
    facts = facts_of(of_trades(sign, lots, 1e6 + np.cumsum(sign * lots) / 100))
    check_whole(facts)
    low, high = interval(facts, "metaorder_exponent")
    assert low <= 1.0 <= high and high - low < 0.5
    # A run has four children in the mean and ends with an order of the other sign: nothing reverts, and 3/4 is left.
    assert facts["metaorder_late"] == pytest.approx(0.75, abs=0.1)
    assert facts["response_1"] == pytest.approx(lots.mean() / 100, rel=0.02)
    assert facts["market_size_mean"] == pytest.approx(lots.mean())


def test_lives_sizes_and_mix_are_counted() -> None:
    facts = facts_of(of_mid(np.full(4000, 100.0), lots=5))
    assert facts["submit_share"] == facts["delete_share"] == 0.5 and facts["execute_share"] == 0
    assert facts["life_p50"] == facts["time_to_delete_p50"] == 1.0
    assert facts["filled_share"] == 0 and facts["submit_size_p50"] == 5
    assert facts["time_to_fill_p50"] is None and facts.values["time_to_fill_p50"].why
    assert facts["events_per_s"] == pytest.approx(1.0, rel=0.01) and facts["hours"] == pytest.approx(3999 / 3600)


def test_the_parts_of_the_session_have_the_shape_that_was_planted() -> None:
    rng = np.random.default_rng(6)
    quick = np.repeat([False, True], [3600, 3600])
    facts = facts_of(walk(rng.normal(size=7200) * np.where(quick, 3e-4, 1e-4)))
    x, y, _ = facts.curves["day_volatility"].points()
    assert len(x) == 12 and 10 < x[0] < x[-1] < 12
    assert y[6:].mean() / y[:6].mean() == pytest.approx(3, rel=0.2)
    assert facts.curves["day_events"].y == pytest.approx([1.0] * 12, abs=0.01)


def test_days_are_put_together_and_nothing_spans_a_night() -> None:
    rng = np.random.default_rng(7)
    one = walk(rng.normal(0, 1e-4, 5000))
    other = of_mid(2 * one.mid_ticks)  # the next morning at twice the price
    alone, both = facts_of(one), facts_of([one, other], "both")
    assert both["days"] == 2 and len(both.days) == 2 and both.name == "both"
    for name in ("return_sd_1s", "return_sd_60s", "spread_mean", "events_per_s", "signature_ratio", "life_p50"):
        assert both[name] == pytest.approx(alone[name], rel=1e-3), name


def test_hidden_executions_are_in_the_mix_and_nowhere_else() -> None:
    flow = walk(np.random.default_rng(8).normal(0, 1e-4, 4000))
    hidden = np.full(4000, FlowKind.HIDDEN)
    columns = {f: np.repeat(getattr(flow, f), 2, axis=0) for f in (
        "time_ns", "side", "price_ticks", "size_lots", "order_id", "bid_ticks", "ask_ticks", "bid_lots", "ask_lots",
        "book",
    )}  # fmt: skip
    both = OrderFlow(kind=np.stack([flow.kind, hidden], axis=1).ravel(), **columns)
    with_them, without = facts_of(both), facts_of(flow)
    assert with_them["hidden_share"] == 0.5 and without["hidden_share"] is None
    for name in FACTS:
        if not name.endswith("_share") or name in ("inside_share", "queue_known_share", "one_tick_share"):
            assert with_them[name] == without[name], name


@pytest.mark.parametrize("n", [1, 2, 3, 10, 40, 300])
def test_whatever_is_too_short_says_so(n: int) -> None:
    rng = np.random.default_rng(9)
    one_sided = of_mid(np.full(n, np.nan))
    still = of_mid(np.full(n, 100.0), step_s=0)
    for flow in (walk(rng.normal(0, 1e-4, n)), one_sided, still, of_trades([1] * n, [1] * n, [50.0] * n)):
        facts = facts_of(flow)
        check_whole(facts)
        assert facts["kurtosis_60s"] is None and "returns of 60 s" in facts.values["kurtosis_60s"].why
        if n == 10 and flow is not still:
            page = facts_page([facts])
            assert "nan" not in re.sub(r"<img[^>]*>", "", page).lower()


@pytest.mark.parametrize("seed", range(5))
def test_odd_flows_have_facts_without_a_warning(seed: int) -> None:
    """Sides that are empty, locked and crossed books, prices at and below zero, unknown orders, equal times."""
    rng = np.random.default_rng(seed)
    n = 3000
    bid = 20.0 + np.cumsum(rng.integers(-2, 3, n))
    ask = bid + rng.choice([-1, 0, 1, 5, 400], n) * (seed != 1)
    bid[rng.random(n) < 0.1], ask[rng.random(n) < 0.1] = np.nan, np.nan
    lots = rng.integers(0, 50, (2, n)).astype(np.float64)
    flow = OrderFlow(
        np.sort(rng.integers(0, 3 * 10**12, n)) // 10**8 * 10**8, rng.integers(1, 6, n), rng.choice([-1, 1], n), bid,
        rng.integers(1, 9, n), rng.integers(0, 400, n), bid, ask, lots[0], lots[1],
    )  # fmt: skip
    facts = facts_of([flow, flow.take(slice(0, 1200))], "odd $x$ <b>")
    check_whole(facts)
    if seed < 2:  # seconds each
        assert "<b>" not in facts_page([facts, facts_of(flow)])


def test_no_events_are_refused() -> None:
    from lob.errors import InputError

    with pytest.raises(InputError, match="a day without events"):
        facts_of([])


def test_the_frame_has_a_row_for_each_fact_and_source() -> None:
    sources = [facts_of(of_mid(np.full(50, 100.0)), name) for name in ("one", "other")]
    frame = facts_frame(sources)
    assert len(frame) == 2 * len(FACTS) and frame["source"].unique().sort().to_list() == ["one", "other"]
    assert frame.filter(frame["value"].is_null())["why"].null_count() == 0


@pytest.mark.skipif(not (GOOG.is_file() and AMZN.is_file()), reason=f"no LOBSTER sample files in {DATA}")
def test_recorded_days_have_the_facts_that_are_known_of_them() -> None:
    goog, amzn = facts_of(GOOG), facts_of(AMZN)
    for facts in (goog, amzn):
        check_whole(facts)
        assert facts["metaorder_exponent"] == pytest.approx(0.43, abs=0.04)
        assert facts["metaorder_y"] == pytest.approx(1.76, abs=0.06)
        low, high = interval(facts, "metaorder_exponent")
        assert 0.25 < low < 0.42 and 0.5 < high < 0.65
        assert 2.4 < (facts["tail_index_10s"] or 0) < 4
    for name, expected in {
        "return_acf_1s": -0.013, "abs_return_acf_1s": 0.120, "market_sign_acf_1": 0.63, "response_1": 2.6,
        "response_100": 9.3, "response_1000": 7.3, "imbalance_next_move": 0.127,
    }.items():  # fmt: skip
        assert goog[name] == pytest.approx(expected, rel=0.02, abs=0.003), name
    assert goog["kurtosis_1s"] == pytest.approx(87, rel=0.02) and goog["kurtosis_60s"] == pytest.approx(2.5, rel=0.02)
