"""Order analytics of one source: fills by distance, place in the queue and population, and markouts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lob.errors import Argument, InputError
from scenarios.orders.groups import AT_BEST, FEWEST, by_distance, by_population, by_queue
from scenarios.orders.source import Day, OrderSource, read_orders
from sim.metrics.fills import (
    fill_shares,
    markouts_ticks,
    median_fill_s,
    seen_until_s,
    stretches,
    weighted_mean,
)
from sim.metrics.order_histories import OrderHistories, order_histories, together
from sim.times import clock

__all__ = ["GROUPS", "QUESTIONS", "OrderAnalytics", "analyse_orders"]

GROUPS = {
    "distance": "where it joins, from the best price of its side",
    "queue": "lots ahead of it, of orders at the best or inside",
    "population": "whose order it is",
}
QUESTIONS = {
    "left": "first fill within that time, if the order is left in the book",
    "went": "first fill within that time as it went; withdrawn orders are unfilled",
    "before_move": "first fill before the midpoint moves, if the order is left in the book",
    "median": "time within which half are filled, if they are left in the book",
}
AFTER_S = (0.0, 0.1, 1.0, 10.0, 60.0)
CURVE_S = np.geomspace(1e-3, 3.6e3, 80)
MOST_WITHIN = 6


@dataclass(frozen=True)
class OrderAnalytics:
    """What happens to orders of one source.

    Attributes:
        name: of the source.
        within_s: times of the questions.
        n_orders, n_fills: orders looked at, and executions.
        days: from, until and number of orders of each day.
        fills: columns group, label, orders, question (of QUESTIONS), within_s, value, low, high.
        markouts: columns who ("rests", "takes"), population ("all", or a name), fills, lots, after_s, value, low, high:
            what a lot has gained in ticks by the midpoint after that time; 0: by the midpoint just before the fill.
        curves: share filled if left at CURVE_S by label, of the groups by distance; nan where fewer than 20 orders have
            waited so long.
        notes: what somebody who reads the numbers must know.
        confidence: of the intervals.
    """

    name: str
    within_s: tuple[float, ...]
    n_orders: int
    n_fills: int
    days: tuple[dict[str, Any], ...]
    fills: pl.DataFrame
    markouts: pl.DataFrame
    curves: dict[str, tuple[float, ...]]
    notes: tuple[str, ...] = ()
    confidence: float = 0.95

    @property
    def answer(self) -> str:
        """What was asked, answered in a few sentences with intervals."""
        within = self.within_s[min(1, len(self.within_s) - 1)]
        left, went = (self._best_and_next(question, within) for question in ("left", "went"))
        if not left:
            return "Too few orders to say if they are filled."
        told = [f"an order {row['label']} is filled within {within:g} s with probability {_share(row)}" for row in left]
        text = f"If it is left in the book, {', '.join(told)}."
        if went:
            text += f" As it went, withdrawn ones unfilled, {_share(went[0])} of those {went[0]['label']} were."
        rows = self.markouts.filter((pl.col("who") == "rests") & (pl.col("population") == "all"))
        gains = {row["after_s"]: row for row in rows.rows(named=True) if row["value"] is not None}
        if not gains:
            return text
        last = gains[10.0] if 10.0 in gains else gains[max(gains)]
        text += f" A fill gains its resting order {_ticks(last)} by the midpoint {last['after_s']:g} s later"
        if 0.0 in gains and last["after_s"] > 0:
            text += f"; by the one just before the fill it was {_ticks(gains[0.0])}"
        return f"{text}."

    def _best_and_next(self, question: str, within: float) -> list[dict[str, Any]]:
        """Return the rows of the best price and of the next group behind it, as far as they are known."""
        rows = self.fills.filter(
            (pl.col("group") == "distance") & (pl.col("question") == question) & (pl.col("within_s") == within)
        ).rows(named=True)
        labels = [row["label"] for row in rows]
        start = labels.index(AT_BEST) if AT_BEST in labels else 0
        return [row for row in rows[start : start + 2] if row["value"] is not None]

    def record(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "name": self.name, "answer": self.answer, "days": list(self.days), "n_orders": self.n_orders,
            "n_fills": self.n_fills, "within_s": list(self.within_s), "confidence": self.confidence,
            "groups": GROUPS, "questions": QUESTIONS, "fills": self.fills.to_dicts(),
            "markouts": self.markouts.to_dicts(), "curve_s": CURVE_S.tolist(),
            "curves": {name: [None if math.isnan(y) else y for y in ys] for name, ys in self.curves.items()},
            "notes": list(self.notes),
        }  # fmt: skip


def analyse_orders(
    data: str | Path | OrderSource, within_s: Sequence[float] = (1.0, 10.0, 60.0), *, confidence: float = 0.95
) -> OrderAnalytics:
    """Return what happens to the orders of one source.

    Args:
        data: a place as `outcry orders` takes it, or a source that was read.
        within_s: times since submission, above 0 and rising, at most six.
        confidence: of the intervals, from 0.5 to below 1.

    Raises:
        InputError: if the place cannot be read, or an argument is not as said.
    """
    within = tuple(map(float, within_s))
    if not (0 < len(within) <= MOST_WITHIN and within[0] > 0 and list(within) == sorted(set(within))):
        raise InputError(Argument("within_s"), f" {list(within)}: allowed: up to {MOST_WITHIN} rising times above 0 s")
    if not all(map(math.isfinite, within)):
        raise InputError(Argument("within_s"), f" {list(within)}: allowed: finite times")
    if not 0.5 <= confidence < 1:
        raise InputError(Argument("confidence"), f" = {confidence:g}; allowed: from 0.5 to below 1")
    source = read_orders(Path(data), "analyse_orders") if isinstance(data, str | Path) else data
    days = [_orders_of(day) for day in source.days]
    orders = together([found for found, _ in days])
    owner = np.concatenate([own for _, own in days])
    stretch = stretches(len(orders))
    groups = {
        "distance": by_distance(orders),
        "queue": by_queue(orders),
        "population": by_population(owner, source.populations),
    }
    rows: list[dict[str, Any]] = []
    curves = {}
    for group, members in groups.items():
        for label, mask in members:
            if mask.sum() < FEWEST:
                continue
            part = orders.take(mask)
            rows += [{"group": group, "label": label, "orders": len(part), **row}
                     for row in _fills(part, stretch[mask], within, confidence)]  # fmt: skip
            if group == "distance":
                curves[label] = _curve(part)
    n_fills, markouts = _markouts(source, confidence)
    return OrderAnalytics(
        source.name, within, len(orders), n_fills, tuple(map(_described, source.days, [found for found, _ in days])),
        pl.DataFrame(rows, schema=_FILLS, orient="row"), pl.DataFrame(markouts, schema=_MARKOUTS, orient="row"),
        curves, (*source.notes, *_notes(orders)), confidence,
    )  # fmt: skip


_FILLS = {
    "group": pl.String, "label": pl.String, "orders": pl.Int64, "question": pl.String, "within_s": pl.Float64,
    "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip
_MARKOUTS = {
    "who": pl.String, "population": pl.String, "fills": pl.Int64, "lots": pl.Int64, "after_s": pl.Float64,
    "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip


def _orders_of(day: Day) -> tuple[OrderHistories, Any]:
    """Return the orders that were submitted while the day is looked at, and whose they are."""
    orders = order_histories(day.flow)
    time_ns = day.flow.time_ns[orders.event]
    orders = orders.take((time_ns >= day.from_ns) & (time_ns < day.until_ns))
    return orders, day.owner[orders.event]


def _fills(orders: OrderHistories, stretch: Any, within: tuple[float, ...], confidence: float) -> Iterator[Any]:
    for question, if_left in (("left", True), ("went", False)):
        found = fill_shares(orders, within, stretch, if_left=if_left, confidence=confidence)
        for k, seconds in enumerate(within):
            yield _row(found.value[k], found.low[k], found.high[k], question=question, within_s=seconds)
    found = fill_shares(orders, [np.inf], stretch, before_move=True, confidence=confidence)
    yield _row(found.value[0], found.low[0], found.high[0], question="before_move", within_s=None)
    median = median_fill_s(orders)
    yield _row(median if median <= seen_until_s(orders, FEWEST) else np.nan, question="median", within_s=None)


def _curve(orders: OrderHistories) -> tuple[float, ...]:
    """Return the shares filled at CURVE_S; nan beyond what enough orders have waited for."""
    shares = fill_shares(orders, CURVE_S.tolist(), np.zeros(len(orders), np.int64)).value
    return tuple(np.where(seen_until_s(orders, FEWEST) >= CURVE_S, shares, np.nan).tolist())


def _markouts(source: OrderSource, confidence: float) -> tuple[int, list[dict[str, Any]]]:
    found = [_gains(day) for day in source.days]
    gains, lots, owner, taker = (np.concatenate(parts) for parts in zip(*found, strict=True))
    stretch = stretches(len(gains))
    everyone = np.ones(len(gains), bool)
    groups = [("rests", "all", everyone), ("takes", "all", everyone)]
    for who, of in (("rests", owner), ("takes", taker)):
        groups += [(who, name, of == k) for k, name in enumerate(source.populations)]
    rows = []
    for who, name, mask in groups:
        if mask.sum() < FEWEST:
            continue
        sign = 1.0 if who == "rests" else -1.0
        for k, after in enumerate(AFTER_S):
            mean = weighted_mean(sign * gains[mask, k], lots[mask].astype(np.float64), stretch[mask], confidence)
            rows.append({"who": who, "population": name, "fills": int(mask.sum()), "lots": int(lots[mask].sum()),
                         **_row(*mean, after_s=after)})  # fmt: skip
    return len(gains), rows


def _gains(day: Day) -> tuple[Any, ...]:
    at, gains = markouts_ticks(day.flow, AFTER_S)
    inside = (day.flow.time_ns[at] >= day.from_ns) & (day.flow.time_ns[at] < day.until_ns)
    at, gains = at[inside], gains[inside]
    return gains, day.flow.size_lots[at], day.owner[at], day.taker[at]


def _notes(orders: OrderHistories) -> list[str]:
    notes = []
    unknown = float(np.isnan(orders.ahead_lots).mean()) if len(orders) else 0.0
    if unknown > 0:
        notes.append(f"What stands ahead is not known for {unknown:.1%} of the orders: beyond the recorded levels.")
    return notes


def _described(day: Day, orders: OrderHistories) -> dict[str, Any]:
    until_ns = min(day.until_ns, int(day.flow.time_ns[-1]))
    first_ns = max(day.from_ns, int(day.flow.time_ns[0]))
    second = 10**9
    return {"from": clock(first_ns // second * second), "until": clock(until_ns // second * second),
            "orders": len(orders)}  # fmt: skip


def _row(value: float, low: float = math.nan, high: float = math.nan, **columns: Any) -> dict[str, Any]:
    ends = {"value": value, "low": low, "high": high}
    return columns | {name: float(x) if math.isfinite(x) else None for name, x in ends.items()}


def _share(row: dict[str, Any]) -> str:
    text = f"{row['value']:.0%}"
    return text if row["low"] is None else f"{text} ({row['low']:.0%}, {row['high']:.0%})"


def _ticks(row: dict[str, Any]) -> str:
    text = f"{row['value']:+.2f} ticks a lot"
    return text if row["low"] is None else f"{text} ({row['low']:+.2f}, {row['high']:+.2f})"
