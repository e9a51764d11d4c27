"""Induced values (Smith 1962): a trader is a buyer or a seller of some units, each worth a private amount to it.

A buyer's first unit is worth `value_ticks`, each further one `value_step_ticks` less; a seller's first unit costs
`value_ticks`, each further one that much more. Units trade one at a time, so that the position says which one is next.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sim.distributions import NonNegative, Number, Positive, Settings
from sim.policy import decision, send_limit, send_replace

__all__ = ["InducedValues", "nearest_tick", "quote_one", "unit_value", "units_left"]

Side = Annotated[int, Field(ge=-1, le=1)]
# The positions of the fields below in agent.params: they come first in every class that inherits them.
SIDE, VALUE, STEP, UNITS, INTERVAL = range(5)


class InducedValues(Settings):
    """Settings that all traders with private values share.

    Attributes:
        side: 1: buyer, -1: seller.
        value_ticks: value (buyer) or cost (seller) of the first unit.
        value_step_ticks: how much less each further unit is worth, or more it costs.
        n_units: units to trade, one lot each.
        interval_s: mean time between two decisions, in seconds.
    """

    side: Side = 1
    value_ticks: Number = 10_000.0
    value_step_ticks: NonNegative = 0.0
    n_units: Annotated[int, Field(ge=1)] = 1
    interval_s: Positive = 1.0


@decision
def units_left(view: Any, agent: Any) -> int:
    """Units that the agent has not traded yet."""
    return int(agent.params[UNITS]) - abs(int(view.position_lots))


@decision
def unit_value(view: Any, agent: Any) -> float:
    """Value or cost of the next unit, in ticks."""
    return agent.params[VALUE] - agent.params[SIDE] * agent.params[STEP] * abs(view.position_lots)


@decision
def nearest_tick(price: float, side: int) -> int:
    """The price in ticks, rounded so that the trader cannot lose: down for a buyer, up for a seller."""
    whole = int(price)
    if whole > price:  # int() rounds towards zero
        whole -= 1
    return whole if side > 0 or whole == price else whole + 1


@decision
def quote_one(view: Any, out: Any, side: int, price_ticks: int) -> None:
    """Quote one lot at a price in place of the last quote, so that never more than one is in the market."""
    price = min(max(price_ticks, int(view.min_price_ticks)), int(view.max_price_ticks))
    if view.n_own > 0:
        # A replaced order that has meanwhile been filled is refused; a cancel and a new order could trade two units.
        send_replace(out, view.own_id[0], price, 1)
    else:
        send_limit(out, side, price, 1)
