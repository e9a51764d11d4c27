"""Queue-reactive order flow of Huang, Lehalle and Rosenbaum (JASA 110, 2015), model I with a moving reference price.

Around a reference price lie K = 3 queues on each side. Orders arrive at queue i, are withdrawn from it, and are
executed, at rates that depend on its own length only (in orders of one size, rounded up; the orders of other agents
count). When the midpoint rises while the nearest ask queue is empty, the reference price rises by a tick with
probability theta, and the mirror image. The far queue that comes into reach is then drawn from its stationary law, the
one that goes out of reach is withdrawn; or, with probability theta_redraw, the whole book is drawn anew.

Differences from the paper: a market order can only meet the best queue, so the execution rate of queue i holds while
all nearer ones are empty, and the stationary laws from which far queues are drawn leave executions out. If another
agent's order stands beyond the reference price, the price follows with probability theta at each candidate event. The
default tables are ours, shaped after the paper's figures (arrivals fall slowly with the length, cancels rise and level
off, executions fall): they are no fit to any stock.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from agents.background._queues import MAX_ORDERS, band_lots, cancel_one, place_queue, withdraw_queue
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START, WAKE_TIMER
from sim.distributions import Settings
from sim.policy import (
    Policy,
    block,
    decision,
    exponential,
    indices,
    send_cancel_all,
    send_limit,
    send_market,
    uniform,
)
from sim.records import Needs, Wake

__all__ = ["QueueReactive", "policy", "stationary_law"]

K = 3
Rate = Annotated[float, Field(ge=0)]
Table = tuple[tuple[Rate, ...], tuple[Rate, ...], tuple[Rate, ...]]
N_LENGTHS = 30


def _falling(first: float, last: float) -> tuple[float, ...]:
    return tuple(round(last + (first - last) * 0.8**q, 4) for q in range(N_LENGTHS))


def _rising(last: float) -> tuple[float, ...]:
    return tuple(round(last * (1 - 0.75**q), 4) for q in range(N_LENGTHS))


class QueueReactive(Settings):
    """Settings of the flow; a population of one agent. Rates per second; one row for each of the K queues.

    Attributes:
        arrivals: limit orders at queue i when it holds 0, 1, 2, ... orders; the last entry holds beyond.
        cancels: cancels at queue i; the entry for 0 orders is not used.
        executions: market orders that hit queue i when it is the best of its side; the first entry is not used.
        theta: probability that the reference price follows a move of the midpoint.
        theta_redraw: probability that the whole book is drawn anew when the reference price has moved.
        size_lots: size of every order.
        spacing_ticks: prices of each queue, and step of the reference price: the model's tick, which in a stock with a
            wide spread is many ticks of the exchange. Orders arrive at any price of their queue.
    """

    arrivals: Table = (_falling(1.6, 1.0), _falling(1.2, 0.9), _falling(1.0, 0.8))
    cancels: Table = (_rising(1.1), _rising(1.1), _rising(1.0))
    executions: Table = (_falling(0.9, 0.3), _falling(0.9, 0.3), _falling(0.9, 0.3))
    theta: Annotated[float, Field(ge=0, le=1)] = 0.7
    theta_redraw: Annotated[float, Field(ge=0, le=1)] = 0.8
    size_lots: Annotated[int, Field(ge=1)] = 1
    spacing_ticks: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _tables_fit(self) -> QueueReactive:
        lengths = {len(row) for table in (self.arrivals, self.cancels, self.executions) for row in table}
        if len(lengths) != 1 or min(lengths) < 2:
            raise ValueError(f"rows of {sorted(lengths)} entries; all rows need the same number, at least 2")
        for i in range(K):
            births, deaths = self.arrivals[i], _deaths(self, i)
            if births[-1] >= 0.98 * deaths[-1]:
                raise ValueError(
                    f"queue {i + 1} would grow without bound: last arrival rate {births[-1]:g}; allowed: below 0.98 x "
                    f"{deaths[-1]:g}, the last rate of cancels" + (" and executions" if i == 0 else "")
                )
            if min(deaths[1:]) <= 0:
                raise ValueError(f"queue {i + 1} has no cancels or executions at some length above 0; allowed: > 0")
        return self


def _deaths(settings: QueueReactive, i: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(settings.cancels[i]) + (np.array(settings.executions[i]) if i == 0 else 0.0)


def stationary_law(settings: QueueReactive, i: int, n_max: int = 1000) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return P(queue i + 1 holds 0 .. n_max orders) while the reference price stands still.

    Birth-death law: p(n) / p(n - 1) = arrivals(n - 1) / (cancels(n) + executions(n)) (paper, section 2.4), with the
    executions for the nearest queue only; the farther ones meet market orders only while that one is empty.
    """
    lengths = np.minimum(np.arange(n_max + 1), len(settings.arrivals[i]) - 1)
    births, deaths = np.array(settings.arrivals[i])[lengths], _deaths(settings, i)[lengths]
    weights = np.concatenate([[1.0], np.cumprod(births[:-1] / deaths[1:])])
    return weights / weights.sum()


