"""Proxy metaorders: what a recording without names says of the impact of large orders.

Market orders are given at random to N traders; consecutive ones of one trader with one sign are a metaorder, if there
are at least three. Averages over such metaorders follow the square-root law as real ones do: Maitrier, Loeper and
Bouchaud 2025 (arXiv 2503.18199). Impact / sigma = Y (Q / V)^exponent, sigma and V of a trading day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow

__all__ = ["ProxyImpact", "proxy_impact"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
LEAST_CHILDREN, N_BINS, N_DRAWS, N_BOOTSTRAP = 3, 8, 30, 300
BLOCK_NS, GRID_NS, DAY_S = 1200 * SECOND_NS, 60 * SECOND_NS, 23_400.0


@dataclass(frozen=True)
class ProxyImpact:
    """Impact of proxy metaorders; each number with a 95% interval from a bootstrap over 20-minute blocks.

    Attributes:
        traders: N.
        exponent: of Q / V.
        prefactor: Y.
        late: impact one duration after the end over impact at the end.
        bins: Q / V and impact / sigma of each bin of size, shape (bins, 2).
        n: metaorders in one assignment.
    """

    traders: int
    exponent: tuple[float, float, float]
    prefactor: tuple[float, float, float]
    late: tuple[float, float, float]
    bins: Floats
    n: float


@dataclass(frozen=True)
class _Orders:
    """Market orders of a flow: time, sign, lots, midpoint before and after; and the flow's path."""

    time_ns: Any
    sign: Any
    lots: Any
    before: Floats
    after: Floats
    path_ns: Any
    path: Floats


def _orders(flow: OrderFlow) -> _Orders:
    executed = flow.kind == FlowKind.EXECUTE
    same = executed[1:] & executed[:-1] & (np.diff(flow.time_ns) == 0) & (flow.side[1:] == flow.side[:-1])
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    ends = np.append(starts[1:], len(flow)) - 1
    keep = executed[starts] & (starts > 0)
    starts, ends = starts[keep], ends[keep]
    volume = np.concatenate([[0], np.cumsum(flow.size_lots)])
    mid = flow.mid_ticks
    known = np.isfinite(mid)
    return _Orders(flow.time_ns[starts], -flow.side[starts], volume[ends + 1] - volume[starts], mid[starts - 1],
                   mid[ends], flow.time_ns[known], mid[known])  # fmt: skip


def _units(orders: _Orders, flow: OrderFlow) -> tuple[float, float]:
    """Deviation of a day's move [ticks] and a day's volume [lots]."""
    grid = np.arange(orders.path_ns[0], orders.path_ns[-1], GRID_NS)
    moves = np.diff(orders.path[np.searchsorted(orders.path_ns, grid, side="right") - 1])
    span_s = (flow.time_ns[-1] - flow.time_ns[0]) / SECOND_NS
    return float(moves.std() * np.sqrt(DAY_S / 60.0)), float(orders.lots.sum() * DAY_S / span_s)


def _metaorders(orders: _Orders, owner: Any) -> tuple[Floats, Floats, Floats, Any]:
    """Quantity [lots], signed impact at the end and one duration later [ticks], and block of each metaorder."""
    at = np.lexsort((np.arange(len(owner)), owner))  # each trader's orders in order of time
    same = (owner[at][1:] == owner[at][:-1]) & (orders.sign[at][1:] == orders.sign[at][:-1])
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    ends = np.append(starts[1:], len(at)) - 1
    sums = np.add.reduceat(orders.lots[at], starts)
    runs = ends - starts + 1 >= LEAST_CHILDREN
    first, last, lots = at[starts[runs]], at[ends[runs]], sums[runs]
    sign = orders.sign[first]
    end = sign * (orders.after[last] - orders.before[first])
    then = 2 * orders.time_ns[last] - orders.time_ns[first]
    then_at = np.searchsorted(orders.path_ns, then, side="right") - 1
    late = np.where(then <= orders.path_ns[-1], sign * (orders.path[then_at] - orders.before[first]), np.nan)
    return lots.astype(float), end, late, orders.time_ns[first] // BLOCK_NS


def _law(size: Floats, impact: Floats) -> tuple[float, float, Floats]:
    """Exponent and prefactor of a line through the logarithms of binned means, and the bins."""
    order = np.argsort(size, kind="stable")
    bins = np.array([[size[part].mean(), impact[part].mean()] for part in np.array_split(order, N_BINS) if len(part)])
    good = bins[:, 1] > 0
    if good.sum() < 3:
        return float("nan"), float("nan"), bins
    slope, level = np.polyfit(np.log(bins[good, 0]), np.log(bins[good, 1]), 1)
    return float(slope), float(np.exp(level)), bins


def proxy_impact(flows: OrderFlow | Sequence[OrderFlow], traders: int, seed: int = 0) -> ProxyImpact:
    """Return the impact of proxy metaorders of one flow, or of several of one law.

    Args:
        flows: with at least some hundred market orders together.
        traders: N.
        seed: of the assignments and of the bootstrap.
    """
    generator = np.random.default_rng(seed)
    sizes, ends, lates, blocks, n = [], [], [], [], 0
    for number, flow in enumerate([flows] if isinstance(flows, OrderFlow) else flows):
        orders = _orders(flow)
        sigma, volume = _units(orders, flow)
        for _ in range(N_DRAWS):
            lots, end, late, block = _metaorders(orders, generator.integers(traders, size=len(orders.lots)))
            sizes.append(lots / volume)
            ends.append(end / sigma)
            lates.append(late / sigma)
            blocks.append(block + number * 1_000_000)
            n += len(lots)
    size, end, late, block = (np.concatenate(x) for x in (sizes, ends, lates, blocks))
    names = np.unique(block)
    members = {name: np.flatnonzero(block == name) for name in names}
    found = []
    for _ in range(N_BOOTSTRAP):
        chosen = np.concatenate([members[name] for name in generator.choice(names, len(names))])
        slope, level, _ = _law(size[chosen], end[chosen])
        found.append((slope, level, _late(end[chosen], late[chosen])))
    slope, level, bins = _law(size, end)
    low, high = np.nanpercentile(np.array(found), [2.5, 97.5], axis=0)
    values = (slope, level, _late(end, late))
    exponent, prefactor, ratio = ((v, float(a), float(b)) for v, a, b in zip(values, low, high, strict=True))
    return ProxyImpact(traders, exponent, prefactor, ratio, bins, n / len(sizes))


def _late(end: Floats, late: Floats) -> float:
    known = np.isfinite(late)
    total = end[known].mean() if known.any() else 0.0
    return float(late[known].mean() / total) if total > 0 else float("nan")
