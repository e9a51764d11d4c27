"""A message that its sender still thinks about is not under way: what is sent in the meantime comes first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lob.types import EventKind, Phase, Reject
from lob.units import SECOND_NS
from sim.records import ConditionKind, Needs, ScheduledKind
from sim.settings import Conditional, Latency, Scheduled
from sim.trader import TraderView
from tests.sim.markets import OPEN_NS, Rows, Scripted, market_of, play, python_trader, resting_orders

S = SECOND_NS
KILL = Scheduled(OPEN_NS + 3 * S, ScheduledKind.KILL, 0)


def thought(seconds: float, *orders: tuple[str, int]) -> Any:
    """Decide now on orders for one lot each, which are sent so much later."""

    def action(view: TraderView) -> None:
        view.think(seconds)
        for side, price in orders:
            view.limit(side, price, 1)  # type: ignore[arg-type]

    return action


def told(tape: Rows) -> list[tuple[float, EventKind, int]]:
    """(seconds after the open, kind, price or reason) of the first agent's rows."""
    rows = tape[tape["agent"] == 0]
    return [
        (round((int(r["time_ns"]) - OPEN_NS) / S, 3), EventKind(r["kind"]), int(r["reason"] or r["price_ticks"]))
        for r in rows
    ]


def test_a_kill_switch_withdraws_at_once_what_rests_although_a_decision_is_pending() -> None:
    script = {1: lambda v: v.limit("buy", 990, 1), 2: thought(5, ("buy", 991), ("buy", 992))}
    market, tape = play(Scripted(script), seconds=20, schedule=[KILL], latency=Latency(a_ns=1e7))
    assert told(tape) == [
        (1.01, EventKind.ADD, 990),
        (3.01, EventKind.CANCEL, 990),
        (7.01, EventKind.REJECT, Reject.RISK_KILL_SWITCH),
        (7.01, EventKind.REJECT, Reject.RISK_KILL_SWITCH),
    ]
    assert len(resting_orders(market)) == 0


def test_a_kill_by_a_condition_leaves_nothing_in_flight_that_could_rest() -> None:
    """All kinds of messages on their way or thought about, when a spread pulls the switch."""
    kill = Conditional(ConditionKind.SPREAD, ScheduledKind.KILL, 0.0, ticks=50.0)

    def many(view: TraderView) -> None:
        view.replace(1, 980, 7)
        view.limit("buy", 985, 1)
        view.think(2)
        view.limit("sell", 1015, 1)
        view.replace(2, 1016, 9)
        view.limit("buy", 986, 1, post_only=True)

    script = {0.5: lambda v: v.limit("buy", 990, 5), 0.6: lambda v: v.limit("sell", 1010, 5), 1: many}
    wide = {0.9: lambda v: None, 1.05: lambda v: v.market("sell", 5), 1.06: lambda v: v.limit("buy", 900, 1)}
    victim = python_trader(lambda: Scripted(script), "victim", latency=Latency(a_ns=1e8))
    market = market_of([victim, python_trader(lambda: Scripted(wide), "other")], seconds=20, schedule=[kill])
    market.run()
    assert market.world.agents["killed"][0] == 1
    assert set(resting_orders(market)[:, 4].tolist()) == {1}
    later = market.tape[(market.tape["agent"] == 0) & (market.tape["time_ns"] > OPEN_NS + round(1.06 * S))]
    assert set(later["kind"].tolist()) == {EventKind.CANCEL, EventKind.REJECT}


def test_a_cancel_of_ones_own_overtakes_what_one_still_thinks_about() -> None:
    script = {1: lambda v: v.limit("buy", 990, 1), 2: thought(5, ("buy", 991)), 3: lambda v: v.cancel_all()}
    _, tape = play(Scripted(script), seconds=20)
    assert told(tape) == [(1.0, EventKind.ADD, 990), (3.0, EventKind.CANCEL, 990), (7.0, EventKind.ADD, 991)]


def test_messages_of_one_thought_arrive_in_their_order_and_after_what_was_sent_before() -> None:
    orders = [("buy", 900 + k) for k in range(70)]
    script = {1: thought(2, *orders), 2.5: lambda v: v.limit("buy", 990, 1), 3.2: lambda v: v.limit("buy", 991, 1)}
    _, tape = play(Scripted(script), seconds=20, latency=Latency(a_ns=1e9))
    added = tape[tape["kind"] == EventKind.ADD]
    assert added["price_ticks"].tolist() == [990, *(price for _, price in orders), 991]
    assert (np.diff(added["time_ns"]) >= 1).all()
    assert int(added["time_ns"][1]) == OPEN_NS + 4 * S  # thought until 3, a second on its way


def test_two_thoughts_are_sent_in_the_order_of_their_ends() -> None:
    script = {1: thought(5, ("buy", 991)), 2: thought(1, ("buy", 992)), 3.5: lambda v: v.limit("buy", 993, 1)}
    _, tape = play(Scripted(script), seconds=20, latency=Latency(a_ns=1e9))
    assert told(tape) == [(4.0, EventKind.ADD, 992), (4.5, EventKind.ADD, 993), (7.0, EventKind.ADD, 991)]


@pytest.mark.parametrize("at_s", [1.5, 3.5])
def test_a_fork_carries_thoughts_along(at_s: float) -> None:
    def trader() -> Scripted:
        return Forgetful({1: thought(2, ("buy", 990), ("sell", 1010)), 5: lambda v: v.cancel_all()}, needs=Needs.OWN)

    market = market_of([python_trader(trader, latency=Latency(a_ns=1e9))], seconds=10)
    market.run(OPEN_NS + round(at_s * S), sinks=[lambda rows: None])
    fork = market.fork()
    market.run()
    fork.run()
    assert market.tape.tobytes() == fork.tape.tobytes()
    assert (market.tape["kind"] == EventKind.CANCEL).sum() == 2
    assert int(market.tape["phase"][-1]) == Phase.CLOSED


class Forgetful(Scripted):
    """Scripted with a state."""

    def state(self) -> Any:
        return self.done

    def set_state(self, state: Any) -> None:
        self.done = int(state)
