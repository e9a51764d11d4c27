"""Market makers: their quotes are their formulas, they keep their inventory, they leave at a halt and come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.makers import (
    avellaneda_stoikov,
    fixed_ladder,
    gueant_lehalle_tapia,
    inventory_skewed,
    kyle_maker,
    linear_book,
)
from agents.metaorder import Metaorder
from agents.rules import gaussian_noise, informed
from lob.rules import Instrument
from lob.types import EventKind, Phase
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.records import ScheduledKind
from sim.settings import Population, Scheduled
from tests.sim.markets import (
    MID_TICKS,
    OPEN_NS,
    Scripted,
    market_of,
    python_trader,
    resting_orders,
    zero_intelligence_traders,
)

TWO_SIDED = {
    "inventory_skewed": (inventory_skewed, {"half_spread_ticks": 3.0, "skew_ticks_per_lot": 0.5}),
    "avellaneda_stoikov": (avellaneda_stoikov, {"gamma_per_tick": 0.05}),
    "gueant_lehalle_tapia": (gueant_lehalle_tapia, {"gamma_per_tick": 0.05}),
}


def maker_of(name: str, **settings: Any) -> Population:
    module, own = TWO_SIDED[name]
    return Population("maker", 1, module.policy, module.policy.settings(**{**own, **settings}))  # type: ignore[attr-defined]


def quotes(market: Market) -> dict[int, int]:
    """Price of the maker's order on each side."""
    return {int(o[1]): int(o[2]) for o in resting_orders(market) if int(o[4]) == 0}


def buy(lots: int) -> Any:
    return lambda view: view.market("buy", lots)


def quotes_after_selling(name: str, lots: int, **settings: Any) -> dict[int, int]:
    """The quotes of a maker that has sold some lots, around a value of 1000."""
    script = Scripted({1.0: buy(lots)}) if lots else Scripted({})
    market = market_of([maker_of(name, use_signal=True, **settings), python_trader(lambda: script)], seconds=20)
    market.run(OPEN_NS + 5 * SECOND_NS)
    assert market.world.accounts["position_lots"][0, 0] == -lots
    return quotes(market)


@pytest.mark.parametrize("quotes_sold", [0, 1])
def test_avellaneda_stoikov_quotes_its_formula(quotes_sold: int) -> None:
    gamma, k, sigma, horizon = 0.05, 0.3, 0.5, 60.0
    risk, spread = gamma * sigma**2 * horizon, 2 / gamma * np.log(1 + gamma / k)
    found = quotes_after_selling("avellaneda_stoikov", 10 * quotes_sold)
    centre = MID_TICKS + quotes_sold * risk
    assert found[1] == np.floor(centre - (risk + spread) / 2 + 0.5)
    assert found[-1] == np.floor(centre + (risk + spread) / 2 + 0.5)


@pytest.mark.parametrize("quotes_sold", [0, 1])
def test_gueant_lehalle_tapia_quotes_its_formula(quotes_sold: int) -> None:
    gamma, k, sigma, rate, q = 0.05, 0.3, 0.5, 1.0, -quotes_sold
    base = np.log(1 + gamma / k) / gamma
    c = np.sqrt(sigma**2 * gamma / (2 * k * rate) * (1 + gamma / k) ** (1 + k / gamma))
    found = quotes_after_selling("gueant_lehalle_tapia", 10 * quotes_sold)
    assert found[1] == np.floor(MID_TICKS - base - (2 * q + 1) / 2 * c + 0.5)
    assert found[-1] == np.floor(MID_TICKS + base - (2 * q - 1) / 2 * c + 0.5)


def test_a_skewed_maker_shifts_both_quotes_against_its_position() -> None:
    assert quotes_after_selling("inventory_skewed", 0) == {1: 997, -1: 1003}
    assert quotes_after_selling("inventory_skewed", 10) == {1: 1002, -1: 1008}


def test_at_its_largest_position_a_maker_quotes_one_side_only() -> None:
    assert set(quotes_after_selling("inventory_skewed", 10, max_position_lots=10)) == {1}


@pytest.mark.parametrize("name", TWO_SIDED)
def test_skewed_quotes_keep_the_inventory_smaller(name: str) -> None:
    largest = []
    for own in (maker_of(name), maker_of("inventory_skewed", skew_ticks_per_lot=0.0, max_position_lots=10**6)):
        market = market_of([own, zero_intelligence_traders(40)], seconds=900, seed=2)
        sizes = []
        for k in range(1, 91):
            market.run(OPEN_NS + k * 10 * SECOND_NS)
            sizes.append(abs(int(market.world.accounts["position_lots"][0, 0])))
        largest.append(np.mean(sizes))
    assert largest[0] < largest[1]


