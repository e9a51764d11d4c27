"""Decisions a second of every compiled policy: its `decide`, on views that it met in a running market."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numba import njit

from bench.replay import data_folder
from bench.yardstick import at_least
from lob.rules import Instrument
from scenarios.build.kinds import library_policy, policy_kinds
from sim.checks import N_AGENTS, SESSION, _Crowd, _crowd_decides
from sim.distributions import Settings
from sim.fundamental import OrnsteinUhlenbeck
from sim.market import Market
from sim.policy import Policy
from sim.records import AGENT, OUT, VIEW, LatencyKind, ScheduledKind, Wake
from sim.settings import Latency, Listing, Population, Scheduled
from sim.trader import Trader, TraderView

__all__ = ["run"]

N_VIEWS = 2_000
N_DECISIONS = 400_000
ROUNDS = 5
BOUND = 2e6
MID_TICKS = 10_000


class _Recorder(Trader):
    """Trades as the policy does and keeps what it saw."""

    def __init__(self, policy: Policy, settings: Any, seen: list[tuple[Any, Any]]) -> None:
        self.policy, self.seen = policy, seen
        self.wakes_on, self.needs = policy.wakes_on, policy.needs
        made = policy.block(settings) if policy.block else np.zeros(1)
        self.block = np.ascontiguousarray(made, np.float64)
        self.memory = np.zeros(max(1, policy.memory_cells(settings)))

    def on_wake(self, view: TraderView) -> float | None:
        """Decide with the compiled policy."""
        record = view.seen()
        record["block_address"], record["n_block"] = self.block.ctypes.data, len(self.block)
        record["memory_address"], record["n_memory"] = self.memory.ctypes.data, len(self.memory)
        agent = view.own_row()
        if Wake.START not in view.reason and len(self.seen) < N_VIEWS:
            self.seen.append((record.copy(), agent.copy()))
        own, out = agent.copy(), np.zeros(1, OUT)
        delay = self.policy.decide(record.view(np.recarray)[0], own.view(np.recarray)[0], out.view(np.recarray)[0])
        agent["state"] = own["state"]
        view.send(out[0])
        return float(delay) / 1e9 if delay > 0 else None


OTHER_BENCHES = {"learned_flow"}
"""A network of a quarter of a million numbers has a bench of its own: flow."""


def settings_of(kind: str, policy: Policy) -> Settings | None:
    """Return settings under which the policy works; None if it needs data that are not here."""
    if kind == "replay":
        files = sorted(data_folder().glob("LOBSTER_SampleFile_*.zip"))
        return policy.settings.model_validate({"message": str(files[0])}) if files else None
    if "n_units" in policy.settings.model_fields:  # a trader that is done would only look fast
        return policy.settings.model_validate({"n_units": 10_000})
    return policy.settings()


def _views(policy: Policy, settings: Settings) -> tuple[Any, Any, Any]:
    """Return views and agents from half an hour of a small market, and what keeps their addresses alive."""
    seen: list[tuple[Any, Any]] = []
    stock = Instrument(n_prices=100_000, max_orders=16_384, reference_ticks=MID_TICKS)
    value = OrnsteinUhlenbeck(float(MID_TICKS), kappa_per_s=0.01, sigma_ticks_per_sqrt_s=2.0)
    latency = Latency(LatencyKind.UNIFORM, a_ns=1e3, b_ns=1e7)
    crowd = Policy(_Crowd, _crowd_decides)
    listings = [Listing(Instrument(**{**vars(stock), "name": name}), value) for name in ("A", "B")]
    traders: list[_Recorder] = []

    def make(_: int) -> Trader:
        traders.append(_Recorder(policy, settings, seen))
        return traders[-1]

    populations = [
        Population("crowd", 20, crowd, _Crowd(), latency=latency),
        Population("others", 20, crowd, _Crowd(), latency=latency, symbol=1),
        Population("checked", N_AGENTS, trader=make, settings=settings, watch=1),
    ]
    # News all the time, now up, now down, for those who do nothing without.
    news = [
        Scheduled(SESSION.open_ns + k * 10**10, ScheduledKind.NEWS, 100.0 * (-1) ** k)
        for k in range(1, (SESSION.close_ns - SESSION.open_ns) // 10**10)
    ]
    market = Market(listings, populations, SESSION, news, seed=1)
    market.run(should_stop=lambda: len(seen) >= N_VIEWS)
    views, agents = (np.concatenate([pair[k] for pair in seen]) for k in range(2))
    return views, agents, (market, traders)


def decisions_per_s(policy: Policy, settings: Settings) -> tuple[float, float, int]:
    """Return the best rate of some rounds on all views, that on views of a timer alone, and the number of views.

    Most triggered wake-ups end after one look, which makes a policy that asks for many of them look fast.
    """
    views, agents, alive = _views(policy, settings)
    decide = policy.decide

    @njit
    def loop(views: Any, agents: Any, scratch: Any, out: Any, n: int) -> int:
        total = 0
        for i in range(n):
            k = i % len(views)
            scratch[0] = agents[k]  # decide changes its state
            out[0].n = 0
            total += decide(views[k], scratch[0], out[0])
        return total

    scratch, out = np.zeros(1, AGENT), np.zeros(1, OUT)
    assert views.dtype == VIEW

    def rate(mask: Any) -> float:
        chosen, theirs = views[mask], agents[mask]
        if len(chosen) == 0:
            return np.inf
        loop(chosen, theirs, scratch, out, 10)
        best = np.inf
        for _ in range(ROUNDS):
            began = time.perf_counter()
            loop(chosen, theirs, scratch, out, N_DECISIONS)
            best = min(best, time.perf_counter() - began)
        return N_DECISIONS / best

    found = rate(np.ones(len(views), bool)), rate(views["reason"] & Wake.TIMER > 0), len(views)
    del alive
    return found


def run() -> dict[str, Any]:
    """Return the rate of each policy, the lower of both; passes if the slowest reaches the bound."""
    rates: dict[str, float] = {}
    skipped = []
    for kind in sorted(set(policy_kinds()) - OTHER_BENCHES):
        policy = library_policy(kind)
        settings = settings_of(kind, policy)
        if settings is None:
            skipped.append(kind)
            continue
        rate, timer_rate, n_views = decisions_per_s(policy, settings)
        rates[kind] = min(rate, timer_rate)
        alone = f"{timer_rate / 1e6:7.2f} on timers alone" if np.isfinite(timer_rate) else "never woken by a timer"
        print(f"{kind:30} {rate / 1e6:7.2f} M decisions/s, {alone}, {n_views:,} views", flush=True)
    slowest = min(rates, key=lambda kind: rates[kind])
    return {
        "slowest_decisions_per_s": round(rates[slowest]),
        "slowest": slowest,
        "policies": len(rates),
        "decisions_per_s": {kind: round(rate) for kind, rate in rates.items()},
        "skipped": skipped,
        "pass": at_least(rates[slowest], BOUND) and not skipped,
    }
