"""How market makers behave beyond their formulas: among others, at their limits, at halts, after large orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.background import model_flow
from agents.makers import avellaneda_stoikov, fixed_ladder, gueant_lehalle_tapia, inventory_skewed, linear_book
from lob.rules import Instrument
from lob.types import EventKind, Flag, Phase, Reject
from lob.units import MILLISECOND_NS, SECOND_NS
from sim.checks import check_policy
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.records import ScheduledKind
from sim.settings import Latency, Population, Scheduled
from sim.trader import TraderView
from tests.sim.markets import (
    MID_TICKS,
    OPEN_NS,
    Action,
    Scripted,
    market_of,
    python_trader,
    resting_orders,
    zero_intelligence_traders,
)

SKEW = inventory_skewed.InventorySkewed(half_spread_ticks=3.0, skew_ticks_per_lot=0.5, size_lots=10)
STRONG = {"gamma_per_tick": 0.2}
TWO_SIDED = {
    "inventory_skewed": (inventory_skewed.policy, SKEW),
    "avellaneda_stoikov": (avellaneda_stoikov.policy, avellaneda_stoikov.AvellanedaStoikov(**STRONG)),
    "gueant_lehalle_tapia": (gueant_lehalle_tapia.policy, gueant_lehalle_tapia.GueantLehalleTapia(**STRONG)),
}
LADDER = fixed_ladder.FixedLadder(n_levels=3, size_lots=10)
MAKERS = {**TWO_SIDED, "fixed_ladder": (fixed_ladder.policy, LADDER)}


def maker(name: str, latency_ns: float = 1.0, **changes: Any) -> Population:
    """A maker with other settings than its usual ones."""
    policy, settings = MAKERS[name]
    changed = settings.model_validate({**settings.model_dump(), **changes})
    return Population("maker", 1, policy, changed, latency=Latency(a_ns=latency_ns))


def sell(lots: int) -> Action:
    return lambda view: view.market("sell", lots)


def buy(lots: int) -> Action:
    return lambda view: view.market("buy", lots)


def quote(bid_ticks: int, ask_ticks: int, lots: int = 50) -> Action:
    def act(view: TraderView) -> None:
        view.limit("buy", bid_ticks, lots)
        view.limit("sell", ask_ticks, lots)

    return act


def with_script(own: Population, script: dict[float, Action], **fields: Any) -> Market:
    """A market of a maker (agent 0) and a trader who acts at set times."""
    return market_of([own, python_trader(lambda: Scripted(script))], **fields)


def orders_of(market: Market, agent: int = 0) -> dict[tuple[int, int], int]:
    """Open lots of an agent by (side, price)."""
    return {(int(o[1]), int(o[2])): int(o[3]) for o in resting_orders(market) if o[4] == agent}


def run_to(market: Market, seconds: float) -> None:
    market.run(OPEN_NS + round(seconds * SECOND_NS))


def messages_of(market: Market, agent: int = 0) -> int:
    tape = market.tape
    return int(((tape["agent"] == agent) & (tape["flags"] & Flag.FIRST > 0)).sum())


UNUSUAL = [
    (avellaneda_stoikov, {"horizon_s": 0.0, "use_signal": True, "max_quotes": 3, "post_only": False}),
    (gueant_lehalle_tapia, {"use_signal": True, "max_quotes": 1, "requote_on_fill": False}),
    (inventory_skewed, {"skew_ticks_per_lot": 1e9, "max_position_lots": 7, "post_only": False}),
    (fixed_ladder, {"use_last_trade": True, "n_levels": 15, "spacing_ticks": 7, "requote_on_fill": True}),
    (fixed_ladder, {"use_signal": True, "half_spread_ticks": 1e9, "max_position_lots": 250, "post_only": False}),
    (linear_book, {"refresh_on_fill": True, "permanent_ticks_per_lot": 1e9, "half_spread_ticks": 0.0}),
    (model_flow, {"step_s": 0.5, "k_per_tick": 1e-30}),
]


@pytest.mark.parametrize(("module", "settings"), UNUSUAL)
def test_every_maker_is_a_proper_policy_with_unusual_settings(module: Any, settings: dict[str, Any]) -> None:
    check_policy(module.policy, module.policy.settings(**settings))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("latency_ns", [1.0, 1e6])
def test_a_maker_does_not_follow_its_own_quotes(name: str, latency_ns: float) -> None:
    """Alone inside a wide spread, with an inventory that shifts its quotes, it answers a fill once and stays."""
    sells = {1.5 + k: sell(10) for k in range(5)}
    market = with_script(maker(name, latency_ns, refresh_s=0.25), {0.0: quote(900, 1100), **sells}, seconds=20)
    run_to(market, 6.0)
    assert market.world.accounts["position_lots"][0, 0] == 50
    laid, sent = orders_of(market), messages_of(market)
    assert sent <= 6 + 6 * len(sells)
    run_to(market, 19.0)
    assert orders_of(market) == laid
    assert messages_of(market) == sent
    assert all(900 < price < 1100 for _, price in laid)


@pytest.mark.parametrize("name", TWO_SIDED)
def test_a_maker_quotes_around_the_midpoint_of_the_others(name: str) -> None:
    market = with_script(maker(name), {2.5: quote(980, 1060)}, seconds=20)
    run_to(market, 2.0)
    assert sum(price for _, price in orders_of(market)) == 2 * MID_TICKS
    run_to(market, 5.0)
    assert sum(price for _, price in orders_of(market)) == 2 * 1020


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("side", "edge"), [("buy", 1200), ("sell", 800)])
def test_where_others_quote_one_side_only_a_maker_does_not_trade_through_it(name: str, side: str, edge: int) -> None:
    market = with_script(maker(name), {2.5: lambda view: view.limit(side, edge, 500)}, seconds=20)
    run_to(market, 10.0)
    centre = sum(price for _, price in orders_of(market)) / len(orders_of(market))
    # The order that came over the maker's quotes took them; the rest of it is now the side that there is.
    taken = 30 if name == "fixed_ladder" else 10
    assert market.world.accounts["position_lots"][0, 0] == (-taken if side == "buy" else taken)
    assert len(market.tape[market.tape["kind"] == EventKind.EXECUTE]) == (3 if name == "fixed_ladder" else 1)
    assert abs(centre - edge) < 30


@pytest.mark.parametrize("name", TWO_SIDED)
def test_a_fill_brings_new_quotes_one_reaction_later_or_at_the_next_refresh(name: str) -> None:
    moved = {}
    for eager in (True, False):
        own = maker(name, refresh_s=4.0, requote_on_fill=eager)
        market = with_script(own, {1.5: sell(10)}, seconds=20)
        run_to(market, 1.4)
        before = orders_of(market)
        run_to(market, 1.501)
        bid_before = max(price for side, price in before if side > 0)
        bids = [price for side, price in orders_of(market) if side > 0]
        moved[eager] = bool(bids) and bids[0] < bid_before
        run_to(market, 4.1)
        assert min(orders_of(market))[1] < min(before)[1]
    assert moved == {True: True, False: False}


@pytest.mark.parametrize("name", MAKERS)
def test_a_position_never_exceeds_its_limit_whatever_part_of_a_quote_is_filled(name: str) -> None:
    limit = {"max_quotes": 2} if "max_quotes" in MAKERS[name][1].model_dump() else {"max_position_lots": 20}
    script = {1.0 + 0.25 * k: sell(3) if k < 40 else buy(7) for k in range(80)}
    market = with_script(maker(name, use_signal=True, requote_on_fill=True, **limit), script, seconds=30)
    market.run()
    fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    position = np.cumsum(-fills["side"].astype(int) * fills["qty_lots"])
    assert position.max() == 20
    assert position.min() == -20


@pytest.mark.parametrize("name", MAKERS)
def test_one_large_order_takes_no_more_than_the_limit(name: str) -> None:
    limit = {"max_quotes": 2} if "max_quotes" in MAKERS[name][1].model_dump() else {"max_position_lots": 20}
    market = with_script(maker(name, use_signal=True, **limit), {0.5 + 1.1 * k: sell(100) for k in range(5)}, seconds=9)
    market.run()
    assert market.world.accounts["position_lots"][0, 0] == 20


@pytest.mark.parametrize("name", MAKERS)
def test_fills_while_messages_are_on_their_way_do_not_double_the_quotes(name: str) -> None:
    """A burst of small fills, faster than the maker's messages travel, in each second."""
    burst = {1.5 + k + 0.002 * j: sell(2) for k in range(8) for j in range(3)}
    market = with_script(maker(name, 5 * MILLISECOND_NS, use_signal=True, requote_on_fill=True), burst, seconds=20)
    most = 1 if name in TWO_SIDED else LADDER.n_levels
    for k in range(8):
        for wait in (0.006, 0.012, 0.03, 0.4):
            run_to(market, 1.5 + k + wait)
            sides = [int(o[1]) for o in resting_orders(market) if o[4] == 0]
            assert max(sides.count(1), sides.count(-1)) <= most
    assert market.world.accounts["position_lots"][0, 0] > 48 / 2  # a quote that is used up leaves some unfilled
    assert not (market.tape["reason"] == Reject.UNKNOWN_ORDER).any()


