"""A recorded day as an agent: alone it rebuilds the recorded book; with others it trades, within known limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.background import replay
from lob.errors import InputError
from lob.lobster import read_day
from lob.rules import Instrument
from lob.types import EventKind, Phase, Reject
from lob.units import SECOND_NS
from scenarios.build.market import build_market
from sim.checks import check_policy
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.records import Wake
from sim.settings import Listing, Population, Session
from sim.trader import Trader, TraderView
from tests.replay import test_halts as halted
from tests.replay.days import CASES, DATA, MESSAGES, ROWS, of_tick, write_day
from tests.sim.markets import python_trader

OPEN_NS = 34_200 * SECOND_NS


@pytest.fixture
def day(tmp_path: Path) -> tuple[str, str]:
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    return str(message), str(book)


def market_of_day(
    files: tuple[str, str | None], *others: Population, open_ns: int = OPEN_NS, seconds: float = 10, **settings: Any
) -> Market:
    recorded = Population("day", 1, replay.policy, replay.Replay(message=files[0], book=files[1], **settings))
    stock = Instrument(min_price_ticks=9000, n_prices=60_000, max_orders=200_000, reference_ticks=10_000)
    session = Session(open_ns, open_ns + int(seconds * SECOND_NS))
    return Market([Listing(stock, ConstantValue(10_000.0))], [recorded, *others], session)


def touch_at(tape: Any, time_ns: int) -> tuple[int, ...]:
    row = tape[tape["time_ns"] <= time_ns][-1]
    return tuple(int(row[name]) for name in ("ask_ticks", "ask_lots", "bid_ticks", "bid_lots"))


def test_alone_it_rebuilds_the_recorded_book_after_every_message(day: tuple[str, str]) -> None:
    market = market_of_day(day)
    market.run()
    recorded = read_day(*day)
    for message, row in zip(recorded.messages, recorded.book, strict=True):
        ask, ask_lots, bid, bid_lots = (int(x) for x in row[0])
        assert touch_at(market.tape, int(message["time_ns"]) + 1000) == (ask, ask_lots, bid, bid_lots)
    assert not (market.tape["kind"] == EventKind.REJECT).any()


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded days in {DATA}")
@pytest.mark.parametrize("stock", ["GOOG", "AMZN"])
def test_half_an_hour_of_a_real_day_has_the_recorded_touch_throughout(stock: str) -> None:
    path = next(DATA.glob(f"LOBSTER_SampleFile_{stock}*.zip"))
    start_ns, seconds = 36_000 * SECOND_NS, 1800
    market = market_of_day((str(path), None), open_ns=start_ns, seconds=seconds, start="10:00:00")
    market.run()
    tape, recorded = market.tape, read_day(path)
    inside = (recorded.messages["time_ns"] > start_ns) & (recorded.messages["time_ns"] < start_ns + seconds * SECOND_NS)
    at = np.flatnonzero(inside)
    times = recorded.messages["time_ns"][at]
    settled = np.append(np.diff(times) > 2000, True)  # the last message of a burst, which takes 1 ns a message
    at, times = at[settled], times[settled]
    rows = tape[np.searchsorted(tape["time_ns"], times + 1000, side="right") - 1]
    columns = ("ask_ticks", "ask_lots", "bid_ticks", "bid_lots")
    expected = recorded.book[at, 0, :]
    agree = np.all([rows[name] == expected[:, k] for k, name in enumerate(columns)], axis=0)
    assert len(at) > 5000
    assert agree.mean() == 1.0
    assert not (tape["kind"] == EventKind.REJECT).any()


class Buyer(Trader):
    """Buys everything that is offered up to a price, once."""

    wakes_on = Wake(0)

    def on_wake(self, view: TraderView) -> float | None:
        if Wake.START in view.reason:
            return 0.35
        view.limit("buy", 10_006, 30)
        return None


def test_others_trade_with_it_and_what_they_took_is_missing_later(day: tuple[str, str]) -> None:
    market = market_of_day(day, python_trader(Buyer))
    market.run()
    tape = market.tape
    taken = tape[(tape["kind"] == EventKind.EXECUTE) & (tape["agent"] == 1)]
    assert taken["qty_lots"].sum() == 30
    assert (taken["contra_agent"] == 0).all()
    assert touch_at(tape, OPEN_NS + 2 * SECOND_NS)[0] == 10_007


class Seller(Trader):
    """Sells into the recorded bid just before the record cancels it."""

    def on_wake(self, view: TraderView) -> float | None:
        if Wake.START in view.reason:
            return 0.45
        view.limit("sell", 10_000, 10)
        return None


def test_the_cancel_of_an_order_that_another_filled_is_refused(day: tuple[str, str]) -> None:
    market = market_of_day(day, python_trader(Seller))
    market.run()
    rejects = market.tape[market.tape["kind"] == EventKind.REJECT]
    assert list(rejects["reason"]) == [Reject.UNKNOWN_ORDER]


def test_a_later_start_begins_with_the_book_of_that_time(day: tuple[str, str]) -> None:
    market = market_of_day(day, open_ns=OPEN_NS + 10**9, start="09:30:01")
    market.run(OPEN_NS + 10**9 + 1000)
    recorded = read_day(*day)
    ask, ask_lots, bid, bid_lots = (int(x) for x in recorded.book[-1, 0])
    assert touch_at(market.tape, OPEN_NS + 2 * 10**9) == (ask, ask_lots, bid, bid_lots)
    assert not (market.tape["kind"] == EventKind.EXECUTE).any()


def test_a_scenario_names_the_file_relative_to_itself(tmp_path: Path, day: tuple[str, str]) -> None:
    text = """
