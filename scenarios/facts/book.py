"""The book: spread, depth by level, queues at the best prices; all weighted by time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from scenarios.facts.values import SAME, Fact, Found, Value, curve, missing, missing_curve, value
from sim.metrics.flow import OrderFlow
from sim.metrics.queues import orders_at_best

__all__ = ["CURVES", "FACTS", "measure"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
STRETCH = 1 << 17
LEAST = 100
_BY_TIME = "weighted by the time that it holds"

FACTS: dict[str, Fact] = {
    "spread_mean": Fact("spread, mean", "ticks", f"best ask less best bid, {_BY_TIME}"),
    "spread_p5": Fact("spread, 5th percentile", "ticks", SAME),
    "spread_p50": Fact("spread, median", "ticks", SAME),
    "spread_p95": Fact("spread, 95th percentile", "ticks", SAME),
    "one_tick_share": Fact("share of time at one tick", "", "of the time with a spread"),
    "queue_lots_mean": Fact("quantity at a best price, mean", "lots", f"bid and ask together, {_BY_TIME}"),
    "queue_lots_p50": Fact("quantity at a best price, median", "lots", SAME),
    "queue_orders_mean": Fact("orders at a best price, mean", "orders", "where the orders known add up to the quantity "
                              "shown: those from before the record, or hidden in an iceberg, are not known"),
    "queue_known_share": Fact("share of time they are known", "", "of all time with a best price"),
    "depth_lots": Fact("quantity on the recorded levels of a side", "lots", f"all recorded levels, mean of the sides, "
                       f"{_BY_TIME}"),
    "depth_levels": Fact("recorded levels of a side", "", "of the book that comes with the flow"),
}  # fmt: skip

CURVES = {
    "spread": "Share of the time with a spread of at most so many ticks.",
    "depth": "Quantity on each level of a side from the best price outwards, mean over bids and asks and over time.",
    "level_distance": "Distance of each level from the best price of its side, mean over time, in ticks.",
    "queue_lots": "Share of the time in which the quantity at a best price is above each size.",
    "queue_orders": "Share of the time in which more than so many orders stand at a best price, where they are known.",
}


def measure(flows: Sequence[OrderFlow]) -> Found:
    """Return the facts of the book; the time of several days is put together."""
    found = Found()
    held = [_held_s(flow) for flow in flows]
    weights = np.concatenate(held)
    _spread(found, np.concatenate([flow.ask_ticks - flow.bid_ticks for flow in flows]), weights)
    _queues(found, flows, held)
    _depth(found, flows, held)
    return found


def _held_s(flow: OrderFlow) -> Floats:
    """How long each state held; the last one, whose end is not known, 0."""
    return np.append(np.diff(flow.time_ns), 0) / SECOND_NS


def _spread(found: Found, spread: Floats, weights: Floats) -> None:
    known = np.isfinite(spread) & (weights > 0)
    spread, weights, n = spread[known], weights[known], int(known.sum())
    mean, quantiles = _mean(spread, weights), _quantiles(spread, weights, (0.05, 0.5, 0.95))
    one = _mean((np.round(spread, 6) == 1).astype(np.float64), weights)
    for name, number in zip(FACTS, (mean, *quantiles, one), strict=False):
        found.values[name] = value(number, n, LEAST, "quotes of both sides")
    x, share = _above(spread, weights)
    found.curves["spread"] = curve(x, 1 - share, why="no quotes of both sides")


def _queues(found: Found, flows: Sequence[OrderFlow], held: Sequence[Floats]) -> None:
    lots = np.concatenate([q for flow in flows for q in (flow.bid_lots, flow.ask_lots)])
    orders = np.concatenate([orders_at_best(flow, side) for flow in flows for side in (1, -1)])
    weights = np.concatenate([w for h in held for w in (h, h)])
    there = np.isfinite(lots) & (lots > 0) & (weights > 0)
    lots, orders, weights, n = lots[there], orders[there], weights[there], int(there.sum())
    found.values["queue_lots_mean"] = value(_mean(lots, weights), n, LEAST, "quotes")
    found.values["queue_lots_p50"] = value(_quantiles(lots, weights, (0.5,))[0], n, LEAST, "quotes")
    known = np.isfinite(orders)
    n_known = int(known.sum())
    found.values["queue_orders_mean"] = value(_mean(orders[known], weights[known]), n_known, LEAST, "known queues")
    share = float(weights[known].sum() / weights.sum()) if n else float("nan")
    found.values["queue_known_share"] = value(share, n, LEAST, "quotes")
    found.curves["queue_lots"] = curve(*_above(lots, weights), why="no quotes")
    found.curves["queue_orders"] = curve(*_above(orders[known], weights[known]), why="no queue is known order by order")


def _depth(found: Found, flows: Sequence[OrderFlow], held: Sequence[Floats]) -> None:
    books = [(flow.book, h) for flow, h in zip(flows, held, strict=True) if flow.book is not None]
    if not books or sum(float(h.sum()) for _, h in books) == 0:
        why = "the book beyond the best prices is not recorded" if not books else "no time passes"
        found.values |= {name: missing(why) for name in ("depth_lots", "depth_levels")}
        found.curves |= {name: missing_curve(why) for name in ("depth", "level_distance")}
        return
    levels = min(book.shape[1] for book, _ in books)
    lots, time = np.zeros(levels), 0.0
    distance, distance_time = np.zeros(levels), np.zeros(levels)
    for book, h in books:
        for k in range(0, len(h), STRETCH):  # a day's book is the largest array there is: no copies of it
            part, weight = book[k : k + STRETCH, :levels], h[k : k + STRETCH]
            time += float(weight.sum())
            lots += weight @ (part[:, :, 1] + part[:, :, 3]) / 2
            for gap in (part[:, :, 0] - part[:, :1, 0], part[:, :1, 2] - part[:, :, 2]):
                known = np.isfinite(gap)
                distance += weight @ np.where(known, gap, 0.0)
                distance_time += weight @ known
    found.values["depth_lots"] = Value(float(lots.sum() / time))
    found.values["depth_levels"] = Value(float(levels))
    x = np.arange(1, levels + 1)
    found.curves["depth"] = curve(x, lots / time, why="no time passes")
    with np.errstate(all="ignore"):
        found.curves["level_distance"] = curve(x, distance / distance_time, why="one level")


def _mean(x: Floats, weights: Floats) -> float:
    return float(np.average(x, weights=weights)) if len(x) and weights.sum() > 0 else float("nan")


def _quantiles(x: Floats, weights: Floats, qs: Sequence[float]) -> Floats:
    if len(x) == 0:
        return np.full(len(qs), np.nan)
    order = np.argsort(x, kind="stable")
    total = np.cumsum(weights[order])
    return np.asarray(x[order][np.minimum(np.searchsorted(total, np.array(qs) * total[-1]), len(x) - 1)])


def _above(x: Floats, weights: Floats, most: int = 200) -> tuple[Floats, Floats]:
    """Return sizes and the share of weight above each; at most so many points, spread evenly over log size."""
    if len(x) == 0:
        return np.zeros(0), np.zeros(0)
    values, which = np.unique(x, return_inverse=True)
    share = 1 - np.cumsum(np.bincount(which, weights)) / weights.sum()
    if len(values) > most:
        at = np.geomspace(float(values[values > 0][0]), float(values[-1]), most) if values[-1] > 0 else values[:most]
        keep = np.unique(np.maximum(np.searchsorted(values, at, side="right") - 1, 0))
        values, share = values[keep], share[keep]
    return values, np.maximum(share, 0.0)
