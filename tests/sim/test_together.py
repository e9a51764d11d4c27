"""Traders who wake at the same instant may decide together, and see news as text once they have learnt of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from lob.errors import RunError
from lob.units import SECOND_NS
from sim.bulletins import Bulletin
from sim.market import Market
from sim.records import Needs, Wake
from sim.settings import Latency, Population
from sim.trader import Ask, Trader, TraderView
from tests.sim.markets import market_of, zero_intelligence_traders


class Crowd:
    """A panel that says which quantity to buy: one that depends on nothing but the question."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []

    def answer(self, questions: Sequence[Any]) -> Sequence[Any]:
        self.batches.append(list(questions))
        return [1 + question[0] % 3 for question in questions]


class Asker(Trader):
    """Buys at its bid what the panel says, every two seconds, either together with others or at once."""

    needs = Needs.OWN

    def __init__(self, panel: Crowd, together: bool, thinks_s: float = 0.0) -> None:
        self.panel, self.together, self.thinks_s = panel, together, thinks_s
        self.seen: list[Any] = []

    def on_wake(self, view: TraderView) -> float | Ask | None:
        if Wake.START in view.reason:
            return 2.0
        bid = view.best_bid_ticks or view.last_ticks
        question = (bid, view.position_lots, len(view.own_orders), view.uniform(3))
        self.seen.append(question)
        if self.together:
            return Ask(self.panel, question)
        return self.on_answer(view, self.panel.answer([question])[0])

    def on_answer(self, view: TraderView, answer: Any) -> float | None:
        bid = view.best_bid_ticks or view.last_ticks
        # The view is the one of the question, whoever else has been looked after meanwhile.
        assert self.seen[-1] == (bid, view.position_lots, len(view.own_orders), view.uniform(3))
        view.think(self.thinks_s)
        if view.uniform(1) < 0.7:
            view.limit("buy", bid, answer)
        else:
            view.cancel_all()
        return 2.0

    def state(self) -> Any:
        return [list(entry) for entry in self.seen]

    def set_state(self, state: Any) -> None:
        self.seen = [tuple(entry) for entry in state]


def askers(together: bool, panel: Crowd, count: int = 5, thinks_s: float = 0.0, **more: Any) -> Population:
    return Population("askers", count, trader=lambda k: Asker(panel, together, thinks_s), **more)


def played(*populations: Population) -> Market:
    market = market_of([zero_intelligence_traders(30), *populations])
    market.run()
    return market


def test_traders_who_wake_at_the_same_instant_are_asked_in_one_batch() -> None:
    panel = Crowd()
    played(askers(True, panel))
    assert len(panel.batches) > 5
    assert {len(batch) for batch in panel.batches} == {5}


@pytest.mark.parametrize("latency", [Latency(a_ns=1.0), Latency(a_ns=3e8)])
def test_deciding_together_changes_nothing_but_the_batches(latency: Latency) -> None:
    tapes = [played(askers(together, Crowd(), latency=latency)).tape.tobytes() for together in (False, True)]
    assert tapes[0] == tapes[1]


def test_the_market_goes_on_the_same_from_any_stop_between_questions() -> None:
    whole = played(askers(True, Crowd())).tape.tobytes()
    market = market_of([zero_intelligence_traders(30), askers(True, Crowd())])
    open_ns, close_ns = market.session.open_ns, market.session.close_ns
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls % 2 == 0

    # Stops exactly at a question's instant, and on request.
    for until in (open_ns + 2 * SECOND_NS, open_ns + 5 * SECOND_NS, close_ns):
        while not market.run(until, should_stop=stop):
            assert market.snapshot().world
    assert market.tape.tobytes() == whole


def test_what_a_panel_gets_wrong_ends_the_run_in_one_line() -> None:
    class Short:
        def answer(self, questions: Sequence[Any]) -> Sequence[Any]:
            return questions[1:]

    class Broken:
        def answer(self, questions: Sequence[Any]) -> Sequence[Any]:
            raise KeyError("x")

    for panel, message in ((Short(), "gave 4 answers to 5"), (Broken(), "panel Broken failed at .* KeyError")):
        population = Population("askers", 5, trader=lambda k, panel=panel: Asker(panel, True))  # type: ignore[misc,arg-type]
        with pytest.raises(RunError, match=message):
            played(population)


def test_messages_leave_after_the_time_that_thinking_takes() -> None:
    fast = played(askers(True, Crowd(), 1))
    slow = played(askers(True, Crowd(), 1, thinks_s=0.5))
    first = [market.tape[market.tape["agent"] == 30]["time_ns"][0] for market in (fast, slow)]
    assert first[1] - first[0] == SECOND_NS // 2


def test_thinking_for_a_negative_time_is_refused() -> None:
    with pytest.raises(RunError, match="allowed: 0 to 1e6"):
        played(askers(True, Crowd(), 1, thinks_s=-1.0))


def test_a_text_is_seen_by_its_population_from_the_time_it_is_learnt() -> None:
    seen: dict[str, list[tuple[int, tuple[str, ...], int | None]]] = {"told": [], "others": []}

    class Reader(Trader):
        def __init__(self, name: str) -> None:
            self.log = seen[name]

        def on_wake(self, view: TraderView) -> float | None:
            at = view.time_ns - view.open_ns
            following = view.next_bulletin_ns
            self.log.append((at, tuple(b.text for b in view.bulletins), following))
            return 1.0

    quiet = market_of([zero_intelligence_traders(5)])
    open_ns = quiet.session.open_ns
    told = (Bulletin(open_ns + 4 * SECOND_NS, "second"), Bulletin(open_ns + 2 * SECOND_NS, "first", "rumour"))
    market = market_of(
        [
            zero_intelligence_traders(5),
            Population("told", 1, trader=lambda k: Reader("told"), bulletins=told),
            Population("others", 1, trader=lambda k: Reader("others")),
        ]
    )
    market.run(open_ns + 6 * SECOND_NS)
    assert all(texts == () and following is None for _, texts, following in seen["others"])
    for at, texts, following in seen["told"]:
        assert texts == ("first", "second")[: sum(at >= 2 * k * SECOND_NS for k in (1, 2))]
        later = [b.time_ns for b in told if b.time_ns > open_ns + at]
        assert following == (min(later) if later else None)
    assert seen["told"][-1][1] == ("first", "second")