schema_version = 1
[session]
open = 09:30:00
close = 09:30:10
[[instrument]]
name = "TEST"
min_price_ticks = 9000
n_prices = 4096
reference_ticks = 10000
[instrument.fundamental]
kind = "constant"
[[population]]
name = "day"
kind = "replay"
settings = { message = "MESSAGE", book = "BOOK" }
"""
    scenario = tmp_path / "day.toml"
    scenario.write_text(text.replace("MESSAGE", Path(day[0]).name).replace("BOOK", Path(day[1]).name))
    market = build_market(scenario)
    market.run()
    assert (market.tape["kind"] == EventKind.EXECUTE).sum() == 2


SCENARIO = """
schema_version = 1
[session]
open = 09:30:00
close = 09:30:10
[[instrument]]
name = "TEST"
tick_size = TICK
min_price_ticks = 9000
n_prices = 4096
reference_ticks = 10000
[[population]]
name = "day"
kind = "replay"
settings = { message = "MESSAGE" }
"""


def market_from(folder: Path, message: Path, tick: float = 0.01) -> Market:
    scenario = folder / "day.toml"
    scenario.write_text(SCENARIO.replace("MESSAGE", str(message)).replace("TICK", str(tick)))
    return build_market(scenario)


@pytest.mark.parametrize("units", [1, 50, 100, 2500])
def test_prices_of_a_file_are_ticks_of_the_scenarios_instrument(tmp_path: Path, units: int) -> None:
    message, _ = write_day(tmp_path, of_tick(MESSAGES, units, is_book=False), of_tick(ROWS, units, is_book=True))
    market = market_from(tmp_path, message, units / 10_000)
    market.run()
    assert touch_at(market.tape, OPEN_NS + 9 * 10**9) == (10_005, 30, 9_999, 30)
    assert not (market.tape["kind"] == EventKind.REJECT).any()


def test_a_file_with_prices_between_the_instruments_ticks_is_refused(tmp_path: Path) -> None:
    message, _ = write_day(tmp_path, of_tick(MESSAGES, 50, is_book=False), of_tick(ROWS, 50, is_book=True))
    with pytest.raises(InputError, match=r"is between ticks of 0\.01"):
        market_from(tmp_path, message)


def test_a_market_halts_when_the_record_does_and_goes_on_with_the_recorded_book(tmp_path: Path) -> None:
    message, book = write_day(tmp_path, halted.MESSAGES, halted.ROWS)
    market = market_from(tmp_path, message)
    market.run()
    tape = market.tape
    phases = tape[tape["kind"] == EventKind.PHASE]
    assert phases["qty_lots"].tolist() == [Phase.CONTINUOUS, Phase.HALTED, Phase.CONTINUOUS, Phase.CLOSED]
    assert not (tape["kind"] == EventKind.REJECT).any()
    # The crossed quotes never trade; what the cross left of one is there when trading goes on, and trades then.
    traded = tape[tape["kind"] == EventKind.EXECUTE]
    assert traded["price_ticks"].tolist() == [10_004] and traded["qty_lots"].tolist() == [1]
    recorded = read_day(message, book)
    for k in (0, 8, 9):
        ask, ask_lots, bid, bid_lots = (int(x) for x in recorded.book[k, 0])
        at = int(recorded.messages["time_ns"][k]) + 1000
        assert touch_at(tape, at) == (ask, ask_lots, bid, bid_lots)


def test_a_session_that_opens_within_a_halt_begins_with_the_book_before_it(tmp_path: Path) -> None:
    message, book = write_day(tmp_path, halted.MESSAGES, halted.ROWS)
    settings = replay.Replay(message=str(message))
    opens, closes = 34_203 * 10**9, 34_210 * 10**9
    assert replay.recorded_halts(settings, opens, closes) == [(opens + 1_000_000, 34_206 * 10**9)]
    assert replay.recorded_halts(settings, 34_207 * 10**9, closes) == []
    assert replay.recorded_halts(settings, OPEN_NS, 34_204 * 10**9) == [(34_201 * 10**9 + 1000, 34_204 * 10**9)]
    market = market_of_day((str(message), str(book)), open_ns=opens, start="09:30:03")
    market.run()
    assert touch_at(market.tape, opens + 1000)[2:] == (9_999, 100)
    assert not (market.tape["kind"] == EventKind.REJECT).any()


@pytest.mark.skipif(not CASES.is_dir(), reason="the small cases are not beside the project")
def test_a_halted_day_in_the_background_trades_what_was_traded_outside_the_cross() -> None:
    market = build_market(CASES / "c36_replay_halted_day.toml")
    market.run()
    traded = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    assert list(zip(traded["price_ticks"], traded["qty_lots"], strict=True)) == [(9999, 60), (9999, 20), (10005, 30)]
    assert not (market.tape["kind"] == EventKind.REJECT).any()


def test_it_is_a_proper_policy(day: tuple[str, str]) -> None:
    check_policy(replay.policy, replay.Replay(message=day[0], book=day[1]))
