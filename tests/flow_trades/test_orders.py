"""Orders, their depths and the network's input are what the two variants say."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.baselines.trades.history import History
from scenarios.baselines.trades.orders import OrderKind, order_table
from scenarios.baselines.trades.recording import flow_of_events
from scenarios.baselines.trades.scaling import DEPTH, PRICE, fit_scale, raw_books, raw_orders
from scenarios.baselines.trades.settings import TradesConfig
from sim.metrics.flow import FlowKind, OrderFlow
from tests.flow_trades.flows import LEVELS, START_NS, settings, toy_events, toy_flow


def shifted(flow: OrderFlow, ticks: int) -> OrderFlow:
    assert flow.book is not None
    book = flow.book.copy()
    book[:, :, 0::2] += ticks
    return replace(flow, price_ticks=flow.price_ticks + ticks, book=book)


def test_a_submission_inside_the_spread_has_negative_depth_only_if_repaired() -> None:
    flow = toy_flow(400)
    published, repaired = (order_table(flow, settings(variant)) for variant in (False, True))
    bid = (repaired.kind == OrderKind.LIMIT) & (repaired.direction > 0)
    inside = bid & (repaired.price_ticks > repaired.before[:, 0, 2])
    assert inside.any()
    assert (repaired.depth_ticks[inside] < 0).all() and (published.depth_ticks[inside] == 0).all()
    behind = bid & ~inside
    assert np.array_equal(published.depth_ticks[behind], repaired.depth_ticks[behind])


def test_executions_are_market_orders_in_the_aggressors_direction() -> None:
    flow = toy_flow(400)
    table = order_table(flow, settings(repaired=True))
    market = table.kind == OrderKind.MARKET
    assert np.array_equal(market, flow.kind[1:] == FlowKind.EXECUTE)
    assert np.array_equal(table.direction[market], -flow.side[1:][market])


@pytest.mark.parametrize("repaired", [False, True])
def test_a_history_grown_by_events_equals_one_made_of_them(repaired: bool) -> None:
    config = settings(repaired)
    book, events = toy_events(120, seed=2, repaired=repaired)
    whole = order_table(flow_of_events(events, START_NS, LEVELS), config)
    grown = History(order_table(flow_of_events(events[:40], START_NS, LEVELS), config), config)
    for event in events[40:]:
        grown.push(event.order, event.before)
    made = History(whole, config)
    scale = fit_scale(raw_orders(whole, config), raw_books(whole.before, config), config)
    for left, right in zip(grown.window(book.snapshot(), scale), made.window(book.snapshot(), scale), strict=True):
        # Recorded times are whole nanoseconds. The last order is yet to come.
        assert np.allclose(left[:-1], right[:-1], atol=1e-5)


def test_only_the_repaired_input_does_not_see_the_level_of_the_price() -> None:
    for repaired in (False, True):
        config = settings(repaired)
        near, far = (order_table(shifted(toy_flow(200), ticks), config) for ticks in (0, 5000))
        scale = fit_scale(raw_orders(near, config), raw_books(near.before, config), config)
        windows = [History(table, config).window(table.before[-1], scale) for table in (near, far)]
        same = [np.allclose(a[:-1], b[:-1], atol=1e-4) for a, b in zip(*windows, strict=True)]
        assert same == [repaired, repaired]


@pytest.mark.parametrize("log_scale", [False, True])
@pytest.mark.parametrize("repaired", [False, True])
def test_scaled_orders_can_be_read_back(repaired: bool, log_scale: bool) -> None:
    config = settings(repaired, log_scale=log_scale)
    table = order_table(toy_flow(200), config)
    orders, books = raw_orders(table, config), raw_books(table.before, config)
    scale = fit_scale(orders, books, config)
    for k in range(50, 100):
        window = slice(k - config.sequence + 1, k + 1)
        row = scale.window(orders[window], books[window], config)[0][-1]
        order = scale.order(row, float(table.before[k, 0, 0::2].mean()), config)
        assert order.kind == table.kind[k] and order.direction == table.direction[k]
        assert order.size_lots == table.size_lots[k] and order.depth_ticks == table.depth_ticks[k]
        assert order.price_ticks == pytest.approx(table.price_ticks[k], abs=1e-3)
        assert order.offset_s == pytest.approx(max(table.offset_s[k], 1e-7), rel=1e-3, abs=2e-7)
    assert scale.sd[PRICE] > 0 and scale.sd[DEPTH] > 0


def test_empty_levels_read_as_price_zero_as_published_and_as_the_last_level_if_repaired() -> None:
    book = np.array([[[102.0, 5, 100, 5], [np.nan, 0, 99, 5]]])
    assert raw_books(book, settings(repaired=False))[0, 1, 0] == 0
    assert raw_books(book, settings(repaired=True))[0, 1, 0] == 102


def test_a_flow_that_cannot_be_learned_from_is_refused_by_name() -> None:
    flow = toy_flow(100)
    with pytest.raises(ValueError, match="book is None"):
        order_table(replace(flow, book=None), settings(repaired=True))
    with pytest.raises(ValueError, match=f"{LEVELS} book levels; the settings ask for 10"):
        order_table(flow, settings(repaired=True, levels=10))
    with pytest.raises(ValueError, match="one window needs 1001"):
        order_table(flow, settings(repaired=True, sequence=1000))


def test_settings_out_of_range_are_refused_by_name() -> None:
    for changes, message in (
        ({"sequence": 1}, "sequence = 1"),
        ({"eta": 2.0}, "eta = 2.0"),
        ({"sampler": "euler"}, "sampler = 'euler'"),
        ({"heads": 3}, "heads = 3"),
        ({"sampling_steps": 101}, "sampling_steps = 101"),
    ):
        with pytest.raises(ValueError, match=message):
            TradesConfig(True, **changes)  # type: ignore[arg-type]


def test_the_published_steps_never_reach_the_noise_they_start_from() -> None:
    assert TradesConfig(False).step_grid() == [1]
    assert TradesConfig(False, sampling_steps=4).step_grid() == [76, 51, 26, 1]
    assert max(TradesConfig(False, sampling_steps=100).step_grid()) == 99
    repaired = TradesConfig(True).step_grid()
    assert len(repaired) == 20 and repaired[0] == 93 and repaired[-1] == 0
