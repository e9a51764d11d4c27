"""Conformance checks for a user's own agents: `check_policy` for compiled policies, `check_trader` for Python traders.

Both raise AssertionError in words that say what to change, and return nothing when all is well.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from lob.errors import OutcryError
from lob.rules import Instrument
from lob.types import Flag, MessageKind
from lob.units import SECOND_NS
from sim.distributions import Settings
from sim.fundamental import OrnsteinUhlenbeck
from sim.market import Market
from sim.plain import PlainView, plain_python, record_of, spelled
from sim.policy import Policy, decision, exponential, send_cancel_all, send_limit, uniform
from sim.records import AGENT, OUT, LatencyKind
from sim.settings import Latency, Listing, Population, Session
from sim.situations import situations
from sim.trader import Trader, TraderView

__all__ = ["check_policy", "check_trader"]

Row = np.ndarray[Any, Any]
MID_TICKS = 10_000
SESSION = Session(34_200 * SECOND_NS, 36_000 * SECOND_NS)
N_AGENTS = 3
N_VIEWS = 300
MAX_DECISIONS = 3000
"""Enough for every branch; a policy that wakes every microsecond must not keep its author waiting."""
KINDS = {int(kind) for kind in MessageKind} - {int(MessageKind.SET_PHASE)}


class _Crowd(Settings):
    """Settings of the agents that make a market for whoever is checked."""

    interval_s: float = 4.0


@decision
def _crowd_decides(view: Any, agent: Any, out: Any) -> int:
    """Withdraw the old order and send one within ten ticks of the last price."""
    if view.reason & 2:
        side = 1 if uniform(agent, 1) < 0.5 else -1
        send_cancel_all(out)
        send_limit(out, side, view.last_ticks + int(20.0 * uniform(agent, 2)) - 10, 1 + int(5.0 * uniform(agent, 3)))
    return int(exponential(agent, 0, agent.params[0]) * 1e9) + 1


def _market(checked: Population, seed: int) -> Market:
    """Half an hour of a small market with the checked population in it."""
    stock = Instrument(n_prices=4 * MID_TICKS, max_orders=4096, reference_ticks=MID_TICKS)
    value = OrnsteinUhlenbeck(float(MID_TICKS), kappa_per_s=0.01, sigma_ticks_per_sqrt_s=2.0)
    latency = Latency(LatencyKind.UNIFORM, a_ns=1e3, b_ns=1e7)
    crowd = Population("crowd", 20, Policy(_Crowd, _crowd_decides), _Crowd(), latency=latency)
    return Market([Listing(stock, value)], [crowd, checked], SESSION, seed=seed)


# ---- compiled policies ------------------------------------------------------------------------------------------


def check_policy(policy: Policy, settings: Settings | None = None, *, seed: int = 1) -> None:
    """Check a compiled policy; takes a few seconds.

    The policy is run as plain Python with checked indices on a few hundred made-up views, then on those of a small
    market, and each decision is compared with the compiled one: same messages, same delay, same state.

    Args:
        policy: the policy.
        settings: its settings; default: those without arguments.
        seed: of the views and of the market.

    Raises:
        AssertionError: in words, if the policy reads what it has not declared, writes what it must not, sends what
            the exchange cannot understand, keeps no NaN-free state, or is not a function of its arguments.
    """
    settings = policy.settings() if settings is None else settings
    check = _PolicyCheck(policy, settings)
    plain = Population("checked", N_AGENTS, trader=lambda _: _PlainTrader(check), settings=settings)
    market = _market(plain, seed)
    agents = market.world.agents[-N_AGENTS:]
    check.made_up_views(agents.copy(), seed)
    check.compile()
    check.made_up_views(agents.copy(), seed)
    check.n_decisions = 0
    end_ns = SESSION.close_ns
    try:
        market.run()
    except _Enough:
        end_ns = market.time_ns - 1
    expected = market.tape[market.tape["time_ns"] <= end_ns]
    compiled = Population("checked", N_AGENTS, policy, settings)
    for attempt in ("as compiled code", "a second time"):
        market = _market(compiled, seed)
        market.run(end_ns)
        assert market.tape.tobytes() == expected.tobytes(), (
            f"a market with the policy run {attempt} writes another tape"
        )


class _Enough(OutcryError):
    """The decisions looked at suffice."""


class _PolicyCheck:
    """Runs single decisions of a policy in both ways and compares them."""

    def __init__(self, policy: Policy, settings: Settings) -> None:
        self.policy, self.settings = policy, settings
        self.twin = plain_python(policy.decide)
        made = policy.block(settings) if policy.block else np.zeros(1)
        self.block = np.ascontiguousarray(made, np.float64)
        self.n_cells = policy.memory_cells(settings)
        self.n_decisions = 0
        self.is_compiled = False

    def new_memory(self) -> Row:
        """Return an agent's memory as it is at the open."""
        return np.zeros(max(1, self.n_cells))

    def compile(self) -> None:
        """Compile the policy; from now on each decision is compared. Plain Python comes first: it has better words."""
        try:
            self.policy.address()
        except (NumbaError, TypeError) as error:
            raise AssertionError(f"decide cannot be compiled: {error}") from error
        self.is_compiled = True

    def decide(self, view: Row, agent: Row, memory: Row, where: str) -> tuple[int, Row]:
        """Check one decision; return its delay and messages. `agent` and `memory` are left in their new state."""
        self.n_decisions += 1
        view["block_address"], view["n_block"] = self.block.ctypes.data, len(self.block)
        view["memory_address"], view["n_memory"] = memory.ctypes.data, self.n_cells
        remembered = memory.copy()
        block, before, out = self.block.copy(), agent.copy(), np.zeros(1, OUT)
        try:
            with np.errstate(all="ignore"):
                delay = self.twin(PlainView(view[0], self.policy.needs), record_of(agent), record_of(out))
        except Exception as error:
            raise AssertionError(f"decide fails on {where}: {type(error).__name__}: {error}") from error
        is_integer = isinstance(delay, int | np.integer) and not isinstance(delay, bool)
        assert is_integer, f"decide returns {delay!r} on {where}; it must return an int (ns, 0: no timer)"
        assert 0 <= delay < 2**63, f"decide returns a delay of {delay} ns on {where}; allowed: 0 or more"
        self._check_writes(before, agent, out, where)
        assert np.array_equal(self.block, block, equal_nan=True), f"decide writes its block on {where}"
        bad = np.flatnonzero(~np.isfinite(memory))
        assert not len(bad), f"memory(view)[{bad[0]}] is {memory[bad[0]]} after {where}"
        if self.is_compiled:
            view["memory_address"] = remembered.ctypes.data
            self._compare(view, before, delay, agent, out, where)
            assert remembered.tobytes() == memory.tobytes(), (
                f"memory(view) differs between plain Python and compiled code after {where}"
            )
        return int(delay), out

    def _compare(self, view: Row, before: Row, delay: int, agent: Row, out: Row, where: str) -> None:
        compiled_agent, compiled_out, seen = before.copy(), np.zeros(1, OUT), view.copy()
        compiled_delay = self.policy.decide(record_of(view), record_of(compiled_agent), record_of(compiled_out))
        assert seen.tobytes() == view.tobytes(), f"decide writes the view on {where}"
        for what, plain, compiled in (
            ("the delay", delay, compiled_delay),
            ("the messages", _messages(out), _messages(compiled_out)),
            ("agent.state", agent["state"].tobytes(), compiled_agent["state"].tobytes()),
        ):
            assert plain == compiled, (
                f"{what} of plain Python and of compiled code differ on {where}: {plain!r} and {compiled!r}. "
                "Integers of more than 64 bits, and negative or large floats turned into integers, are usual causes."
            )

    @staticmethod
    def _check_writes(before: Row, agent: Row, out: Row, where: str) -> None:
        for name in AGENT.names or ():
            same = agent[name].tobytes() == before[name].tobytes()
            assert same or name == "state", f"decide writes agent.{name} on {where}; only agent.state is its own"
        bad = np.flatnonzero(~np.isfinite(agent["state"][0]))
        assert not len(bad), f"agent.state[{bad[0]}] is {agent['state'][0][bad[0]]} after {where}"
        for kind, *_, flags, _, _ in _messages(out):
            assert kind in KINDS, f"a message of kind {kind} on {where}; use the send_ functions of sim.policy"
            assert flags in (0, int(Flag.POST_ONLY)), (
                f"a message with flags = {flags} on {where}; allowed: 0, POST_ONLY"
            )

    def made_up_views(self, agents: Row, seed: int) -> None:
        """Lead each agent through START and then through many different situations."""
        wakes = False
        generator = np.random.default_rng(seed)
        for index in range(len(agents)):
            agent, memory = agents[index : index + 1], self.new_memory()
            for k, (view, where) in enumerate(
                situations(self.policy, SESSION, MID_TICKS, N_VIEWS // N_AGENTS, generator)
            ):
                agent["draw_key"] = generator.integers(2**63)
                delay, _ = self.decide(view, agent, memory, where)
                wakes |= k == 0 and delay > 0
        assert wakes or self.policy.wakes_on, (
            "the agents never wake again: decide returns 0 at START and wakes_on is empty"
        )


def _messages(out: Row) -> list[tuple[int, ...]]:
    """Return the messages as tuples in the order of OUT's fields."""
    columns = [out[name][0][: int(out["n"][0])].tolist() for name in (OUT.names or ())[2:]]
    return list(zip(*columns, strict=True))


class _PlainTrader(Trader):
    """Trades as the checked policy does, each decision being made in plain Python and compared."""

    def __init__(self, check: _PolicyCheck) -> None:
        self.check, self.wakes_on, self.needs = check, check.policy.wakes_on, check.policy.needs
        self.memory = check.new_memory()

    def on_wake(self, view: TraderView) -> float | None:
        """Decide as the policy would."""
        if self.check.n_decisions >= MAX_DECISIONS:
            raise _Enough
        seen, agent = view.seen(), view.own_row()
        where = f"a market's view at {view.time_ns} ns (reason {spelled(view.reason)})"
        own = agent.copy()
        delay, out = self.check.decide(seen, own, self.memory, where)
        agent["state"] = own["state"]
        view.send(out[0])
        return delay / SECOND_NS


# ---- Python traders ---------------------------------------------------------------------------------------------


def check_trader(factory: Callable[[int], Trader], *, seed: int = 1, until_s: float = 900.0) -> None:
    """Check a Python trader; runs a small market some ten times.

    Args:
        factory: as in Population: called with the index, returns a new trader.
        seed: of the market.
        until_s: seconds of the market to run.

    Raises:
        AssertionError: in words, if two runs differ, if randomness comes from elsewhere than the view, if the state is
            not plain data, or if a market that continues from a snapshot takes another course.
    """
    population = Population("checked", 1, trader=factory)
    assert isinstance(factory(0), Trader), f"the factory returns {factory(0)!r}; it must return a sim.trader.Trader"
    assert factory(0) is not factory(0), "the factory returns the same trader twice; each market needs its own"
    end_ns = SESSION.open_ns + round(until_s * SECOND_NS)
    tapes = []
    for global_seed in (1, 1, 2):
        with _GlobalRandomness(global_seed):
            market = _market(population, seed)
            market.run(end_ns)
            tapes.append(market.tape.tobytes())
    assert tapes[0] == tapes[1], "two runs differ: traders share something, or depend on the time or on memory"
    assert tapes[0] == tapes[2], "the trader draws from the global generators of random or NumPy; use view.uniform(k)"

    market = _market(population, seed)
    for part in range(4):
        _check_round_trip(market, end_ns, tapes[0])
        market.run(SESSION.open_ns + (part + 1) * (end_ns - SESSION.open_ns) // 5)


def _check_round_trip(market: Market, end_ns: int, whole_tape: bytes) -> None:
    """Check that a fork of the market writes the rest of the tape of a market that was never interrupted."""
    trader = next(iter(market.traders.values()))
    name = type(trader).__name__
    when = f"{(market.time_ns - SESSION.open_ns) / SECOND_NS:g} s after the open"
    try:
        snapshot = market.snapshot()
    except OutcryError as error:
        raise AssertionError(f"a market with {name} cannot be saved: {error}") from error
    fork = market.fork()
    copied = next(iter(fork.traders.values())).state()
    assert json.dumps(copied) == json.dumps(trader.state()), (
        f"{name}: {when} state() is {trader.state()!r}, but after set_state() it is {copied!r}"
    )
    fork.run(end_ns)
    assert market.snapshot() == snapshot, f"{name}: running a fork changed the trader that it was copied from"
    assert fork.tape.tobytes() == whole_tape[market.tape.nbytes :], (
        f"{name}: restored from a snapshot {when}, it takes another course; state() leaves something out"
    )


class _GlobalRandomness:
    """Seeds the generators of random and NumPy, and puts their states back afterwards."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __enter__(self) -> None:
        # The old global generator is what a careless trader uses, so it is what must be tested.
        self.saved = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002

    def __exit__(self, *_: object) -> None:
        random.setstate(self.saved[0])
        np.random.set_state(self.saved[1])  # noqa: NPY002
