"""What is kept of one run in an experiment: the midpoint's path, the cost of the metaorder, the market's quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lob.types import EventKind, Flag
from sim.metrics.touch import Touch
from sim.worth import marks_ticks, pnl_of_agents

if TYPE_CHECKING:
    from sim.market import Market

__all__ = ["Window", "execution_costs", "population_results"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Rows = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Window:
    """When an experiment looks.

    Attributes:
        start_ns, end_ns: the treatment's beginning and end, in ns since midnight.
        until_ns: end of the runs.
        n_looks: equal steps from start to end at which the midpoint is read; the same step goes on until the end of
            the runs.
    """

    start_ns: int
    end_ns: int
    until_ns: int
    n_looks: int = 20

    @property
    def looks_ns(self) -> Ints:
        """Times of the looks; the first is the start, number `n_looks` the end of the treatment."""
        step = (self.end_ns - self.start_ns) / self.n_looks
        n = int((self.until_ns - self.start_ns) / step + 1e-9)
        looks = self.start_ns + (np.arange(n + 1) * step).astype(np.int64)
        looks[self.n_looks] = self.end_ns
        return looks

    @property
    def since_start_s(self) -> Floats:
        """Times of the looks in seconds since the start."""
        seconds: Floats = (self.looks_ns - self.start_ns) / 1e9
        return seconds


def execution_costs(
    rows: Rows, touch: Touch, control: Touch, agent: int, side: int, quantity_lots: int, window: Window
) -> dict[str, float]:
    """Return what a metaorder cost, in bps of the midpoint at its start; positive: a cost.

    Implementation shortfall (Perold 1988) = executed share x arrival slippage + opportunity cost, where the opportunity
    cost is what the price moved on the quantity that was not executed. `paired_slippage_bps` takes the midpoint of the
    world without the metaorder at the moment of each fill instead of the arrival price: the move that would have come
    anyway drops out, and with it most of the noise.

    Args:
        rows: tape rows of one symbol.
        touch: theirs.
        control: touch of the control world.
        agent: the metaorder's agent.
        side: 1 or -1.
        quantity_lots: what was to be traded.
        window: its start is the arrival, its end the time at which what is missing is valued.
    """
    traded = rows["kind"] == EventKind.EXECUTE
    takes = traded & (rows["agent"] == agent)
    makes = traded & (rows["contra_agent"] == agent)
    fills = np.flatnonzero(takes | makes)
    arrival, at_end = touch.mid_at([window.start_ns, window.end_ns])
    arrival = arrival if arrival > 0 else np.nan
    lots = rows["qty_lots"][fills].astype(np.float64)
    executed = float(lots.sum())
    bps = side * 1e4 / arrival
    result = {
        "executed_lots": executed,
        "passive_share": float(rows["qty_lots"][makes].sum() / executed) if executed else np.nan,
        "arrival_slippage_bps": np.nan,
        "spread_cost_bps": np.nan,
        "paired_slippage_bps": np.nan,
    }
    missing = 1.0 - executed / quantity_lots if quantity_lots else 0.0
    result["opportunity_cost_bps"] = float(bps * (at_end - arrival) * missing)
    if executed:
        prices = rows["price_ticks"][fills].astype(np.float64)
        starts = np.maximum.accumulate(np.where(rows["flags"] & Flag.FIRST, np.arange(len(rows)), 0))
        before = touch.mid_ticks[np.maximum(starts[fills] - 1, 0)]
        elsewhere = control.mid_at(rows["time_ns"][fills].astype(np.int64))
        result["arrival_slippage_bps"] = float(bps * (lots @ (prices - arrival)) / executed)
        result["spread_cost_bps"] = float(bps * (lots @ (prices - before)) / executed)
        result["paired_slippage_bps"] = float(bps * (lots @ (prices - elsewhere)) / executed)
    slippage = result["arrival_slippage_bps"] if executed else 0.0
    result["shortfall_bps"] = (1.0 - missing) * slippage + result["opportunity_cost_bps"]
    return result


def population_results(market: Market, names: list[str], mid_ticks: float, symbol: int = 0) -> dict[str, float]:
    """Return the profit of each population over all instruments, in ticks x lots of `symbol`, fees taken off.

    Open positions in `symbol` are valued at `mid_ticks`, those in others at their own midpoint.
    """
    marks = marks_ticks(market.world)
    marks[symbol] = np.nan_to_num(mid_ticks)
    owner = market.world.agents["population"]
    worth = pnl_of_agents(market.world, marks, symbol)
    totals = np.bincount(owner, weights=worth, minlength=len(names))
    return {name: float(total) for name, total in zip(names, totals, strict=False)}
