"""Markets of one background flow and what their tapes tell, shared by the tests of agents/background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lob.rules import Instrument
from lob.types import EventKind
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.policy import Policy, Settings
from sim.settings import Latency, Listing, Population, Scheduled, Session
from tests.sim.markets import OPEN_NS

MID_TICKS = 10_000


def flow_market(
    policy: Policy,
    settings: Settings,
    *others: Population,
    seconds: float,
    seed: int = 1,
    latency_ns: float = 1.0,
    schedule: Sequence[Scheduled] = (),
    n_prices: int = 20_000,
    run: bool = True,
) -> Market:
    """A market in which this flow and the others trade; the flow is agent 0."""
    stock = Instrument(n_prices=n_prices, reference_ticks=MID_TICKS, max_orders=50_000)
    flow = Population("flow", 1, policy, settings, latency=Latency(a_ns=latency_ns))
    session = Session(OPEN_NS, OPEN_NS + round(seconds * SECOND_NS))
    market = Market([Listing(stock, ConstantValue(float(MID_TICKS)))], [flow, *others], session, schedule, seed=seed)
    if run:
        market.run()
    return market


def state_of(market: Market, name: str, index: Any) -> float:
    """A named cell of the flow's `agent.state`."""
    return float(market.world.agents["state"][0][getattr(index, name)])


def lots_at(tape: Any, side: int, price_ticks: int) -> tuple[Any, Any]:
    """Times and quantities of one level after each of its changes."""
    at_price = tape["price_ticks"] == price_ticks
    in_queue = at_price & (tape["side"] == side)
    change = np.zeros(len(tape), np.int64)
    change[in_queue & (tape["kind"] == EventKind.ADD)] = 1
    change[in_queue & ((tape["kind"] == EventKind.CANCEL) | (tape["kind"] == EventKind.REDUCE))] = -1
    change[at_price & (tape["side"] == -side) & (tape["kind"] == EventKind.EXECUTE)] = -1
    rows = np.flatnonzero(change)
    return tape["time_ns"][rows], np.cumsum(change[rows] * tape["qty_lots"][rows].astype(np.int64))


def sampled(times_ns: Any, values: Any, every_s: float, first_s: float, last_s: float) -> Any:
    """Values of a step function at evenly spaced times after the open."""
    at_ns = OPEN_NS + (np.arange(first_s, last_s, every_s) * SECOND_NS).astype(np.int64)
    return values[np.searchsorted(times_ns, at_ns, side="right") - 1]


def mean_and_error(values: Any, n_batches: int = 25) -> tuple[float, float]:
    """Mean of a stationary series, and its standard error from the means of long batches."""
    means = np.array([batch.mean() for batch in np.array_split(values, n_batches)])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(n_batches))
