"""The tape depends on the market's definition and its seed, and on nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim.market
from lob.errors import RunError
from lob.types import EVENT, EventKind
from lob.units import SECOND_NS
from sim.market import Market, Snapshot
from sim.policy import Policy, Settings, decision, uniform
from sim.records import Needs, Wake
from sim.settings import Population
from sim.trader import Trader, TraderView
from tests.sim.markets import (
    OPEN_NS,
    Rows,
    Scripted,
    lively_populations,
    market_of,
    momentum_traders,
    python_trader,
    tape_hash,
    zero_intelligence_traders,
)

HALF_NS = OPEN_NS + 30 * SECOND_NS


def lively_market(**fields: Any) -> Market:
    return market_of(lively_populations(), seed=9, **fields)


@pytest.fixture(scope="module")
def tape() -> Rows:
    """What a lively market writes when nothing interrupts it."""
    market = lively_market()
    market.run()
    assert len(market.tape) > 5000
    return market.tape


def test_another_seed_is_another_market(tape: Rows) -> None:
    market = market_of(lively_populations(), seed=10)
    market.run()
    assert tape_hash(market.tape) != tape_hash(tape)


@pytest.mark.parametrize("tape_rows", [1, 5, 97, 10**6])
def test_the_size_of_the_tape_buffer_does_not_matter(tape: Rows, tape_rows: int) -> None:
    market = lively_market(tape_rows=tape_rows)
    market.run()
    assert tape_hash(market.tape) == tape_hash(tape)


@pytest.mark.parametrize("events", [1, 7, 1000])
def test_the_number_of_events_between_two_looks_does_not_matter(
    tape: Rows, events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim.market, "CHUNK_EVENTS", events)
    looks = []
    market = lively_market()
    market.run(on_progress=lambda m: looks.append(m.n_events))
    assert tape_hash(market.tape) == tape_hash(tape)
    assert len(looks) >= market.n_events // events - 1


def test_running_in_pieces_or_stopping_and_going_on_does_not_matter(tape: Rows) -> None:
    market = lively_market()
    for k in range(1, 180):
        market.run(OPEN_NS + k * SECOND_NS // 3)
    market.run()
    assert tape_hash(market.tape) == tape_hash(tape)


def test_a_request_to_stop_is_heeded_and_can_be_taken_back(tape: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.market, "CHUNK_EVENTS", 500)
    market = lively_market()
    assert not market.run(should_stop=lambda: market.n_events > 2000)
    assert 2000 < market.n_events <= 2500 + 1
    assert market.run()
    assert tape_hash(market.tape) == tape_hash(tape)


def test_sinks_get_every_row_once_and_in_order(tape: Rows) -> None:
    parts: list[Rows] = []
    sizes: list[int] = []
    market = lively_market(tape_rows=500)
    market.run(sinks=[lambda rows: parts.append(rows.copy()), lambda rows: sizes.append(len(rows))])
    assert tape_hash(np.concatenate(parts)) == tape_hash(tape)
    assert sum(sizes) == len(tape)
    assert len(market.tape) == 0


# ---- snapshots --------------------------------------------------------------------------------------


def test_a_market_restored_from_a_snapshot_goes_on_as_if_nothing_had_happened(tape: Rows) -> None:
    first = lively_market()
    first.run(HALF_NS)
    saved = first.snapshot()
    second = lively_market(tape_rows=77)
    second.restore(saved)
    second.run()
    assert tape_hash(np.concatenate([first.tape, second.tape])) == tape_hash(tape)


def test_a_market_can_be_put_back_and_run_again(tape: Rows) -> None:
    market = lively_market()
    saved = market.snapshot()
    market.run(HALF_NS)
    market.restore(saved)
    rows: list[Rows] = []
    market.run(sinks=[lambda part: rows.append(part.copy())])
    assert tape_hash(np.concatenate(rows)) == tape_hash(tape)


def test_a_fork_and_its_original_do_not_disturb_each_other(tape: Rows) -> None:
    market = lively_market()
    market.run(HALF_NS)
    fork = market.fork()
    fork.run(HALF_NS + 5 * SECOND_NS)
    market.run()
    fork.run()
    assert tape_hash(market.tape) == tape_hash(tape)
    assert tape_hash(fork.tape) == tape_hash(tape[len(tape) - len(fork.tape) :])
    assert fork.snapshot() == market.snapshot()


def test_a_snapshot_of_another_market_or_version_is_refused() -> None:
    market = lively_market()
    saved = market.snapshot()
    with pytest.raises(RunError, match="format 99; this version reads"):
        market.restore(Snapshot(99, saved.world, saved.traders))
    with pytest.raises(RunError, match="another market"):
        market_of([zero_intelligence_traders(7)]).restore(saved)


class Forgetful(Trader):
    """Remembers something and does not say what."""

    def __init__(self) -> None:
        self.count = 0

    def on_wake(self, view: TraderView) -> float | None:
        return None


def test_a_trader_with_a_memory_but_no_state_is_refused_by_name() -> None:
    market = market_of([zero_intelligence_traders(3), python_trader(Forgetful)])
    with pytest.raises(RunError, match=r"Forgetful \(agent 3\) has attributes but declares no state"):
        market.snapshot()


def test_a_run_that_failed_can_be_put_back_and_run_again() -> None:
    def fail(view: TraderView) -> None:
        raise ZeroDivisionError

    trader = Scripted({5: fail})
    trader.state = lambda: 0  # type: ignore[method-assign]
    market = market_of([zero_intelligence_traders(9), python_trader(lambda: trader)], seconds=9)
    saved = market.snapshot()
    with pytest.raises(RunError, match=r"trader Scripted \(agent 9\) failed at .* ns: ZeroDivisionError"):
        market.run()
    assert market.tape["time_ns"][-1] <= OPEN_NS + 5 * SECOND_NS
    trader.script, trader.done = [], 0
    market.restore(saved)
    assert market.run()


# ---- processes --------------------------------------------------------------------------------------

PROGRAM = """
from tests.sim.markets import lively_populations, market_of, tape_hash
market = market_of(lively_populations(), seed=9)
market.run()
print(tape_hash(market.tape))
"""


def test_a_fresh_process_writes_the_same_tape(tape: Rows) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "12345"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == tape_hash(tape)


# ---- who else is there ------------------------------------------------------------------------------


class Nothing(Settings):
    """Settings of a placebo."""

    interval_s: float = 0.3


@decision
def placebo_decides(view: Any, agent: Any, out: Any) -> int:
    agent.state[0] += 1.0 + view.n_own + view.signal
    return 1 + int(1e9 * uniform(agent, 0) * agent.params[0])


def placebo(count: int = 3) -> Population:
    """Agents that are there, look at everything, react to everything, and send nothing."""
    policy = Policy(Nothing, placebo_decides, needs=Needs(31), wakes_on=Wake(511 - 3))
    return Population("placebo", count, policy, Nothing())


def renumbered(rows: Rows, by: int) -> Rows:
    """The tape with the ids of agents shifted; -1 stands for nobody."""
    shifted = rows.copy()
    for name in ("agent", "contra_agent"):
        shifted[name][rows[name] >= 0] += by
    return shifted


def test_agents_that_send_nothing_leave_the_tape_as_it_is(tape: Rows) -> None:
    market = market_of([*lively_populations(), placebo()], seed=9)
    market.run()
    assert market.world.agents["state"][-3:, 0].min() > 100
    assert market.tape.tobytes() == tape.tobytes()


def test_and_also_when_they_come_first_and_so_move_the_numbers_of_all_others(tape: Rows) -> None:
    market = market_of([placebo(3), *lively_populations()], seed=9)
    market.run()
    assert market.tape.tobytes() == renumbered(tape, 3).tobytes()


def test_a_python_trader_that_sends_nothing_changes_nothing_either(tape: Rows) -> None:
    market = market_of([*lively_populations(), python_trader(lambda: Scripted(wakes_on=511 - 3))], seed=9)
    market.run()
    assert market.tape.tobytes() == tape.tobytes()


class Notes(Settings):
    """Settings of an agent that writes down its draws."""

    interval_s: float = 1.0


@decision
def notes_draws(view: Any, agent: Any, out: Any) -> int:
    if agent.n_timer < 14:
        agent.state[agent.n_timer] = uniform(agent, 7)
    agent.state[14] = agent.n_timer
    agent.state[15] = view.time_ns - view.open_ns
    return 1 + int(2e9 * uniform(agent, 0))


def notes_after(others: list[Population], first: bool) -> Rows:
    noting = Population("noting", 5, Policy(Notes, notes_draws), Notes())
    market = market_of([noting, *others] if first else [*others, noting], seconds=30, seed=3)
    market.run()
    agents = market.world.agents
    return agents["state"][:5].copy() if first else agents["state"][-5:].copy()


def test_adding_a_population_leaves_the_draws_and_the_timers_of_the_others_alone() -> None:
    alone = notes_after([], first=True)
    assert len(np.unique(alone[:, :10])) == 50
    crowd = lively_populations()
    assert (notes_after(crowd, first=True) == alone).all()
    assert (notes_after(crowd, first=False) == alone).all()
    assert (notes_after([momentum_traders(50), *crowd[::2]], first=False) == alone).all()


def first_orders(populations: list[Population], first: int, count: int) -> list[tuple[Any, ...]]:
    """Time, side and size of the first order of each of these agents."""
    market = market_of(populations, seconds=20, seed=6)
    market.run()
    rows = market.tape
    new = rows[(rows["flags"] & 4 > 0) & np.isin(rows["kind"], [EventKind.ADD, EventKind.EXPIRE, EventKind.EXECUTE])]
    found = []
    for agent in range(first, first + count):
        mine = new[new["agent"] == agent][0]
        found.append((int(mine["time_ns"]), int(mine["side"]), int(mine["qty_lots"] + mine["leaves_lots"])))
    return found


def test_adding_a_population_does_not_change_when_and_what_others_send_first() -> None:
    """Prices may differ, since they depend on the market; times, latencies, sides and sizes do not."""
    alone = first_orders([zero_intelligence_traders(20)], 0, 20)
    others = [zero_intelligence_traders(15, name="others"), momentum_traders(5)]
    assert first_orders([*others, zero_intelligence_traders(20)], 20, 20) == alone
    assert first_orders([zero_intelligence_traders(20), *others], 0, 20) == alone


def test_the_rows_of_a_tape_have_no_bytes_that_nobody_wrote() -> None:
    assert sum(EVENT[name].itemsize for name in EVENT.names or ()) == EVENT.itemsize