@pytest.mark.parametrize("name", TWO_SIDED)
def test_quotes_are_withdrawn_at_a_halt_and_come_back(name: str) -> None:
    halt = [
        Scheduled(OPEN_NS + 10 * SECOND_NS, ScheduledKind.PHASE, Phase.HALTED),
        Scheduled(OPEN_NS + 20 * SECOND_NS, ScheduledKind.PHASE, Phase.CONTINUOUS),
    ]
    market = market_of([maker_of(name)], seconds=40, schedule=halt)
    seen = []
    for second in (9, 15, 30):
        market.run(OPEN_NS + second * SECOND_NS)
        seen.append(len(quotes(market)))
    assert seen == [2, 0, 2]


def test_a_ladder_keeps_its_orders_where_prices_stay() -> None:
    own = fixed_ladder.FixedLadder(refresh_s=1.0, n_levels=5, size_lots=10)
    market = market_of([Population("ladder", 1, fixed_ladder.policy, own)], seconds=30)
    market.run(OPEN_NS + SECOND_NS // 2)
    first = [tuple(order) for order in resting_orders(market)]
    market.run(OPEN_NS + 25 * SECOND_NS)
    assert [tuple(order) for order in resting_orders(market)] == first
    assert len(first) == 10


def test_a_ladder_fills_up_what_was_taken() -> None:
    own = fixed_ladder.FixedLadder(refresh_s=1.0, n_levels=3, size_lots=10, use_signal=True)
    taker = python_trader(lambda: Scripted({5.5: buy(25)}))
    market = market_of([Population("ladder", 1, fixed_ladder.policy, own), taker], seconds=30)
    market.run(OPEN_NS + 8 * SECOND_NS)
    asks = sorted((int(o[2]), int(o[3])) for o in resting_orders(market) if o[1] < 0)
    assert [price for price, _ in asks] == [1001, 1002, 1003]


@pytest.mark.parametrize("lots", [100, 1000, 1550])
def test_a_linear_book_charges_linear_impact(lots: int) -> None:
    """Whole levels: half spread + step (m - 1) / 2 for m of them; the last one in part."""
    settings = linear_book.LinearBook(half_spread_ticks=5.0, step_ticks=2, level_lots=100, refresh_s=0.7)
    order = Metaorder("buy", lots, "twap", start_s=1.0, duration_s=1.0, settings={"n_slices": 1})
    market = market_of([Population("book", 1, linear_book.policy, settings), order.population()], seconds=100)
    market.run()
    whole, rest = divmod(lots, 100)
    cost = sum(100 * (5 + 2 * k) for k in range(whole)) + rest * (5 + 2 * whole)
    account = market.world.accounts[1, 0]
    assert account["position_lots"] == lots
    assert -account["cash_ticks"] - lots * MID_TICKS == cost


def test_a_linear_book_moves_for_good_in_proportion() -> None:
    settings = linear_book.LinearBook(
        half_spread_ticks=1.0, level_lots=100, permanent_ticks_per_lot=0.02, refresh_s=0.7
    )
    order = Metaorder("sell", 500, "twap", start_s=1.0, duration_s=1.0, settings={"n_slices": 1})
    market = market_of([Population("book", 1, linear_book.policy, settings), order.population()], seconds=60)
    market.run(OPEN_NS + 50 * SECOND_NS)
    row = market.tape[-1]
    assert (int(row["bid_ticks"]) + int(row["ask_ticks"])) / 2 == MID_TICKS - 10


def test_the_makers_lambda_is_learned_from_what_the_informed_do() -> None:
    """The theory bench measures its value; here: it moves from a wrong start towards it, from both sides."""

    class NewValues(ConstantValue):
        step_ns = 10 * SECOND_NS

        def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> Any:
            return 5000 + 100 * np.random.default_rng(seed).standard_normal(400)

    learned = {}
    for first in (0.15, 1.5):
        maker = kyle_maker.KyleMaker(
            period_s=10.0, price_ticks=5000.0, first_lambda_ticks_per_lot=first, level_step_ticks=20, memory_periods=300
        )
        populations = [
            Population("maker", 1, kyle_maker.policy, maker),
            Population(
                "informed",
                1,
                informed.policy,
                informed.Informed(period_s=10.0, price_ticks=5000.0, max_lots=1_000_000, max_position_lots=10**9),
            ),
            Population("noise", 1, gaussian_noise.policy, gaussian_noise.GaussianNoise(period_s=10.0, sd_lots=100.0)),
        ]
        stock = Instrument(n_prices=10_000, max_orders=4096, reference_ticks=5000)
        market = market_of(populations, seconds=3900, instrument=stock, value=NewValues(5000.0))
        market.run()
        assert (market.tape["kind"] == EventKind.EXECUTE).sum() > 300
        learned[first] = float(market.world.agents["state"][0, kyle_maker.S.lambda_])
    assert all(0.35 < value < 0.7 for value in learned.values())
