"""The pre-trade risk gate: each limit, its reason, and that nobody is kept from getting out."""

from __future__ import annotations

from typing import Any

import pytest

from lob.types import EventKind, Reject, TimeInForce
from lob.units import SECOND_NS
from sim.market import Market
from sim.records import Needs, Wake
from sim.settings import Population, RiskLimits
from sim.trader import TraderView
from tests.sim.markets import OPEN_NS, Rows, Scripted, market_of, resting_orders

Market_and_tape = tuple[Market, Rows]


def played(limits: RiskLimits, script: dict[float, Any], other: dict[float, Any] | None = None) -> Market_and_tape:
    """One agent with limits ("a", agent 0) and one without (agent 1)."""
    traders = [Scripted(script, needs=Needs.OWN), Scripted(other or {})]
    populations = [
        Population("a", 1, trader=lambda _: traders[0], limits=limits),
        Population("b", 1, trader=lambda _: traders[1]),
    ]
    market = market_of(populations, seconds=20)
    market.run()
    return market, market.tape


def outcome(tape: Rows, agent: int = 0) -> list[Any]:
    """What became of an agent's messages: a reject's reason, or the kind of row."""
    mine = tape[tape["agent"] == agent]
    return [Reject(r["reason"]) if r["kind"] == EventKind.REJECT else EventKind(r["kind"]) for r in mine]


def buy(price: int, qty: int, **fields: Any) -> Any:
    return lambda view: view.limit("buy", price, qty, **fields)


def sell(price: int, qty: int, **fields: Any) -> Any:
    return lambda view: view.limit("sell", price, qty, **fields)


def withdraw_oldest(view: TraderView) -> None:
    view.cancel(view.own_orders[0].order_id)


def test_without_limits_nothing_is_refused() -> None:
    _, tape = played(RiskLimits(), {k / 10: buy(900 + k, 10**6) for k in range(50)})
    assert set(outcome(tape)) == {EventKind.ADD}


def test_an_order_larger_than_allowed_is_refused() -> None:
    limits = RiskLimits(max_order_lots=10)
    _, tape = played(limits, {1: buy(990, 10), 2: buy(990, 11), 3: lambda v: v.market("buy", 11)})
    assert outcome(tape) == [EventKind.ADD, Reject.RISK_QUANTITY, Reject.RISK_QUANTITY]


def test_an_order_worth_more_than_allowed_is_refused() -> None:
    """A market order is valued at the last price: the reference of 1,000, then the 500 at which one traded."""
    script = {
        1: buy(500, 10),
        2: buy(501, 10),
        3: lambda v: v.market("sell", 6),
        4: lambda v: v.market("sell", 5),
        5: lambda v: v.market("sell", 11),
    }
    _, tape = played(RiskLimits(max_notional=5000), script)
    refused = Reject.RISK_NOTIONAL
    assert outcome(tape) == [EventKind.ADD, refused, refused, EventKind.EXECUTE, refused]


def test_resting_orders_count_towards_the_position_limit() -> None:
    limits = RiskLimits(max_position_lots=10)
    _, tape = played(limits, {1: buy(990, 6), 2: buy(991, 5), 3: buy(992, 4), 4: sell(1010, 10), 5: sell(1011, 1)})
    assert outcome(tape) == [
        EventKind.ADD,
        Reject.RISK_POSITION,
        EventKind.ADD,
        EventKind.ADD,
        Reject.RISK_POSITION,
    ]


