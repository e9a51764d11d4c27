"""The time from decision to arrival: its distributions, and no message overtakes another of its agent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from lob.types import EventKind
from lob.units import SECOND_NS
from sim.records import LatencyKind
from sim.settings import Latency, Population
from sim.trader import Trader, TraderView
from tests.sim.markets import OPEN_NS, market_of

N_ORDERS = 2000
INTERVAL_NS = 4_000_000
P_MIN = 1e-4


class Sender(Trader):
    """Every 4 ms one decision of `burst` far limit orders, numbered by their parent_id from 1."""

    def __init__(self, burst: int, n_orders: int) -> None:
        self.burst, self.n_orders, self.sent = burst, n_orders, 0

    def on_wake(self, view: TraderView) -> float | None:
        for _ in range(self.burst):
            self.sent += 1
            view.limit("buy", 5, 1, parent_id=self.sent)
        return INTERVAL_NS / SECOND_NS if self.sent < self.n_orders else None


def arrivals_of(latency: Latency, burst: int = 1, seed: int = 1) -> np.ndarray:
    """Arrival times in ns after the open, by the order in which the messages were sent."""
    sender: Callable[[int], Trader] = lambda _: Sender(burst, N_ORDERS)  # noqa: E731
    market = market_of([Population("sender", 1, trader=sender, latency=latency)], seed=seed)
    market.run()
    rows = market.tape[market.tape["kind"] == EventKind.ADD]
    assert len(rows) == N_ORDERS
    return (rows["time_ns"] - OPEN_NS)[np.argsort(rows["parent_id"])]


def delays(latency: Latency) -> np.ndarray:
    return arrivals_of(latency) - np.arange(N_ORDERS) * INTERVAL_NS


def test_a_constant_latency_is_met_to_the_nanosecond() -> None:
    assert (delays(Latency(a_ns=123_456.0)) == 123_456).all()


@pytest.mark.parametrize(
    "latency",
    [
        Latency(a_ns=0.0),
        Latency(a_ns=-5.0),
        Latency(LatencyKind.UNIFORM, a_ns=0.0, b_ns=0.5),
        Latency(LatencyKind.LOGNORMAL, a_ns=0.1, sigma=0.1),
    ],
)
def test_nothing_arrives_at_the_instant_at_which_it_was_decided(latency: Latency) -> None:
    assert (delays(latency) == 1).all()


def test_a_uniform_latency_is_uniform_between_its_bounds() -> None:
    found = delays(Latency(LatencyKind.UNIFORM, a_ns=1e6, b_ns=3e6))
    assert found.min() >= 1_000_000
    assert found.max() < 3_000_000
    assert stats.kstest(found, stats.uniform(1e6, 2e6).cdf).pvalue > P_MIN


def test_a_lognormal_latency_has_its_median_and_its_spread() -> None:
    found = delays(Latency(LatencyKind.LOGNORMAL, a_ns=2e5, sigma=0.6))
    assert stats.kstest(np.log(found / 2e5) / 0.6, "norm").pvalue > P_MIN


def test_latencies_of_decisions_in_a_row_are_independent() -> None:
    found = delays(Latency(LatencyKind.UNIFORM, a_ns=1e6, b_ns=3e6)).astype(float)
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 4 / np.sqrt(N_ORDERS)


@pytest.mark.parametrize("burst", [1, 20])
def test_messages_of_one_agent_never_overtake_each_other(burst: int) -> None:
    """Latencies of very different length, and many messages in one decision."""
    arrivals = arrivals_of(Latency(LatencyKind.LOGNORMAL, a_ns=2e6, sigma=2.0), burst=burst)
    assert (np.diff(arrivals) >= 1).all()
    sent = np.arange(N_ORDERS) // burst * INTERVAL_NS
    assert (arrivals > sent).all()


def test_messages_of_one_decision_draw_latencies_of_their_own() -> None:
    """With room between them nobody waits for another: gaps are then of all sizes."""
    arrivals = arrivals_of(Latency(LatencyKind.LOGNORMAL, a_ns=1e5, sigma=1.0), burst=2)
    first, second = arrivals[0::2], arrivals[1::2]
    waited = second == first + 1
    assert 0.4 < waited.mean() < 0.6
    assert len(np.unique(second[~waited] - first[~waited])) > 300


def test_a_latency_longer_than_the_day_arrives_after_the_close() -> None:
    """Even one that no integer can hold; a wrap-around would make it arrive at once."""
    forever = Latency(LatencyKind.LOGNORMAL, a_ns=1e30, sigma=1.0)
    sender: Callable[[int], Trader] = lambda _: Sender(1, 10)  # noqa: E731
    market = market_of([Population("sender", 1, trader=sender, latency=forever)])
    market.run()
    assert not (market.tape["kind"] == EventKind.ADD).any()
    assert market.world.accounts["n_in_flight"][0, 0] == 10
