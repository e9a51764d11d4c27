"""The groups that orders are put into: by distance from the best price, by what stands ahead, by population."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from sim.metrics.order_histories import OrderHistories

__all__ = ["AT_BEST", "FEWEST", "INSIDE", "by_distance", "by_population", "by_queue"]

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
INSIDE, AT_BEST = "inside the spread", "at the best"
FEWEST = 20
"""Orders of a group that is shown."""
_EDGES = (1, 2, 3, 6, 11, 21, 51, 101, 201, 501, 1001)
_LEAST_SHARE = 0.02
_QUANTILES = (1 / 3, 2 / 3)


def by_distance(orders: OrderHistories) -> Iterator[tuple[str, Mask]]:
    """Yield label and members: better than the best, at it, and so many ticks behind; thin groups are put together."""
    distance = orders.distance_ticks
    yield INSIDE, distance < 0
    yield AT_BEST, distance == 0
    first = _EDGES[0]
    for k, until in enumerate(_EDGES[1:]):
        members = (distance >= first) & (distance < until)
        if (distance >= until).mean() < _LEAST_SHARE:
            break
        if members.mean() < _LEAST_SHARE and k + 2 < len(_EDGES):
            continue
        yield _ticks(first, until - 1), members
        first = until
    yield f"{first} or more ticks behind", distance >= first


def _ticks(first: int, last: int) -> str:
    return f"{first} tick{'s' if first > 1 else ''} behind" if first == last else f"{first} to {last} ticks behind"


def by_queue(orders: OrderHistories) -> Iterator[tuple[str, Mask]]:
    """Yield label and members of the orders at the best or inside, by the lots that are served before them."""
    ahead = np.where(orders.distance_ticks <= 0, orders.ahead_lots, np.nan)
    yield "nothing ahead", ahead == 0
    behind = ahead[ahead > 0]
    if len(behind) == 0:
        return
    edges = np.unique(np.concatenate([[1], np.ceil(np.quantile(behind, _QUANTILES)), [behind.max() + 1]]).astype(int))
    for first, until in pairwise(edges.tolist()):
        lots = f"{first:,}" if until - first == 1 else f"{first:,} to {until - 1:,}"
        yield f"{lots} lots ahead", (ahead >= first) & (ahead < until)


def by_population(owner: Ints, names: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """Yield name and orders of each population of a run."""
    for k, name in enumerate(names):
        yield name, owner == k
