"""Multivariate exponential Hawkes order flow, as one agent: every event makes later ones of certain types more likely.

Six types: buy and sell market orders, limit orders on the bid and the ask side, cancels on the bid and the ask side.
The intensity of type i is mu_i + sum over past events of type j of alpha_ij exp(-beta_i (t - t_k)) (Hawkes 1971; for
order books Bacry and Muzy 2014, Abergel and Jedidi 2015). Times are drawn exactly by thinning (Ogata 1981): between
events the intensity only falls, so that its last value bounds it. The times depend on nothing but the flow itself,
never on the market.

Every event sends one message, 1 ns or more later, from which it can be told on the tape: a MARKET order (which expires
if nobody is there), a LIMIT order, a CANCEL of one of its own orders of that side, drawn uniformly. When `max_orders`
of a side rest, a limit order takes the place of a random one (REPLACE; REDUCE at the same price): the rates know
nothing of the book, and without such a bound its depth would have no mean. Two events send nothing but count for the
intensities all the same, and in `agent.state`: one of a side that finds no order to withdraw (`unsent_bids`,
`unsent_asks`) and any event during a halt (`halted`).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from agents._draws import check_size, order_size_lots
from agents.background._sides import (
    capacity,
    count_message,
    enter_order,
    memory_cells,
    n_listed,
    pick_order,
    remove_order,
)
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import Settings
from sim.policy import (
    Policy,
    block,
    decision,
    exponential,
    indices,
    memory,
    own_order_id,
    send_cancel,
    send_limit,
    send_market,
    send_replace,
    uniform,
)
from sim.records import Needs
from sim.rng import exp_portable, log_portable

__all__ = ["TYPES", "Hawkes", "policy"]

TYPES = ("market_buy", "market_sell", "limit_bid", "limit_ask", "cancel_bid", "cancel_ask")
N = len(TYPES)
Rate = Annotated[float, Field(ge=0)]
Row = tuple[Rate, Rate, Rate, Rate, Rate, Rate]
Matrix = tuple[Row, Row, Row, Row, Row, Row]

# Shaped after what is found in equity data: market orders and cancels follow their own kind, limit orders refill the
# side that was eaten, and everything follows everything else a little. The numbers are ours.
_EXCITATION: Matrix = (
    (6.0, 0.4, 0.8, 0.4, 0.2, 0.8),
    (0.4, 6.0, 0.4, 0.8, 0.8, 0.2),
    (2.0, 4.0, 3.0, 1.0, 3.0, 1.0),
    (4.0, 2.0, 1.0, 3.0, 1.0, 3.0),
    (1.0, 3.0, 3.0, 1.0, 2.0, 1.0),
    (3.0, 1.0, 1.0, 3.0, 1.0, 2.0),
)


class Hawkes(Settings):
    """Settings of the flow; a population of one agent.

    Attributes:
        base_rates: mu_i, events a second without excitation, in the order of TYPES.
        excitation: alpha_ij, jump of the intensity of type i (row) at an event of type j (column), per second.
        decay: beta_i, speed at which the excitation of type i dies out, per second.
        inside_share: share of limit orders that improve the best price, if there is room.
        inside_mean_ticks: mean improvement (geometric law, within the spread); 0: uniform over the spread.
        mean_depth_ticks: mean distance of the others from the same-side best (geometric law).
        size_lots: median order size.
        size_sigma: spread of the lognormal size; 0: fixed.
        max_orders: largest number of live orders of a side.
        first_levels: prices on each side with a first order at the open.
        first_spread_ticks: spread at the open.
    """

    base_rates: Row = (0.15, 0.15, 0.8, 0.8, 0.25, 0.25)
    excitation: Matrix = _EXCITATION
    decay: Row = (20.0, 20.0, 20.0, 20.0, 20.0, 20.0)
    inside_share: Annotated[float, Field(ge=0, le=1)] = 0.15
    inside_mean_ticks: Annotated[float, Field(ge=0)] = 0.0
    mean_depth_ticks: Annotated[float, Field(ge=0)] = 4.0
    size_lots: Annotated[float, Field(gt=0)] = 10.0
    size_sigma: Annotated[float, Field(ge=0)] = 0.5
    max_orders: Annotated[int, Field(ge=30, le=100_000)] = 100
    first_levels: Annotated[int, Field(ge=0, le=30)] = 20
    first_spread_ticks: Annotated[int, Field(ge=1)] = 2

    @model_validator(mode="after")
    def _is_stable(self) -> Hawkes:
        if any(beta <= 0 for beta in self.decay):
            raise ValueError("decay must be above 0 for every type")
        if sum(self.base_rates) <= 0:
            raise ValueError("base_rates are all 0: nothing would ever happen")
        radius = float(np.abs(np.linalg.eigvals(self.branching())).max())
        if radius >= 1:
            raise ValueError(f"excitation / decay has spectral radius {radius:.3g}; allowed: below 1, or rates explode")
        return self

    def branching(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return alpha_ij / beta_i: the mean number of events of type i that one of type j brings about."""
        return np.array(self.excitation) / np.array(self.decay)[:, None]

    def mean_rates(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the stationary events a second of each type, (1 - branching)^-1 mu."""
        return np.linalg.solve(np.eye(N) - self.branching(), np.array(self.base_rates))

    _whole_size = model_validator(mode="after")(check_size)


P = indices(Hawkes)
S = indices(None, *(f"excitation{i}" for i in range(N)), "last_ns", "bound", "unsent_bids", "unsent_asks", "halted")
NEXT, TYPE, SIZE, INSIDE, DEPTH, PICK = 0, 1, 2, 3, 4, 16
BASE, DECAY, JUMP = 0, N, 2 * N


def _block(settings: Hawkes) -> np.ndarray[Any, Any]:
    return np.concatenate([settings.base_rates, settings.decay, np.array(settings.excitation).ravel()])


@decision
def next_event(view: Any, agent: Any, tables: Any) -> int:
    """Let the excitation fall to the present, thin the candidate, and return the type of the event, -1 if none."""
    elapsed_s = (view.time_ns - agent.state[S.last_ns]) * 1e-9
    agent.state[S.last_ns] = view.time_ns
    total, falls_to = 0.0, 1.0
    for i in range(N):
        if i == 0 or tables[DECAY + i] != tables[DECAY + i - 1]:
            falls_to = exp_portable(-tables[DECAY + i] * elapsed_s)
        agent.state[i] *= falls_to
        total += tables[BASE + i] + agent.state[i]
    mark = uniform(agent, TYPE) * agent.state[S.bound]
    kind = -1
    if mark < total:
        kind = 0
        mark -= tables[BASE] + agent.state[0]
        while mark >= 0.0 and kind < N - 1:
            kind += 1
            mark -= tables[BASE + kind] + agent.state[kind]
        for i in range(N):
            agent.state[i] += tables[JUMP + N * i + kind]
            total += tables[JUMP + N * i + kind]
    agent.state[S.bound] = total
    return kind


@decision
def geometric(agent: Any, mean: float) -> int:
    """A draw from 0, 1, 2, ... with the given mean."""
    if mean <= 0.0:
        return 0
    return int(log_portable(uniform(agent, DEPTH)) / log_portable(mean / (1.0 + mean)))


@decision
def limit_price(view: Any, agent: Any, side: int) -> int:
    """Price of a new limit order: inside the spread, or at a geometric distance behind the best."""
    own, opposite = view.bid_ticks, view.ask_ticks
    if side < 0:
        own, opposite = view.ask_ticks, view.bid_ticks
    if own == NO_PRICE:
        own = opposite - side if opposite != NO_PRICE else view.last_ticks - side
    room = side * (opposite - own) - 1 if opposite != NO_PRICE else 0
    if room > 0 and uniform(agent, INSIDE) < agent.params[P.inside_share]:
        step = agent.params[P.inside_mean_ticks]
        gain = (
            int(uniform(agent, DEPTH) * room) if step <= 0.0 else min(geometric(agent, max(step - 1.0, 0.0)), room - 1)
        )
        price = own + side * (1 + gain)
    else:
        price = own - side * geometric(agent, agent.params[P.mean_depth_ticks])
    return min(max(price, view.min_price_ticks), view.max_price_ticks)


@decision
def add_order(view: Any, agent: Any, out: Any, cells: Any, number: int, side: int, price: int, size: int) -> None:
    """Send a limit order, in the place of a random one of its side if that is full."""
    order_id = 0
    if n_listed(cells, side) == capacity(cells):
        _, order_id = pick_order(view, agent, cells, side, PICK)
    if n_listed(cells, side) < capacity(cells):
        send_limit(out, side, price, size, 0, 0, 0, own_order_id(view, number))
        count_message(cells)
        enter_order(cells, side, number)
    elif order_id > 0:
        send_replace(out, order_id, price, size)
        count_message(cells)
    else:
        agent.state[S.unsent_bids if side > 0 else S.unsent_asks] += 1.0


@decision
def cancel_order(view: Any, agent: Any, out: Any, cells: Any, side: int) -> None:
    """Withdraw a random resting order of a side, if there is one."""
    position, order_id = pick_order(view, agent, cells, side, PICK)
    if position < 0:
        agent.state[S.unsent_bids if side > 0 else S.unsent_asks] += 1.0
        return
    send_cancel(out, order_id)
    count_message(cells)
    remove_order(cells, side, position)


@decision
def place_first_book(view: Any, agent: Any, out: Any, cells: Any) -> None:
    """Send one order at each of the first prices on both sides of the last price."""
    spread, size = int(agent.params[P.first_spread_ticks]), max(1, int(agent.params[P.size_lots] + 0.5))
    bid = view.last_ticks - spread // 2
    for level in range(int(agent.params[P.first_levels])):
        if bid - level >= view.min_price_ticks:
            add_order(view, agent, out, cells, 1 + 2 * level, 1, bid - level, size)
        if bid + spread + level <= view.max_price_ticks:
            add_order(view, agent, out, cells, 2 + 2 * level, -1, bid + spread + level, size)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Handle one candidate time of the thinning."""
    tables, cells = block(view), memory(view)
    if view.reason & WAKE_START:
        agent.state[S.last_ns] = view.time_ns
        for i in range(N):
            agent.state[S.bound] += tables[BASE + i]
        if view.phase == CONTINUOUS:
            place_first_book(view, agent, out, cells)
        return 1 + int(exponential(agent, NEXT, 1e9 / agent.state[S.bound]))
    kind = next_event(view, agent, tables)
    delay = 1 + int(exponential(agent, NEXT, 1e9 / agent.state[S.bound]))
    if kind < 0:
        return delay
    if view.phase != CONTINUOUS:
        agent.state[S.halted] += 1.0
        return delay
    side = 1 if kind % 2 == 0 else -1
    size = order_size_lots(agent, SIZE, agent.params[P.size_lots], agent.params[P.size_sigma])
    if kind < 2:
        send_market(out, side, size)
        count_message(cells)
    elif kind < 4:
        number = 2 * int(agent.params[P.first_levels]) + agent.n_timer
        add_order(view, agent, out, cells, number, side, limit_price(view, agent, side), size)
    else:
        cancel_order(view, agent, out, cells, side)
    return delay


policy = Policy(
    Hawkes, decide, needs=Needs.BOOK, block=_block, memory=lambda settings: memory_cells(settings.max_orders)
)
