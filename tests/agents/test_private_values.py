"""Traders with private values: never at a loss, never too much; double auctions of them are efficient.

Statistical claims are lower bounds of 99.5% by Student's t over independent seeds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from agents.rules import zi_c
from lob.types import EventKind, Phase
from lob.units import SECOND_NS
from sim.checks import check_policy
from sim.distributions import Distribution
from sim.records import ScheduledKind
from sim.settings import Population, Scheduled
from tests.agents.double_auction import (
    FIRST_TICKS,
    KINDS,
    N_UNITS,
    PERIOD_S,
    STEP_TICKS,
    auction,
    lower_bound,
    outcome,
    settings_of,
    trades,
)
from tests.sim.markets import OPEN_NS, STOCK, market_of, resting_orders


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_proper_policy_with_many_units_and_periods(kind: str) -> None:
    policy = KINDS[kind].policy
    check_policy(policy, policy.settings(n_units=200, value_step_ticks=1.0, period_s=50.0))


@pytest.mark.parametrize("shift_ticks", [0.0, 0.4])
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_trades_at_a_loss_or_more_than_its_units(kind: str, shift_ticks: float) -> None:
    market = auction(kind, n_periods=3, shift_ticks=shift_ticks)
    market.run()
    fills = trades(market)
    assert len(fills) > 30
    traded = np.zeros((2 * len(FIRST_TICKS), 3), int)
    for row in fills:
        period = int((row["time_ns"] - OPEN_NS) / (PERIOD_S * SECOND_NS))
        for at in (int(row["agent"]), int(row["contra_agent"])):
            side = 1 if at % 2 == 0 else -1
            first = FIRST_TICKS[at // 2] if side > 0 else 200 - FIRST_TICKS[at // 2]
            unit = first - side * (shift_ticks + STEP_TICKS * traded[at, period])
            assert side * (unit - row["price_ticks"]) >= 0
            traded[at, period] += 1
    assert traded.max() == N_UNITS


@pytest.mark.parametrize("kind", KINDS)
def test_units_come_anew_in_each_period_and_only_then(kind: str) -> None:
    populations = [
        Population(
            name, 1, KINDS[kind].policy,
            settings_of(kind, side=side, value_ticks=value, n_units=2, period_s=50.0, interval_s=0.5),
        )
        for name, side, value in (("buyer", 1, 150.0), ("seller", -1, 50.0))
    ]  # fmt: skip
    market = market_of(populations, seconds=200, instrument=replace(STOCK, reference_ticks=100))
    market.run()
    periods = (trades(market)["time_ns"] - OPEN_NS) // (50 * SECOND_NS)
    assert np.bincount(periods, minlength=4).tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_quotes_do_not_outlive_their_period(kind: str) -> None:
    buyer = settings_of(kind, side=1, value_ticks=150.0, period_s=20.0, interval_s=5.0)
    market = market_of([Population("buyers", 20, KINDS[kind].policy, buyer)], seconds=50)
    market.run(OPEN_NS + 20 * SECOND_NS - 1)
    assert len(resting_orders(market)) > 10
    market.run(OPEN_NS + 20 * SECOND_NS + 1000)
    assert len(resting_orders(market)) == 0


@pytest.mark.parametrize(("side", "value"), [(1, -5.0), (-1, 5000.0)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_unit_that_no_price_can_pay_for_is_not_quoted(kind: str, side: int, value: float) -> None:
    own = settings_of(kind, side=side, value_ticks=value)
    market = market_of([Population("trader", 1, KINDS[kind].policy, own)], seconds=30)
    market.run()
    assert (market.tape["kind"] == EventKind.PHASE).all()


@pytest.mark.parametrize("kind", KINDS)
def test_traders_are_silent_in_a_halt_and_go_on_after_it(kind: str) -> None:
    halt = [
        Scheduled(OPEN_NS + second * SECOND_NS, ScheduledKind.PHASE, phase)
        for second, phase in ((2, Phase.HALTED), (30, Phase.CONTINUOUS))
    ]
    market = auction(kind, schedule=halt)
    market.run()
    tape = market.tape
    elapsed_s = (tape["time_ns"] - OPEN_NS) / SECOND_NS
    sent_in_halt = (elapsed_s > 2.01) & (elapsed_s < 30)  # messages take 1 ms
    assert not sent_in_halt.any()
    assert ((tape["kind"] == EventKind.EXECUTE) & (elapsed_s > 30)).any()


@pytest.mark.parametrize("side", [0, 2, Distribution(choice=(1, 0)), Distribution(uniform=(-1, 1))])
def test_a_trader_is_a_buyer_or_a_seller(side: Any) -> None:
    with pytest.raises(ValidationError, match="side"):
        zi_c.ZeroIntelligenceConstrained(side=side)


def test_sides_may_be_drawn() -> None:
    settings = settings_of("zi_c", side=Distribution(choice=(1, -1)), value_ticks=100.0)
    market = market_of([Population("zi", 100, zi_c.policy, settings)])
    sides = market.world.agents["params"][:, zi_c.P.side]
    assert set(sides) == {1, -1}


def test_budget_constraints_alone_make_a_market_efficient() -> None:
    constrained = outcome("zi_c", 60).efficiency[:, 0]
    free = outcome("zi_c", 60, constrained=False).efficiency[:, 0]
    assert lower_bound(constrained) > 0.97
    assert lower_bound(constrained - free) > 0.1


def test_prices_of_zip_traders_converge_to_equilibrium_and_those_of_zero_intelligence_do_not() -> None:
    learning, random = outcome("zip", 30, n_periods=5), outcome("zi_c", 30, n_periods=5)
    assert lower_bound(learning.alpha[:, 0] - learning.alpha[:, -1]) > 5
    assert lower_bound(random.alpha[:, -1] - learning.alpha[:, -1]) > 10
    fall = random.alpha[:, 0] - random.alpha[:, -1]
    assert abs(fall.mean()) < 3 * fall.std(ddof=1) / len(fall) ** 0.5


def test_markets_of_zip_traders_become_nearly_fully_efficient() -> None:
    assert lower_bound(outcome("zip", 30, n_periods=5).efficiency[:, 1:].mean(axis=1)) > 0.98
