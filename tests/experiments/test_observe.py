"""What is read off a tape: the touch through time, and what a metaorder cost, against slow twins in plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.metaorder import Metaorder
from lob import Instrument
from lob.types import NO_PRICE, EventKind
from lob.units import SECOND_NS
from scenarios.experiments.observe import Window, execution_costs, population_results
from sim import ConstantValue, Listing, Market, Session
from sim.metrics.touch import touch_of
from sim.worth import fees_ticks
from tests.sim.markets import zero_intelligence_traders


def market_with(order: Metaorder | None, n: int, seed: int, cancel: float = 0.4) -> Market:
    stock = Instrument(n_prices=4096, reference_ticks=2000, max_orders=8192)
    crowd = [zero_intelligence_traders(n)] if n else []
    metaorder = [order.population()] if order is not None else []
    listing = Listing(stock, ConstantValue(2000.0), taker_fee_ppm=100)
    market = Market([listing], [*crowd, *metaorder], Session(0, 400 * SECOND_NS), seed=seed)
    market.run()
    return market


@given(n=st.integers(1, 12), seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=15)
def test_the_touch_is_that_of_a_plain_look_at_each_row(n: int, seed: int) -> None:
    rows = market_with(None, n, seed).tape
    touch = touch_of(rows)
    mid = math.nan
    for k, row in enumerate(rows):
        bid, ask = int(row["bid_ticks"]), int(row["ask_ticks"])
        quoted = NO_PRICE not in (bid, ask)
        mid = (bid + ask) / 2 if quoted else mid
        assert touch.mid_ticks[k] == mid or (math.isnan(mid) and math.isnan(touch.mid_ticks[k]))
        assert touch.spread_ticks[k] == ask - bid if quoted else math.isnan(touch.spread_ticks[k])
        assert touch.depth_lots[k] == row["bid_lots"] + row["ask_lots"]
    times = [0, 1, 50 * SECOND_NS, 400 * SECOND_NS]
    for time, found in zip(times, touch.mid_at(times), strict=True):
        before = [m for t, m in zip(rows["time_ns"], touch.mid_ticks, strict=True) if t <= time]
        expected = before[-1] if before else math.nan
        assert found == expected or (math.isnan(found) and math.isnan(expected))


def slow_costs(rows: Any, control: Any, agent: int, side: int, quantity: int, window: Window) -> dict[str, float]:
    rows, control = ([dict(zip(t.dtype.names, row, strict=True)) for row in t.tolist()] for t in (rows, control))

    def mid_until(tape: Any, time: int, *, before_row: int | None = None) -> float:
        found = math.nan
        for k, row in enumerate(tape):
            if (before_row is not None and k >= before_row) or (before_row is None and row["time_ns"] > time):
                break
            if NO_PRICE not in (int(row["bid_ticks"]), int(row["ask_ticks"])):
                found = (int(row["bid_ticks"]) + int(row["ask_ticks"])) / 2
        return found

    arrival, end = mid_until(rows, window.start_ns), mid_until(rows, window.end_ns)
    lots = spread = paid = paired = passive = 0.0
    message = 0
    for k, row in enumerate(rows):
        message = k if row["flags"] & 4 else message
        if row["kind"] != EventKind.EXECUTE or agent not in (int(row["agent"]), int(row["contra_agent"])):
            continue
        q, p = int(row["qty_lots"]), int(row["price_ticks"])
        lots += q
        passive += q * (int(row["contra_agent"]) == agent)
        paid += q * (p - arrival)
        spread += q * (p - mid_until(rows, 0, before_row=message))
        paired += q * (p - mid_until(control, int(row["time_ns"])))
    unit = side * 1e4 / arrival
    missing = 1 - lots / quantity
    opportunity = unit * (end - arrival) * missing
    return {
        "executed_lots": lots,
        "arrival_slippage_bps": unit * paid / lots,
        "spread_cost_bps": unit * spread / lots,
        "paired_slippage_bps": unit * paired / lots,
        "opportunity_cost_bps": opportunity,
        "passive_share": passive / lots,
        "shortfall_bps": (1 - missing) * unit * paid / lots + opportunity,
    }


@pytest.mark.parametrize(
    ("side", "more", "quantity"),
    [
        ("buy", {}, 60),
        ("sell", {}, 60),
        ("buy", {"passive": True, "patience_s": 20.0}, 60),
        ("sell", {"max_child_lots": 3}, 2_000),
    ],
)
def test_costs_of_a_metaorder_are_those_of_the_definitions(side: Any, more: dict[str, Any], quantity: int) -> None:
    order = Metaorder(side, quantity, start_s=100, duration_s=200, settings={"n_slices": 12, **more})
    rows, control = market_with(order, 30, 7).tape, market_with(order.placebo(), 30, 7).tape
    window = Window(100 * SECOND_NS, 300 * SECOND_NS, 380 * SECOND_NS)
    sign = 1 if side == "buy" else -1
    found = execution_costs(rows, touch_of(rows), touch_of(control), 30, sign, quantity, window)
    assert found == pytest.approx(slow_costs(rows, control, 30, sign, quantity, window))
    if "passive" in more:
        assert found["passive_share"] > 0
    if quantity < 1000:
        assert found["executed_lots"] == quantity and found["opportunity_cost_bps"] == 0
    else:
        assert 0 < found["executed_lots"] < quantity


def test_a_metaorder_that_never_trades_costs_what_the_price_did() -> None:
    order = Metaorder("buy", 10, start_s=100, duration_s=200)
    control = market_with(order.placebo(), 30, 8).tape
    touch = touch_of(control)
    window = Window(100 * SECOND_NS, 300 * SECOND_NS, 380 * SECOND_NS)
    found = execution_costs(control, touch, touch, 30, 1, 10, window)
    arrival, end = touch.mid_at([window.start_ns, window.end_ns])
    assert found["executed_lots"] == 0 and math.isnan(found["arrival_slippage_bps"])
    assert found["shortfall_bps"] == found["opportunity_cost_bps"] == pytest.approx(1e4 * (end / arrival - 1))


def test_profits_of_populations_add_up_to_minus_the_fees() -> None:
    market = market_with(Metaorder("buy", 60, start_s=100, duration_s=200), 30, 9)
    found = population_results(market, ["crowd", "metaorder"], 1987.0)
    fees = fees_ticks(market.world.accounts).sum()
    assert fees > 0 and sum(found.values()) == pytest.approx(-fees)


def test_looks_begin_at_the_start_hit_the_end_and_stay_within_the_runs() -> None:
    window = Window(1_000, 1_000 + 7 * SECOND_NS, 1_000 + 10 * SECOND_NS, n_looks=3)
    looks = window.looks_ns
    assert looks[0] == window.start_ns and looks[3] == window.end_ns and looks[-1] <= window.until_ns
    assert len(looks) == 5 and (np.diff(looks) > 0).all()
    assert window.since_start_s[-1] == pytest.approx(28 / 3)
