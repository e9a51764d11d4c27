"""Welfare in markets with induced values (Smith 1962): competitive equilibrium, surplus, efficiency, Smith's alpha.

Units are given as an array of shape (n_agents, n_units): what each is worth to a buyer or costs a seller, in ticks, in
the order in which they trade; NaN where an agent has fewer. `sides` has shape (n_agents,): 1 buyer, -1 seller.
Positions and cash are changes over the period looked at, in lots and in ticks x lots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lob.errors import InputError
from sim.distributions import Settings, number_fields

__all__ = [
    "Equilibrium",
    "agent_surplus",
    "agent_values",
    "allocative_efficiency",
    "competitive_equilibrium",
    "smith_alpha",
    "unit_values",
]

Floats = NDArray[np.float64]
_FIELDS = ("side", "value_ticks", "value_step_ticks", "n_units")


@dataclass(frozen=True)
class Equilibrium:
    """Where supply meets demand.

    Attributes:
        quantity_lots: units whose buyer values them above their cost.
        low_ticks, high_ticks: prices at which exactly these units trade; NaN if one side has no units.
        surplus_ticks: sum of value less cost over these units, the largest that trade can bring (ticks x lots).
    """

    quantity_lots: int
    low_ticks: float
    high_ticks: float
    surplus_ticks: float

    @property
    def price_ticks(self) -> float:
        """Middle of the equilibrium prices."""
        return 0.5 * (self.low_ticks + self.high_ticks)


def unit_values(
    sides: ArrayLike, value_ticks: ArrayLike, value_step_ticks: ArrayLike, n_units: ArrayLike
) -> tuple[Floats, Floats]:
    """Return the units and the sides of agents whose values fall (buyers) or rise (sellers) by equal steps.

    Args:
        sides: 1 buyer, -1 seller.
        value_ticks: value or cost of the first unit.
        value_step_ticks: step from one unit to the next.
        n_units: number of units. All arguments broadcast to shape (n_agents,).

    Returns:
        Units of shape (n_agents, largest n_units) and sides of shape (n_agents,).
    """
    arrays = (np.atleast_1d(np.asarray(x, np.float64)) for x in (sides, value_ticks, value_step_ticks, n_units))
    side, first, step, count = np.broadcast_arrays(*arrays)
    unit = np.arange(int(count.max(initial=0)))
    values = first[:, None] - (side * step)[:, None] * unit
    return np.where(unit < count[:, None], values, np.nan), np.array(side)


def agent_values(params: ArrayLike, settings: type[Settings]) -> tuple[Floats, Floats]:
    """Return the units and the sides of agents as their settings were drawn.

    Args:
        params: the agents' rows of `market.world.agents["params"]`, shape (n_agents, N_PARAMS).
        settings: class of their settings, with the fields of induced values (side, value_ticks, ...).

    Raises:
        InputError: the class lacks one of these fields.
    """
    fields = number_fields(settings)
    for name in _FIELDS:
        if name not in fields:
            raise InputError(f"{settings.__name__}: no setting {name}; allowed: kinds with private values")
    table = np.asarray(params, np.float64)
    side, value, step, count = (table[:, fields.index(name)] for name in _FIELDS)
    return unit_values(side, value, step, count)


def competitive_equilibrium(values: ArrayLike, sides: ArrayLike) -> Equilibrium:
    """Return the intersection of supply and demand.

    Args:
        values: units, shape (n_agents, n_units).
        sides: shape (n_agents,).
    """
    units, side = _checked(values, sides)
    demand = np.sort(_known(units[side > 0]))[::-1]
    supply = np.sort(_known(units[side < 0]))
    n = min(len(demand), len(supply))
    gains = demand[:n] - supply[:n]
    quantity = int(np.count_nonzero(gains > 0.0))
    if n == 0:
        return Equilibrium(0, np.nan, np.nan, 0.0)
    # The marginal units want to trade, the first ones beyond them do not.
    low = max([*supply[quantity - 1 : quantity], *demand[quantity : quantity + 1]])
    high = min([*demand[quantity - 1 : quantity], *supply[quantity : quantity + 1]])
    return Equilibrium(quantity, float(low), float(high), float(gains[:quantity].sum()))


def agent_surplus(values: ArrayLike, sides: ArrayLike, position_lots: ArrayLike, cash_ticks: ArrayLike) -> Floats:
    """Return what each agent gained: the sum over its traded units of value - price, or price - cost.

    Args:
        values: units, shape (n_agents, n_units).
        sides: shape (n_agents,).
        position_lots: change of the position, shape (n_agents,).
        cash_ticks: change of the cash, fees left out, in ticks x lots, shape (n_agents,).

    Returns:
        Shape (n_agents,), in ticks x lots.

    Raises:
        InputError: an agent traded more units than it has, or on the other side.
    """
    units, side = _checked(values, sides)
    traded = side * np.asarray(position_lots, np.float64)
    n_units = np.count_nonzero(~np.isnan(units), axis=1)
    for bad in np.flatnonzero((traded < 0) | (traded > n_units))[:1]:
        raise InputError(f"agent {bad}: {traded[bad]:g} units traded on its side; allowed: 0 to {n_units[bad]}")
    is_traded = np.arange(units.shape[1]) < traded[:, None]
    return side * np.where(is_traded, units, 0.0).sum(axis=1) + np.asarray(cash_ticks, np.float64)


def allocative_efficiency(
    values: ArrayLike, sides: ArrayLike, position_lots: ArrayLike, cash_ticks: ArrayLike
) -> float:
    """Return realised surplus over that of the competitive equilibrium (Smith 1962; Gode and Sunder 1993).

    Between buyers and sellers of one market prices cancel out; what goes to others is lost to the agents given.

    Args:
        values: units, shape (n_agents, n_units).
        sides: shape (n_agents,).
        position_lots: change of the position, shape (n_agents,).
        cash_ticks: change of the cash, fees left out, shape (n_agents,).

    Returns:
        At most 1; NaN if no trade could bring a gain.

    Raises:
        InputError: as `agent_surplus`.
    """
    largest = competitive_equilibrium(values, sides).surplus_ticks
    realised = float(agent_surplus(values, sides, position_lots, cash_ticks).sum())
    return realised / largest if largest > 0.0 else float("nan")


def smith_alpha(prices_ticks: ArrayLike, equilibrium_ticks: float) -> float:
    """Return Smith's coefficient of convergence: 100 x root mean square distance from equilibrium / equilibrium price.

    As Smith (1962, Journal of Political Economy 70), the distance is taken from the theoretical price, not the mean.

    Args:
        prices_ticks: trade prices, shape (n_trades,).
        equilibrium_ticks: equilibrium price.

    Returns:
        In percent; NaN without trades.
    """
    prices = np.asarray(prices_ticks, np.float64)
    if len(prices) == 0:
        return float("nan")
    return float(100.0 * np.sqrt(np.mean((prices - equilibrium_ticks) ** 2)) / equilibrium_ticks)


def _known(units: Floats) -> Floats:
    return units[~np.isnan(units)]


def _checked(values: ArrayLike, sides: ArrayLike) -> tuple[Floats, Floats]:
    units, side = np.asarray(values, np.float64), np.asarray(sides, np.float64)
    if units.ndim != 2 or side.shape != units.shape[:1]:
        raise InputError(
            f"units of shape {units.shape}, sides of {side.shape}; allowed: (n_agents, n_units), (n_agents,)"
        )
    if not np.isin(side, (-1.0, 1.0)).all():
        raise InputError("sides: allowed are 1 (buyer) and -1 (seller)")
    return units, side