@pytest.mark.parametrize("name", MAKERS)
def test_at_a_halt_quotes_leave_at_once_and_come_back_at_once(name: str) -> None:
    halt = [
        Scheduled(OPEN_NS + 10 * SECOND_NS, ScheduledKind.PHASE, Phase.HALTED),
        Scheduled(OPEN_NS + 20 * SECOND_NS, ScheduledKind.PHASE, Phase.CONTINUOUS),
    ]
    own = maker(name, MILLISECOND_NS, refresh_s=1_000.0, requote_on_fill=False)
    market = market_of([own], seconds=40, schedule=halt)
    seen = []
    for seconds in (9.9, 10.0011, 20.0, 20.0011):
        run_to(market, seconds)
        seen.append(len(orders_of(market)))
    n = len(orders_of(market))
    assert seen == [n, 0, 0, n]
    assert n in (2, 6)
    assert not (market.tape["kind"] == EventKind.REJECT).any()


@pytest.mark.parametrize("name", MAKERS)
def test_quotes_sent_just_before_a_halt_do_not_stay_through_it(name: str) -> None:
    """The refresh at 10 s is on its way when the halt comes; what the exchange took before it, is withdrawn."""
    halt = [Scheduled(OPEN_NS + 10 * SECOND_NS + MILLISECOND_NS + 1, ScheduledKind.PHASE, Phase.HALTED)]
    moved = {9.5: quote(1020, 1060)}
    market = with_script(maker(name, MILLISECOND_NS, refresh_s=10.0), moved, seconds=40, schedule=halt)
    run_to(market, 10.1)
    assert not orders_of(market)


