"""Speed of the learned flow in closed loop, beside TRADES.

Orders a second are generated orders over wall time of whole markets: reading the events, both networks, the book, the
tape. TRADES is timed at its full size with random weights (its speed does not depend on them), conditioning included.
Fast flow that does not answer would be a replay: `responsive_ci_low` is the lower end of the interval of the impact (in
bp) of the buyer of bench flow_impact, in `learned_impact` as it is shipped.
"""

from __future__ import annotations

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from agents.flow.agent import LearnedFlow, policy
from agents.flow.memory import FLOW
from bench.flow_impact import paired
from bench.yardstick import at_least
from lob.rules import Instrument
from lob.units import HOUR_NS, SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.opened import memory_of
from sim.settings import Listing, Population, Session

__all__ = ["run"]

MID_TICKS = 57_000
OPEN_NS = 10 * HOUR_NS
LEAST, LEAST_REACTIVE, LEAST_RATIO, MOST_GUARDED = 5_000, 1_500, 300, 0.01


def _market(seed: int, seconds: int, **settings: Any) -> Market:
    stock = Instrument(n_prices=2 * MID_TICKS, reference_ticks=MID_TICKS, max_orders=16_384)
    flow = Population("flow", 1, policy, LearnedFlow(**settings))
    session = Session(OPEN_NS, OPEN_NS + seconds * SECOND_NS)
    return Market([Listing(stock, ConstantValue(float(MID_TICKS)))], [flow], session, seed=seed)


def _rate(seed: int, seconds: int = 7200, **settings: Any) -> tuple[float, float, float]:
    """Orders, wall seconds, guarded orders of a session."""
    market = _market(seed, seconds, **settings)
    began = time.perf_counter()
    market.run(sinks=[])
    took = time.perf_counter() - began
    flow = memory_of(market.world, 0, FLOW)
    return float(flow.n_sent), took, float(flow.n_guarded)


def _side_by_side(seed: int) -> float:
    return _rate(seed)[0]


def _trades_rate() -> float:
    from bench.replay import data_folder
    from scenarios.baselines.trades import TradesConfig, closed_loop, train
    from scenarios.data.flows import read_flows

    path = next(iter(data_folder().glob("LOBSTER_SampleFile_GOOG_*.zip")), None)
    if path is None:
        return float("nan")
    flow = read_flows(path, None, "data").flow.window(36_000_000_000_000, 37_800_000_000_000)
    model = train(flow, TradesConfig(repaired=False), seconds=1.0, seed=1, max_steps=1)
    return closed_loop(model, flow, 150, 1).orders_per_s


def run() -> dict[str, Any]:
    """Return rates, ratio to TRADES, guarded share, memory."""
    _rate(1, 60)
    default = [_rate(seed) for seed in (1, 2, 3)]
    reactive = [_rate(seed, block=1, steps=1) for seed in (1, 2, 3)]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of markets alone; TRADES comes after
    orders = sum(n for n, _, _ in default)
    rate, rate_reactive = (sum(n for n, _, _ in r) / sum(t for _, t, _ in r) for r in (default, reactive))
    guarded = sum(g for _, _, g in default) / orders
    trades = _trades_rate()
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_side_by_side, (11, 12)))  # start both processes before the clock
        began = time.perf_counter()
        total = sum(pool.map(_side_by_side, range(21, 29)))
        both = total / (time.perf_counter() - began)
    responsive = paired("learned_impact")["impact_end"][1]
    ratio = rate / trades if np.isfinite(trades) else float("nan")
    return {
        "orders_per_s": round(rate),
        "orders_per_s_reactive": round(rate_reactive),
        "orders_per_s_two_cores": round(both),
        "trades_orders_per_s": round(trades, 1),
        "ratio_to_trades": round(ratio, 1),
        "guarded_share": round(guarded, 5),
        "responsive_ci_low": responsive,
        "peak_mb": round(peak_mb),
        "pass": at_least(rate, LEAST) and at_least(rate_reactive, LEAST_REACTIVE) and ratio >= LEAST_RATIO
        and guarded <= MOST_GUARDED and responsive > 0,
    }  # fmt: skip
