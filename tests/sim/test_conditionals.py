"""What happens when a condition holds: circuit breakers against a plain look at the tape, and their corners."""

from __future__ import annotations

from typing import Any

import pytest

from lob.errors import InputError
from lob.rules import Instrument
from lob.types import EventKind, Phase
from lob.units import SECOND_NS
from sim.records import N_SLICES, ConditionKind, ScheduledKind, Wake
from sim.settings import Conditional, Scheduled
from tests.sim.markets import OPEN_NS, Rows, Scripted, lively_populations, market_of, play, tape_hash

S = SECOND_NS
HALT = ScheduledKind.PHASE


def breaker(condition: ConditionKind = ConditionKind.FALL, **fields: Any) -> Conditional:
    """A halt of two seconds, once."""
    usual = {"ticks": 10.0, "lasts_ns": 2 * S, "within_ns": 5 * S}
    return Conditional(condition, HALT, Phase.HALTED, **{**usual, **fields})


def trade(price: int, lots: int = 1) -> Any:
    """A sell and a buy at one price: a trade there."""

    def action(view: Any) -> None:
        view.limit("sell", price, lots)
        view.limit("buy", price, lots)

    return action


def phases(tape: Rows) -> list[tuple[int, Phase]]:
    """Changes of the phase after the open: ns since the open, phase."""
    rows = tape[tape["kind"] == EventKind.PHASE][1:]
    return [(int(r["time_ns"]) - OPEN_NS, Phase(int(r["qty_lots"]))) for r in rows]


