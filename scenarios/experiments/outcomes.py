"""Named figures of one run: what sweeps tabulate, what experiments compare, what attribution explains.

A new outcome is one function with the decorator; every command knows it then by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lob.errors import InputError
from lob.types import EventKind, Flag
from lob.units import SECOND_NS
from scenarios.schema.load import nearest
from sim.metrics.collusion import collusion_index as index_of_collusion
from sim.metrics.collusion import spread_benchmarks
from sim.metrics.touch import Touch, touch_of
from sim.metrics.welfare import agent_surplus, agent_values, competitive_equilibrium
from sim.worth import cash_ticks

if TYPE_CHECKING:
    from scenarios.build.market import Built
    from sim.market import Market

__all__ = ["OUTCOMES", "FinishedRun", "Outcome", "find_outcomes", "outcomes_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, Any]
# Relative figures (in basis points) are not defined where a price is not above 0.
GRID_S = 10.0
"""Time between two looks at the midpoint for returns and pricing errors."""


@dataclass(frozen=True)
class FinishedRun:
    """A run of which outcomes are asked, within a window of time.

    Attributes:
        rows: tape rows of one symbol from the open on.
        market: the market at the end of the run.
        built: what it was made of.
        start_ns, end_ns: the window, in ns since midnight.
        symbol: index of the instrument.
    """

    rows: Rows
    market: Market
    built: Built
    start_ns: int
    end_ns: int
    symbol: int = 0

    @cached_property
    def touch(self) -> Touch:
        """Best prices after each row."""
        return touch_of(self.rows)

    @cached_property
    def inside(self) -> Rows:
        """Rows within the window."""
        first, last = np.searchsorted(self.rows["time_ns"], [self.start_ns, self.end_ns + 1])
        return self.rows[first:last]

    @cached_property
    def trades(self) -> Rows:
        """Executions within the window."""
        return self.inside[self.inside["kind"] == EventKind.EXECUTE]

    @cached_property
    def grid_ns(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Times GRID_S apart in the window, or at most a hundredth of it."""
        step = min(int(GRID_S * SECOND_NS), max(1, (self.end_ns - self.start_ns) // 100))
        return np.arange(self.start_ns, self.end_ns + 1, step)

    @cached_property
    def grid_mid_ticks(self) -> Floats:
        """Midpoint on the grid; nan before the first one."""
        return self.touch.mid_at(self.grid_ns)

    def time_weighted(self, values: Floats) -> float:
        """Return the mean over the window's time of a column of the touch; time at which it is nan does not count."""
        times = self.touch.time_ns
        edges = np.clip(np.append(times, self.end_ns), self.start_ns, self.end_ns)
        weights = np.diff(edges).astype(np.float64)
        known = np.isfinite(values) & (weights > 0)
        total = weights[known].sum()
        return float(weights[known] @ values[known] / total) if total > 0 else float("nan")


@dataclass(frozen=True)
class Outcome:
    """A figure: its name, its unit ("" if it has none), its meaning, and how it is found."""

    name: str
    unit: str
    meaning: str
    of: Callable[[FinishedRun], float]

    @property
    def column(self) -> str:
        """Name with the unit, as in tables."""
        return f"{self.name}_{self.unit}" if self.unit else self.name


OUTCOMES: dict[str, Outcome] = {}


def outcome(unit: str, meaning: str) -> Callable[[Callable[[FinishedRun], float]], Callable[[FinishedRun], float]]:
    """Make a function of a FinishedRun an outcome of its name."""

    def register(function: Callable[[FinishedRun], float]) -> Callable[[FinishedRun], float]:
        name = function.__name__
        OUTCOMES[name] = Outcome(name, unit, meaning, function)
        return function

    return register


def find_outcomes(names: Sequence[str], option: str) -> list[Outcome]:
    """Return outcomes by name, with or without the unit.

    Raises:
        InputError: if there is none of a name.
    """
    known = {**OUTCOMES, **{outcome.column: outcome for outcome in OUTCOMES.values()}}
    for name in names:
        if name not in known:
            raise InputError(f"{option} {name}: no such outcome{nearest(name, list(OUTCOMES))}; "
                             f"allowed: {', '.join(OUTCOMES)}")  # fmt: skip
    return [known[name] for name in names]


def outcomes_of(run: FinishedRun, chosen: Sequence[Outcome] | None = None) -> dict[str, float]:
    """Return the outcomes of a run by column; nan where one is not defined."""
    found = OUTCOMES.values() if chosen is None else chosen
    with np.errstate(all="ignore"):
        values = {outcome.column: float(outcome.of(run)) for outcome in found}
    return {column: value if np.isfinite(value) else float("nan") for column, value in values.items()}


# ---- the outcomes -------------------------------------------------------------------------------------------------


@outcome("bps", "change of the midpoint from the window's beginning to its end")
def price_change(run: FinishedRun) -> float:
    """Return the simple return."""
    known = run.grid_mid_ticks[np.isfinite(run.grid_mid_ticks)]
    return 1e4 * float(known[-1] / known[0] - 1.0) if len(known) and (known > 0).all() else float("nan")


def _mids(run: FinishedRun) -> Floats:
    """All midpoints of the window in order, its first included."""
    first, last = np.searchsorted(run.touch.time_ns, [run.start_ns, run.end_ns + 1])
    before = run.touch.mid_ticks[max(first - 1, 0) : first]
    mids = np.concatenate([before, run.touch.mid_ticks[first:last]])
    return mids[np.isfinite(mids)]


@outcome("bps", "largest fall of the midpoint from a height before it; 0: it never fell")
def max_drawdown(run: FinishedRun) -> float:
    """Return the largest relative fall; a market without a midpoint has not fallen."""
    mids = _mids(run)
    if (mids <= 0).any():
        return float("nan")
    return 1e4 * float(np.max(1.0 - mids / np.maximum.accumulate(mids))) if len(mids) else 0.0


@outcome("bps", "largest rise of the midpoint from a low before it; 0: it never rose")
def max_rise(run: FinishedRun) -> float:
    """Return the largest relative rise."""
    mids = _mids(run)
    if (mids <= 0).any():
        return float("nan")
    return 1e4 * float(np.max(mids / np.minimum.accumulate(mids) - 1.0)) if len(mids) else 0.0


@outcome("bps_per_sqrt_min", "realised volatility: root of the mean square of log returns on a grid of 10 s")
def volatility(run: FinishedRun) -> float:
    """Return the volatility of log returns, for the square root of a minute."""
    if (run.grid_mid_ticks <= 0).any():
        return float("nan")
    returns = np.diff(np.log(run.grid_mid_ticks))
    returns = returns[np.isfinite(returns)]
    step_min = (run.grid_ns[1] - run.grid_ns[0]) / (60 * SECOND_NS) if len(run.grid_ns) > 1 else 1.0
    return 1e4 * float(np.sqrt(np.mean(returns**2) / step_min)) if len(returns) else float("nan")


@outcome("ticks", "spread, weighted by time")
def mean_spread(run: FinishedRun) -> float:
    """Return the mean over the time in which both sides are quoted."""
    return run.time_weighted(run.touch.spread_ticks)


@outcome("lots", "quantity at both best prices, weighted by time")
def mean_depth(run: FinishedRun) -> float:
    """Return the mean; an empty side counts as 0."""
    return run.time_weighted(run.touch.depth_lots)


@outcome("lots", "quantity traded")
def volume(run: FinishedRun) -> float:
    """Return the sum over all executions."""
    return float(run.trades["qty_lots"].sum(dtype=np.int64))


@outcome("", "number of executions")
def n_trades(run: FinishedRun) -> float:
    """Return the number of EXECUTE rows."""
    return float(len(run.trades))


@outcome("", "number of messages that reached the exchange")
def n_messages(run: FinishedRun) -> float:
    """Return the number of rows that are the first of a participant's message; phases and news are the venue's."""
    theirs = ~np.isin(run.inside["kind"], (EventKind.PHASE, EventKind.NEWS))
    return float(np.count_nonzero(theirs & ((run.inside["flags"] & Flag.FIRST) > 0)))


@outcome("ticks", "root mean square of midpoint less fundamental value, on a grid of 10 s")
def pricing_error(run: FinishedRun) -> float:
    """Return the distance of the price from the value that informed agents see."""
    session, listing = run.market.session, run.built.listings[run.symbol]
    values = run.market.world.value_path(run.symbol)
    at = np.minimum((run.grid_ns - session.open_ns) // listing.fundamental.step_ns, len(values) - 1)
    gaps = run.grid_mid_ticks - values[at]
    gaps = gaps[np.isfinite(gaps)]
    return float(np.sqrt(np.mean(gaps**2))) if len(gaps) else float("nan")


@outcome("", "surplus of traders with private values / the largest possible; nan without such traders")
def allocative_efficiency(run: FinishedRun) -> float:
    """Return the efficiency over all traders with private values, from the open to the end of the run."""
    units, sides, positions, cash = [], [], [], []
    accounts = run.market.world.accounts[:, run.symbol]
    for place in run.built.groups:
        group, mine = place.population, place.agents
        if group.settings is None or group.symbol != run.symbol:
            continue
        try:
            values, side = agent_values(run.market.world.agents["params"][mine], type(group.settings))
        except InputError:
            continue
        units.append(values)
        sides.append(side)
        positions.append(accounts["position_lots"][mine])
        cash.append(cash_ticks(accounts)[mine])
    if not units:
        return float("nan")
    widest = max(values.shape[1] for values in units)
    table = np.concatenate([np.pad(v, ((0, 0), (0, widest - v.shape[1])), constant_values=np.nan) for v in units])
    all_sides = np.concatenate(sides)
    largest = competitive_equilibrium(table, all_sides).surplus_ticks
    try:
        surplus = agent_surplus(table, all_sides, np.concatenate(positions), np.concatenate(cash)).sum()
    except InputError:
        return float("nan")
    return float(surplus / largest) if largest > 0 else float("nan")


@outcome(
    "", "spread of learning makers over the window's last fifth: 0 competitive, 1 monopoly; nan without such makers"
)
def collusion_index(run: FinishedRun) -> float:
    """Return the index against the benchmarks of the makers' and the flow's settings (see sim/metrics/collusion.py)."""
    by_kind = {row.kind: row for row in run.built.scenario.population}
    makers, flow = by_kind.get("q_learning_maker"), by_kind.get("model_flow")
    if makers is None or flow is None:
        return float("nan")
    ours = makers.settings
    distances = ours["first_distance_ticks"] + ours["distance_step_ticks"] * np.arange(ours["n_distances"])
    benchmarks = spread_benchmarks(distances, flow.settings["k_per_tick"], makers.count)
    late = replace(run, start_ns=run.end_ns - (run.end_ns - run.start_ns) // 5)
    return index_of_collusion(late.time_weighted(late.touch.spread_ticks) / 2, benchmarks)
