"""Whoever can see a market's state finds all rows that led to it, and what is no whole state is never handed out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import sim.market
from lob.errors import RunError
from lob.units import SECOND_NS
from sim.market import Market, Snapshot
from sim.settings import Latency, Population
from sim.trader import Ask, TraderView
from tests.sim.markets import (
    OPEN_NS,
    Fidget,
    Rows,
    Scripted,
    lively_populations,
    market_of,
    python_trader,
    zero_intelligence_traders,
)

SECONDS = 8


class Parrots:
    """A panel that repeats the question."""

    def answer(self, questions: Sequence[Any]) -> Sequence[Any]:
        return questions


class Asker(Fidget):
    """Decides as Fidget does, with the others of the same instant."""

    def __init__(self, panel: Parrots) -> None:
        super().__init__()
        self.panel = panel

    def on_wake(self, view: TraderView) -> float | Ask | None:  # type: ignore[override]
        return Ask(self.panel, view.uniform(50))

    def on_answer(self, view: TraderView, answer: Any) -> float | None:
        assert answer == view.uniform(50)
        return super().on_wake(view)


def askers(count: int = 3) -> Population:
    panel = Parrots()
    return Population("askers", count, trader=lambda k: Asker(panel), latency=Latency(a_ns=2e5))


KINDS: dict[str, Callable[[], list[Population]]] = {
    "compiled": lambda: [zero_intelligence_traders(100)],
    "python": lambda: [Population("fidget", 3, trader=lambda k: Fidget(), latency=Latency(a_ns=2e5))],
    "asking": lambda: [askers()],
    "all": lambda: [*lively_populations(), askers()],
}


def rows_written(market: Market, symbol: int = 0) -> int:
    """The number of rows that the exchange says it has written: it numbers them."""
    return int(market.world.book(symbol)["sequence"])


@pytest.mark.parametrize("kind", KINDS)
def test_at_every_look_the_sinks_have_all_rows_of_the_state_and_a_snapshot_leads_to_the_rest(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim.market, "LOOK_S", 0.0)  # as if every trader were slow
    monkeypatch.setattr(sim.market, "CHUNK_EVENTS", 97)
    market = market_of(KINDS[kind](), seconds=SECONDS)
    parts: list[Rows] = []
    looks: list[tuple[int, Snapshot]] = []

    def look(seen: Market) -> None:
        rows = np.concatenate(parts) if parts else np.empty(0)
        assert len(rows) == rows_written(seen)
        if len(rows):
            assert (rows["sequence"] == np.arange(1, len(rows) + 1)).all()
        looks.append((len(rows), seen.snapshot()))

    market.run(sinks=[lambda rows: parts.append(rows.copy())], on_progress=look)
    tape = np.concatenate(parts)
    assert len(looks) > 10 and len(tape) > 500
    for n_rows, snapshot in looks[:: max(1, len(looks) // 8)]:
        other = market_of(KINDS[kind](), seconds=SECONDS)
        other.restore(snapshot)
        other.run()
        assert other.first_row == n_rows and other.tape.tobytes() == tape[n_rows:].tobytes()


# ---- where there is no whole state ------------------------------------------------------------------------


def market_with(action: Callable[[TraderView], None]) -> Market:
    trader = Scripted({3: action})
    trader.state = lambda: trader.done  # type: ignore[method-assign]
    return market_of([zero_intelligence_traders(9), python_trader(lambda: trader)], seconds=SECONDS)


def test_a_trader_that_is_deciding_can_neither_save_nor_run_nor_restore_the_market() -> None:
    told: list[str] = []
    start: list[Snapshot] = []

    def tries(view: TraderView) -> None:
        for attempt in (market.snapshot, market.fork, market.run, lambda: market.restore(start[0])):
            with pytest.raises(RunError) as error:
                attempt()  # type: ignore[operator]
            told.append(str(error.value))

    market = market_with(tries)
    start.append(market.snapshot())
    market.run()
    assert told[0] == told[1] == (
        "snapshot: not while an event is being handled; allowed: in on_progress, or when run() has returned"
    )  # fmt: skip
    assert told[2].startswith("run: not while") and told[3].startswith("restore: not while")


def test_a_sink_cannot_save_a_market_whose_rows_the_other_sinks_do_not_have_yet() -> None:
    market = market_of([zero_intelligence_traders(9)], seconds=SECONDS)

    def sink(rows: Rows) -> None:
        with pytest.raises(RunError, match="snapshot: not while rows are handed to the sinks"):
            market.snapshot()

    market.run(sinks=[sink])
    assert market.snapshot().world


def test_a_look_may_save_but_not_run_or_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.market, "CHUNK_EVENTS", 97)
    market = market_of([zero_intelligence_traders(9)], seconds=SECONDS)
    looks: list[Snapshot] = []

    def look(seen: Market) -> None:
        looks.append(seen.snapshot())
        with pytest.raises(RunError, match="running already"):
            seen.run()
        with pytest.raises(RunError, match="restore: not while the market is running"):
            seen.restore(looks[0])

    market.run(on_progress=look)
    # What it saves does not depend on its being in the midst of a run.
    other = market_of([zero_intelligence_traders(9)], seconds=SECONDS)
    other.run(int(header_time(looks[0])))
    assert looks and other.snapshot().world[:64] == looks[0].world[:64]


def header_time(snapshot: Snapshot) -> int:
    market = market_of([zero_intelligence_traders(9)], seconds=SECONDS)
    market.restore(snapshot)
    return market.time_ns


def fail(view: TraderView) -> None:
    raise ZeroDivisionError("a trader's mistake")


def test_after_an_error_in_the_midst_of_a_decision_only_a_snapshot_helps() -> None:
    market = market_with(fail)
    saved = market.snapshot()
    with pytest.raises(RunError, match="ZeroDivisionError"):
        market.run()
    for attempt in (market.snapshot, market.run, market.fork):
        with pytest.raises(RunError, match=r"ended in the midst of an event \(RunError: trader Scripted .*restore"):
            attempt()  # type: ignore[operator]
    market.restore(saved)
    assert market.snapshot() == saved


def test_an_error_of_who_looks_leaves_the_market_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.market, "CHUNK_EVENTS", 97)
    whole, market = (market_of([zero_intelligence_traders(9)], seconds=SECONDS) for _ in range(2))
    whole.run()
    for error in (ValueError, KeyboardInterrupt):

        def look(seen: Market, error: type[BaseException] = error) -> None:
            raise error

        with pytest.raises(error):
            market.run(on_progress=look)
    market.run()
    assert market.tape.tobytes() == whole.tape.tobytes()


def test_a_sink_that_fails_takes_no_rows_from_the_others_and_the_market_says_that_rows_are_lost() -> None:
    market = market_of([zero_intelligence_traders(9)], seconds=SECONDS, tape_rows=64)
    parts: list[Rows] = []

    def full(rows: Rows) -> None:
        raise RunError("the disk is full")

    with pytest.raises(RunError, match="the disk is full"):
        market.run(sinks=[full, lambda rows: parts.append(rows.copy())])
    assert sum(map(len, parts)) == rows_written(market) > 0
    with pytest.raises(RunError, match=r"snapshot: .*\(.*the disk is full\); allowed after restore"):
        market.snapshot()


# ---- what `tape` holds ------------------------------------------------------------------------------------


def halfway() -> Market:
    market = market_of([zero_intelligence_traders(30)], seconds=20)
    market.run(OPEN_NS + 5 * SECOND_NS)
    return market


def test_rows_of_a_course_that_was_left_go_and_those_before_it_stay() -> None:
    market = halfway()
    before, saved = market.tape.tobytes(), market.snapshot()
    market.run(OPEN_NS + 10 * SECOND_NS)
    first_future = market.tape.tobytes()
    market.restore(saved)
    assert market.tape.tobytes() == before and market.first_row == 0
    market.reseed(99)
    market.run(OPEN_NS + 10 * SECOND_NS)
    assert market.tape.tobytes()[: len(before)] == before and market.tape.tobytes() != first_future
    assert (market.tape["sequence"] == np.arange(1, len(market.tape) + 1)).all()
    assert market.n_rows == len(market.tape)


def test_rows_that_were_never_here_are_told_by_the_first_row() -> None:
    ahead = halfway()
    ahead.run(OPEN_NS + 10 * SECOND_NS)
    market = halfway()
    market.restore(ahead.snapshot())
    assert len(market.tape) == 0 and market.first_row == len(ahead.tape) == market.n_rows
    market.run()
    assert market.tape["sequence"][0] == market.first_row + 1


def test_rows_of_another_course_of_the_same_length_do_not_stay() -> None:
    market = halfway()
    other = market.fork()
    other.reseed(5)
    other.run(OPEN_NS + 10 * SECOND_NS)
    market.run()
    assert market.n_rows > other.n_rows
    market.restore(other.snapshot())
    assert len(market.tape) == 0 and market.first_row == other.n_rows


def test_rows_that_went_to_a_sink_leave_no_hole_in_the_tape() -> None:
    market = halfway()
    market.run(OPEN_NS + 10 * SECOND_NS, sinks=[lambda rows: None])
    n_before = market.n_rows
    market.run()
    assert market.first_row == n_before and market.tape["sequence"][0] == n_before + 1
    assert len(market.tape) == market.n_rows - n_before


# ---- forks ------------------------------------------------------------------------------------------------


def test_a_fork_of_a_reseeded_market_tells_the_seed_that_draws_its_future() -> None:
    market = halfway()
    market.reseed(42)
    assert market.fork().seed == market.fork().fork().seed == 42
    saved = market.snapshot()
    market.reseed(43)
    market.restore(saved)
    assert market.seed == 42


def test_a_fork_of_a_fork_keeps_all_that_a_market_was_made_with() -> None:
    market = market_of(
        [zero_intelligence_traders(9)], seconds=SECONDS, shared_stream=True, max_in_flight=5000, tape_rows=100
    )
    market.run(OPEN_NS + SECOND_NS)
    fork = market.fork().fork()
    market.run()
    fork.run()
    assert market.tape[fork.first_row :].tobytes() == fork.tape.tobytes()
    assert market.snapshot() == fork.snapshot()
