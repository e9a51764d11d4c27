"""The vocabulary of order events, and the compiled functions that turn prices, ages and books into it.

The same functions read recorded files and the live market, so that a model sees in a market what it was trained on.
An event has three codes:

- order: side and kind with depth. New orders and deletions count their depth from the best of their own side before the
  event, in units of the stock's median spread (scale-free, so that one model serves several stocks); an order inside
  the spread by the share of the spread that it closes;
- detail: the size class of a new or a market order ("the whole touch" is a class of its own), age and size of the
  order that a deletion takes out, in coarse classes: large orders wait longer than small ones;
- delay: class of the log time since the event before, with a class for "at once".
"""

from __future__ import annotations

import math
from typing import Any

from sim.policy import decision
from sim.rng import exp_portable, log_portable

__all__ = [
    "ACTIVITY_FEATURE",
    "AT_ONCE_S",
    "DEEP_EDGES",
    "DELETE",
    "MARKET",
    "MIRROR",
    "MIRROR_SIGN",
    "MOST_CLASSES",
    "NEW",
    "N_DEEP",
    "N_FEATURES",
    "N_IMPROVE",
    "N_LOCAL",
    "N_MEMORY",
    "N_ORDER_CODES",
    "N_TARGETS",
    "PARTIAL",
    "SIGN_FEATURE",
    "SLOW_SIGN_FEATURE",
    "deep_bin",
    "deep_range",
    "features",
    "local_code",
    "mirrored_code",
    "order_code",
    "remember_event",
    "target_class",
]  # fmt: skip

N_IMPROVE = 6
"""Inside the spread: by one tick, up to a quarter, half, three quarters, more of it, up to the opposite best."""
DEEP_EDGES = (0.05, 0.15, 0.3, 0.5, 0.75, 1.0, 1.4, 2.0, 3.0, 5.0)
"""Upper ends of the classes of depth behind the best, in median spreads; the last class has none."""
N_DEEP = len(DEEP_EDGES) + 1
NEW = 0
DELETE = N_IMPROVE + 1 + N_DEEP
PARTIAL = DELETE + 1 + N_DEEP
MARKET = PARTIAL + 1
N_LOCAL = MARKET + 1
N_ORDER_CODES = 2 * N_LOCAL
"""Bids and buyers first, then asks and sellers."""
MOST_CLASSES = N_ORDER_CODES + 64
"""No vocabulary may have more classes of details or of delays: room for their logits is kept for this many."""
AGE_EDGES_S = (1e-3, 1e-2, 1e-1, 0.5, 2.0, 10.0, 60.0, 300.0)
N_AGES = len(AGE_EDGES_S) + 2
"""The last class holds orders of unknown age."""
N_SIZE_GROUPS = 4
"""Of an order that is taken out: smaller than the usual order, as large, up to three times as large, larger."""
N_TARGETS = N_AGES * N_SIZE_GROUPS
AT_ONCE_S = 1e-6
OPEN_HOURS, OPENING_HOURS = 9.5, 0.5
"""When NASDAQ opens, and how soon the opening is forgotten (a decay time)."""
N_FEATURES = 16
N_MEMORY = 5
"""Moving averages behind the features: fast and slow moves of the midpoint, their size; signs of the latest market
orders, fast and slow."""
FAST, SLOW, VOLATILITY, SIGN_FAST, SIGN_SLOW = range(N_MEMORY)
DECAYS = (0.9, 0.99, 0.99, 0.6, 0.93)
"""The first three by event, the others by market order: those are a tenth of the events, so that a window of some
hundred events alone forgets their signs too early."""
ACTIVITY_FEATURE, SIGN_FEATURE, SLOW_SIGN_FEATURE = 13, 14, 15
"""The features that hold the activity, and the fast and (twice) the slow average of market orders' signs."""
MIRROR = (0, 1, 2, 4, 3, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15)
MIRROR_SIGN = (1, 1, -1, 1, 1, 1, 1, 1, 1, -1, -1, 1, 1, 1, -1, -1)
"""Features of the market with buyers and sellers exchanged: where each comes from, and its sign."""


@decision
def local_code(code: int) -> int:
    """Kind and depth of an order code, without its side."""
    return code % N_LOCAL


@decision
def mirrored_code(code: int) -> int:
    """The same order of the other side; what is no order (the mask, -1) stays as it is."""
    return (code + N_LOCAL) % N_ORDER_CODES if 0 <= code < N_ORDER_CODES else code


@decision
def deep_bin(depth_ticks: float, scale_ticks: float) -> int:
    """Class, from 0, of a depth of at least one tick behind the best."""
    x = depth_ticks / scale_ticks
    for k in range(N_DEEP - 1):
        if x <= DEEP_EDGES[k]:
            return k
    return N_DEEP - 1


@decision
def deep_range(k: int, scale_ticks: float) -> tuple[int, int]:
    """Smallest and largest depth in ticks of a class; the last one ends at four times where it begins."""
    low = 1 if k == 0 else int(math.floor(DEEP_EDGES[k - 1] * scale_ticks)) + 1
    high = int(math.floor(DEEP_EDGES[k] * scale_ticks)) if k < N_DEEP - 1 else 4 * low
    return low, high


