"""Whole days of learned flow in closed loop: do spread, depth and message rate stay where the recorded day had them?

Each of 20 days (seeds) of each stock is cut into half hours, as the recorded day is. Of every measure the share of
simulated half hours inside the range of the recorded half hours is counted, overall and for the worst seed, and the
longest time without orders on one side is compared with the recorded one, to a millisecond.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from agents.flow.closed_loop import rollout
from agents.flow.weights import SHIPPED, FlowWeights
from bench.realism import STOCKS
from bench.replay import data_folder
from lob.units import SECOND_NS
from scenarios.data.flows import read_flows
from sim.metrics import OrderFlow

__all__ = ["run"]

DAYS, WORKERS = 20, 2
OPEN_S, CLOSE_S, PART_S = 34_200, 57_600, 1_800
MEASURES = ("spread_ticks", "touch_lots", "depth_lots", "messages")
LEAST_INSIDE = 12 / 14
"""A share: of fourteen half hours of one law the fourteenth lies inside the range of the others twelve times."""


def _half_hours(flow: OrderFlow) -> np.ndarray[Any, Any]:
    """Median spread, mean quantity at the touch and of all recorded levels of a side, messages; (13, 4)."""
    rows = []
    for start_s in range(OPEN_S, CLOSE_S, PART_S):
        part = flow.window(start_s * SECOND_NS, (start_s + PART_S) * SECOND_NS)
        assert part.book is not None
        touch = (part.bid_lots + part.ask_lots) / 2
        depth = np.nansum(part.book[:, :, 1] + part.book[:, :, 3], axis=1) / 2
        rows.append([np.nanmedian(part.ask_ticks - part.bid_ticks), touch.mean(), depth.mean(), len(part)])
    return np.array(rows)


def _longest_one_sided_s(flow: OrderFlow) -> float:
    """Longest stretch of time in which one side is empty [s], once both have been quoted."""
    empty = ~np.isfinite(flow.bid_ticks + flow.ask_ticks)
    empty[: int(np.argmin(empty))] = False  # the opening book is laid order by order
    if not empty.any():
        return 0.0
    at = np.flatnonzero(np.diff(np.concatenate([[0], empty.astype(int), [0]])))
    times = np.append(flow.time_ns, flow.time_ns[-1])
    return float((times[at[1::2]] - times[at[::2]]).max()) / SECOND_NS


def _day(job: tuple[str, int]) -> tuple[np.ndarray[Any, Any], float, float]:
    stock, seed = job
    weights = FlowWeights.load(SHIPPED)
    flow = rollout(
        weights, weights.tokenizer.stock_index(stock), seed, OPEN_S * SECOND_NS, CLOSE_S - OPEN_S, STOCKS[stock][1]
    )
    return _half_hours(flow), _longest_one_sided_s(flow), float(np.nanmax(flow.mid_ticks) - np.nanmin(flow.mid_ticks))


def run() -> dict[str, Any]:
    """Return shares of half hours inside the recorded range, by stock and measure."""
    found: dict[str, Any] = {"days": DAYS}
    good = True
    for stock in STOCKS:
        path = next(iter(data_folder().glob(f"LOBSTER_SampleFile_{stock}_*.zip")), None)
        if path is None:
            return {"note": f"no LOBSTER sample files in {data_folder()}; set OUTCRY_DATA", "pass": False}
        recorded = read_flows(path, None, "data").flow
        real, real_empty = _half_hours(recorded), _longest_one_sided_s(recorded)
        with ProcessPoolExecutor(WORKERS) as pool:
            days = list(pool.map(_day, [(stock, seed) for seed in range(1, DAYS + 1)]))
        halves = np.stack([half for half, _, _ in days])  # (days, 13, measures)
        inside = (halves >= real.min(axis=0)) & (halves <= real.max(axis=0))
        share, worst = inside.mean(axis=(0, 1)), inside.mean(axis=1).min(axis=0)
        print(f"\n{stock:16} {'recorded':>24} {'simulated':>24} {'inside':>8} {'worst day':>10}")
        for k, name in enumerate(MEASURES):
            ranges = [f"{np.min(x):.0f} to {np.max(x):.0f}" for x in (real[:, k], halves[..., k])]
            print(f"{name:16} {ranges[0]:>24} {ranges[1]:>24} {share[k]:8.1%} {worst[k]:10.1%}", flush=True)
        empty = max(x for _, x, _ in days)
        travel = [x for _, _, x in days]
        found[stock] = {name: round(float(share[k]), 3) for k, name in enumerate(MEASURES)}
        found[stock] |= {
            "one_sided_s": round(empty, 3),
            "one_sided_recorded_s": round(real_empty, 3),
            "price_range_ticks": [round(float(np.median(travel))), round(max(travel))],
            "price_range_recorded_ticks": round(float(np.nanmax(recorded.mid_ticks) - np.nanmin(recorded.mid_ticks))),
        }
        good = good and bool((share >= LEAST_INSIDE).all()) and round(empty, 3) <= round(real_empty, 3)
    return {**found, "pass": good}