P = indices(QueueReactive)
S = indices(None, "base_ticks", "mid2", "settling", "without_own")
"""State: price of the nearest bid queue (the reference price lies half a tick above it), twice the last midpoint,
whether a book that was sent has not yet arrived, and cancels of queues that held only others' orders."""
NEXT, KIND, ACCEPT, FOLLOW, REDRAW, PICK, LENGTH, PLACE = 0, 1, 2, 3, 4, 5, 6, 16
ARRIVAL, CANCEL, EXECUTION = 0, 1, 2
# The block: numbers of lengths and of entries of a law, largest rate of each (kind, queue), rates, cumulative laws.
LARGEST = 2
RATES = LARGEST + 3 * K
TAIL = 1e-9
"""Probability beyond which a law is cut."""


def _block(settings: QueueReactive) -> np.ndarray[Any, Any]:
    rates = np.array([settings.arrivals, settings.cancels, settings.executions])
    rates[CANCEL, :, 0] = 0.0
    rates[EXECUTION, :, 0] = 0.0
    laws = np.array([np.cumsum(stationary_law(settings, i)) for i in range(K)])
    laws = laws[:, : int((laws < 1 - TAIL).sum(axis=1).max()) + 1]
    return np.concatenate([[rates.shape[2], laws.shape[1]], rates.max(axis=2).ravel(), rates.ravel(), laws.ravel()])


@decision
def price_of(agent: Any, side: int, i: int) -> int:
    """Price of queue i (0 is nearest) of a side; of its prices the one nearest to the reference price."""
    base, spacing = int(agent.state[S.base_ticks]), int(agent.params[P.spacing_ticks])
    return base - spacing * i if side > 0 else base + 1 + spacing * i


@decision
def drawn_length(agent: Any, tables: Any, side: int, i: int) -> int:
    """Length of a queue, drawn from its stationary law."""
    n_law = int(tables[1])
    law = RATES + 3 * K * int(tables[0]) + i * n_law
    u = uniform(agent, LENGTH + 2 * i + (side > 0))
    length = 0
    while length < n_law - 1 and tables[law + length] < u:
        length += 1
    return length


@decision
def place_level(view: Any, agent: Any, out: Any, side: int, i: int, length: int) -> None:
    """Send a queue of a length."""
    spacing, size = int(agent.params[P.spacing_ticks]), int(agent.params[P.size_lots])
    first_index = PLACE + MAX_ORDERS * (2 * i + (side > 0))
    place_queue(view, agent, out, side, price_of(agent, side, i), spacing, length, size, first_index)


@decision
def place_book(view: Any, agent: Any, out: Any, tables: Any) -> None:
    """Send all queues, drawn from their stationary laws."""
    for i in range(K):
        for side in (1, -1):
            place_level(view, agent, out, side, i, drawn_length(agent, tables, side, i))
    agent.state[S.settling] = 1.0


@decision
def midpoint2(view: Any, agent: Any) -> int:
    """Twice the midpoint; a side without orders in reach counts as one tick beyond its last queue."""
    ask, last_ask = view.ask_ticks, price_of(agent, -1, K)
    return max(view.bid_ticks, price_of(agent, 1, K)) + (last_ask if ask == NO_PRICE else min(ask, last_ask))


@decision
def move_reference(view: Any, agent: Any, out: Any, tables: Any, step: int) -> None:
    """Move the reference price by a queue, with probability theta, and draw what comes into reach."""
    spacing, size = int(agent.params[P.spacing_ticks]), int(agent.params[P.size_lots])
    base = int(agent.state[S.base_ticks]) + step * spacing
    in_range = view.min_price_ticks <= base - K * spacing and base + (1 + K) * spacing <= view.max_price_ticks
    if not in_range or uniform(agent, FOLLOW) >= agent.params[P.theta]:
        return
    agent.state[S.base_ticks] = float(base)
    if uniform(agent, REDRAW) < agent.params[P.theta_redraw]:
        send_cancel_all(out)
        place_book(view, agent, out, tables)
        return
    withdraw_queue(view, out, step, price_of(agent, step, K), spacing)
    present = (band_lots(view, -step, price_of(agent, -step, K - 1), spacing) + size - 1) // size
    place_level(view, agent, out, -step, K - 1, drawn_length(agent, tables, -step, K - 1) - present)
    agent.state[S.settling] = 1.0


