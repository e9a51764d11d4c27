"""The tokenizer's tables inside compiled code: classes of sizes and delays, and values drawn from inside a class."""

from __future__ import annotations

import math
from typing import Any

from agents.flow.codes import AT_ONCE_S, N_DEEP, N_IMPROVE
from agents.flow.tokenizer import BOOK_LEVELS, N_BOOKS, N_QUANTILES
from sim.policy import decision
from sim.rng import exp_portable, log_portable

__all__ = [
    "book_cell",
    "book_spread",
    "delay_class",
    "delay_s",
    "depth_value",
    "drawn_book",
    "first_activity",
    "gap_ticks",
    "joining_share",
    "most_orders",
    "next_activity",
    "size_class",
    "size_lots",
]

LOG10 = math.log(10.0)


@decision
def _class_of(w: Any, at: int, n: int, value: float) -> int:
    """Last of n ascending lower ends that is not above the value; 0 if all are."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if w[at + middle] <= value:
            low = middle + 1
        else:
            high = middle
    return max(low - 1, 0)


@decision
def size_class(h: Any, w: Any, lots: float) -> int:
    """Class of a size."""
    return _class_of(w, h.at_size_low, h.n_sizes, lots)


@decision
def delay_class(h: Any, w: Any, seconds: float) -> int:
    """Class of a delay."""
    if seconds < AT_ONCE_S:
        return 0
    return max(_class_of(w, h.at_delay_low, h.n_delays, log_portable(seconds) / LOG10), 0)


@decision
def _inside(w: Any, at: int, row: int, u: float) -> float:
    """One of a row's quantiles."""
    return float(w[at + row * N_QUANTILES + int(u * N_QUANTILES)])


@decision
def size_lots(h: Any, w: Any, row: int, u: float) -> int:
    """Size of a class."""
    return max(1, int(_inside(w, h.at_table_size, row, u) + 0.5))


@decision
def delay_s(h: Any, w: Any, row: int, u: float) -> float:
    """Delay of a class; between quantiles in a straight line."""
    x = u * (N_QUANTILES - 1)
    k = int(x)
    at = h.at_table_delay + row * N_QUANTILES + k
    value = float(w[at]) + (x - k) * (float(w[at + 1]) - float(w[at]))
    return exp_portable(value * LOG10)


@decision
def depth_value(h: Any, w: Any, local: int, u: float) -> float:
    """Share of the spread that an order inside it closes, or ticks behind the best."""
    return _inside(w, h.at_table_depth, min(local, N_IMPROVE + N_DEEP), u)


@decision
def joining_share(h: Any, w: Any, deep: int) -> float:
    """Share of new orders in class `deep` behind the best that go to an occupied price."""
    return float(w[h.at_table_join + deep])


@decision
def gap_ticks(h: Any, w: Any, u: float) -> int:
    """Distance between two deep levels."""
    return max(1, int(_inside(w, h.at_table_gap, 0, u) + 0.5))


@decision
def next_activity(h: Any, w: Any, now: float, z: float) -> float:
    """Log activity a minute later: an autoregression with the recorded spread and memory; z is standard normal."""
    at = h.at_table_activity
    spread, memory = float(w[at + 1]), min(max(float(w[at + 2]), 0.0), 0.999)
    return memory * now + math.sqrt(1.0 - memory * memory) * spread * z


@decision
def most_orders(h: Any, w: Any, window: int) -> float:
    """Most orders that the recording holds in a window of the clock: 0: a second, 1: ten seconds, 2: a minute."""
    return float(w[h.at_table_activity + 3 + window])


@decision
def first_activity(h: Any, w: Any, z: float) -> float:
    """Log activity at the open."""
    return float(w[h.at_table_activity + 1]) * z


@decision
def book_cell(h: Any, w: Any, book: int, side: int, level: int, column: int) -> float:
    """One number of a recorded book: column 0 ticks from the own best, 1 lots.

    Side 0 are the bids and 1 the asks, or the other way round: numbers from N_BOOKS on are the books with buyers and
    sellers exchanged. A recorded day has more quantity on one side, which would move the price away from it.
    """
    recorded = (side + book // N_BOOKS) % 2
    if level == 0 and column == 0:
        return 0.0
    return float(w[h.at_table_books + (((book % N_BOOKS) * 2 + recorded) * BOOK_LEVELS + level) * 2 + column])


@decision
def drawn_book(u: float) -> int:
    """Number of a recorded book, either way round, by a uniform draw: each is as likely."""
    return int(u * 2 * N_BOOKS)


@decision
def book_spread(h: Any, w: Any, book: int) -> int:
    """Spread of a recorded book [ticks]."""
    return max(1, int(w[h.at_table_books + ((book % N_BOOKS) * 2 + 1) * BOOK_LEVELS * 2]))