def test_a_cancel_a_reduction_and_a_fill_each_release_what_was_reserved() -> None:
    limits = RiskLimits(max_position_lots=10)
    script = {
        1: buy(990, 10),
        2: buy(980, 1),  # refused: 10 are reserved
        3: lambda v: v.reduce(v.own_orders[0].order_id, 4),
        4: buy(980, 4),
        5: withdraw_oldest,
        6: buy(970, 6),
        7: buy(970, 1),  # refused: 4 + 6
        9: buy(970, 1),  # refused: position 4, 6 reserved
        11: sell(1000, 14),  # from +4 down to -10
        12: sell(1000, 1),  # refused
    }
    market, tape = played(limits, script, {8: lambda v: v.market("sell", 4)})
    mine = tape[(tape["agent"] == 0) & (tape["kind"] == EventKind.REJECT)]
    assert ((mine["time_ns"] - OPEN_NS) // SECOND_NS).tolist() == [2, 7, 9, 12]
    assert set(mine["reason"]) == {int(Reject.RISK_POSITION)}
    assert market.world.accounts["position_lots"][0, 0] == 4


def test_a_refused_message_reserves_nothing() -> None:
    limits = RiskLimits(max_position_lots=10, max_order_lots=8)
    script = {1: buy(990, 9), 2: buy(-5, 8), 3: buy(5000, 8), 4: buy(990, 8), 5: buy(990, 2), 6: buy(990, 1)}
    market, tape = played(limits, script)
    assert outcome(tape) == [
        Reject.RISK_QUANTITY,
        Reject.PRICE_OUT_OF_RANGE,
        Reject.PRICE_OUT_OF_RANGE,
        EventKind.ADD,
        EventKind.ADD,
        Reject.RISK_POSITION,
    ]
    assert market.world.accounts["open_buy_lots"][0, 0] == 10
    assert market.world.accounts["n_rejects"][0, 0] == 4


def test_an_order_that_lowers_the_position_passes_even_above_the_limit() -> None:
    """Here both sides are full; buying back a short position is no new risk."""
    limits = RiskLimits(max_position_lots=10)
    script = {1: sell(1000, 10), 3: buy(900, 10), 4: buy(900, 10), 5: buy(900, 1)}
    _, tape = played(limits, script, {2: lambda v: v.market("buy", 10)})
    assert outcome(tape) == [EventKind.ADD, EventKind.ADD, EventKind.ADD, Reject.RISK_POSITION]


def test_a_replace_may_grow_only_within_the_limit_and_may_always_shrink() -> None:
    def change(qty: int) -> Any:
        return lambda view: view.replace(view.own_orders[0].order_id, 980, qty)

    limits = RiskLimits(max_position_lots=10)
    market, tape = played(limits, {1: buy(990, 6), 2: change(10), 3: change(11), 4: change(3), 5: buy(980, 7)})
    assert [x for x in outcome(tape) if isinstance(x, Reject)] == [Reject.RISK_POSITION]
    assert sorted(resting_orders(market)[:, 3]) == [3, 7]
    account = market.world.accounts[0, 0]
    assert (account["open_buy_lots"], account["n_open"]) == (10, 2)


def test_no_more_resting_orders_than_allowed() -> None:
    limits = RiskLimits(max_open_orders=2)
    script = {
        1: buy(990, 1),
        2: buy(991, 1),
        3: buy(992, 1),
        4: lambda v: v.market("buy", 1),
        5: withdraw_oldest,
        6: buy(993, 1),
    }
    _, tape = played(limits, script, {0.5: sell(1001, 5)})
    assert outcome(tape) == [
        EventKind.ADD,
        EventKind.ADD,
        Reject.RISK_OPEN_ORDERS,
        EventKind.EXECUTE,
        EventKind.CANCEL,
        EventKind.ADD,
    ]


def test_orders_that_never_rest_pass_the_limit_of_open_orders() -> None:
    script = {
        1: buy(990, 1),
        2: buy(1001, 1, time_in_force=TimeInForce.IOC),
        3: buy(1001, 1, time_in_force=TimeInForce.FOK),
        4: buy(1001, 1),  # would trade at once, but what may rest is limited
    }
    _, tape = played(RiskLimits(max_open_orders=1), script, {0.5: sell(1001, 5)})
    assert outcome(tape) == [EventKind.ADD, EventKind.EXECUTE, EventKind.EXECUTE, Reject.RISK_OPEN_ORDERS]


def test_no_more_messages_a_second_than_allowed_but_cancels_always_pass() -> None:
    def burst(view: TraderView) -> None:
        for k in range(4):
            view.limit("buy", 900 + k, 1)
        view.cancel_all()

    limits = RiskLimits(max_messages_per_s=3)
    _, tape = played(limits, {1: burst, 1.5: buy(990, 1), 2.5: buy(990, 1), 2.7: burst})
    added, refused, gone = EventKind.ADD, Reject.RISK_MESSAGE_RATE, EventKind.CANCEL
    assert outcome(tape) == [
        *[added, added, added, refused, gone, gone, gone],
        refused,  # the second that began with the burst is not over
        added,
        *[added, added, refused, refused, gone, gone, gone],
    ]


@pytest.mark.parametrize("kind", ["limit", "market", "replace"])
def test_who_is_killed_can_cancel_and_nothing_else(kind: str) -> None:
    actions = {
        "limit": buy(950, 1),
        "market": lambda v: v.market("buy", 1),
        "replace": lambda v: v.replace(v.own_orders[0].order_id, 980, 9),
    }
    trader = Scripted(
        {1: buy(990, 5), 2: buy(991, 5), 5: actions[kind], 6: withdraw_oldest, 7: lambda v: v.cancel_all()},
        needs=Needs.OWN,
    )
    market = market_of([Population("a", 1, trader=lambda _: trader)], seconds=20)
    market.run(OPEN_NS + 4 * SECOND_NS)
    market.world.agents["killed"][0] = 1
    market.run()
    assert outcome(market.tape) == [
        EventKind.ADD,
        EventKind.ADD,
        Reject.RISK_KILL_SWITCH,
        EventKind.CANCEL,
        EventKind.CANCEL,
    ]
    assert market.world.symbols["n_rejects"][0, Reject.RISK_KILL_SWITCH] == 1


def test_limits_are_the_agents_own_and_bind_nobody_else() -> None:
    _, tape = played(RiskLimits(max_order_lots=1), {1: buy(990, 2)}, {1: buy(990, 2)})
    assert outcome(tape, 0) == [Reject.RISK_QUANTITY]
    assert outcome(tape, 1) == [EventKind.ADD]


def test_a_refusal_tells_its_agent_and_leaves_the_book_alone() -> None:
    trader = Scripted({1: buy(990, 2)}, wakes_on=Wake.REJECT)
    limits = RiskLimits(max_order_lots=1)
    market = market_of([Population("a", 1, trader=lambda _: trader, limits=limits)], seconds=5)
    market.run()
    assert trader.reasons() == [Wake.START, Wake.TIMER, Wake.REJECT]
    assert len(resting_orders(market)) == 0
    row = market.tape[market.tape["kind"] == EventKind.REJECT][0]
    assert (row["price_ticks"], row["qty_lots"], row["order_id"]) == (990, 2, 0)


def test_what_expires_reserves_nothing() -> None:
    limits = RiskLimits(max_position_lots=10)
    ioc = buy(990, 10, time_in_force=TimeInForce.IOC)
    market, _ = played(limits, {1: ioc, 2: lambda v: v.market("buy", 10), 3: buy(990, 10)})
    account = market.world.accounts[0, 0]
    assert (account["open_buy_lots"], account["n_open"]) == (10, 1)


def test_an_agent_cannot_halt_or_close_the_market() -> None:
    _, tape = played(RiskLimits(), {1: lambda v: v._post(7, 0, 0, 0, 0, 0, 0, 0), 2: buy(990, 1)})
    assert outcome(tape) == [Reject.BAD_KIND, EventKind.ADD]
    assert (tape["kind"] == EventKind.PHASE).sum() == 2
