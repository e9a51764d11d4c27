"""How long orders live: until they are deleted or first executed, whichever comes first, or the record ends.

Deletion and execution compete, and at the end of a record orders still rest: the shares over time are those of Aalen
and Johansen 1978 (Scandinavian Journal of Statistics 5), which for one kind of end are those of Kaplan and Meier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow

__all__ = ["Lives", "end_counts", "end_shares", "order_ages_s", "order_lives", "shares_of_counts", "submissions"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Lives:
    """One entry for each submission; arrays of shape (n,).

    Attributes:
        life_s: from submission to its end, or to the end of the record.
        end: FlowKind.DELETE or FlowKind.EXECUTE, 0: it still rested when the record ended.
    """

    life_s: Floats
    end: np.ndarray[Any, np.dtype[np.int64]]


def order_ages_s(flow: OrderFlow) -> Floats:
    """Return the age of the order that each event is about [s], shape (n,); nan where its submission is not known."""
    born = np.flatnonzero(flow.kind == FlowKind.SUBMIT)
    order = np.argsort(flow.order_id[born], kind="stable")
    ids, at = flow.order_id[born][order], born[order]
    if len(ids) == 0:
        return np.full(len(flow), np.nan)
    # The latest submission of a number: a replaced order is submitted again.
    k = np.maximum(np.searchsorted(ids, flow.order_id, side="right") - 1, 0)
    ages = (flow.time_ns - flow.time_ns[at[k]]) / SECOND_NS
    return np.where((ids[k] == flow.order_id) & (ages >= 0), ages, np.nan)


def order_lives(flow: OrderFlow) -> Lives:
    """Return life and end of all orders submitted within a flow; those of unknown number are left out.

    A first execution ends the wait even if the rest of the order stays; a part that is withdrawn ends nothing. What
    happens to an order beyond the recorded levels is not in the file: there it counts as resting.
    """
    return submissions(flow)[1]


def submissions(flow: OrderFlow) -> tuple[Ints, Lives]:
    """Return which event submitted each order, and its life, as `order_lives` does; by order number, then time."""
    counts = ((flow.kind == FlowKind.SUBMIT) | (flow.kind == FlowKind.DELETE) | (flow.kind == FlowKind.EXECUTE)) & (
        flow.order_id != 0
    )
    at = np.flatnonzero(counts)
    at = at[np.argsort(flow.order_id[at], kind="stable")]
    kind, time, order_id = flow.kind[at], flow.time_ns[at], flow.order_id[at]
    born = np.flatnonzero(kind == FlowKind.SUBMIT)
    # What follows a submission in this order is its end, another order, or the same number submitted again.
    following = np.minimum(born + 1, max(len(at) - 1, 0))
    ended = (following > born) & (order_id[following] == order_id[born]) & (kind[following] != FlowKind.SUBMIT)
    until = np.where(ended, time[following], flow.time_ns[-1] if len(flow) else 0)
    lives = Lives((until - time[born]) / SECOND_NS, np.where(ended, kind[following], 0).astype(np.int64))
    return at[born], lives


def end_shares(lives: Lives, at_s: Any) -> tuple[Floats, Floats, Floats]:
    """Return the shares of orders that still wait, were deleted, were first executed within each time; they sum to 1.

    Args:
        lives: of orders.
        at_s: times since submission in seconds, shape (m,).
    """
    at_s = np.asarray(at_s, np.float64)
    times, which = np.unique(lives.life_s, return_inverse=True)
    if len(times) == 0:
        return np.full(len(at_s), np.nan), np.full(len(at_s), np.nan), np.full(len(at_s), np.nan)
    counts = end_counts(which, lives.end, len(times))
    k = np.searchsorted(times, at_s, side="right")
    starts = (1.0, 0.0, 0.0)
    wait, gone, filled = (np.concatenate([[s], c])[k] for s, c in zip(starts, shares_of_counts(counts), strict=True))
    return wait, gone, filled


def end_counts(which: Ints, end: Ints, n_times: int) -> Floats:
    """Return how many lives end at each time, shape (3, n_times): those deleted, executed, all.

    Args:
        which: index of the time at which each life ends.
        end: as in `Lives`.
        n_times: of different times.
    """
    ends = (which[end == FlowKind.DELETE], which[end == FlowKind.EXECUTE], which)
    return np.array([np.bincount(at, minlength=n_times) for at in ends], np.float64)


def shares_of_counts(counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the shares that wait, were deleted, were executed just after each time, from `end_counts`."""
    deleted, executed, left = counts
    waiting = np.maximum(left.sum() - np.concatenate([[0], np.cumsum(left)[:-1]]), 1)  # at 0 nothing ends any more
    stay = np.cumprod(1 - (deleted + executed) / waiting)
    before = np.concatenate([[1.0], stay[:-1]])
    return stay, np.cumsum(before * deleted / waiting), np.cumsum(before * executed / waiting)
