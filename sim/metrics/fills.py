"""How likely an order is filled, how soon, and what the fill is worth afterwards; with intervals.

Fill, withdrawal and a move of the price compete to end an order's wait. Two questions are told apart: what share of
orders was filled as things went (Aalen and Johansen 1978), and what the chance is for one that is left in the book
(Kaplan and Meier 1958: orders count for as long as they rest). The second is right as far as people do not withdraw
because they see the price leave, and is too high where they do.

Orders of one market are not independent, so that intervals come from leaving out one stretch of the record after the
other (delete-a-group jackknife; Kott 2001, Journal of Official Statistics 17), on the scale of log odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.lifetimes import Lives, end_counts, end_shares, shares_of_counts
from sim.metrics.order_histories import OrderHistories

__all__ = [
    "N_STRETCHES",
    "Shares",
    "fill_shares",
    "markouts_ticks",
    "median_fill_s",
    "seen_until_s",
    "stretches",
    "weighted_mean",
]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
N_STRETCHES = 20
_LEAST_STRETCHES = 5
"""With fewer of them in a group there is no interval."""


@dataclass(frozen=True)
class Shares:
    """Estimates with intervals, arrays of shape (m,); nan where they are not known."""

    value: Floats
    low: Floats
    high: Floats


def stretches(n: int) -> Ints:
    """Return the number of the stretch of each of n entries in order of time: 0 to N_STRETCHES - 1, equally long."""
    return np.arange(n) * N_STRETCHES // max(n, 1)


def fill_shares(
    orders: OrderHistories,
    within_s: Sequence[float],
    stretch: Ints,
    *,
    if_left: bool = True,
    before_move: bool = False,
    confidence: float = 0.95,
) -> Shares:
    """Return the shares of orders that have a first fill within each time.

    Args:
        orders: any of a market's.
        within_s: times since submission in seconds, shape (m,); inf: as long as the record lasts.
        stretch: of each order, from `stretches` of all orders, shape (n,).
        if_left: a withdrawal only ends the looking; else it ends the order.
        before_move: the fill must come no later than the first move of the midpoint.
        confidence: of the intervals.
    """
    within = np.asarray(within_s, np.float64)
    lives = _lives(orders, if_left, before_move)
    times, which = np.unique(lives.life_s, return_inverse=True)
    if len(times) == 0:
        return Shares(*np.full((3, len(within)), np.nan))
    k = np.searchsorted(times, within, side="right")
    counts = end_counts(which, lives.end, len(times))
    value = _filled(counts, k)
    present = np.unique(stretch)
    if len(present) < _LEAST_STRETCHES:
        return Shares(value, *np.full((2, len(within)), np.nan))
    without = []
    for number in present:
        of = stretch == number
        without.append(_filled(counts - end_counts(which[of], lives.end[of], len(times)), k))
    return Shares(value, *_share_interval(value, np.array(without), len(orders), confidence))


def _filled(counts: Floats, k: Ints) -> Floats:
    return np.concatenate([[0.0], shares_of_counts(counts)[2]])[k]


def seen_until_s(orders: OrderHistories, at_least: int = 20) -> float:
    """Return how long at least so many orders have been waiting; what is said of longer times rests on fewer."""
    return float(np.sort(orders.life_s)[-at_least]) if len(orders) >= at_least else 0.0


def median_fill_s(orders: OrderHistories) -> float:
    """Return the time within which half of the orders would be filled if they were left; nan if that is not seen."""
    lives = _lives(orders, if_left=True, before_move=False)
    times = np.unique(lives.life_s[lives.end == FlowKind.EXECUTE])
    half = np.flatnonzero(end_shares(lives, times)[2] >= 0.5) if len(times) else times
    return float(times[half[0]]) if len(half) else float("nan")


def markouts_ticks(flow: OrderFlow, after_s: Sequence[float]) -> tuple[Ints, Floats]:
    """Return the executions, and what each resting order has gained by the midpoint some time later.

    Args:
        flow: visible events of one day.
        after_s: times after the execution in seconds, shape (m,); 0: the midpoint just before the first event of its
            moment, hence the half spread that the resting order earns if the price stays.

    Returns:
        Indices of the executions, shape (k,), and side x (midpoint - price) in ticks per lot, shape (k, m); nan
        beyond the end of the record and where a side of the book is empty.
    """
    at = np.flatnonzero(flow.kind == FlowKind.EXECUTE)
    time, mid = flow.time_ns[at], flow.mid_ticks
    gains = np.full((len(at), len(after_s)), np.nan)
    for column, after in enumerate(after_s):
        later = time + int(after * SECOND_NS)
        k = np.searchsorted(flow.time_ns, later, side="right" if after > 0 else "left") - 1
        known = (k >= 0) & (later <= flow.time_ns[-1])
        gains[known, column] = flow.side[at[known]] * (mid[k[known]] - flow.price_ticks[at[known]])
    return at, gains


def weighted_mean(values: Floats, weights: Floats, stretch: Ints, confidence: float = 0.95) -> tuple[float, ...]:
    """Return a weighted mean and the ends of its interval; nan where they are not known. Unknown values do not count.

    Args:
        values: shape (n,), nan where unknown.
        weights: of each, shape (n,).
        stretch: of each, from `stretches`, shape (n,).
        confidence: of the interval.
    """
    known = np.isfinite(values)
    values, weights, stretch = values[known], weights[known], stretch[known]
    mass = np.bincount(stretch, weights, minlength=N_STRETCHES)
    sums = np.bincount(stretch, weights * values, minlength=N_STRETCHES)
    if mass.sum() <= 0:
        return float("nan"), float("nan"), float("nan")
    mean = float(sums.sum() / mass.sum())
    present = np.bincount(stretch, minlength=N_STRETCHES) > 0
    if present.sum() < _LEAST_STRETCHES:
        return mean, float("nan"), float("nan")
    without = (sums.sum() - sums[present]) / (mass.sum() - mass[present])
    half = _half_width(without[:, None], confidence)[0]
    return mean, mean - half, mean + half


def _lives(orders: OrderHistories, if_left: bool, before_move: bool) -> Lives:
    """Return the lives whose end EXECUTE is what is asked for, DELETE what rules it out, and 0 neither."""
    life, end = orders.life_s, orders.end
    if if_left:
        end = np.where(end == FlowKind.DELETE, 0, end)
    if before_move:
        # A fill that moves the midpoint itself has come in time, and so has a withdrawal.
        moved = orders.mid_moved_s < life
        life, end = np.where(moved, orders.mid_moved_s, life), np.where(moved, FlowKind.DELETE, end)
    return Lives(life, end.astype(np.int64))


def _half_width(without: Floats, confidence: float) -> Floats:
    """Return half the jackknife interval, from the estimates without each stretch, shape (n_stretches, m)."""
    n = len(without)
    error = np.sqrt((n - 1) / n * np.sum((without - without.mean(axis=0)) ** 2, axis=0))
    return np.asarray(stats.t.ppf((1 + confidence) / 2, n - 1) * error)


def _share_interval(value: Floats, without: Floats, n: int, confidence: float) -> tuple[Floats, Floats]:
    """Return the ends of an interval for shares; at 0 and 1 the exact one of n independent orders."""
    inside = (value > 0) & (value < 1) & ((without > 0) & (without < 1)).all(axis=0)
    # Where a share is 0 or 1 without some stretch, log odds have no value: those keep their own scale.
    odds = [np.log(np.where(inside, x, 0.5) / (1 - np.where(inside, x, 0.5))) for x in (value, without)]
    half = _half_width(odds[1], confidence)
    plain = _half_width(without, confidence)
    low = np.where(inside, 1 / (1 + np.exp(half - odds[0])), value - plain)
    high = np.where(inside, 1 / (1 + np.exp(-half - odds[0])), value + plain)
    alone = 1 - ((1 - confidence) / 2) ** (1 / n) if n else 1.0
    low = np.where(value >= 1, 1 - alone, low)
    high = np.where(value <= 0, alone, high)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)
