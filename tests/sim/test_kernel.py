"""Who is woken, when and why; what comes first at one instant; what the run says when a capacity is exceeded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lob.errors import InputError, RunError
from lob.rules import Instrument
from lob.types import EventKind, Phase
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.policy import Policy, decision, send_limit
from sim.records import ScheduledKind, Wake
from sim.settings import Latency, Listing, Population, Scheduled, Session, Settings
from sim.trader import TraderView
from tests.sim.markets import OPEN_NS, Scripted, market_of, play, python_trader, zero_intelligence_traders

S = SECOND_NS


def buy(price: int, qty: int = 1, **fields: Any) -> Any:
    return lambda view: view.limit("buy", price, qty, **fields)


def sell(price: int, qty: int = 1, **fields: Any) -> Any:
    return lambda view: view.limit("sell", price, qty, **fields)


# ---- reasons ----------------------------------------------------------------------------------------


def test_who_subscribes_to_nothing_wakes_at_the_open_and_at_its_timers_only() -> None:
    quiet = Scripted({1: buy(990), 2: buy(995)})
    play(quiet, Scripted({3: lambda v: v.market("sell", 2)}))
    assert quiet.wakes == [(0, Wake.START), (S, Wake.TIMER), (2 * S, Wake.TIMER)]


def test_an_order_is_acknowledged_one_latency_and_one_reaction_after_it_was_sent() -> None:
    trader = Scripted({1: buy(990)}, wakes_on=Wake.ACK)
    play(trader, latency=Latency(a_ns=250.0), reaction_ns=40)
    assert trader.wakes[2:] == [(S + 250 + 40, Wake.ACK)]


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.cancel(1),
        lambda v: v.cancel_all(),
        lambda v: v.reduce(1, 2),
        lambda v: v.replace(1, 980, 5),
        lambda v: v.market("sell", 9),
    ],
)
def test_a_change_or_an_expiry_is_acknowledged_too(change: Any) -> None:
    trader = Scripted({1: buy(990, 5), 2: change}, wakes_on=Wake.ACK)
    play(trader)
    assert trader.reasons() == [Wake.START, Wake.TIMER, Wake.ACK, Wake.TIMER, Wake.ACK]


def test_both_sides_of_a_trade_are_told_and_only_they() -> None:
    maker, taker, other = (
        Scripted({1: buy(990, 5)}, wakes_on=Wake.FILL),
        Scripted({2: lambda v: v.market("sell", 3)}, wakes_on=Wake.FILL),
        Scripted(wakes_on=Wake.FILL),
    )
    play(maker, taker, other)
    assert maker.wakes[2:] == [(2 * S + 2, Wake.FILL)]
    assert taker.wakes[2:] == [(2 * S + 2, Wake.FILL)]
    assert other.reasons() == [Wake.START]


def test_a_refused_message_wakes_who_asked_for_rejects() -> None:
    trader = Scripted({1: lambda v: v.cancel(77), 2: buy(-3)}, wakes_on=Wake.REJECT)
    play(trader)
    assert trader.reasons() == [Wake.START, Wake.TIMER, Wake.REJECT, Wake.TIMER, Wake.REJECT]


def test_the_touch_changes_when_a_best_price_does_and_not_when_only_its_size_does() -> None:
    watcher = Scripted(wakes_on=Wake.TOUCH)
    script = {1: buy(990), 2: buy(990), 3: buy(980), 4: buy(995), 5: sell(1000), 6: lambda v: v.cancel_all()}
    play(Scripted(script), watcher)
    assert [t // S for t, _ in watcher.wakes[1:]] == [1, 4, 5, 6]
    assert set(watcher.reasons()[1:]) == {Wake.TOUCH}


def test_a_trade_wakes_who_watches_trades_once_however_many_orders_it_hits() -> None:
    watcher = Scripted(wakes_on=Wake.TRADE)
    play(Scripted({1: sell(1000), 2: sell(1000), 3: buy(1000, 2)}), watcher)
    assert watcher.wakes[1:] == [(3 * S + 2, Wake.TRADE)]


def test_phases_and_news_wake_who_asked_for_them_in_their_symbol() -> None:
    schedule = [
        Scheduled(OPEN_NS + 2 * S, ScheduledKind.PHASE, Phase.HALTED, 0),
        Scheduled(OPEN_NS + 3 * S, ScheduledKind.NEWS, 1.5, 0),
        Scheduled(OPEN_NS + 4 * S, ScheduledKind.NEWS, -2.5, 1),
        Scheduled(OPEN_NS + 5 * S, ScheduledKind.PHASE, Phase.CONTINUOUS, 0),
    ]
    seen: list[tuple[int, float]] = []

    def note(view: TraderView) -> None:
        seen.append((view.time_ns, view.news))

    first, second = (Scripted(wakes_on=Wake.PHASE | Wake.NEWS, on_event=note) for _ in range(2))
    listings = [Listing(Instrument(name, n_prices=200, max_orders=10), ConstantValue(100.0)) for name in "AB"]
    populations = [
        Population("first", 1, trader=lambda _: first),
        Population("second", 1, trader=lambda _: second, symbol=1),
    ]
    market = Market(listings, populations, Session(OPEN_NS, OPEN_NS + 9 * S), schedule)
    market.run()
    opened = (0, Wake.START | Wake.PHASE)
    assert first.wakes == [
        opened, (2 * S + 1, Wake.PHASE), (3 * S + 1, Wake.NEWS), (5 * S + 1, Wake.PHASE),
    ]  # fmt: skip
    assert second.wakes == [opened, (4 * S + 1, Wake.NEWS)]
    assert [value for _, value in seen] == [0.0, 1.5, -2.5, 1.5]
    news = market.tape[market.tape["kind"] == EventKind.NEWS]
    assert news["symbol"].tolist() == [0, 1]


def test_reasons_that_come_before_the_reaction_are_merged_into_one_wake_up() -> None:
    """The reaction starts with the first of them."""
    slow = Scripted(wakes_on=Wake.TOUCH | Wake.TRADE)
    script = {1: buy(990), 1.001: lambda v: v.market("sell", 1), 1.5: buy(980)}
    populations = [
        python_trader(lambda: Scripted(script), "a"),
        python_trader(lambda: slow, "b", reaction_ns=S // 100),
    ]
    market_of(populations, seconds=5).run()
    first = S + 1 + S // 100
    assert slow.wakes[1:] == [(first, Wake.TOUCH | Wake.TRADE), (first + S // 2, Wake.TOUCH)]


@pytest.mark.parametrize("reaction_ns", [-5, 0, 1])
def test_a_reaction_takes_at_least_a_nanosecond(reaction_ns: int) -> None:
    watcher = Scripted(wakes_on=Wake.TOUCH)
    play(Scripted({1: buy(990)}), watcher, reaction_ns=reaction_ns)
    assert watcher.wakes[1:] == [(S + 2, Wake.TOUCH)]


def test_a_trigger_does_not_move_a_timer() -> None:
    watcher = Scripted({1: buy(5), 2: buy(6), 3: buy(7)}, wakes_on=Wake.TOUCH)
    play(Scripted({0.5: buy(900), 1.5: buy(901), 2: buy(902)}), watcher)
    assert [t for t, reason in watcher.wakes if reason == Wake.TIMER] == [S, 2 * S, 3 * S]


# ---- order at one instant ---------------------------------------------------------------------------


def test_at_one_instant_the_schedule_comes_first_then_messages_then_wake_ups() -> None:
    """The halt at 2 s refuses the order that arrives at 2 s; the trader that wakes at 2 s sees both done."""
    seen: list[int] = []
    other = Scripted({1.0: buy(990), 2.0 - 1e-9: buy(980)})
    watcher = Scripted({2: lambda v: seen.append(v.best_bid_ticks)})
    halt = [Scheduled(OPEN_NS + 2 * S, ScheduledKind.PHASE, Phase.HALTED)]
    early = Scripted({2.5 - 1e-9: lambda v: v.cancel_all(), 2.5: lambda v: seen.append(v.best_bid_ticks)})
    _, tape = play(other, watcher, early, schedule=halt)
    assert seen == [990, 990]
    assert tape["kind"].tolist()[:3] == [EventKind.PHASE, EventKind.ADD, EventKind.PHASE]
    assert tape["kind"][3] == EventKind.REJECT
    assert tape["time_ns"][3] == OPEN_NS + 2 * S


def order_of_arrival(names: list[str]) -> list[str]:
    """Each trader sends an order at 1 s; return their names in the order of the tape."""
    populations = [python_trader(lambda: Scripted({1: buy(990)}), name) for name in names]
    market = market_of(populations, seconds=2)
    market.run()
    return [names[k] for k in market.tape[market.tape["kind"] == EventKind.ADD]["agent"]]


def test_who_comes_first_at_one_instant_depends_on_keys_and_not_on_the_order_of_definition() -> None:
    names = ["ann", "bob", "carl", "dora", "emil", "fred"]
    assert order_of_arrival(names) == order_of_arrival(names[::-1])
    assert order_of_arrival(names) != names


# ---- session, capacities ----------------------------------------------------------------------------


def test_nothing_trades_before_the_open_or_after_the_close() -> None:
    market = market_of([zero_intelligence_traders(30)], seconds=20)
    market.run(OPEN_NS - 1)
    assert len(market.tape) == 0
    market.run(OPEN_NS + 60 * S)
    tape = market.tape
    assert tape["kind"][0] == EventKind.PHASE
    closed = np.flatnonzero((tape["kind"] == EventKind.PHASE) & (tape["phase"] == Phase.CLOSED))[0]
    assert tape["time_ns"][closed] == OPEN_NS + 20 * S
    assert set(tape["kind"][closed + 1 :]) <= {EventKind.REJECT}


@pytest.mark.parametrize(("open_ns", "close_ns"), [(5, 5), (9, 3), (-1, 5), (0, 2**47)])
def test_a_session_that_cannot_be_is_refused(open_ns: int, close_ns: int) -> None:
    with pytest.raises(InputError, match="session: close_ns"):
        Session(open_ns, close_ns)


def test_time_and_sequence_never_go_back() -> None:
    market = market_of([zero_intelligence_traders(30)], seconds=20)
    market.run()
    assert (np.diff(market.tape["time_ns"]) >= 0).all()
    assert (np.diff(market.tape["sequence"]) == 1).all()


def test_a_full_book_stops_the_run_with_words_and_a_readable_tape() -> None:
    instrument = Instrument(n_prices=2048, max_orders=5)
    trader = Scripted({k / 10: buy(100 + k) for k in range(1, 9)})
    market = market_of([python_trader(lambda: trader)], instrument=instrument)
    with pytest.raises(RunError, match=r"capacity exceeded at .* the book is full; raise .*max_orders"):
        market.run()
    assert market.tape["kind"].tolist() == [EventKind.PHASE, *[EventKind.ADD] * 5, EventKind.REJECT]


def test_too_many_messages_in_flight_stop_the_run_with_words() -> None:
    slow = Latency(a_ns=30 * S)
    market = market_of(
        [Population("zi", 9, zero_intelligence_traders().policy, zero_intelligence_traders().settings, latency=slow)],
        max_in_flight=20,
    )
    with pytest.raises(RunError, match="20 messages in flight; raise max_in_flight"):
        market.run()


class Few(Settings):
    """No settings worth the name."""

    n: float = 40.0


@decision
def _talks_too_much(view: Any, agent: Any, out: Any) -> int:
    for _ in range(int(agent.params[0])):
        send_limit(out, 1, 5, 1)
    return 0


def test_a_policy_that_sends_more_than_fits_is_named() -> None:
    market = market_of([Population("talkers", 1, Policy(Few, _talks_too_much), Few(n=99))])
    with pytest.raises(RunError, match="population talkers sent more messages in one decision than fit"):
        market.run()


@pytest.mark.parametrize(
    ("populations", "words"),
    [
        ([zero_intelligence_traders(), zero_intelligence_traders()], "used twice"),
        ([zero_intelligence_traders(count=0)], "count = 0; allowed: at least 1"),
        ([Population("none", 1)], "either a policy or a trader"),
        ([python_trader(Scripted, symbol=3)], "symbol = 3; allowed: 0 to 0"),
    ],
)
def test_populations_that_do_not_fit_are_refused_in_words(populations: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        market_of(populations)


def test_a_market_without_instrument_and_an_event_outside_of_the_session_are_refused() -> None:
    with pytest.raises(InputError, match="no instrument"):
        Market([], [zero_intelligence_traders()])
    early = [Scheduled(5, ScheduledKind.NEWS, 1.0)]
    with pytest.raises(InputError, match="outside the session"):
        market_of([zero_intelligence_traders()], schedule=early)
