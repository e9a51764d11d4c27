"""Lives of orders and queues at the best: by hand, and against a plain look at the whole book of a simulated market."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from lob.units import SECOND_NS
from sim.metrics import FlowKind, OrderFlow, visible_flow_of_tape
from sim.metrics.lifetimes import Lives, end_shares, order_lives
from sim.metrics.queues import orders_at_best
from tests.sim.markets import market_of, zero_intelligence_traders

S, P, D, X = FlowKind.SUBMIT, FlowKind.PARTIAL_CANCEL, FlowKind.DELETE, FlowKind.EXECUTE


def flow_of(rows: list[tuple[float, int, int, int]], bid_lots: list[int] | None = None) -> OrderFlow:
    """Bids at one price: (time [s], kind, order, lots)."""
    time, kind, order, lots = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    shown = np.array(bid_lots if bid_lots is not None else [1] * n, np.float64)
    ones = np.ones(n)
    return OrderFlow(
        (time * SECOND_NS).astype(np.int64), kind, np.ones(n, np.int64), 100 * ones, lots, order, 100 * ones,
        101 * ones, shown, ones,
    )  # fmt: skip


@pytest.fixture(scope="module")
def simulated() -> OrderFlow:
    market = market_of([zero_intelligence_traders(60)], seed=5)
    market.run()
    return visible_flow_of_tape(market.tape, 50)


def test_an_order_ends_with_its_deletion_or_first_execution_or_still_rests() -> None:
    lives = order_lives(
        flow_of([(0, S, 7, 5), (1, S, 8, 5), (2, P, 7, 1), (3, X, 7, 2), (4, D, 7, 2), (4, D, 9, 2), (6, S, 0, 2)])
    )
    assert lives.life_s.tolist() == [3, 5] and lives.end.tolist() == [X, 0]


def test_a_number_that_is_submitted_again_is_another_order() -> None:
    lives = order_lives(flow_of([(0, S, 7, 5), (2, D, 7, 5), (2, S, 7, 6), (5, X, 7, 6), (6, S, 7, 1), (9, S, 7, 1)]))
    assert lives.life_s.tolist() == [2, 3, 3, 0] and lives.end.tolist() == [D, X, 0, 0]


def test_ends_that_compete_have_the_shares_of_their_rates() -> None:
    rng = np.random.default_rng(1)
    n = 60_000
    gone, filled, over = rng.exponential(2.0, n), rng.exponential(6.0, n), rng.uniform(0, 8, n)
    first = np.minimum(gone, filled)
    seen = first < over
    lives = Lives(np.minimum(first, over), np.where(seen, np.where(gone < filled, D, X), 0))
    at = np.array([0.0, 0.5, 1.0, 3.0])
    wait, deleted, executed = end_shares(lives, at)
    expected = np.exp(-at * (1 / 2 + 1 / 6))
    assert wait == pytest.approx(expected, abs=0.01)
    assert deleted == pytest.approx(0.75 * (1 - expected), abs=0.01)
    assert executed == pytest.approx(0.25 * (1 - expected), abs=0.01)
    assert wait + deleted + executed == pytest.approx(1.0)


def test_no_orders_no_shares() -> None:
    assert all(np.isnan(curve).all() for curve in end_shares(Lives(np.zeros(0), np.zeros(0, np.int64)), [1.0]))


def test_orders_are_counted_where_they_add_up_to_the_quantity_shown() -> None:
    rows = [(0, S, 1, 5), (1, S, 2, 3), (2, X, 1, 5), (3, P, 2, 1), (4, S, 3, 9), (5, D, 2, 2)]
    assert orders_at_best(flow_of(rows, [5, 8, 3, 2, 11, 9]), 1).tolist() == [1, 2, 1, 1, 2, 1]
    hidden_from_us = orders_at_best(flow_of(rows, [7, 10, 5, 4, 11, 9]), 1)
    assert np.isnan(hidden_from_us).tolist() == [True] * 4 + [False] * 2
    assert np.isnan(orders_at_best(flow_of(rows), -1)).all()


@pytest.mark.parametrize("side", [1, -1])
def test_all_queues_of_a_simulated_market_are_known_and_right(simulated: OrderFlow, side: int) -> None:
    flow, left = simulated, defaultdict[int, int](int)
    price = {}
    found = orders_at_best(flow, side)
    best = flow.bid_ticks if side > 0 else flow.ask_ticks
    for k in range(len(flow)):
        order = int(flow.order_id[k])
        if flow.side[k] == side:
            left[order] += int(flow.size_lots[k]) * (1 if flow.kind[k] == S else -1)
            price[order] = flow.price_ticks[k]
        n = sum(1 for o, lots in left.items() if lots > 0 and price[o] == best[k])
        assert n == found[k] or (np.isnan(best[k]) and np.isnan(found[k]))