def looked_up(tape: Rows, conditional: Conditional) -> list[int]:
    """When the conditional must fire, by looking at every trade of the window at every trade."""
    slice_ns = -(-conditional.within_ns // N_SLICES)
    fired: list[int] = []
    seen: list[tuple[int, int]] = []
    blind_until = 0
    for row in tape[tape["kind"] == EventKind.EXECUTE]:
        time, price = int(row["time_ns"]), int(row["price_ticks"])
        if len(fired) == conditional.times or time < blind_until:
            continue
        seen = [(t, p) for t, p in seen if t // slice_ns > time // slice_ns - N_SLICES] + [(time, price)]
        high, low = max(p for _, p in seen), min(p for _, p in seen)
        fell = high - price >= conditional.ticks + conditional.share * max(abs(high), 1)
        rose = price - low >= conditional.ticks + conditional.share * max(abs(low), 1)
        wanted = {ConditionKind.FALL: fell, ConditionKind.RISE: rose, ConditionKind.MOVE: fell or rose}
        if wanted[conditional.condition]:
            fired.append(time)
            blind_until, seen = time + conditional.lasts_ns, []
    return fired


@pytest.mark.parametrize(
    "condition", [ConditionKind.FALL, ConditionKind.RISE, ConditionKind.MOVE], ids=lambda c: c.name
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_halts_come_when_a_plain_look_at_the_tape_says(condition: ConditionKind, seed: int) -> None:
    conditional = breaker(condition, ticks=4.0, share=0.002, times=4, within_ns=3 * S + 7, lasts_ns=S)
    market = market_of(lively_populations(), seconds=40, seed=seed, schedule=[conditional])
    market.run()
    found = phases(market.tape)
    halts = [OPEN_NS + t for t, phase in found if phase == Phase.HALTED]
    assert halts == looked_up(market.tape, conditional) and len(halts) >= 2
    reopenings = [t for t, phase in found if phase == Phase.CONTINUOUS]
    assert reopenings == [t - OPEN_NS + S for t in halts if t + S <= OPEN_NS + 40 * S]


def test_a_halt_stops_the_very_next_message() -> None:
    first = trade(990)

    def trade_and_more(view: Any) -> None:
        first(view)
        view.limit("buy", 900, 1)  # arrives a nanosecond after the trade

    script = {1: trade(1000), 2: trade_and_more, 5: trade(980)}
    _, tape = play(Scripted(script), schedule=[breaker()])
    assert phases(tape)[:2] == [(2 * S + 2, Phase.HALTED), (4 * S + 2, Phase.CONTINUOUS)]
    refused = tape[tape["kind"] == EventKind.REJECT]
    assert len(refused) == 1 and int(refused["price_ticks"][0]) == 900
    assert int(tape["price_ticks"][tape["kind"] == EventKind.EXECUTE][-1]) == 980  # once is once


def test_the_window_forgets_and_begins_anew_after_a_halt() -> None:
    slow = {1: trade(1000), 4: trade(995), 8: trade(990)}  # never ten ticks within five seconds
    _, tape = play(Scripted(slow), schedule=[breaker(times=9)])
    assert [phase for _, phase in phases(tape)] == [Phase.CLOSED]
    again = {1: trade(1000), 2: trade(990), 5: trade(985), 6: trade(980), 7: trade(975)}
    _, tape = play(Scripted(again), schedule=[breaker(times=9)])
    assert [t for t, phase in phases(tape) if phase == Phase.HALTED] == [2 * S + 2, 7 * S + 2]  # 985 to 975, not 1000


def test_a_wide_spread_halts_once_both_sides_are_quoted() -> None:
    script = {
        1: lambda v: v.limit("buy", 990, 1), 2: lambda v: v.limit("sell", 1000, 1),
        3: lambda v: v.limit("sell", 1004, 1), 4: lambda v: v.market("buy", 1),
    }  # fmt: skip
    _, tape = play(Scripted(script), schedule=[breaker(ConditionKind.SPREAD, ticks=12.0)])
    assert [t for t, phase in phases(tape) if phase == Phase.HALTED] == [4 * S + 1]


BELOW_ZERO = Instrument(min_price_ticks=-1000, n_prices=2001, reference_ticks=0, max_orders=64)


@pytest.mark.parametrize(
    ("prices", "fires_at"),
    [
        ((-100, -100, -101, -104), None),  # a fall of 4% from -100
        ((-100, -100, -104, -106), 4),  # of 6%
        ((-106, -102, -100), 3),  # a rise of 4, then of 6 from -106
        ((0, 0, 0), None),
        ((0, 0, -1), 3),  # one tick from nothing is more than any share
        ((3, 1, -1), 2),
    ],
)
def test_a_share_of_a_price_that_is_negative_or_zero_is_one_of_its_size(
    prices: tuple[int, ...], fires_at: int | None
) -> None:
    """A breaker at moves of 5%; at negative prices it used to halt at every trade."""
    script = {float(k + 1): trade(price) for k, price in enumerate(prices)}
    conditional = breaker(ConditionKind.MOVE, ticks=0.0, share=0.05)
    _, tape = play(Scripted(script), schedule=[conditional], instrument=BELOW_ZERO)
    halts = [t // S for t, phase in phases(tape) if phase == Phase.HALTED]
    assert halts == ([] if fires_at is None else [fires_at])


def test_a_spread_around_zero_is_measured_in_ticks_of_one() -> None:
    script = {
        1: lambda v: v.limit("buy", -2, 1),
        2: lambda v: v.limit("sell", 2, 1),
        3: lambda v: v.limit("sell", 1, 1),
    }
    narrow = breaker(ConditionKind.SPREAD, ticks=0.0, share=4.5)
    wide = breaker(ConditionKind.SPREAD, ticks=0.0, share=3.5)
    for conditional, n_halts in ((narrow, 0), (wide, 1)):
        _, tape = play(Scripted(script), schedule=[conditional], instrument=BELOW_ZERO)
        assert len([1 for _, phase in phases(tape) if phase == Phase.HALTED]) == n_halts


def test_a_phase_that_somebody_else_has_changed_stays() -> None:
    closed = [Scheduled(OPEN_NS + 3 * S, HALT, Phase.CLOSED)]
    _, tape = play(Scripted({1: trade(1000), 2: trade(990)}), schedule=[breaker(), *closed])
    assert [phase for _, phase in phases(tape)] == [Phase.HALTED, Phase.CLOSED, Phase.CLOSED]


def test_news_and_the_kill_switch_can_wait_for_a_condition_too() -> None:
    news = Conditional(ConditionKind.RISE, ScheduledKind.NEWS, 2.5, ticks=5.0)
    kill = Conditional(ConditionKind.RISE, ScheduledKind.KILL, 0.0, ticks=8.0)
    reader = Scripted({6: lambda v: v.limit("buy", 900, 1)}, wakes_on=Wake.NEWS)
    writer = Scripted({1: trade(1000), 2: trade(1005), 3: trade(1008), 4: trade(1009)})
    _, tape = play(writer, reader, schedule=[news, kill])
    assert int((tape["kind"] == EventKind.NEWS).sum()) == 1
    assert [t for t, reason in reader.wakes if reason == Wake.NEWS] == [2 * S + 3]
    refused = tape[tape["kind"] == EventKind.REJECT]
    assert set(refused["agent"].tolist()) == {0} and len(refused) == 2  # both orders of second 4


def test_a_fork_and_a_snapshot_carry_conditionals_along() -> None:
    conditional = breaker(ConditionKind.MOVE, ticks=5.0, times=99, lasts_ns=S)
    market = market_of(lively_populations(), seconds=30, schedule=[conditional])
    market.run(OPEN_NS + 12 * S, sinks=[lambda rows: None])
    fork = market.fork()
    for world in (market, fork):
        world.run()
    assert tape_hash(market.tape) == tape_hash(fork.tape)
    rows = market.tape[market.tape["kind"] == EventKind.PHASE]
    assert Phase.HALTED in rows["qty_lots"] and (rows["time_ns"] > OPEN_NS + 12 * S).all()


def test_conditionals_that_never_fire_leave_the_tape_as_it_is() -> None:
    idle = [breaker(ticks=1e6), breaker(ConditionKind.SPREAD, ticks=1e6)]
    tapes = []
    for schedule in ([], idle):
        market = market_of(lively_populations(), seconds=20, schedule=schedule)
        market.run()
        tapes.append(tape_hash(market.tape))
    assert tapes[0] == tapes[1]


def test_bad_conditionals_are_refused() -> None:
    for fields, text in (
        ({"ticks": 0.0}, "one above 0"),
        ({"ticks": -1.0, "share": 2.0}, "one above 0"),
        ({"within_ns": 5}, "within_ns = 5; allowed: whole numbers from 128"),
        ({"times": 0}, "times = 0; allowed: whole numbers from 1"),
        ({"lasts_ns": 2**63}, "lasts_ns = 9223372036854775808; allowed"),
        ({"lasts_ns": 1.5}, r"lasts_ns = 1\.5; allowed"),
        ({"lasts_ns": -1}, "lasts_ns = -1; allowed: whole numbers from 0"),
        ({"kind": ScheduledKind.NEWS}, "only a phase can end"),
    ):
        values: dict[str, Any] = {"kind": HALT, "value": Phase.HALTED, "ticks": 1.0, "lasts_ns": S, **fields}
        with pytest.raises(InputError, match=text):
            Conditional(ConditionKind.FALL, **values)
    for kind, value, text in (
        (ScheduledKind.KILL, 3.0, r"KILL value = 3\.0; allowed: 0 to 2"),
        (ScheduledKind.KILL, -1.0, r"KILL value = -1\.0"),
        (ScheduledKind.PHASE, 7.0, r"PHASE value = 7\.0; allowed: 0 to 2"),
        (ScheduledKind.PHASE, 1.5, r"PHASE value = 1\.5"),
        (ScheduledKind.NEWS, float("nan"), "NEWS value = nan; allowed: finite"),
    ):
        for entry in (Scheduled(OPEN_NS + S, kind, value), Conditional(ConditionKind.FALL, kind, value, ticks=1.0)):
            with pytest.raises(InputError, match=text):
                market_of(lively_populations(), schedule=[entry])
    with pytest.raises(InputError, match=r"conditional: symbol = 3; allowed: 0 to 0"):
        market_of(lively_populations(), schedule=[breaker(symbol=3)])
