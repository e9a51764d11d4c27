"""Execution algorithms: the finished quantity is exact whatever the market does, and each follows its own schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.makers import linear_book
from agents.metaorder import Metaorder, algorithms, execution_report
from lob.errors import InputError
from lob.types import EventKind, Phase
from lob.units import SECOND_NS
from sim.checks import check_policy
from sim.market import Market
from sim.records import LatencyKind, ScheduledKind
from sim.settings import Latency, Population, RiskLimits, Scheduled
from tests.sim.markets import OPEN_NS, Rows, market_of, zero_intelligence_traders

ALGORITHMS = algorithms()
SLOW = Latency(LatencyKind.LOGNORMAL, a_ns=3e8, sigma=1.0)
HALT = [
    Scheduled(OPEN_NS + 80 * SECOND_NS, ScheduledKind.PHASE, Phase.HALTED),
    Scheduled(OPEN_NS + 150 * SECOND_NS, ScheduledKind.PHASE, Phase.CONTINUOUS),
]


def order_of(algo: str, quantity: int = 200, side: Any = "buy", **extra: Any) -> Metaorder:
    """A metaorder from 30 s to 230 s after the open."""
    if algo in ("twap", "vwap", "almgren_chriss", "implementation_shortfall"):
        extra.setdefault("n_slices", 10)
    if algo == "iceberg":
        extra.setdefault("display_lots", 20)
    if algo == "vwap":
        extra.setdefault("session_s", 400.0)
    extra.setdefault("finish_before_close_s", 60.0)
    return Metaorder(side, quantity, algo, start_s=30.0, duration_s=200.0, parent_id=7, settings=extra)


def run(
    order: Metaorder, *, latency: Latency | None = None, limits: RiskLimits | None = None, seed: int = 1,
    count: int = 30,
    schedule: list[Scheduled] | None = None,
) -> Market:  # fmt: skip
    """Run a market of zero-intelligence traders with the metaorder, to its close after 400 s."""
    crowd = zero_intelligence_traders(count)
    own = order.population(latency=latency, limits=limits)
    market = market_of([own, crowd], seconds=400, seed=seed, schedule=schedule or [])
    market.run()
    return market


def open_and_executed(tape: Rows) -> tuple[Any, Any]:
    """Executed and resting quantity of agent 0 after each of its rows."""
    mine = tape[(tape["agent"] == 0) | ((tape["contra_agent"] == 0) & (tape["kind"] == EventKind.EXECUTE))]
    traded = mine["kind"] == EventKind.EXECUTE
    made = traded & (mine["contra_agent"] == 0)
    lots = mine["qty_lots"].astype(np.int64)
    resting = lots * (mine["kind"] == EventKind.ADD) - lots * ((mine["kind"] == EventKind.CANCEL) | made)
    return np.cumsum(lots * traded), np.cumsum(resting)


def check_exact(market: Market, order: Metaorder) -> None:
    side = 1 if order.side == "buy" else -1
    assert market.world.accounts["position_lots"][0, 0] == side * order.quantity_lots
    executed, resting = open_and_executed(market.tape)
    assert (executed + resting <= order.quantity_lots).all()
    assert (resting >= 0).all()
    mine = market.tape[(market.tape["agent"] == 0) & (market.tape["kind"] != EventKind.PHASE)]
    assert set(mine["parent_id"][np.isin(mine["kind"], (EventKind.ADD, EventKind.EXECUTE))]) <= {order.parent_id}


@pytest.mark.parametrize("algo", ALGORITHMS)
@pytest.mark.parametrize("passive", [False, True])
@pytest.mark.parametrize("situation", ["plain", "slow", "halt", "thin", "limited", "sell"])
def test_the_finished_quantity_is_exact_and_never_exceeded(algo: str, passive: bool, situation: str) -> None:
    order = order_of(
        algo, side="sell" if situation == "sell" else "buy", passive=passive, patience_s=4.0,
        max_child_lots=15 if situation == "limited" else 0,
    )  # fmt: skip
    market = run(
        order,
        latency=SLOW if situation == "slow" else None,
        schedule=HALT if situation == "halt" else None,
        count=6 if situation == "thin" else 30,
        limits=RiskLimits(max_order_lots=15) if situation == "limited" else None,
    )
    check_exact(market, order)


@given(
    st.sampled_from(ALGORITHMS), st.booleans(), st.integers(0, 150), st.integers(0, 10**6), st.floats(0, 9.5),
    st.sampled_from([0.05, 0.7, 5.0]),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_no_setting_and_no_latency_makes_it_trade_another_quantity(
    algo: str, passive: bool, quantity: int, seed: int, log_latency: float, patience_s: float
) -> None:
    order = order_of(algo, quantity, passive=passive, patience_s=patience_s)
    market = run(order, latency=Latency(a_ns=10.0**log_latency), seed=seed)
    check_exact(market, order)


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_quantity_zero_sends_nothing_and_changes_nothing(algo: str) -> None:
    tapes = [run(order_of(name, 0)).tape for name in (algo, "twap")]
    assert not (tapes[0]["agent"] == 0).any()
    assert tapes[0].tobytes() == tapes[1].tobytes()


def deep_market(order: Metaorder, seconds: int = 400, level_lots: int = 100_000) -> Market:
    """A market in which every order is filled at once."""
    book = linear_book.LinearBook(level_lots=level_lots, step_ticks=1, refresh_s=0.5)
    market = market_of([order.population(), Population("maker", 1, linear_book.policy, book)], seconds=seconds)
    market.run()
    return market


def children(market: Market) -> tuple[Any, Any]:
    """Times in seconds after the open and quantities of the children of a metaorder that crosses at once."""
    fills = market.tape[(market.tape["kind"] == EventKind.EXECUTE) & (market.tape["parent_id"] == 7)]
    times = (fills["time_ns"] - OPEN_NS) / SECOND_NS
    starts = np.flatnonzero(np.diff(times, prepend=-1.0) > 0)
    return times[starts], np.add.reduceat(fills["qty_lots"], starts)


def test_twap_trades_equal_slices_at_equal_times() -> None:
    times, lots = children(deep_market(order_of("twap", 1000)))
    assert np.allclose(times, 30 + 20 * np.arange(10), atol=1e-3)
    assert (lots == 100).all()


def test_vwap_slices_follow_the_volume_curve() -> None:
    curve = (1.0, 3.0, 2.0, 2.0)  # parts of 100 s
    _, lots = children(deep_market(order_of("vwap", 10_000, volume_curve=curve, n_slices=20)))
    rate = np.interp(30 + 10 * np.arange(21), [0, 100, 200, 300, 400], np.cumsum([0, *curve]))
    assert np.abs(lots - 10_000 * np.diff(rate) / (rate[-1] - rate[0])).max() <= 1


def test_almgren_chriss_holds_what_the_paper_says() -> None:
    day_s = 40.0
    order = Metaorder(
        "sell", 1_000_000, "almgren_chriss", start_s=30.0, duration_s=5 * day_s, parent_id=7,
        settings={
            "n_slices": 5, "risk_aversion": 1e-6 * 1e-2, "sigma_ticks_per_sqrt_s": 95.0 / day_s**0.5,
            "temporary_ticks": 2.5e-4 * day_s, "permanent_ticks_per_lot": 2.5e-5,
        },
    )  # fmt: skip
    _, lots = children(deep_market(order, level_lots=1_000_000))
    assert list(1_000_000 - np.cumsum(lots)) == [541956, 289854, 147897, 62142, 0]


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_pov_keeps_its_share_of_the_volume(rate: float) -> None:
    order = order_of("pov", 100_000, participation_rate=rate, must_finish=False, interval_s=0.5)
    report = execution_report(run(order, count=60).tape, 7)
    # Lots are whole and it looks every half second: it may be behind by what others trade in that time.
    others = report.market_lots - report.executed_lots
    assert abs(report.executed_lots - rate / (1 - rate) * others) <= 0.02 * report.market_lots + 1
    assert report.market_lots > 300


def test_urgency_and_a_favourable_price_bring_execution_forward() -> None:
    _, even = children(deep_market(order_of("implementation_shortfall", 1000, urgency=0.0)))
    _, urgent = children(deep_market(order_of("implementation_shortfall", 1000, urgency=3.0)))
    assert (even == 100).all()
    assert urgent[0] > 200
    assert (np.diff(urgent) <= 0).all()


def test_an_iceberg_never_shows_more_than_its_display_quantity() -> None:
    market = run(order_of("iceberg", 150, display_lots=12))
    _, resting = open_and_executed(market.tape)
    assert resting.max() == 12
    assert execution_report(market.tape, 7).passive_lots > 0


def test_passive_then_cross_pays_less_than_crossing_at_once() -> None:
    cost: dict[bool, list[float]] = {True: [], False: []}
    for passive in cost:
        for seed in range(12):
            market = run(order_of("twap", 60, passive=passive, patience_s=15.0), seed=seed)
            cost[passive].append(execution_report(market.tape, 7).slippage_to_vwap_ticks)
    assert np.mean(cost[True]) < np.mean(cost[False])


def test_the_report_adds_up() -> None:
    market = deep_market(order_of("twap", 1000))
    report = execution_report(market.tape, 7)
    assert (report.executed_lots, report.n_children, report.side, report.passive_lots) == (1000, 10, 1, 0)
    assert report.participation_rate == 1.0
    assert report.average_ticks == report.market_vwap_ticks == report.arrival_ticks + 1
    assert report.shortfall_ticks == 1
    assert execution_report(deep_market(order_of("twap", 1000, side="sell")).tape, 7).shortfall_ticks == 1


def test_a_bad_metaorder_is_refused_in_one_line() -> None:
    for wrong, words in (
        (lambda: Metaorder("hold", 5), "allowed: 'buy', 'sell'"),  # type: ignore[arg-type]
        (lambda: Metaorder("buy", 5, "guess"), "allowed: almgren_chriss"),
        (lambda: Metaorder("buy", -5), "quantity_lots = -5"),
        (lambda: Metaorder("buy", 5, settings={"slices": 3}), "slices"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            wrong()
        assert "\n" not in str(caught.value)


def test_mirrored_and_placebo_change_one_thing_each() -> None:
    order = Metaorder("buy", 10, "pov")
    assert order.mirrored() == Metaorder("sell", 10, "pov")
    assert order.placebo() == Metaorder("buy", 0, "pov")


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_each_is_a_proper_policy(algo: str) -> None:
    order = Metaorder("buy", 300, algo, start_s=10.0, duration_s=500.0, settings={"passive": True})
    check_policy(order.algorithm(), order.algorithm_settings())
