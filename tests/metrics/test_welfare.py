"""Welfare: the equilibrium is where supply meets demand, and gains from trade are shared out without a remainder."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rules import zi_c
from lob.errors import InputError
from sim.distributions import Distribution, Settings
from sim.metrics.welfare import (
    agent_surplus,
    agent_values,
    allocative_efficiency,
    competitive_equilibrium,
    smith_alpha,
    unit_values,
)
from sim.settings import Population
from tests.sim.markets import market_of

SIDES = np.array([1, 1, -1, -1])
UNITS = np.array([[120, 90], [110, 80], [70, 100], [95, 115]])
"""Demand 120, 110, 90, 80; supply 70, 95, 100, 115: two units trade, at 95 to 100."""


def test_the_equilibrium_is_where_supply_meets_demand() -> None:
    found = competitive_equilibrium(UNITS, SIDES)
    assert (found.quantity_lots, found.low_ticks, found.high_ticks) == (2, 95, 100)
    assert found.price_ticks == 97.5
    assert found.surplus_ticks == (120 - 70) + (110 - 95)


small_markets = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.lists(st.integers(0, 12), min_size=2, max_size=2)), min_size=1, max_size=5
)


@given(small_markets)
def test_no_allocation_has_a_larger_surplus_than_the_equilibrium(agents: list[tuple[int, list[int]]]) -> None:
    demand = [unit for side, units in agents if side > 0 for unit in units]
    supply = [unit for side, units in agents if side < 0 for unit in units]
    # The surplus of an allocation depends only on which units trade, as many bought as sold.
    largest = 0
    for bought in product((0, 1), repeat=len(demand)):
        values = sum(unit for unit, taken in zip(demand, bought, strict=True) if taken)
        costs = sum(sorted(supply)[: sum(bought)])
        if sum(bought) <= len(supply):
            largest = max(largest, values - costs)
    found = competitive_equilibrium([units for _, units in agents], [side for side, _ in agents])
    assert found.surplus_ticks == largest


@given(small_markets)
def test_at_an_equilibrium_price_the_equilibrium_quantity_is_wanted(agents: list[tuple[int, list[int]]]) -> None:
    sides = np.array([side for side, _ in agents])
    units = np.array([units for _, units in agents])
    found = competitive_equilibrium(units, sides)
    if np.isnan(found.low_ticks):
        assert len(set(sides)) == 1
        return
    assert found.low_ticks <= found.high_ticks
    for price in (found.low_ticks, found.price_ticks, found.high_ticks):
        for side in (1, -1):
            gains = side * (units[sides == side] - price)
            # Units that are worth just the price may trade or not.
            assert np.count_nonzero(gains > 0) <= found.quantity_lots <= np.count_nonzero(gains >= 0)


def test_surplus_is_value_less_price_for_buyers_and_price_less_cost_for_sellers() -> None:
    # The first buyer takes both its units at 97, one from each seller; the others do nothing.
    position, cash = [2, 0, -1, -1], [-194, 0, 97, 97]
    assert agent_surplus(UNITS, SIDES, position, cash).tolist() == [120 + 90 - 194, 0, 97 - 70, 97 - 95]
    efficiency = allocative_efficiency(UNITS, SIDES, position, cash)
    assert efficiency == (120 + 90 - 70 - 95) / 65


def test_the_equilibrium_allocation_is_efficient_at_any_price() -> None:
    for price in (1, 97, 500):
        cash = [-price, -price, price, price]
        assert allocative_efficiency(UNITS, SIDES, [1, 1, -1, -1], cash) == 1


def test_efficiency_is_unknown_where_no_trade_can_gain() -> None:
    assert np.isnan(allocative_efficiency([[10], [20]], [1, -1], [0, 0], [0, 0]))
    assert competitive_equilibrium([[10], [20]], [1, -1]).quantity_lots == 0
    assert np.isnan(competitive_equilibrium([[10], [20]], [1, 1]).price_ticks)


@pytest.mark.parametrize(("position", "allowed"), [([3, 0, 0, 0], "3 units"), ([0, 0, 1, 0], "-1 units")])
def test_trading_too_many_units_or_on_the_other_side_is_an_error(position: list[int], allowed: str) -> None:
    with pytest.raises(InputError, match=allowed):
        agent_surplus(UNITS, SIDES, position, [0, 0, 0, 0])


def test_sides_and_shapes_are_checked() -> None:
    with pytest.raises(InputError, match="sides"):
        competitive_equilibrium(UNITS, [1, 0, -1, -1])
    with pytest.raises(InputError, match="shape"):
        competitive_equilibrium(UNITS, [1, -1])


def test_units_fall_for_buyers_and_rise_for_sellers() -> None:
    units, sides = unit_values([1, -1], 100, [5, 10], [3, 2])
    assert sides.tolist() == [1, -1]
    assert units[0].tolist() == [100, 95, 90]
    assert units[1, :2].tolist() == [100, 110]
    assert np.isnan(units[1, 2])


def test_alpha_is_the_distance_from_equilibrium_in_percent_of_it() -> None:
    assert smith_alpha([103, 96], 100) == pytest.approx(100 * (12.5**0.5) / 100)
    assert smith_alpha([50, 50], 50) == 0
    assert np.isnan(smith_alpha([], 50))


def test_values_are_read_as_the_agents_drew_them() -> None:
    settings = zi_c.ZeroIntelligenceConstrained(
        side=Distribution(choice=(1, -1)), value_ticks=Distribution(uniform=(900, 1100)), value_step_ticks=7, n_units=3
    )
    market = market_of([Population("zi", 20, zi_c.policy, settings)])
    params = market.world.agents["params"]
    units, sides = agent_values(params, type(settings))
    assert set(sides) == {1, -1}
    assert len(np.unique(units[:, 0])) == 20
    assert np.array_equal(units[:, 0], params[:, zi_c.P.value_ticks])
    assert np.array_equal(units[:, 2] - units[:, 0], -14 * sides)


def test_kinds_without_private_values_have_none_to_read() -> None:
    class Other(Settings):
        """Settings of a trader without private values."""

        interval_s: float = 1.0

    with pytest.raises(InputError, match="no setting side"):
        agent_values(np.zeros((1, 16)), Other)
