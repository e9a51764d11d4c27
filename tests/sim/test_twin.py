"""The kernel and its plain-Python twin write the same tape, byte for byte, and end with the same accounts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.makers import market_maker
from agents.rules import momentum, noise, value, zero_intelligence
from lob.rules import Instrument
from lob.types import EventKind, Flag, Phase, Reject
from lob.units import SECOND_NS
from sim.distributions import Distribution, Settings
from sim.fundamental import OrnsteinUhlenbeck
from sim.lookup import level_lots, next_level_ticks, own_count_at, own_lots, own_order_at
from sim.market import Market
from sim.order_kinds import (
    good_for_day,
    good_until,
    hide,
    no_less_than,
    no_worse_than,
    prevent_self_trade,
    send_market_to_limit,
    send_pegged,
    send_stop,
    send_stop_limit,
    send_trailing_stop,
    show_only,
    whole_or_not,
)
from sim.policy import (
    Policy,
    decision,
    memory,
    own_order_id,
    send_cancel,
    send_cancel_all,
    send_limit,
    send_market,
    send_reduce,
    send_replace,
    to_watched,
    uniform,
)
from sim.records import LatencyKind, Needs, ScheduledKind, Wake
from sim.settings import Latency, Listing, Population, RiskLimits, Scheduled, Session
from tests.sim.markets import MID_TICKS, OPEN_NS, STOCK, Rows
from tests.sim.twin import TwinMarket

EVERYTHING = Wake(511 - 3)
BUT_ACK_AND_REJECT = EVERYTHING & ~Wake.REJECT & ~Wake.ACK
ALL_NEEDS = Needs(31)


class Restless(Settings):
    """Settings of an agent that does everything that can be done, and looks at everything that can be seen."""

    interval_s: float = 0.7


@decision
def restless_decides(view: Any, agent: Any, out: Any) -> int:
    seen = view.news + view.last_lots * view.last_side + view.n_in_flight + view.phase
    for k in range(view.n_own):
        seen += view.own_ahead_lots[k] + view.own_lots[k] * view.own_side[k]
    for k in range(view.n_bid_levels):
        seen += view.bid_depth_lots[k]
    for k in range(view.n_ask_levels):
        seen -= view.ask_depth_lots[k]
    for k in range(view.n_recent):
        seen += view.trade_lots[k] * (k + 1)
    agent.state[0] = agent.state[0] * 0.5 + seen + view.signal - view.last_ticks + view.position_lots
    agent.state[1] += view.reason
    u = uniform(agent, 1)
    side = 1 if agent.state[0] + 100.0 * (uniform(agent, 2) - 0.5) > 0.0 else -1
    price = view.last_ticks + int(16.0 * uniform(agent, 3)) - 8
    size = 1 + int(9.0 * uniform(agent, 4)) + int(agent.state[1]) % 3
    pick = int(uniform(agent, 5) * view.n_own)
    if u < 0.4 or view.n_own == 0:
        send_limit(out, side, price, size, int(4.0 * uniform(agent, 6)) % 3, 0, 5)
        send_limit(out, -side, price + 3 * -side, size, 0, int(uniform(agent, 7) < 0.3))
    elif u < 0.5:
        send_market(out, side, size)
    elif u < 0.6:
        send_cancel(out, view.own_id[pick])
        send_reduce(out, view.own_id[pick] + 1, 2)
    elif u < 0.7:
        send_reduce(out, view.own_id[pick], size)
    elif u < 0.97:
        send_replace(out, view.own_id[pick], price, size)
    else:
        send_cancel_all(out)
    if view.reason & 3:
        return int(agent.params[0] * 1e9 * (0.5 + uniform(agent, 0)))
    return 0


@decision
def inventive_decides(view: Any, agent: Any, out: Any) -> int:
    """Send orders of every kind, with every instruction."""
    agent.state[1] += view.reason
    for k in range(view.n_own):
        agent.state[0] += view.own_lots[k] + view.own_ticks[k] % 7 + view.own_ahead_lots[k]
    u, v = uniform(agent, 1), uniform(agent, 2)
    side = 1 if uniform(agent, 3) < 0.5 else -1
    price = view.last_ticks + int(12.0 * uniform(agent, 4)) - 6
    size = 1 + int(20.0 * uniform(agent, 5))
    pick = int(uniform(agent, 6) * view.n_own)
    if u < 0.15:
        send_limit(out, side, price, size, 0, 0, 5)
    elif u < 0.3:
        send_limit(out, side, price, size)
        show_only(out, 1 + size // 4)
    elif u < 0.4:
        send_limit(out, side, price, size)
        hide(out)
        if v < 0.3:
            no_less_than(out, 1 + size // 2)
        elif v < 0.5:
            whole_or_not(out)
    elif u < 0.5:
        send_pegged(out, side, 1 + int(3.0 * v), size, -int(2.0 * uniform(agent, 7)), 6)
        if uniform(agent, 8) < 0.5:
            no_worse_than(out, price)
    elif u < 0.58:
        send_stop(out, side, view.last_ticks + side * (1 + int(4.0 * v)), size)
    elif u < 0.64:
        send_stop_limit(out, side, view.last_ticks + side * (1 + int(4.0 * v)), price, size)
    elif u < 0.7:
        send_trailing_stop(out, side, 1 + int(4.0 * v), size)
    elif u < 0.75:
        send_market_to_limit(out, side, size)
    elif u < 0.85:
        send_market(out, side, size)
    elif u < 0.9 and view.n_own > 0:
        send_replace(out, view.own_id[pick], price, size)
    elif view.n_own > 0:
        send_reduce(out, view.own_id[pick], size)
    if out.n > 0 and out.kind[out.n - 1] != 2 and u < 0.75:
        if uniform(agent, 9) < 0.3:
            good_until(out, view.time_ns + int(3e9 * uniform(agent, 10)))
        elif uniform(agent, 9) < 0.4:
            good_for_day(out)
        if uniform(agent, 11) < 0.5:
            prevent_self_trade(out, 1 + int(4.0 * uniform(agent, 12)))
    if view.reason & 3:
        return int(agent.params[0] * 1e9 * (0.5 + uniform(agent, 0)))
    return 0


def inventive(wakes_on: int = 0, **fields: Any) -> Population:
    policy = Policy(Restless, inventive_decides, needs=ALL_NEEDS, wakes_on=Wake(wakes_on))
    return Population(fields.pop("name", "inventive"), fields.pop("count", 6), policy, Restless(), **fields)


def restless(wakes_on: int = 0, **fields: Any) -> Population:
    policy = Policy(Restless, restless_decides, needs=ALL_NEEDS, wakes_on=Wake(wakes_on))
    count = fields.pop("count", 5)
    return Population(fields.pop("name", "restless"), count, policy, Restless(), **fields)


def shipped(name: str, module: Any, count: int, latency: Latency | None = None, **settings: Any) -> Population:
    return Population(name, count, module.policy, module.policy.settings(**settings), latency=latency or Latency())


LOGNORMAL = Latency(LatencyKind.LOGNORMAL, a_ns=1e7, sigma=1.0)
UNIFORM = Latency(LatencyKind.UNIFORM, a_ns=0.0, b_ns=3e8)

CROWDS: dict[str, list[Population]] = {
    "zero intelligence": [shipped("zi", zero_intelligence, 20, LOGNORMAL, interval_s=1.0, size_lots=3)],
    "rmsc": [
        shipped("noise", noise, 20, LOGNORMAL, interval_s=2.0, size_sigma=0.7, passive_ticks=3, max_age_wakes=1),
        shipped("value", value, 10, UNIFORM, interval_s=2.0, mean_ticks=float(MID_TICKS), size_sigma=0.5),
        shipped("momentum", momentum, 3, interval_s=1.0, warm_up_looks=2),
        shipped("maker", market_maker, 2, LOGNORMAL, refresh_s=3.0, requote_ticks=2, min_size_lots=9),
    ],
    "settings drawn per agent": [
        shipped(
            "zi", zero_intelligence, 20, LOGNORMAL,
            interval_s=Distribution(lognormal=(1.0, 0.5)), size_lots=Distribution(choice=(1, 5, 9)),
        )
    ],
    "every message": [restless(latency=LOGNORMAL), restless(name="second", latency=UNIFORM)],
    "every reason": [
        restless(Wake.FILL, latency=LOGNORMAL),
        restless(BUT_ACK_AND_REJECT, name="all", count=2, latency=Latency(a_ns=4e8), reaction_ns=10**8),
        restless(Wake.REJECT | Wake.ACK, name="own", count=2, latency=UNIFORM, reaction_ns=10**7),
        restless(Wake.TOUCH, name="touch", count=2, latency=Latency(a_ns=3e8)),
    ],
    "everybody at the same nanosecond": [
        shipped("maker", market_maker, 9, refresh_s=1.0, n_levels=2),
        shipped("others", market_maker, 9, refresh_s=1.0, n_levels=3, first_spread_ticks=6),
        shipped("zi", zero_intelligence, 20, interval_s=0.5),
    ],
    "every kind of order": [
        inventive(latency=LOGNORMAL),
        inventive(Wake.ACK | Wake.REJECT, name="told", count=3, latency=UNIFORM),
        inventive(name="limited", count=2, limits=RiskLimits(max_position_lots=30, max_open_orders=5)),
        restless(latency=UNIFORM, count=2),
    ],
    "limits": [
        restless(latency=LOGNORMAL, limits=RiskLimits(max_order_lots=9, max_open_orders=2)),
        restless(name="rate", latency=UNIFORM, limits=RiskLimits(max_messages_per_s=2, max_notional=9500)),
        restless(name="position", latency=LOGNORMAL, limits=RiskLimits(max_position_lots=20)),
    ],
}  # fmt: skip


def build(
    populations: list[Population], seconds: int = 40, n_symbols: int = 1, price_step_ticks: int = 1, **fields: Any
) -> Market:
    listings = [
        Listing(
            Instrument(name=f"S{s}", n_prices=2000, max_orders=5000, reference_ticks=MID_TICKS, **fields),
            OrnsteinUhlenbeck(float(MID_TICKS), 0.1, 5.0, step_ns=SECOND_NS // 3),
            maker_fee_ppm=-20,
            taker_fee_ppm=30,
            price_step_ticks=price_step_ticks,
        )
        for s in range(n_symbols)
    ]
    schedule = [
        Scheduled(OPEN_NS + 3 * SECOND_NS, ScheduledKind.PHASE, Phase.HALTED),
        Scheduled(OPEN_NS + 4 * SECOND_NS, ScheduledKind.PHASE, Phase.CONTINUOUS),
        Scheduled(OPEN_NS + 5 * SECOND_NS, ScheduledKind.NEWS, 2.5),
    ]
    return Market(listings, populations, Session(OPEN_NS, OPEN_NS + seconds * SECOND_NS), schedule, seed=11)


def agree(market: Market) -> Rows:
    """Run both; point at the first row in which they differ; compare the accounts; return the tape."""
    twin = TwinMarket(market)
    expected = twin.run()
    market.run()
    tape = market.tape
    n = min(len(tape), len(expected))
    wrong = np.flatnonzero(tape[:n] != expected[:n])
    if len(wrong):
        k = wrong[0]
        raise AssertionError(f"row {k} of {n}: kernel\n {tape[k]}\n twin\n {expected[k]}")
    assert len(tape) == len(expected)
    assert tape.tobytes() == expected.tobytes()
    for index, agent in enumerate(twin.agents):
        for symbol in range(len(twin.symbols)):
            account, expected_account = market.world.accounts[index, symbol], agent.accounts[symbol]
            assert account["position_lots"] == expected_account.position
            assert 2 * account["cash_ticks"] + account["cash_half"] == expected_account.cash2
            assert int(account["fees_ticks"]) * 10**9 + int(account["fees_nano"]) == expected_account.fees_nano
            assert account["n_in_flight"] == expected_account.in_flight
        assert market.world.agents["state"][index].tolist() == agent.record["state"][0].tolist()
    return tape


@pytest.mark.parametrize("name", CROWDS)
def test_kernel_and_twin_write_the_same_tape(name: str) -> None:
    # Who reacts to everything needs little time to do much.
    tape = agree(build(CROWDS[name], seconds=12 if name == "every reason" else 40))
    assert len(tape) > 500
    assert (tape["kind"] == EventKind.EXECUTE).sum() > 10


def test_the_crowds_meet_every_limit_and_every_kind_of_row() -> None:
    rows = np.concatenate([build_and_run(CROWDS[name]) for name in ("every message", "limits")])
    assert set(rows["kind"]) >= {int(kind) for kind in EventKind if kind <= EventKind.NEWS}
    rows = build_and_run(CROWDS["every kind of order"])
    assert set(rows["kind"]) == {int(kind) for kind in EventKind}
    assert (rows["flags"] & Flag.HALF_TICK).any()
    assert {Reject.EXPIRED, Reject.SELF_TRADE} <= set(rows["reason"][rows["kind"] == EventKind.CANCEL])
    rows = np.concatenate([build_and_run(CROWDS[name]) for name in ("every message", "limits")])
    gate = {Reject.RISK_QUANTITY, Reject.RISK_NOTIONAL, Reject.RISK_POSITION}
    gate |= {Reject.RISK_OPEN_ORDERS, Reject.RISK_MESSAGE_RATE}
    assert gate <= set(rows["reason"])


def build_and_run(populations: list[Population]) -> Rows:
    market = build(populations)
    market.run()
    return market.tape


def test_they_agree_with_a_collar_and_without_priority_on_replace() -> None:
    agree(build(CROWDS["every message"], collar_ticks=6, replace_keeps_priority=False))


def test_they_agree_on_two_symbols_at_once() -> None:
    two = [
        *CROWDS["every reason"],
        restless(Wake.REJECT, name="other", symbol=1, latency=LOGNORMAL),
        restless(name="another", symbol=1),
    ]
    tape = agree(build(two, n_symbols=2, seconds=10))
    assert set(tape["symbol"]) == {0, 1}


@decision
def inquisitive_decides(view: Any, agent: Any, out: Any) -> int:
    """Look up levels and own orders, remember in `memory`, choose order ids, trade in both symbols."""
    cells = memory(view)
    if not view.reason & 3 and uniform(agent, 9) > 0.1:
        return 0
    side = 1 if uniform(agent, 1) < 0.5 else -1
    price = view.last_ticks + int(12.0 * uniform(agent, 2)) - 6
    cells[0] += 1.0
    seen = level_lots(view, side, price) + 3 * own_count_at(view, side, price)
    seen += max(next_level_ticks(view, side, price), -5) + view.watch_bid_lots - 2 * view.watch_ask_lots
    seen += (
        max(view.watch_bid_ticks, -7) + view.watch_last_ticks + view.watch_position_lots + max(view.watch_ask_ticks, 0)
    )
    number = int(cells[0])
    cells[1 + number % 7] = own_lots(view, own_order_id(view, number - 2)) + 0.25 * seen
    agent.state[0] = 0.5 * agent.state[0] + cells[1 + (number + 3) % 7]
    u = uniform(agent, 3)
    if u < 0.6:
        send_limit(out, side, price, 1 + int(7.0 * uniform(agent, 4)), 0, 0, 0, own_order_id(view, number))
        if uniform(agent, 5) < 0.3:  # withdrawn before it has been heard of
            send_cancel(out, own_order_id(view, number))
    elif u < 0.7:
        send_cancel(out, own_order_at(view, side, price, int(2.0 * uniform(agent, 6))))
    elif u < 0.8:
        send_cancel(out, own_order_id(view, number - 3))
    elif u < 0.9:
        send_limit(out, side, price, 2, 0, 0, 0, own_order_id(view, max(1, number - 4)))
    else:
        send_market(out, side, 3)
        to_watched(out)
    if view.watch >= 0 and uniform(agent, 7) < 0.3:
        send_limit(out, -side, view.watch_last_ticks + int(8.0 * uniform(agent, 8)) - 4, 2)
        to_watched(out)
    return int(4e8 * (0.5 + uniform(agent, 0)))


def inquisitive(name: str, symbol: int, watch: int | None, wakes_on: int = 0) -> Population:
    policy = Policy(Restless, inquisitive_decides, needs=Needs.BOOK, wakes_on=Wake(wakes_on), memory=8)
    latency = Latency(LatencyKind.LOGNORMAL, a_ns=2e8, sigma=1.0)
    return Population(name, 4, policy, Restless(), symbol=symbol, watch=watch, latency=latency)


def test_they_agree_on_lookups_memories_chosen_ids_and_watched_symbols() -> None:
    populations = [
        inquisitive("first", 0, 1, Wake.TOUCH | Wake.FILL),
        inquisitive("second", 1, 0),
        inquisitive("alone", 0, None, Wake.TRADE),
    ]
    tape = agree(build(populations, n_symbols=2, seconds=25))
    reasons = set(tape["reason"][tape["kind"] == EventKind.REJECT])
    assert {Reject.DUPLICATE_ORDER_ID, Reject.UNKNOWN_ORDER} <= reasons
    assert set(tape["agent"][tape["symbol"] == 1]) >= {0, 1, 2, 3}
    assert (tape["kind"] == EventKind.EXECUTE).sum() > 20


def test_they_agree_when_the_session_opens_at_midnight() -> None:
    populations = [restless(EVERYTHING, count=1, latency=Latency(a_ns=2e8)), *CROWDS["zero intelligence"]]
    listing = Listing(STOCK, OrnsteinUhlenbeck(float(MID_TICKS)))
    agree(Market([listing], populations, Session(0, 10 * SECOND_NS), seed=2))


@pytest.mark.parametrize("name", ["zero intelligence", "rmsc", "every message", "limits"])
def test_prices_in_steps_are_rounded_to_the_passive_side(name: str) -> None:
    tape = agree(build(CROWDS[name], price_step_ticks=5))
    priced = tape[np.isin(tape["kind"], (EventKind.ADD, EventKind.EXECUTE, EventKind.REPLACE))]
    assert len(priced) > 20 and (priced["price_ticks"] % 5 == 0).all()
