"""Histories of orders against a plain walk through the tape, and fills against exact answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from agents.background import cont_stoikov_talreja as model
from bench.theory.markets import SECOND_NS, one_agent, theory_market
from bench.theory.oracles.cont_stoikov_talreja import CstRates, probability_filled, probability_filled_within
from lob.types import EventKind
from sim.metrics import FlowKind, OrderFlow, flow_of_tape, visible_flow_of_tape
from sim.metrics.fills import N_STRETCHES, fill_shares, markouts_ticks, median_fill_s, stretches, weighted_mean
from sim.metrics.order_histories import OrderHistories, order_histories, together
from tests.sim.markets import market_of, zero_intelligence_traders

EXECUTE, DELETE = FlowKind.EXECUTE, FlowKind.DELETE


def plain_histories(rows: Any) -> list[dict[str, float]]:
    """Walk through a tape with a dictionary of open orders: (side, price, lots) by number."""
    open_orders: dict[int, tuple[int, int, int]] = {}
    histories: list[dict[str, Any]] = []
    of_order: dict[int, dict[str, Any]] = {}
    mid, bid, ask = float("nan"), float("nan"), float("nan")
    end_ns = 0
    for row in rows:
        kind, number, now = row["kind"], int(row["order_id"]), int(row["time_ns"])
        if kind not in (EventKind.ADD, EventKind.CANCEL, EventKind.REDUCE, EventKind.REPLACE, EventKind.EXECUTE):
            continue
        end_ns = now
        before = (bid, ask)
        bid, ask = (float(x) if x > -(2**31) else float("nan") for x in (row["bid_ticks"], row["ask_ticks"]))
        moved = mid != (bid + ask) / 2 and not (np.isnan(mid) and np.isnan((bid + ask) / 2))
        mid = (bid + ask) / 2
        if kind == EventKind.EXECUTE:
            number = int(row["contra_order_id"])
        if kind != EventKind.ADD and of_order[number]["end"] == 0 and kind != EventKind.REDUCE:
            of_order[number] |= {"until": now, "end": EXECUTE if kind == EventKind.EXECUTE else DELETE}
        if moved:
            for one in histories:
                one["moved"] = min(one["moved"], now)
        if kind == EventKind.ADD:
            side, price, lots = int(row["side"]), int(row["price_ticks"]), int(row["qty_lots"])
            ahead = sum(q for s, p, q in open_orders.values() if (s, p) == (side, price))
            best = before[0] if side > 0 else before[1]
            of_order[number] = {
                "born": now, "until": -1, "end": 0, "moved": np.inf, "ahead": ahead, "distance": side * (best - price),
            }  # fmt: skip
            histories.append(of_order[number])
            open_orders[number] = (side, price, lots)
        elif kind in (EventKind.CANCEL, EventKind.REPLACE):
            del open_orders[number]
        else:
            side, price, lots = open_orders.pop(number)
            if lots > row["qty_lots"]:
                open_orders[number] = (side, price, lots - int(row["qty_lots"]))
    for one in histories:
        one["until"] = one["until"] if one["end"] else end_ns
    return histories


@given(st.integers(0, 2**31))
def test_histories_are_those_of_a_plain_walk(seed: int) -> None:
    market = market_of([zero_intelligence_traders(20)], seed=seed)
    market.run(market.session.open_ns + 60 * SECOND_NS)
    found, expected = order_histories(flow_of_tape(market.tape)), plain_histories(market.tape)
    assert len(found) == len(expected)
    for name, ours in (("ahead", found.ahead_lots), ("end", found.end), ("distance", found.distance_ticks)):
        np.testing.assert_array_equal(ours, [one[name] for one in expected], err_msg=name)
    born, until, moved = (np.array([one[key] for one in expected], float) for key in ("born", "until", "moved"))
    np.testing.assert_allclose(found.life_s, (until - born) / SECOND_NS)
    np.testing.assert_allclose(found.mid_moved_s, (moved - born) / SECOND_NS)


def test_a_book_of_enough_levels_says_the_same_as_all_events() -> None:
    market = market_of([zero_intelligence_traders(60)], seed=5)
    market.run()
    summed, shown = (order_histories(flow) for flow in (flow_of_tape(market.tape),
                                                        visible_flow_of_tape(market.tape, 60)))  # fmt: skip
    assert len(summed) > 500
    for name in ("order_id", "ahead_lots", "opposite_lots", "distance_ticks", "life_s", "end", "mid_moved_s"):
        np.testing.assert_array_equal(getattr(summed, name), getattr(shown, name), err_msg=name)
    few = order_histories(visible_flow_of_tape(market.tape, 2))
    known = np.isfinite(few.ahead_lots)
    expected = dict(zip(summed.order_id.tolist(), summed.ahead_lots, strict=True))
    assert known.any() and [expected[o] for o in few.order_id[known].tolist()] == few.ahead_lots[known].tolist()


# ---- the exact answer -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def queues() -> OrderHistories:
    """Orders that joined a best price at a spread of one tick, in the market of Cont, Stoikov and Talreja."""
    flow = one_agent("flow", model.policy, model.ContStoikovTalreja())
    market = theory_market([flow], 30_000, seed=3)
    market.run()
    orders = order_histories(flow_of_tape(market.tape))
    assert (orders.size_lots == 1).all()
    return orders.take((orders.spread_ticks == 1) & (orders.distance_ticks == 0))


LEVEL = 1 - 0.05 / 36
"""Of each interval, so that all of nine cells and four questions cover in 95 of 100 markets."""


@pytest.mark.parametrize("ahead", [1, 2, 4])
@pytest.mark.parametrize("other", [1, 2, 3])
def test_fill_probabilities_cover_the_exact_ones_of_a_birth_death_market(
    queues: OrderHistories, ahead: int, other: int
) -> None:
    cell = (queues.ahead_lots == ahead) & (queues.opposite_lots == other)
    orders, stretch = queues.take(cell), stretches(len(queues))[cell]
    within = (0.5, 2.0, 8.0, np.inf)
    found = fill_shares(orders, within, stretch, before_move=True, confidence=LEVEL)
    exact = [probability_filled_within(ahead + 1, other, t, CstRates()) for t in within[:3]]
    exact.append(float(probability_filled(CstRates())[ahead + 1, other]))
    assert len(orders) > 250
    assert ((found.low <= exact) & (exact <= found.high)).all(), (found, exact)
    assert (found.high - found.low < 0.3).all()


def test_counting_withdrawn_orders_as_unfilled_is_another_question(queues: OrderHistories) -> None:
    cell = (queues.ahead_lots == 2) & (queues.opposite_lots == 3)
    orders, stretch = queues.take(cell), stretches(len(queues))[cell]
    exact = float(probability_filled(CstRates())[3, 3])
    as_it_went = fill_shares(orders, [np.inf], stretch, if_left=False, before_move=True, confidence=LEVEL)
    assert as_it_went.high[0] < exact


# ---- small cases ------------------------------------------------------------------------------------------------


def orders_of(life_s: Any, end: Any) -> OrderHistories:
    n = len(life_s)
    ones = np.ones(n)
    whole = np.arange(n)
    return OrderHistories(whole, whole, whole, whole, ones, ones, ones, ones, np.asarray(life_s, float),
                          np.asarray(end), np.full(n, np.inf))  # fmt: skip


def test_kaplan_and_meier_by_hand() -> None:
    orders = orders_of([1, 2, 3, 4], [EXECUTE, DELETE, EXECUTE, 0])
    stretch = np.arange(4)
    left = fill_shares(orders, [0.5, 1, 3, 9], stretch)
    assert left.value == pytest.approx([0, 1 / 4, 1 - 3 / 4 * 1 / 2, 1 - 3 / 4 * 1 / 2])
    went = fill_shares(orders, [9], stretch, if_left=False)
    assert went.value == pytest.approx([0.5])
    assert np.isnan(left.low).all()  # four stretches say nothing about a spread
    assert median_fill_s(orders) == 3 and np.isnan(median_fill_s(orders_of([1.0], [DELETE])))


def test_intervals_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(8)
    covered = []
    for _ in range(400):
        n = 600
        # Orders of one stretch share their luck, as those of one market do.
        luck = np.repeat(rng.normal(0, 0.5, N_STRETCHES), n // N_STRETCHES)
        filled = rng.random(n) < 1 / (1 + np.exp(-luck))
        orders = orders_of(np.where(filled, 1.0, 2.0), np.where(filled, EXECUTE, 0))
        found = fill_shares(orders, [1.0], stretches(n))
        covered.append(found.low[0] <= 0.5 <= found.high[0])
    low, high = stats.binomtest(sum(covered), len(covered)).proportion_ci(0.999)
    assert low <= 0.95 <= high


def test_shares_of_none_and_all_have_intervals_too() -> None:
    n = 200
    none = fill_shares(orders_of(np.ones(n), np.full(n, DELETE)), [5.0], stretches(n), if_left=False)
    assert none.value[0] == none.low[0] == 0 and 0.01 < none.high[0] < 0.03
    full = fill_shares(orders_of(np.ones(n), np.full(n, EXECUTE)), [5.0], stretches(n))
    assert full.value[0] == full.high[0] == 1 and 0.97 < full.low[0] < 0.99


def test_markouts_are_the_gain_of_the_resting_side() -> None:
    """A bid at 100 is hit while the midpoint is 101; two seconds later the midpoint is 99."""
    n = 4
    time = np.array([0, 1, 1, 3]) * SECOND_NS
    kind = np.array([FlowKind.SUBMIT, EXECUTE, DELETE, FlowKind.SUBMIT])
    bid, ask = np.array([100.0, 99, 99, 98]), np.array([102.0, 102, 101, 100])
    flow = OrderFlow(time, kind, np.ones(n, np.int64), np.full(n, 100.0), np.full(n, 5), np.arange(1, 5), bid, ask,
                     np.ones(n), np.ones(n))  # fmt: skip
    at, gains = markouts_ticks(flow, [0, 0.5, 2, 60])
    assert at.tolist() == [1]
    np.testing.assert_array_equal(gains, [[1.0, 0.0, -1.0, np.nan]])


def test_a_weighted_mean_leaves_out_what_is_not_known() -> None:
    values, weights = np.array([1.0, np.nan, 3.0] * 20), np.array([1.0, 9.0, 3.0] * 20)
    mean, low, high = weighted_mean(values, weights, stretches(60))
    assert mean == pytest.approx(2.5) and low == pytest.approx(2.5) and high == pytest.approx(2.5)
    assert np.isnan(weighted_mean(np.array([np.nan]), np.ones(1), np.zeros(1, int))).all()


def test_days_are_put_together_in_their_order() -> None:
    a, b = orders_of([1.0], [EXECUTE]), orders_of([2.0, 3.0], [DELETE, 0])
    assert together([a, b]).life_s.tolist() == [1, 2, 3]