@pytest.mark.parametrize("name", TWO_SIDED)
def test_quotes_outside_of_the_price_range_are_left_out(name: str) -> None:
    low = Instrument(n_prices=2048, max_orders=64, reference_ticks=1)
    market = market_of([maker(name)], seconds=5, instrument=low)
    run_to(market, 3.0)
    assert {side for side, _ in orders_of(market)} == {-1}
    high = Instrument(n_prices=MID_TICKS + 1, max_orders=64, reference_ticks=MID_TICKS)
    market = market_of([maker(name)], seconds=5, instrument=high)
    run_to(market, 3.0)
    assert {side for side, _ in orders_of(market)} == {1}
    assert not (market.tape["kind"] == EventKind.REJECT).any()


class Jump(ConstantValue):
    """A value that rises by 50 ticks five seconds after the open."""

    def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> Any:
        return np.repeat([MID_TICKS, MID_TICKS + 50.0], [5, self.n_steps(open_ns, close_ns) - 5])


@pytest.mark.parametrize("name", MAKERS)
def test_a_post_only_maker_never_takes(name: str) -> None:
    """The others' quotes stay where they were when the maker's value has risen beyond them."""
    taken = {}
    for post_only in (True, False):
        own = maker(name, post_only=post_only, use_signal=True)
        market = with_script(own, {0.5: quote(980, 1020)}, seconds=20, value=Jump(float(MID_TICKS)))
        market.run()
        tape = market.tape
        fills = tape[tape["kind"] == EventKind.EXECUTE]
        assert (fills["agent"] == 0).all()
        taken[post_only] = int(fills["qty_lots"].sum())
        refused = tape["reason"][(tape["kind"] == EventKind.REJECT) & (tape["agent"] == 0)]
        assert set(refused) == ({Reject.WOULD_CROSS} if post_only else set())
    assert taken[True] == 0
    assert taken[False] >= 10


