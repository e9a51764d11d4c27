"""Accounts at the ends of what a scenario may say: large prices and lots, high and tiny fees, whole and exact."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from lob.errors import FieldError, RunError
from lob.rules import Instrument
from lob.types import EventKind
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.records import TURNOVER_WORD
from sim.settings import Listing, Population, RiskLimits, Session
from sim.trader import TraderView
from sim.worth import fees_ticks, marks_ticks, pnl_ticks, turnover_ticks
from tests.sim.markets import OPEN_NS, Scripted

Actions = dict[float, Callable[[TraderView], None]]
BITCOIN_TICKS, LOTS = 10_000_000, 10**8
"""A bitcoin in cents, with lots of a satoshi."""


def traded(
    maker: Actions, taker: Actions, price: int = BITCOIN_TICKS, maker_ppm: float = 0, taker_ppm: float = 0
) -> Market:
    """A market of two traders around a price; its prices are 2,000 below to 2,000 above."""
    stock = Instrument(
        min_price_ticks=price - 2000, n_prices=4001, reference_ticks=price, max_order_lots=2**30, max_orders=4096
    )
    listing = Listing(stock, ConstantValue(float(price)), maker_fee_ppm=maker_ppm, taker_fee_ppm=taker_ppm)
    populations = [
        Population("maker", 1, trader=lambda _: Scripted(maker)),
        Population("taker", 1, trader=lambda _: Scripted(taker)),
    ]
    return Market([listing], populations, Session(OPEN_NS, OPEN_NS + 100 * SECOND_NS))


def repeated(action: Callable[[TraderView], None], n: int, first_s: float) -> Actions:
    return {first_s + 0.1 * k: action for k in range(n)}


def true_fees(market: Market, agent: int, maker_ppm: float, taker_ppm: float) -> Fraction:
    """Fees of an agent from the tape, in Python's numbers."""
    total = Fraction(0)
    for row in market.tape[market.tape["kind"] == EventKind.EXECUTE]:
        value = abs(int(row["price_ticks"])) * int(row["qty_lots"])
        for who, ppm in ((row["agent"], taker_ppm), (row["contra_agent"], maker_ppm)):
            if who == agent:
                total += value * Fraction(str(ppm)) / 10**6
    return total


def exact_fees(account: Any) -> Fraction:
    return int(account["fees_ticks"]) + Fraction(int(account["fees_nano"]), 10**9)


def test_a_day_of_bitcoins_in_satoshi_lots_pays_the_fees_that_it_should() -> None:
    """Each trade of a coin is worth 10^15 ticks x lots; its fee of 10 bp in millionths would be 10^18."""
    sell = repeated(lambda v: v.limit("sell", BITCOIN_TICKS, LOTS), 200, 1)
    buy = repeated(lambda v: v.market("buy", LOTS), 200, 1.05)
    market = traded(sell, buy, maker_ppm=-200, taker_ppm=1000)
    market.run()
    maker, taker = market.world.accounts[:, 0]
    assert exact_fees(taker) == 200 * 10**12 == true_fees(market, 1, -200, 1000)
    assert exact_fees(maker) == -40 * 10**12 == true_fees(market, 0, -200, 1000)
    assert int(taker["cash_ticks"]) == -200 * 10**15
    assert pnl_ticks(market.world.accounts, marks_ticks(market.world)).sum() == pytest.approx(-160 * 10**12)


def test_an_agent_may_turn_over_more_than_64_bits_can_count() -> None:
    """Back and forth between two traders: 1,000 orders of ten coins, 10^16 each, are 10^19."""

    def trade(side: str) -> Callable[[TraderView], None]:
        def action(view: TraderView) -> None:
            rest, take = ("sell", "buy") if side == "buy" else ("buy", "sell")
            view.limit(rest, BITCOIN_TICKS, 10 * LOTS)  # type: ignore[arg-type]
            view.market(take, 10 * LOTS)  # type: ignore[arg-type]

        return action

    script = {0.01 * (k + 1): trade("buy" if k % 2 else "sell") for k in range(1000)}
    market = traded(script, {})
    market.run()
    account = market.world.accounts[0, 0]
    total = int(account["turnover_carry"]) * TURNOVER_WORD + int(account["turnover_ticks"])
    assert total == 2 * 1000 * 10**16 > 2**64
    assert turnover_ticks(account) == pytest.approx(2e19)
    assert int(account["cash_ticks"]) == int(account["position_lots"]) == 0


