"""Heuristic belief learning (Gjerstad and Dickhaut, Games and Economic Behavior 22, 1998).

A trader remembers the last shouts, that is the improvements of the best quotes, and whether each was accepted. From
these it forms a belief that an offer at a price would be accepted: for a seller

    q(a) = (TA(a) + B(a)) / (TA(a) + B(a) + RA(a))

with TA the accepted asks at a or above, B the bids at a or above, RA the rejected asks at a or below; for a buyer the
mirror image. A shout counts as rejected until it is accepted. The trader quotes the price that maximises
belief x surplus. Beliefs are evaluated at the remembered prices and one tick beside them and taken as constant
between; the paper joins them by cubic splines, which moves a quote by less than the gap between two remembered
prices.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from agents.rules._private_values import (
    SIDE,
    InducedValues,
    begin_period,
    nearest_tick,
    next_decision_ns,
    quote_one,
    unit_value,
    units_left,
)
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START, WAKE_TIMER
from sim.distributions import Number
from sim.policy import Policy, decision, indices, memory, uniform
from sim.records import Needs, Wake

__all__ = ["HeuristicBelief", "policy"]

MAX_SHOUTS = 64


class HeuristicBelief(InducedValues):
    """Settings of an HBL trader, with those of InducedValues.

    Attributes:
        memory_shouts: number of shouts remembered; 24 are about those of the last five trades, as in the paper.
        low_ticks, high_ticks: bounds of the market, between which a trader quotes before it has seen anything;
            default: a tenth below and above the instrument's reference price.
    """

    from_reference: ClassVar[dict[str, float]] = {"value_ticks": 0.0, "low_ticks": -0.1, "high_ticks": 0.1}

    memory_shouts: Annotated[int, Field(ge=1, le=MAX_SHOUTS)] = 24
    low_ticks: Number | None = None
    high_ticks: Number | None = None


P = indices(HeuristicBelief)
S = indices(None, "n_shouts", "bid_ticks", "ask_ticks", "n_trades")
NEXT, FIRST = 0, 1
# Cells of one shout in the memory: side, price, 1 if accepted.
CELLS = 3


@decision
def remember(agent: Any, cells: Any, side: int, price_ticks: int, accepted: bool) -> None:
    """Write a shout over the oldest one."""
    at = CELLS * (int(agent.state[S.n_shouts]) % int(agent.params[P.memory_shouts]))
    cells[at] = float(side)
    cells[at + 1] = float(price_ticks)
    cells[at + 2] = 1.0 if accepted else 0.0
    agent.state[S.n_shouts] += 1.0


@decision
def accept_last(agent: Any, cells: Any, side: int, price_ticks: int) -> bool:
    """Mark the newest shout of a side at a price as accepted; False if none is remembered."""
    n_kept = min(int(agent.state[S.n_shouts]), int(agent.params[P.memory_shouts]))
    for k in range(n_kept):
        at = CELLS * ((int(agent.state[S.n_shouts]) - 1 - k) % int(agent.params[P.memory_shouts]))
        if cells[at] == side and cells[at + 1] == price_ticks and cells[at + 2] == 0.0:
            cells[at + 2] = 1.0
            return True
    return False


@decision
def observe(view: Any, agent: Any, cells: Any) -> None:
    """Note new best quotes as shouts, and the last trade as the acceptance of one."""
    if view.n_trades > agent.state[S.n_trades]:
        resting = -int(view.last_side)
        if not accept_last(agent, cells, resting, int(view.last_ticks)):
            remember(agent, cells, resting, int(view.last_ticks), True)
    if view.bid_ticks != NO_PRICE and view.bid_ticks > agent.state[S.bid_ticks]:
        remember(agent, cells, 1, int(view.bid_ticks), False)
    if view.ask_ticks != NO_PRICE and (view.ask_ticks < agent.state[S.ask_ticks] or agent.state[S.ask_ticks] < 0.0):
        remember(agent, cells, -1, int(view.ask_ticks), False)
    agent.state[S.n_trades] = view.n_trades
    agent.state[S.bid_ticks] = view.bid_ticks
    agent.state[S.ask_ticks] = view.ask_ticks


@decision
def belief(view: Any, agent: Any, cells: Any, side: int, price: float) -> float:
    """Believed probability that a quote of the given side at a price is accepted."""
    opposite = view.ask_ticks if side > 0 else view.bid_ticks
    if opposite != NO_PRICE and side * (price - opposite) >= 0.0:
        return 1.0  # it trades at once
    accepted, interest, rejected = 0.0, 0.0, 0.0
    n_kept = min(int(agent.state[S.n_shouts]), int(agent.params[P.memory_shouts]))
    for k in range(n_kept):
        shout_side, shout, done = cells[CELLS * k], cells[CELLS * k + 1], cells[CELLS * k + 2]
        no_better = side * (shout - price) <= 0.0  # a quote at this price is at least as good to the other side
        if shout_side != side:
            if no_better:
                interest += 1.0
        elif done > 0.0:
            if no_better:
                accepted += 1.0
        elif side * (shout - price) >= 0.0:
            rejected += 1.0
    total = accepted + interest + rejected
    return (accepted + interest) / total if total > 0.0 else 0.0


@decision
def is_repeated(cells: Any, k: int) -> bool:
    """Whether an earlier cell holds a shout at the same price."""
    price = cells[CELLS * k + 1]
    for j in range(k):  # noqa: SIM110 (compiled code has no generators)
        if cells[CELLS * j + 1] == price:
            return True
    return False


@decision
def best_quote(view: Any, agent: Any, cells: Any, side: int, value: float) -> int:
    """Price with the largest believed surplus; NO_PRICE if none is positive."""
    best, best_surplus = NO_PRICE, 0.0
    n_kept = min(int(agent.state[S.n_shouts]), int(agent.params[P.memory_shouts]))
    opposite = view.ask_ticks if side > 0 else view.bid_ticks
    if opposite != NO_PRICE and side * (value - opposite) > 0.0:
        best, best_surplus = int(opposite), side * (value - opposite)
    for k in range(n_kept):
        if is_repeated(cells, k):
            continue
        for shift in range(-1, 2):
            price = int(cells[CELLS * k + 1]) + shift
            surplus = side * (value - price)
            if surplus > best_surplus:  # a belief is at most 1
                expected = surplus * belief(view, agent, cells, side, float(price))
                if expected > best_surplus:
                    best, best_surplus = price, expected
    return best


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Note what has happened; on the timer, renew the quote."""
    cells = memory(view)
    if view.reason & WAKE_START:
        agent.state[S.bid_ticks] = NO_PRICE
        agent.state[S.ask_ticks] = NO_PRICE
        return next_decision_ns(view, agent, NEXT)
    is_new = begin_period(view, agent, out)
    observe(view, agent, cells)
    if not view.reason & WAKE_TIMER:
        return 0
    delay = next_decision_ns(view, agent, NEXT)
    if is_new or view.phase != CONTINUOUS or view.n_in_flight > 0 or units_left(view, agent) <= 0:
        return delay
    side, value = int(agent.params[SIDE]), unit_value(view, agent)
    price = best_quote(view, agent, cells, side, value)
    if price == NO_PRICE:
        # No price is believed to be accepted, as before the first trade: a random one that makes no loss.
        bound = agent.params[P.low_ticks] if side > 0 else agent.params[P.high_ticks]
        if side * (value - bound) > 0.0:
            price = nearest_tick(value + (bound - value) * uniform(agent, FIRST), side)
    if price != NO_PRICE:
        quote_one(view, out, side, price)
    return delay


policy = Policy(HeuristicBelief, decide, needs=Needs.OWN, wakes_on=Wake.TRADE | Wake.TOUCH, memory=CELLS * MAX_SHOUTS)
