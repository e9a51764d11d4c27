"""Fees a lot and an order, short sales, order-to-trade limits and speed bumps: sim/venue.py and sim/gate.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lob import EventKind, Reject
from lob.errors import FieldError
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.settings import Listing, Population, RiskLimits, Session
from sim.trader import Trader, TraderView
from sim.venue import VenueRules
from sim.worth import fees_ticks
from tests.sim.markets import MID_TICKS, OPEN_NS, STOCK, Scripted

Action = Callable[[TraderView], None]


def run(venue: VenueRules, *traders: Trader, limits: RiskLimits | None = None) -> tuple[Market, Any]:
    listing = Listing(STOCK, ConstantValue(float(MID_TICKS)), venue=venue)
    populations = [
        Population(f"t{k}", 1, trader=lambda _, t=trader: t, limits=limits or RiskLimits())
        for k, trader in enumerate(traders)
    ]
    market = Market([listing], populations, Session(OPEN_NS, OPEN_NS + 10 * SECOND_NS), seed=1)
    market.run()
    return market, market.tape


def maker(*prices: int, side: str = "sell", lots: int = 10) -> Scripted:
    def quote(view: TraderView) -> None:
        for price in prices:
            view.limit(side, price, lots)  # type: ignore[arg-type]

    return Scripted({1.0: quote})


def test_fees_of_lots_and_orders_are_charged_to_the_billionth_and_rebates_are_paid() -> None:
    venue = VenueRules(maker_fee_per_lot_ticks=-0.2, taker_fee_per_lot_ticks=0.3, order_fee_ticks=0.000000001)
    market, _ = run(venue, maker(1001), Scripted({2.0: lambda v: v.market("buy", 7)}))
    assert fees_ticks(market.world.accounts[:, 0]).tolist() == pytest.approx([-1.4 + 1e-9, 2.1 + 1e-9], abs=1e-12)


def test_what_is_not_held_is_sold_above_the_best_bid_only_or_not_at_all() -> None:
    def sells(view: TraderView) -> None:
        view.market("sell", 1)
        view.limit("sell", 999, 1)
        view.limit("sell", 1000, 1)

    def reasons(rule: str, first: Action | None = None) -> list[int]:
        script = {3.0: sells} if first is None else {2.0: first, 3.0: sells}
        bids, asks = maker(999, side="buy", lots=50), maker(1005)
        _, rows = run(VenueRules(short_selling=rule), bids, asks, Scripted(script))
        mine = rows[(rows["agent"] == 2) & (rows["time_ns"] >= OPEN_NS + 3 * SECOND_NS)]
        return mine["reason"][mine["kind"] == EventKind.REJECT].tolist()

    short = int(Reject.RISK_SHORT_SALE)
    assert reasons("allowed") == []
    assert reasons("uptick") == [short, short]
    # The seller of the asks is short too, and so there is nobody to buy from.
    assert reasons("forbidden", lambda v: v.limit("buy", 1001, 10)) == [short, short, short]


def test_who_sends_much_and_trades_little_may_only_cancel() -> None:
    def fidget(view: TraderView) -> None:
        for k in range(6):
            view.limit("buy", 990 + k, 1)
        view.cancel_all()

    _, rows = run(VenueRules(), Scripted({1.0: fidget}), limits=RiskLimits(max_messages_per_fill=4))
    rejects = rows[rows["kind"] == EventKind.REJECT]
    assert rejects["reason"].tolist() == [Reject.RISK_ORDER_TO_TRADE] * 2
    assert (rows["kind"] == EventKind.CANCEL).sum() == 4


def test_a_delay_holds_all_messages_of_a_kind_back_and_leaves_the_others() -> None:
    def act(view: TraderView) -> None:
        view.limit("buy", 990, 1)
        view.limit("buy", 991, 1)
        view.cancel_all()

    _, rows = run(VenueRules(order_delay_ns=5_000), Scripted({1.0: act}))
    added = rows[rows["kind"] == EventKind.ADD]
    assert (added["time_ns"] - OPEN_NS - SECOND_NS).tolist() == [5_001, 5_002]
    assert not (rows["kind"] == EventKind.CANCEL).any()  # it came first, and found nothing
    _, rows = run(VenueRules(order_delay_ns=5_000, cancel_delay_ns=5_000), Scripted({1.0: act}))
    assert (rows["kind"] == EventKind.CANCEL).sum() == 2


def test_only_who_would_take_waits_and_quotes_can_be_withdrawn_meanwhile() -> None:
    quotes = Scripted({1.0: lambda v: v.limit("sell", 1001, 10), 2.0000005: lambda v: v.cancel_all()})
    taker = Scripted({2.0: lambda v: v.limit("buy", 1001, 4)})
    _, rows = run(VenueRules(), quotes, taker)
    assert (rows["kind"] == EventKind.EXECUTE).sum() == 1
    _, rows = run(VenueRules(taker_delay_ns=1_000), quotes_again(), Scripted({2.0: lambda v: v.limit("buy", 1001, 4)}))
    assert (rows["kind"] == EventKind.EXECUTE).sum() == 0
    own = rows[(rows["kind"] == EventKind.ADD) & (rows["agent"] == 1)]
    assert (own["time_ns"] - OPEN_NS).tolist() == [2 * SECOND_NS + 1 + 1_000]


def quotes_again() -> Scripted:
    return Scripted({1.0: lambda v: v.limit("sell", 1001, 10), 2.0000005: lambda v: v.cancel_all()})


def test_rules_that_make_no_sense_are_refused() -> None:
    for fields, words in (
        ({"maker_fee_per_lot_ticks": 3.0}, "maker_fee_per_lot_ticks = 3.0; allowed: -2 to 2"),
        ({"order_fee_ticks": 1e-10}, "steps of 1e-9"),
        ({"short_selling": "no"}, "short_selling = 'no'; allowed: allowed, uptick, forbidden"),
        ({"taker_delay_ns": -1}, "taker_delay_ns = -1"),
    ):
        with pytest.raises(FieldError, match=words):
            VenueRules(**fields)  # type: ignore[arg-type]
    assert np.isfinite(VenueRules().maker_fee_per_lot_ticks)