def test_a_position_beyond_what_an_account_can_hold_ends_the_run_in_one_line() -> None:
    """Ten trades of the largest price and order that an instrument may have: 2^60 each."""
    top = 2**30
    sell = repeated(lambda v: v.limit("sell", top, 2**30), 10, 1)
    buy = repeated(lambda v: v.market("buy", 2**30), 10, 1.05)
    market = traded(sell, buy, price=top)
    with pytest.raises(RunError, match=r"the account of agent [01] reached 2\.3e\+18 ticks x lots; make .* larger$"):
        market.run()
    accounts = market.world.accounts[:, 0]
    fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    assert 1 <= len(fills) <= 2
    assert accounts["cash_ticks"].tolist() == [top * 2**30 * len(fills), -top * 2**30 * len(fills)]  # nothing wrapped


@pytest.mark.parametrize("ppm", [0.001, 0.3, 0.49, -0.004, 12.345])
def test_fees_of_less_than_a_millionth_are_charged_to_the_last_billionth(ppm: float) -> None:
    """0.49 ppm is 0.0049 basis points: it used to vanish."""
    sell = repeated(lambda v: v.limit("sell", 1001, 7), 50, 1)
    buy = repeated(lambda v: v.market("buy", 7), 50, 1.05)
    market = traded(sell, buy, price=1000, taker_ppm=ppm)
    market.run()
    account = market.world.accounts[1, 0]
    assert exact_fees(account) == true_fees(market, 1, 0, ppm) == 50 * 7 * 1001 * Fraction(str(ppm)) / 10**6
    assert 0 <= account["fees_nano"] < 10**9
    assert float(fees_ticks(account)) == pytest.approx(50 * 7 * 1001 * ppm * 1e-6)


def test_fees_on_trades_at_negative_prices_are_paid_on_their_size() -> None:
    market = traded({1: lambda v: v.limit("sell", -500, 10)}, {2: lambda v: v.market("buy", 10)}, 0, 0, 100)
    market.run()
    account = market.world.accounts[1, 0]
    assert (int(account["cash_ticks"]), exact_fees(account)) == (5000, Fraction(1, 2))


def test_limits_on_value_hold_for_the_largest_orders() -> None:
    listing = Listing(
        Instrument(min_price_ticks=2**30 - 50, n_prices=100, reference_ticks=2**30, max_order_lots=2**30),
        ConstantValue(float(2**30)),
    )
    script = {1: lambda v: v.limit("buy", 2**30, 2**30), 2: lambda v: v.limit("buy", 2**30 - 1, 2**30)}
    limits = RiskLimits(max_notional=2**60 - 1)
    trader = Population("a", 1, trader=lambda _: Scripted(script), limits=limits)
    market = Market([listing], [trader], Session(OPEN_NS, OPEN_NS + 10 * SECOND_NS))
    market.run()
    assert market.tape["kind"].tolist()[1:-1] == [EventKind.REJECT, EventKind.ADD]
    assert int(market.world.accounts["open_buy_lots"][0, 0]) == 2**30


@pytest.mark.parametrize("ppm", [0.0004, 1e6 + 1, float("nan"), float("inf"), -2e6])
def test_fees_that_cannot_be_charged_exactly_are_refused(ppm: float) -> None:
    with pytest.raises(
        FieldError, match=r"instrument STOCK: taker_fee_ppm = .*; allowed: -1e6 to 1e6 in steps of 0\.001"
    ):
        Listing(Instrument(), ConstantValue(1.0), taker_fee_ppm=ppm)


@pytest.mark.parametrize("value", [-1, 2**63, 1.5, "9", None])
def test_limits_that_are_no_counts_are_refused(value: Any) -> None:
    with pytest.raises(FieldError, match=r"limits: max_notional = .*; allowed: whole numbers from 0 to"):
        RiskLimits(max_notional=value)
