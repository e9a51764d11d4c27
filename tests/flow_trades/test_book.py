"""The closed loop's book holds what the exchange's book would hold, and orders act on it as TRADES says."""

import numpy as np
import pytest

from lob import OrderBook
from scenarios.baselines.trades.orders import ASK, BID, OrderKind, TradesOrder
from scenarios.baselines.trades.placing import place, usable
from scenarios.baselines.trades.recording import flow_of_events
from sim.metrics.flow import FlowKind
from tests.flow_trades.flows import LEVELS, random_order, settings, toy_book, toy_events


def order(kind: OrderKind, size: int, direction: int, depth: float) -> TradesOrder:
    return TradesOrder(kind, 0.1, size, 0.0, direction, depth)


def test_the_book_is_the_exchanges_book_after_every_event() -> None:
    rng, book, config, exchange = np.random.default_rng(3), toy_book(), settings(repaired=True), OrderBook()
    ids = {}
    for side, name in ((1, "buy"), (-1, "sell")):
        for price in book.prices(side):
            for order_id, size in book.queue(side, price).items():
                ids[order_id] = exchange.limit(name, price, size).order_id
    for _ in range(2000):
        for event in place(book, random_order(rng), config):
            if event.kind == FlowKind.SUBMIT:
                name = "buy" if event.side > 0 else "sell"
                ids[event.order_id] = exchange.limit(name, event.price_ticks, event.size_lots).order_id
            elif event.kind == FlowKind.DELETE:
                assert exchange.cancel(ids[event.order_id]).rejected is None
            else:
                report = exchange.market("sell" if event.side > 0 else "buy", event.size_lots)
                assert report.filled_lots == event.size_lots
                assert report.events["contra_order_id"][0] == ids[event.order_id], "time priority"
        snapshot = book.snapshot()
        for column, name in ((ASK, "sell"), (BID, "buy")):
            levels = exchange.depth(name, LEVELS)
            shown = snapshot[snapshot[:, column + 1] > 0]
            assert [(level.price_ticks, level.qty_lots) for level in levels] == [
                (row[column], row[column + 1]) for row in shown
            ]


def test_an_order_that_would_cross_may_not_rest() -> None:
    with pytest.raises(ValueError, match="the other best is 1002"):
        toy_book().add(1, 1002, 5)


def test_an_empty_side_shows_no_price_and_keeps_its_last_touch() -> None:
    book = toy_book()
    place(book, order(OrderKind.MARKET, 1000, 1, 0), settings(repaired=True))
    assert book.best(-1) is None and book.touch(-1) == 1013
    assert np.isnan(book.snapshot()[:, ASK]).all() and (book.snapshot()[:, ASK + 1] == 0).all()


def test_a_market_order_walks_the_book_at_one_time() -> None:
    events = place(toy_book(), order(OrderKind.MARKET, 25, 1, 0), settings(repaired=True))
    assert [(event.price_ticks, event.size_lots, event.side) for event in events] == [
        (1002, 10, -1),
        (1003, 10, -1),
        (1004, 5, -1),
    ]
    assert [event.order.offset_s for event in events] == [0.1, 0.0, 0.0]
    assert all(event.order.direction == 1 for event in events), "the aggressor's direction"


def test_a_crossing_limit_order_trades_and_rests_with_what_is_left() -> None:
    events = place(toy_book(), order(OrderKind.LIMIT, 15, 1, -2), settings(repaired=True))
    assert [(event.kind, event.price_ticks, event.size_lots) for event in events] == [
        (FlowKind.EXECUTE, 1002, 10),
        (FlowKind.SUBMIT, 1002, 5),
    ]


def test_a_limit_order_behind_the_last_level_is_drawn_again() -> None:
    assert place(toy_book(), order(OrderKind.LIMIT, 5, 1, LEVELS), settings(repaired=True)) == []
    assert place(toy_book(), order(OrderKind.LIMIT, 0, 1, 0), settings(repaired=True)) == []


def test_an_order_can_be_bent_into_one_that_rests_at_the_touch() -> None:
    book = toy_book()
    bent = usable(book, order(OrderKind.CANCEL, -3, -1, 7))
    (event,) = place(book, bent, settings(repaired=True))
    assert (event.kind, event.price_ticks, event.size_lots) == (FlowKind.SUBMIT, 1002, 1)


def test_published_cancels_may_cross_sides_and_repaired_ones_never_do() -> None:
    # The only bid lies far from its touch's neighbourhood: 5 ticks above it, an ask is nearer.
    for repaired, side in ((False, -1), (True, 1)):
        (event,) = place(toy_book(), order(OrderKind.CANCEL, 10, 1, -5), settings(repaired))
        assert (event.kind, event.side) == (FlowKind.DELETE, side)
    events = toy_events(3000, seed=5)[1]
    assert {event.side for event in events if event.kind == FlowKind.DELETE} == {1, -1}
    assert all(event.side == event.order.direction for event in events if event.kind == FlowKind.DELETE)


def test_a_cancel_takes_the_order_whose_size_is_nearest() -> None:
    book = toy_book()
    wanted = book.add(1, 1000, 3)
    (event,) = place(book, order(OrderKind.CANCEL, 4, 1, 0), settings(repaired=True))
    assert (event.order_id, event.size_lots) == (wanted, 3)


def test_events_behind_the_levels_shown_are_no_order_flow() -> None:
    config, book = settings(repaired=True), toy_book()
    events = place(book, order(OrderKind.CANCEL, 10, 1, LEVELS + 2), config)
    assert len(events) == 1 and len(flow_of_events(events, 0, LEVELS)) == 0