@decision
def order_code(kind: int, side: int, depth_ticks: float, spread_ticks: float, scale_ticks: float) -> int:
    """Code of an event.

    Args:
        kind: NEW, DELETE, PARTIAL or MARKET.
        side: 1 or -1: of the order; of a market order 1 if it buys.
        depth_ticks: behind the best of its side before the event; negative: inside the spread.
        spread_ticks: before the event.
        scale_ticks: the stock's median spread.
    """
    base = 0 if side > 0 else N_LOCAL
    if kind == MARKET or kind == PARTIAL:
        return base + kind
    if kind == DELETE:
        return base + DELETE + (0 if depth_ticks <= 0 else 1 + deep_bin(depth_ticks, scale_ticks))
    if depth_ticks >= 0:
        return base + N_IMPROVE + (0 if depth_ticks == 0 else 1 + deep_bin(depth_ticks, scale_ticks))
    closed = -depth_ticks
    if closed >= spread_ticks - 1 and spread_ticks > 2:
        return base + N_IMPROVE - 1
    if closed <= 1:
        return base
    return base + 1 + min(3, int(4.0 * closed / max(spread_ticks, 1.0)))


@decision
def target_class(age_s: float, lots: float, scale_lots: float) -> int:
    """Class, below N_TARGETS, of an order that a deletion takes out.

    Args:
        age_s: how long it has been in the book; negative: unknown.
        lots: what is left of it.
        scale_lots: the stock's usual order size.
    """
    age = N_AGES - 1
    if age_s >= 0:
        age = 0
        while age < len(AGE_EDGES_S) and age_s >= AGE_EDGES_S[age]:
            age += 1
    group = 0 if lots < scale_lots else 1 if lots == scale_lots else 2 if lots <= 3 * scale_lots else 3
    return age * N_SIZE_GROUPS + group


@decision
def remember_event(averages: Any, move_scaled: float, trade_sign: int) -> None:
    """Take an event into the moving averages.

    Args:
        averages: shape (N_MEMORY,).
        move_scaled: the midpoint's move in median spreads.
        trade_sign: 1 or -1 for a market order that buys or sells, else 0.
    """
    averages[FAST] = DECAYS[FAST] * averages[FAST] + move_scaled
    averages[SLOW] = DECAYS[SLOW] * averages[SLOW] + move_scaled
    averages[VOLATILITY] = DECAYS[VOLATILITY] * averages[VOLATILITY] + (1 - DECAYS[VOLATILITY]) * abs(move_scaled)
    if trade_sign != 0:
        for k in range(SIGN_FAST, SIGN_SLOW + 1):
            averages[k] = DECAYS[k] * averages[k] + (1 - DECAYS[k]) * trade_sign


@decision
def _clipped(x: float, bound: float) -> float:
    return min(max(x, -bound), bound)


@decision
def features(
    out: Any, averages: Any, spread_ticks: float, bid_lots: float, ask_lots: float, deep_bid_lots: float,
    deep_ask_lots: float, bid_gap_ticks: float, ask_gap_ticks: float, scale_ticks: float, scale_lots: float,
    hours: float, activity: float,
) -> None:  # fmt: skip
    """Fill the live-book features after an event, shape (N_FEATURES,); all of order 1.

    Args:
        out: to be filled.
        averages: shape (N_MEMORY,).
        spread_ticks: best ask less best bid.
        bid_lots: at the best bid.
        ask_lots: at the best ask.
        deep_bid_lots: at the next four levels together.
        deep_ask_lots: the same of the asks.
        bid_gap_ticks: from the best to the next level.
        ask_gap_ticks: the same of the asks.
        scale_ticks: the stock's median spread.
        scale_lots: the stock's usual order size.
        hours: since midnight. Only the opening is told apart: on a single day of training every other hour is
            known by what happened to happen in it, and a model that knows its hour goes on with the latest trend.
        activity: log of the rate of events around this time over its mean. It comes from outside of the flow, as the
            time of day does: a model that infers its pace from its own past only can run away with it.
    """
    out[0] = _clipped(log_portable(max(spread_ticks, 0.5) / scale_ticks), 3.0)
    out[1] = 1.0 if spread_ticks <= 1 else 0.0
    out[2] = (bid_lots - ask_lots) / max(bid_lots + ask_lots, 1.0)
    out[3] = log_portable(1.0 + bid_lots / scale_lots)
    out[4] = log_portable(1.0 + ask_lots / scale_lots)
    out[5] = 0.5 * log_portable(1.0 + deep_bid_lots / scale_lots)
    out[6] = 0.5 * log_portable(1.0 + deep_ask_lots / scale_lots)
    out[7] = _clipped(2.0 * bid_gap_ticks / scale_ticks, 4.0)
    out[8] = _clipped(2.0 * ask_gap_ticks / scale_ticks, 4.0)
    out[9] = _clipped(averages[FAST], 3.0)
    out[10] = _clipped(averages[SLOW], 3.0)
    out[11] = _clipped(10.0 * averages[VOLATILITY], 3.0)
    out[12] = exp_portable(-max(hours - OPEN_HOURS, 0.0) / OPENING_HOURS)
    out[ACTIVITY_FEATURE] = activity
    out[SIGN_FEATURE] = averages[SIGN_FAST]
    out[SLOW_SIGN_FEATURE] = 2.0 * averages[SIGN_SLOW]
