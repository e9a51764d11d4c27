"""Induced values (Smith 1962): a trader is a buyer or a seller of some units, each worth a private amount to it.

A buyer's first unit is worth `value_ticks`, each further one `value_step_ticks` less; a seller's first unit costs
`value_ticks`, each further one that much more. Units trade one at a time, so that the position says which one is next.
With `period_s` the market has trading periods as in the experiments: at the end of each, quotes are withdrawn and
every trader gets its units anew. What a trader has learned stays.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from agents._draws import poisson_delay_ns
from sim.distributions import Distribution, NonNegative, Number, Positive, Settings
from sim.policy import decision, send_cancel_all, send_limit, send_replace

__all__ = ["InducedValues", "begin_period", "nearest_tick", "next_decision_ns", "quote_one", "unit_value", "units_left"]

# The positions of the fields below in agent.params: they come first in every class that inherits them.
SIDE, VALUE, STEP, UNITS, INTERVAL, PERIOD = range(6)
# The last cells of agent.state: position at the begin of the period, and periods begun after the first.
FIRST_POSITION, N_PERIODS = 14, 15


class InducedValues(Settings):
    """Settings that all traders with private values share.

    Attributes:
        side: 1: buyer, -1: seller; choice = [1, -1] draws it for each trader.
        value_ticks: value (buyer) or cost (seller) of the first unit; default: the instrument's reference price.
        value_step_ticks: how much less each further unit is worth, or more it costs.
        n_units: units to trade (in each period), one lot each.
        interval_s: mean time between two decisions, in seconds.
        period_s: length of a trading period in seconds; 0: one period without end.
    """

    from_reference: ClassVar[dict[str, float]] = {"value_ticks": 0.0}

    side: Annotated[int, Field(ge=-1, le=1)] | Distribution = 1
    value_ticks: Number | None = None
    value_step_ticks: NonNegative = 0.0
    n_units: Annotated[int, Field(ge=1)] = 1
    interval_s: Positive = 1.0
    period_s: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("side")
    @classmethod
    def _buyer_or_seller(cls, side: int | Distribution) -> int | Distribution:
        sides: tuple[float, ...] = (side,) if isinstance(side, int) else (side.choice or ())
        if isinstance(side, Distribution):
            sides = tuple(min(max(one, side.min), side.max) for one in sides)
        if not sides or not set(sides) <= {-1, 1}:
            raise ValueError("side: allowed are 1 (buyer), -1 (seller) and a choice of these")
        return side


@decision
def next_decision_ns(view: Any, agent: Any, index: int) -> int:
    """Delay until the next decision, in ns: Poisson, but not beyond the end of the period."""
    delay = poisson_delay_ns(agent, index, agent.params[INTERVAL])
    if agent.params[PERIOD] > 0.0:
        end_ns = (agent.state[N_PERIODS] + 1.0) * agent.params[PERIOD] * 1e9
        left_ns = int(max(end_ns - float(view.time_ns - view.open_ns), 0.0)) + 1
        return min(delay, left_ns)
    return delay


@decision
def begin_period(view: Any, agent: Any, out: Any) -> bool:
    """If a period is over: withdraw the quote, get the units of the next period, and return True."""
    period_ns = agent.params[PERIOD] * 1e9
    since_open_ns = float(view.time_ns - view.open_ns)
    if period_ns <= 0.0 or since_open_ns < (agent.state[N_PERIODS] + 1.0) * period_ns:
        return False
    agent.state[N_PERIODS] = float(int(since_open_ns / period_ns))
    agent.state[FIRST_POSITION] = float(view.position_lots)
    if view.n_own > 0:
        send_cancel_all(out)
    return True


@decision
def units_traded(view: Any, agent: Any) -> int:
    """Units that the agent has traded in this period."""
    return abs(int(view.position_lots) - int(agent.state[FIRST_POSITION]))


@decision
def units_left(view: Any, agent: Any) -> int:
    """Units that the agent has not traded yet."""
    return int(agent.params[UNITS]) - units_traded(view, agent)


@decision
def unit_value(view: Any, agent: Any) -> float:
    """Value or cost of the next unit, or of the last one when all are traded, in ticks."""
    unit = min(units_traded(view, agent), int(agent.params[UNITS]) - 1)
    return agent.params[VALUE] - agent.params[SIDE] * agent.params[STEP] * unit


@decision
def nearest_tick(price: float, side: int) -> int:
    """The price in ticks, rounded so that the trader cannot lose: down for a buyer, up for a seller."""
    whole = int(price)
    if whole > price:  # int() rounds towards zero
        whole -= 1
    return whole if side > 0 or whole == price else whole + 1


@decision
def quote_one(view: Any, out: Any, side: int, price_ticks: int) -> None:
    """Quote one lot at a price in place of the last quote, so that never more than one is in the market.

    A price beyond the book's range is moved into it if that is to the trader's advantage, and else not quoted.
    """
    low, high = int(view.min_price_ticks), int(view.max_price_ticks)
    if (side > 0 and price_ticks < low) or (side < 0 and price_ticks > high):
        if view.n_own > 0:
            send_cancel_all(out)
        return
    price = min(max(price_ticks, low), high)
    if view.n_own > 0:
        # A replaced order that has meanwhile been filled is refused; a cancel and a new order could trade two units.
        send_replace(out, view.own_id[0], price, 1)
    else:
        send_limit(out, side, price, 1)
