"""Policies that ask for it can read the latest events of their symbol, and move their own timer."""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.types import EventKind
from lob.units import SECOND_NS
from sim.distributions import Settings
from sim.history import event_of, oldest_event
from sim.market import Market
from sim.policy import Policy, decision, memory
from sim.records import N_HISTORY, Needs, Wake
from sim.settings import Population
from tests.sim.markets import market_of, zero_intelligence_traders

N_FIELDS = 11
FLOW = (EventKind.ADD, EventKind.CANCEL, EventKind.REDUCE, EventKind.REPLACE, EventKind.EXECUTE)


class _Reader(Settings):
    """No settings."""


@decision
def _read(view: Any, agent: Any, out: Any) -> int:
    """Copy all events since the last look into the memory, as far as they can still be read."""
    cells = memory(view)
    first = max(int(cells[0]), oldest_event(view))
    for k in range(first, view.n_history):
        a, b, c, d, e, f, g, h, i, j, m = event_of(view, k)
        at = 2 + 11 * k
        cells[at], cells[at + 1], cells[at + 2], cells[at + 3] = a, b, c, d
        cells[at + 4], cells[at + 5], cells[at + 6], cells[at + 7] = e, f, g, h
        cells[at + 8], cells[at + 9], cells[at + 10] = i, j, m
    cells[0] = view.n_history
    cells[1] += 1.0
    return 100_000_000


@decision
def _move(view: Any, agent: Any, out: Any) -> int:
    """Count timers; every trade puts the next one off by a second."""
    cells = memory(view)
    if view.reason & 2:
        cells[0] += 1.0
        cells[1] = view.time_ns
    if view.reason & 64:
        cells[2] = view.time_ns
    return 1_000_000_000


def _cells(market: Market, count: int) -> np.ndarray[Any, Any]:
    first = int(market.world.population_rows["first_memory"][1])
    return market.world.table("floats", first + count)["value"][first:].copy()


def _with(policy: Policy) -> Market:
    reader = Population("reader", 1, policy, policy.settings())
    return market_of([zero_intelligence_traders(30), reader])


def test_all_events_are_read_with_what_the_tape_says_of_them() -> None:
    policy = Policy(_Reader, _read, needs=Needs.HISTORY, memory=2 + N_FIELDS * 20_000)
    market = _with(policy)
    parts: list[np.ndarray[Any, Any]] = []
    market.run(sinks=[lambda rows: parts.append(rows.copy())])
    rows = np.concatenate(parts)
    rows = rows[np.isin(rows["kind"], FLOW)]
    cells = _cells(market, 2 + N_FIELDS * len(rows))
    n = int(cells[0])
    assert n > 500 and cells[1] > 100
    read = cells[2 : 2 + N_FIELDS * n].reshape(n, N_FIELDS)
    names = ("time_ns", "kind", "side", "price_ticks", "qty_lots", "order_id", "agent", "bid_ticks", "bid_lots",
             "ask_ticks", "ask_lots")  # fmt: skip
    for column, name in enumerate(names):
        assert (read[:, column] == rows[name][:n]).all(), name


def test_a_reader_changes_nothing_and_old_events_are_overwritten() -> None:
    policy = Policy(_Reader, _read, needs=Needs.HISTORY, memory=2 + N_FIELDS * 20_000)
    alone = market_of([zero_intelligence_traders(30)])
    alone.run()
    market = _with(policy)
    market.run()
    assert alone.tape.tobytes() == market.tape.tobytes()
    assert int(market.world.symbols["n_history"][0]) > N_HISTORY
    assert int(alone.world.symbols["n_history"][0]) == 0  # nobody asked: nothing is kept


def test_a_trade_moves_the_timer_of_those_who_asked_for_it_only() -> None:
    counts = []
    for moves in (True, False):
        market = _with(Policy(_Reader, _move, wakes_on=Wake.TRADE, memory=3, moves_timer=moves))
        market.run()
        cells = _cells(market, 3)
        counts.append(cells[0])
        if moves and cells[0] > 0:
            assert cells[1] >= SECOND_NS
    # Sixty seconds, a trade every few tenths: a timer that each trade puts off hardly ever comes.
    assert counts[1] >= 55 and counts[0] < 0.6 * counts[1]