@pytest.mark.parametrize("name", MAKERS)
def test_a_maker_never_trades_with_itself(name: str) -> None:
    own = maker(name, 5e6, refresh_s=0.1, post_only=False)
    market = market_of([zero_intelligence_traders(20), own], seconds=300, seed=4)
    market.run()
    fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    took, gave = fills["agent"] == 20, fills["contra_agent"] == 20
    assert (took | gave).sum() > 5
    assert not (took & gave).any()


# ---- the ladder -------------------------------------------------------------------------------------------------


def test_a_ladder_that_moves_keeps_the_orders_at_prices_that_stay() -> None:
    market = with_script(maker("fixed_ladder", n_levels=5), {0.0: quote(900, 1100), 2.5: quote(902, 1102)}, seconds=10)
    run_to(market, 2.0)
    first = {int(o[0]): int(o[2]) for o in resting_orders(market) if o[4] == 0}
    run_to(market, 5.0)
    then = {int(o[0]): int(o[2]) for o in resting_orders(market) if o[4] == 0}
    assert sorted(first.values()) == [995, 996, 997, 998, 999, 1001, 1002, 1003, 1004, 1005]
    assert sorted(then.values()) == [996, 997, 998, 999, 1000, 1002, 1003, 1004, 1005, 1006]
    kept = first.keys() & then.keys()
    assert sorted(then[order] for order in kept) == [996, 997, 998, 999, 1002, 1003, 1004, 1005]


def test_a_ladder_lies_around_the_last_trade_if_told_to() -> None:
    own = maker("fixed_ladder", use_last_trade=True)
    market = with_script(own, {0.0: quote(900, 1100), 1.5: buy(25)}, seconds=10)
    run_to(market, 1.4)
    assert sorted(orders_of(market)) == [(-1, 1001), (-1, 1002), (-1, 1003), (1, 997), (1, 998), (1, 999)]
    run_to(market, 5.0)
    assert sorted(orders_of(market)) == [(-1, 1004), (-1, 1005), (-1, 1006), (1, 1000), (1, 1001), (1, 1002)]


def test_a_ladder_renews_levels_after_a_fill_if_told_to() -> None:
    for eager, left in ((True, 3), (False, 1)):
        own = maker("fixed_ladder", refresh_s=4.0, requote_on_fill=eager, use_signal=True)
        market = with_script(own, {1.5: buy(25)}, seconds=10)
        run_to(market, 1.6)
        assert sum(side < 0 for side, _ in orders_of(market)) == left


def test_a_ladder_needs_one_fair_price() -> None:
    with pytest.raises(ValueError, match="one of them at most"):
        fixed_ladder.FixedLadder(use_signal=True, use_last_trade=True)


# ---- the linear book --------------------------------------------------------------------------------------------