@decision
def follow_midpoint(view: Any, agent: Any, out: Any, tables: Any) -> None:
    """See whether the midpoint moved away over an empty nearest queue; if so the reference price may follow."""
    mid2, before = midpoint2(view, agent), int(agent.state[S.mid2])
    agent.state[S.mid2] = float(mid2)
    if mid2 > before and (view.ask_ticks == NO_PRICE or view.ask_ticks >= price_of(agent, -1, 1)):
        move_reference(view, agent, out, tables, 1)
    elif mid2 < before and view.bid_ticks <= price_of(agent, 1, 1):
        move_reference(view, agent, out, tables, -1)


@decision
def act(view: Any, agent: Any, out: Any, tables: Any, kind: int, i: int, side: int) -> None:
    """Let one candidate happen, with the probability that belongs to the length of its queue."""
    n_lengths, size, spacing = int(tables[0]), int(agent.params[P.size_lots]), int(agent.params[P.spacing_ticks])
    edge = price_of(agent, side, i)
    length = min((band_lots(view, side, edge, spacing) + size - 1) // size, n_lengths - 1)
    rate = tables[RATES + (kind * K + i) * n_lengths + length]
    if uniform(agent, ACCEPT) * tables[LARGEST + kind * K + i] >= rate:
        return
    best, opposite = view.bid_ticks, view.ask_ticks
    if side < 0:
        best, opposite = view.ask_ticks, view.bid_ticks
    if kind == ARRIVAL:
        price = edge
        if spacing > 1:
            price -= side * int(uniform(agent, PLACE) * spacing)
        if opposite == NO_PRICE or side * (opposite - price) > 0:
            send_limit(out, side, price, size)
    elif kind == CANCEL:
        if not cancel_one(view, out, side, edge, spacing, size, uniform(agent, PICK)):
            agent.state[S.without_own] += 1.0
    elif best != NO_PRICE and 0 <= side * (edge - best) < spacing:
        send_market(out, -side, size)


@decision
def candidate(view: Any, agent: Any, out: Any, tables: Any, total: float) -> None:
    """Handle one candidate of the dominating clock."""
    if agent.state[S.settling] > 0.0:
        agent.state[S.settling] = 0.0
        agent.state[S.mid2] = float(midpoint2(view, agent))
    if view.bid_ticks > price_of(agent, 1, 0):
        move_reference(view, agent, out, tables, 1)
    elif view.ask_ticks != NO_PRICE and view.ask_ticks < price_of(agent, -1, 0):
        move_reference(view, agent, out, tables, -1)
    if agent.state[S.settling] > 0.0:
        return
    mark = uniform(agent, KIND) * total
    for k in range(3 * K):
        for side in (1, -1):
            if mark < tables[LARGEST + k]:
                act(view, agent, out, tables, k // K, k % K, side)
                return
            mark -= tables[LARGEST + k]


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Lay a book at the open, act at the times of a Poisson clock, and follow the midpoint when the touch changes."""
    tables = block(view)
    if view.reason & WAKE_START:
        spacing = int(agent.params[P.spacing_ticks])
        low, high = view.min_price_ticks + K * spacing, view.max_price_ticks - (K + 1) * spacing
        base = min(max(view.last_ticks, low), high)
        agent.state[S.base_ticks] = float(base)
        if view.phase == CONTINUOUS:
            place_book(view, agent, out, tables)
    elif not view.reason & WAKE_TIMER:
        if view.phase == CONTINUOUS and agent.state[S.settling] == 0.0:
            follow_midpoint(view, agent, out, tables)
        return 0
    total = 0.0
    for k in range(3 * K):
        total += 2.0 * tables[LARGEST + k]
    if view.reason & WAKE_TIMER and view.phase == CONTINUOUS:
        candidate(view, agent, out, tables, total)
    return 1 + int(exponential(agent, NEXT, 1e9 / total))


policy = Policy(QueueReactive, decide, needs=Needs.BOOK, wakes_on=Wake.TOUCH, block=_block)
