"""Agents that trade two instruments: what is theirs counts in both, and the whole market adds up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.rules import latency_arbitrageur, zero_intelligence
from lob.rules import Instrument
from lob.types import EventKind, Reject
from lob.units import SECOND_NS
from scenarios.experiments.observe import population_results
from sim.distributions import Settings
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.policy import Policy, decision, send_cancel_all, send_limit, send_market, to_watched, uniform
from sim.records import LatencyKind, Wake
from sim.settings import Latency, Listing, Population, RiskLimits, Session
from sim.worth import fees_ticks, marks_ticks, pnl_of_agents, pnl_ticks
from tests.sim.markets import MID_TICKS, OPEN_NS, Rows, Scripted
from tests.sim.test_twin import agree, build

TICKS = (0.01, 0.05)


def listings(**fees: float) -> list[Listing]:
    return [
        Listing(
            Instrument(name=name, n_prices=2048, max_orders=4096, reference_ticks=MID_TICKS),
            ConstantValue(float(MID_TICKS)),
            tick_size=tick,
            **fees,
        )
        for name, tick in zip("AB", TICKS, strict=True)
    ]


class Nothing(Settings):
    """No settings worth the name."""

    unused: float = 0.0


@decision
def _both_decide(view: Any, agent: Any, out: Any) -> int:
    """Orders of every kind to both instruments."""
    for leg in range(2):
        u = uniform(agent, 10 * leg)
        last = view.last_ticks if leg == 0 else view.watch_last_ticks
        side = 1 if uniform(agent, 10 * leg + 1) < 0.5 else -1
        if u < 0.7:
            send_limit(out, side, last + int(10.0 * uniform(agent, 10 * leg + 2)) - 5, 1 + int(u * 9.0))
        elif u < 0.9:
            send_market(out, side, 3)
        else:
            send_cancel_all(out)
        if leg == 1:
            to_watched(out)
    return 1 + int(4e8 * uniform(agent, 30))


def both(name: str, count: int, symbol: int = 0, **fields: Any) -> Population:
    policy = Policy(Nothing, _both_decide)
    return Population(name, count, policy, Nothing(), symbol=symbol, watch=1 - symbol, **fields)


@pytest.mark.parametrize("seed", range(20))
def test_all_profits_of_a_market_of_two_instruments_add_up_to_minus_its_fees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    latency = Latency(LatencyKind.LOGNORMAL, a_ns=1e6, sigma=1.0)
    zi = zero_intelligence.policy
    populations = [
        both("both", 6, latency=latency),
        both("the other way round", 3, symbol=1, latency=latency),
        Population("a", 8, zi, zi.settings(interval_s=1.0), latency=latency),
        Population("b", 8, zi, zi.settings(interval_s=1.0), symbol=1, latency=latency),
        Population("arb", 2, latency_arbitrageur.policy, latency_arbitrageur.LatencyArbitrageur(), watch=1),
    ]
    fees = {
        "maker_fee_ppm": round(float(rng.uniform(-200, 200)), 3),
        "taker_fee_ppm": round(float(rng.uniform(0, 900)), 3),
    }
    market = Market(listings(**fees), populations, Session(OPEN_NS, OPEN_NS + 60 * SECOND_NS), seed=seed)
    market.run()
    world = market.world
    fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    for symbol in range(2):
        accounts = world.accounts[:, symbol]
        mine = fills[fills["symbol"] == symbol]
        value = int((mine["price_ticks"].astype(np.int64) * mine["qty_lots"]).sum())
        assert len(mine) > 100
        assert accounts["position_lots"].sum() == accounts["cash_ticks"].sum() == 0
        paid = int(accounts["fees_ticks"].sum()) * 10**9 + int(accounts["fees_nano"].sum())
        assert paid == value * sum(round(1000 * fee) for fee in fees.values())
        assert pnl_ticks(accounts, marks_ticks(world)[symbol]).sum() == pytest.approx(-paid / 1e9)
    assert (np.abs(world.accounts["position_lots"][:9]).sum(axis=0) > 0).all()
    money = fees_ticks(world.accounts) @ np.array(TICKS)
    for symbol in range(2):
        in_money = pnl_of_agents(world, marks_ticks(world), symbol) * TICKS[symbol]
        assert in_money.sum() == pytest.approx(-money.sum())


# ---- in flight --------------------------------------------------------------------------------------------------


@decision
def _counting_decides(view: Any, agent: Any, out: Any) -> int:
    """Note what is under way at the third look; send two to the watched instrument and one to the own at the first."""
    look = int(agent.state[0])
    agent.state[0] += 1.0
    if look == 0:
        send_limit(out, 1, MID_TICKS - 5, 1)
        for _ in range(2):
            send_limit(out, 1, MID_TICKS - 5, 1)
            to_watched(out)
    agent.state[1 + 2 * look] = view.n_in_flight
    agent.state[2 + 2 * look] = view.watch_n_in_flight
    return 1_000_000_000 if look < 3 else 0


def test_messages_under_way_are_counted_over_both_instruments() -> None:
    policy = Policy(Nothing, _counting_decides)
    agent = Population("one", 1, policy, Nothing(), watch=1, latency=Latency(a_ns=1.5e9))
    market = Market(listings(), [agent], Session(OPEN_NS, OPEN_NS + 10 * SECOND_NS))
    market.run()
    state = market.world.agents["state"][0]
    assert state[1:9].tolist() == [0, 0, 3, 2, 0, 0, 0, 0]


def crossed_books() -> Rows:
    """Book A offers 30 lots at 1000 and book B bids 30 at 1010, again and again; legs take 1 to 5 ms."""
    quotes = []
    for symbol, side, price in ((0, "sell", 1000), (1, "buy", 1010)):
        script = {0.1 + 0.05 * k: lambda v, s=side, p=price: v.limit(s, p, 30) for k in range(40)}
        quotes.append(Population(f"quotes {symbol}", 1, trader=lambda _, s=script: Scripted(s), symbol=symbol))
    rule, latency = latency_arbitrageur, Latency(LatencyKind.UNIFORM, a_ns=1e6, b_ns=5e6)
    arb = Population("arb", 1, rule.policy, rule.LatencyArbitrageur(), watch=1, latency=latency)
    market = Market(listings(), [*quotes, arb], Session(OPEN_NS, OPEN_NS + 10 * SECOND_NS))
    market.run()
    return market.tape


def test_an_arbitrageur_waits_for_both_legs_and_trades_each_chance_once() -> None:
    """One leg arrives first; the other one, still on its way, must not be taken for missing."""
    tape = crossed_books()
    mine = tape[tape["agent"] == 2]
    assert len(mine) == 80
    assert set(mine["kind"].tolist()) == {EventKind.EXECUTE}
    for symbol, side in ((0, 1), (1, -1)):
        leg = mine[mine["symbol"] == symbol]
        assert set(leg["side"].tolist()) == {side}  # it never has to undo a leg
        assert leg["qty_lots"].sum() == 40 * 30


# ---- limits -----------------------------------------------------------------------------------------------------


@decision
def _many_decide(view: Any, agent: Any, out: Any) -> int:
    """Two orders to each instrument at the start, an IOC order to each a second later."""
    first = agent.state[0] == 0.0
    agent.state[0] += 1.0
    for k in range(4 if first else 2):
        send_limit(out, 1, MID_TICKS - 5 - k, 1, 0 if first else 1)
        if k % 2 == 1:
            to_watched(out)
    return 1_500_000_000 if first else 0


def outcomes(limits: RiskLimits) -> list[tuple[int, int, int]]:
    agent = Population("one", 1, Policy(Nothing, _many_decide), Nothing(), watch=1, limits=limits)
    market = Market(listings(), [agent], Session(OPEN_NS, OPEN_NS + 10 * SECOND_NS))
    market.run()
    rows = market.tape[market.tape["agent"] == 0]
    return [(int(r["symbol"]), int(r["kind"]), int(r["reason"])) for r in rows]


def test_open_orders_are_limited_over_both_instruments_and_what_cannot_rest_passes() -> None:
    refused = (int(EventKind.REJECT), int(Reject.RISK_OPEN_ORDERS))
    rows = outcomes(RiskLimits(max_open_orders=3))
    assert sorted(rows[:4]) == sorted([(0, 1, 0), (1, 1, 0), (0, 1, 0), (1, *refused)])
    assert [(kind, reason) for _, kind, reason in rows[4:]] == [(EventKind.EXPIRE, 0)] * 2


def test_the_message_rate_is_limited_over_both_instruments() -> None:
    rows = outcomes(RiskLimits(max_messages_per_s=3))
    assert [reason for _, _, reason in rows].count(Reject.RISK_MESSAGE_RATE) == 1
    assert [kind for _, kind, _ in rows[4:]] == [EventKind.EXPIRE] * 2  # another second


def test_a_wake_up_by_the_other_instrument_shows_what_is_on_its_way_there() -> None:
    """The rule behind the arbitrageur's: with n_in_flight > 0 something of one's own has yet to happen."""
    policy = Policy(Nothing, _counting_decides, wakes_on=Wake.TOUCH)
    agent = Population("one", 1, policy, Nothing(), watch=1, latency=Latency(a_ns=1e6))
    quotes = Population("quotes", 1, trader=lambda _: Scripted({0.0005: lambda v: v.limit("sell", 1001, 1)}), symbol=1)
    market = Market(listings(), [agent, quotes], Session(OPEN_NS, OPEN_NS + 10 * SECOND_NS))
    market.run()
    assert market.world.agents["state"][0][3:5].tolist() == [3, 2]


def test_kernel_and_twin_agree_on_limits_over_two_instruments() -> None:
    latency = Latency(LatencyKind.LOGNORMAL, a_ns=2e8, sigma=1.0)
    populations = [
        both("few orders", 4, latency=latency, limits=RiskLimits(max_open_orders=4)),
        both("few messages", 4, symbol=1, latency=latency, limits=RiskLimits(max_messages_per_s=6)),
    ]
    tape = agree(build(populations, n_symbols=2, seconds=30))
    reasons = tape["reason"]
    for reason in (Reject.RISK_OPEN_ORDERS, Reject.RISK_MESSAGE_RATE):
        assert set(tape["symbol"][reasons == reason].tolist()) == {0, 1}


def test_a_mesa_agents_gains_are_those_of_both_instruments() -> None:
    mesa_model = pytest.importorskip("sim.mesa_model")

    def make_market(seed: int) -> Market:
        populations = [both("both", 6), both("other", 3, symbol=1)]
        session = Session(OPEN_NS, OPEN_NS + 60 * SECOND_NS)
        return Market(listings(taker_fee_ppm=300.0), populations, session, seed=seed)

    model = mesa_model.MarketModel(make_market, step_s=60.0, seed=3)
    model.run_model()
    first, second = model.agents
    fees = float((fees_ticks(model.market.world.accounts) @ np.array(TICKS)).sum())
    assert fees > 0
    # Each in ticks of its own instrument.
    assert first.pnl_ticks * TICKS[0] + second.pnl_ticks * TICKS[1] == pytest.approx(-fees)
    assert [first.position_lots, second.position_lots] == [first.position_in(0), second.position_in(1)]
    for symbol in range(2):
        assert first.position_in(symbol) == -second.position_in(symbol)


def test_an_experiments_profits_are_those_of_all_instruments() -> None:
    populations = [both("both", 6), both("other", 3, symbol=1)]
    session = Session(OPEN_NS, OPEN_NS + 60 * SECOND_NS)
    market = Market(listings(taker_fee_ppm=300.0), populations, session, seed=3)
    market.run()
    fees = float((fees_ticks(market.world.accounts) @ np.array(TICKS)).sum())
    for symbol in range(2):
        found = population_results(market, ["both", "other"], 1003.5, symbol)
        assert sum(found.values()) * TICKS[symbol] == pytest.approx(-fees)