def linear_cost(lots: int, half: int, step: int, level_lots: int) -> int:
    """What n = m L + r lots cost above the centre: n half + step (L m (m - 1) / 2 + m r)."""
    m, r = divmod(lots, level_lots)
    return lots * half + step * (level_lots * m * (m - 1) // 2 + m * r)


def linear(**changes: Any) -> Population:
    settings = {"half_spread_ticks": 5.0, "step_ticks": 2, "level_lots": 100, "refresh_s": 50.0, **changes}
    return Population("book", 1, linear_book.policy, linear_book.LinearBook(**settings))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("lots", [1, 99, 100, 101, 1_234, 3_100])
def test_a_market_order_in_a_linear_book_costs_the_discrete_formula_exactly(side: int, lots: int) -> None:
    market = with_script(linear(), {1.0: buy(lots) if side > 0 else sell(lots)}, seconds=5)
    market.run()
    account = market.world.accounts[1, 0]
    assert account["position_lots"] == side * lots
    assert -account["cash_ticks"] - side * lots * MID_TICKS == linear_cost(lots, 5, 2, 100)


def test_half_a_step_further_out_a_linear_book_charges_the_linear_formula_at_whole_levels() -> None:
    """Half spread h = 4 and density L / step = 50 a tick: each of n lots costs h + n / (2 x 50) on average."""
    for lots in (100, 500, 3_100):
        market = with_script(linear(half_spread_ticks=4.0 + 2 / 2), {1.0: buy(lots)}, seconds=5)
        market.run()
        assert -market.world.accounts["cash_ticks"][1, 0] == lots * (MID_TICKS + 4 + lots / 100)


@pytest.mark.parametrize("lots", [50, 100, 1_250])
def test_a_linear_book_moves_by_the_permanent_impact_one_reaction_after_the_order(lots: int) -> None:
    book = linear(refresh_on_fill=True, permanent_ticks_per_lot=0.02)
    market = with_script(book, {1.0: buy(lots), 2.0: sell(2 * lots)}, seconds=5)
    centres = []
    for seconds in (0.9, 1.1, 2.1):
        run_to(market, seconds)
        laid = orders_of(market)
        assert set(laid.values()) == {100}
        assert len(laid) == 62
        centres.append(sum(price for _, price in laid) / len(laid))
    assert centres == [MID_TICKS, MID_TICKS + lots // 50, MID_TICKS - lots // 50]


def test_a_linear_book_is_whole_again_after_a_fill_only_if_told_to() -> None:
    for refills, second in ((True, linear_cost(150, 5, 2, 100)), (False, None)):
        market = with_script(linear(refresh_on_fill=refills), {1.0: buy(150), 1.1: buy(150)}, seconds=5)
        market.run()
        both = linear_cost(300, 5, 2, 100) if second is None else linear_cost(150, 5, 2, 100) + second
        assert -market.world.accounts["cash_ticks"][1, 0] - 300 * MID_TICKS == both


# ---- the flow of the model world --------------------------------------------------------------------------------


def test_a_reach_beyond_the_price_range_still_finds_the_quotes_within_it() -> None:
    """With an endless reach every order trades, and none is refused."""
    flow = Population("flow", 1, model_flow.policy, model_flow.ModelFlow(fill_rate_per_s=5.0, k_per_tick=1e-9))
    market = market_of([maker("inventory_skewed", use_signal=True, skew_ticks_per_lot=0.0), flow], seconds=100)
    market.run()
    fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    assert abs(len(fills) - 2 * 5 * 100) < 2.58 * np.sqrt(2 * 5 * 100)
    assert not np.isin(market.tape["kind"], [EventKind.REJECT, EventKind.EXPIRE]).any()


def test_a_step_in_which_orders_come_with_more_than_certainty_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed: at most 1"):
        model_flow.ModelFlow(fill_rate_per_s=3.0, step_s=0.5)
