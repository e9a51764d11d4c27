"""Cash and shares are conserved, fees are exact, and reservations are what rests in the book, at every moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from lob.types import EventKind, Flag
from lob.units import SECOND_NS
from sim.kept_rows import KeptRows
from sim.market import Market
from tests.sim.markets import OPEN_NS, lively_populations, market_of, resting_orders

MAKER_PPM, TAKER_PPM = -20, 30
N_CHUNKS = 12


@pytest.fixture(scope="module")
def moments() -> list[Market]:
    """A lively market, copied every five seconds."""
    market = market_of(lively_populations(), maker_fee_ppm=MAKER_PPM, taker_fee_ppm=TAKER_PPM, seed=4)
    copies = []
    for k in range(1, N_CHUNKS + 1):
        market.run(OPEN_NS + k * 5 * SECOND_NS)
        copy = market.fork()
        copy._kept = KeptRows()
        copy._kept.add(market.tape, len(market.tape))
        copies.append(copy)
    return copies


def test_the_market_is_lively_enough_to_test_with(moments: list[Market]) -> None:
    kinds = np.bincount(moments[-1].tape["kind"], minlength=10)
    for kind in (EventKind.ADD, EventKind.CANCEL, EventKind.REDUCE, EventKind.REPLACE):
        assert kinds[kind] > 20
    assert kinds[EventKind.EXECUTE] > 200
    assert kinds[EventKind.REJECT] > 20
    assert (moments[-1].tape["contra_leaves_lots"] > 0).sum() > 20
    assert ((moments[-1].tape["flags"] & Flag.REINSERTED) > 0).sum() > 20


def test_cash_and_shares_are_conserved(moments: list[Market]) -> None:
    for market in moments:
        accounts = market.world.accounts
        assert accounts["position_lots"].sum() == 0
        assert accounts["cash_ticks"].sum() == 0
        assert accounts["bought_lots"].sum() == accounts["sold_lots"].sum()
        assert np.abs(accounts["position_lots"]).sum() > 0


def fees_nano(account: Any) -> int:
    """What was paid in fees, in billionths of a tick x lot."""
    return int(account["fees_ticks"]) * 10**9 + int(account["fees_nano"])


def test_agents_pay_in_fees_what_the_trades_on_the_tape_cost_to_the_billionth(moments: list[Market]) -> None:
    for market in moments:
        fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
        traded = int((fills["price_ticks"].astype(np.int64) * fills["qty_lots"]).sum())
        paid = sum(map(fees_nano, market.world.accounts[:, 0]))
        assert paid == traded * (MAKER_PPM + TAKER_PPM) * 1000


def test_reservations_are_the_orders_that_rest_in_the_book(moments: list[Market]) -> None:
    for market in moments:
        orders = resting_orders(market)
        accounts = market.world.accounts[:, 0]
        for index in range(len(accounts)):
            mine = orders[orders[:, 4] == index]
            assert accounts["n_open"][index] == len(mine)
            assert accounts["open_buy_lots"][index] == mine[mine[:, 1] > 0][:, 3].sum()
            assert accounts["open_sell_lots"][index] == mine[mine[:, 1] < 0][:, 3].sum()


@dataclass
class Ledger:
    """One agent's account, written anew from the tape."""

    position: int = 0
    cash: int = 0
    fees_nano: int = 0
    turnover: int = 0
    n_fills: int = 0
    n_rejects: int = 0
    n_orders: int = 0
    ordered: int = 0
    peak: int = 0
    drawdown: int = 0
    seen: set[int] = field(default_factory=set)

    def fill(self, side: int, price: int, lots: int, ppm: int) -> None:
        self.position += side * lots
        self.cash -= side * price * lots
        self.fees_nano += price * lots * ppm * 1000
        self.turnover += price * lots
        self.n_fills += 1
        equity = self.cash + self.position * price - self.fees_nano // 10**9
        self.peak = max(self.peak, equity)
        self.drawdown = max(self.drawdown, self.peak - equity)

    def order(self, order_id: int, lots: int) -> None:
        """A new order: the first row that carries its id as the aggressor's or the order's own."""
        if order_id not in self.seen:
            self.seen.add(order_id)
            self.n_orders += 1
        self.ordered += lots


def ledgers(market: Market) -> list[Ledger]:
    books = [Ledger() for _ in range(len(market.world.agents))]
    for row in market.tape:
        mine, kind = books[row["agent"]], row["kind"]
        side, price, lots = int(row["side"]), int(row["price_ticks"]), int(row["qty_lots"])
        if kind == EventKind.EXECUTE:
            mine.fill(side, price, lots, TAKER_PPM)
            books[row["contra_agent"]].fill(-side, price, lots, MAKER_PPM)
        elif kind == EventKind.REJECT:
            mine.n_rejects += 1
    return books


def test_every_account_is_what_its_tape_says(moments: list[Market]) -> None:
    market = moments[-1]
    fields = {
        "position_lots": "position",
        "cash_ticks": "cash",
        "turnover_ticks": "turnover",
        "n_fills": "n_fills",
        "n_rejects": "n_rejects",
        "peak_ticks": "peak",
        "drawdown_ticks": "drawdown",
    }
    for account, ledger in zip(market.world.accounts[:, 0], ledgers(market), strict=True):
        for name, attribute in fields.items():
            assert account[name] == getattr(ledger, attribute), name
        assert fees_nano(account) == ledger.fees_nano
        assert account["bought_lots"] - account["sold_lots"] == account["position_lots"]


def orders_of(market: Market) -> Iterator[tuple[int, int, int]]:
    """(agent, number of orders accepted, lots ordered), counted from the rows that begin an order."""
    tape = market.tape
    first = tape[(tape["flags"] & Flag.FIRST) > 0]
    new = np.isin(first["kind"], [EventKind.ADD, EventKind.EXPIRE])
    new |= (first["kind"] == EventKind.EXECUTE) & (first["side"] != 0)
    for agent in range(len(market.world.agents)):
        mine = first[new & (first["agent"] == agent)]
        yield agent, len(mine), int((mine["qty_lots"] + mine["leaves_lots"]).sum())


def test_accepted_orders_are_counted(moments: list[Market]) -> None:
    market = moments[-1]
    for agent, n_orders, _ in orders_of(market):
        assert market.world.accounts["n_orders"][agent, 0] == n_orders
    sent = market.world.accounts["n_messages"].sum()
    arrived = sent - market.world.accounts["n_in_flight"].sum()
    assert arrived == market.n_messages
    rejects = market.tape[market.tape["kind"] == EventKind.REJECT]["reason"]
    counted = market.world.symbols["n_rejects"][0]
    assert counted.tolist() == np.bincount(rejects, minlength=64).tolist()
