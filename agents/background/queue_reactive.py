"""Queue-reactive order flow of Huang, Lehalle and Rosenbaum (JASA 110, 2015), model I with a moving reference price.

Around a reference price lie K queues on each side. Orders arrive at queue i, are withdrawn from it, and are executed,
at rates that depend on its own length only. The reference price moves by a tick, with probability theta, when the
midpoint has moved that way; with probability theta_redraw the whole book is then drawn anew from its stationary law.
Lengths are in orders of one size. The default tables are ours, shaped after the paper's figures (arrivals fall slowly
with the length, cancels rise and level off, executions fall): they are no fit to any stock.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from lob.types import NO_PRICE, Phase
from sim.distributions import Settings
from sim.lookup import level_lots, own_count_at, own_order_at
from sim.policy import (
    Policy,
    block,
    decision,
    exponential,
    indices,
    send_cancel,
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


def _falling(first: float, last: float, n: int) -> tuple[float, ...]:
    return tuple(round(last + (first - last) * 0.8**q, 4) for q in range(n))


def _rising(last: float, n: int) -> tuple[float, ...]:
    return tuple(round(last * (1 - 0.75**q), 4) for q in range(n))


N_LENGTHS = 30


class QueueReactive(Settings):
    """Settings of the flow; a population of one agent. Rates per second; one row for each of the K queues.

    Attributes:
        arrivals: limit orders at queue i when it holds 0, 1, 2, ... orders; the last entry holds beyond.
        cancels: cancels at queue i; the entry for 0 orders is not used.
        executions: market orders that hit queue i when it is the best of its side.
        theta: probability that the reference price follows a move of the midpoint.
        theta_redraw: probability that the book is drawn anew when the reference price has moved.
        size_lots: size of every order.
    """

    arrivals: Table = (
        _falling(1.6, 1.0, N_LENGTHS),
        _falling(1.0, 1.1, N_LENGTHS),
        _falling(0.7, 0.9, N_LENGTHS),
    )
    cancels: Table = (_rising(1.1, N_LENGTHS), _rising(1.2, N_LENGTHS), _rising(1.1, N_LENGTHS))
    executions: Table = (
        _falling(0.0, 0.4, 1) + _falling(0.9, 0.3, N_LENGTHS - 1),
        _falling(0.5, 0.2, N_LENGTHS),
        _falling(0.3, 0.1, N_LENGTHS),
    )
    theta: Annotated[float, Field(ge=0, le=1)] = 0.7
    theta_redraw: Annotated[float, Field(ge=0, le=1)] = 0.8
    size_lots: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _tables_fit(self) -> QueueReactive:
        lengths = {len(row) for table in (self.arrivals, self.cancels, self.executions) for row in table}
        if len(lengths) != 1 or min(lengths) < 2:
            raise ValueError(f"rows of {sorted(lengths)} entries; all rows need the same number, at least 2")
        for i in range(K):
            if self.arrivals[i][-1] >= self.cancels[i][-1] + self.executions[i][-1]:
                raise ValueError(
                    f"queue {i + 1} would grow without bound: its last arrival rate must be below the others"
                )
            if self.arrivals[i][0] <= 0:
                raise ValueError(f"queue {i + 1}: the arrival rate at length 0 must be above 0")
        return self


def stationary_law(settings: QueueReactive, i: int, n_max: int = 200) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return P(queue i holds 0 .. n_max orders) while the reference price stands still and queue i is the best.

    Birth-death law: p(n) / p(n-1) = arrivals(n-1) / (cancels(n) + executions(n)) (paper, section 2.4).
    """
    last = len(settings.arrivals[i]) - 1
    lengths = np.minimum(np.arange(n_max + 1), last)
    births = np.array(settings.arrivals[i])[lengths]
    deaths = (np.array(settings.cancels[i]) + np.array(settings.executions[i]))[lengths]
    weights = np.concatenate([[1.0], np.cumprod(births[:-1] / deaths[1:])])
    return weights / weights.sum()


P = indices(QueueReactive)
S = indices(None, "reference2", "mid2")
START = int(Wake.START)
CONTINUOUS = int(Phase.CONTINUOUS)
NEXT, KIND, ACCEPT, FOLLOW, REDRAW, PICK, LENGTH = 0, 1, 2, 3, 4, 5, 6
ARRIVAL, CANCEL, EXECUTION = 0, 1, 2
MAX_SEED = 10


def _block(settings: QueueReactive) -> np.ndarray[Any, Any]:
    """Return the number of lengths, the largest rate of each kind and queue, all rates, and cumulative laws."""
    rates = np.array([settings.arrivals, settings.cancels, settings.executions])
    rates[CANCEL, :, 0] = 0.0
    rates[EXECUTION, :, 0] = 0.0
    laws = [np.cumsum(stationary_law(settings, i))[:MAX_SEED] for i in range(K)]
    return np.concatenate([[rates.shape[2]], rates.max(axis=2).ravel(), rates.ravel(), np.concatenate(laws)])


LARGEST = 1
RATES = LARGEST + 3 * K


@decision
def lay_book(view: Any, agent: Any, out: Any, tables: Any) -> None:
    """Send queues drawn from the stationary law around the reference price (at most MAX_SEED orders each)."""
    n_lengths, size = int(tables[0]), int(agent.params[P.size_lots])
    law = RATES + 3 * K * n_lengths
    for half in range(2 * K):
        i, side = half // 2, 1 if half % 2 == 0 else -1
        u = uniform(agent, LENGTH + half)
        length = 0
        while length < MAX_SEED - 1 and tables[law + i * MAX_SEED + length] < u:
            length += 1
        price = price_of(agent, side, i)
        if length > 0 and view.min_price_ticks <= price <= view.max_price_ticks:
            for _ in range(length):
                send_limit(out, side, price, size)


@decision
def price_of(agent: Any, side: int, i: int) -> int:
    """Price of queue i (0 is nearest) of a side; the reference price lies half a tick from both nearest queues."""
    reference2 = int(agent.state[S.reference2])
    return (reference2 - side * (2 * i + 1)) // 2


@decision
def follow_midpoint(view: Any, agent: Any, out: Any, tables: Any) -> bool:
    """Move the reference price after the midpoint, by chance; return whether the book was drawn anew."""
    if view.bid_ticks == NO_PRICE or view.ask_ticks == NO_PRICE:
        return False
    mid2 = view.bid_ticks + view.ask_ticks
    before = int(agent.state[S.mid2])
    agent.state[S.mid2] = mid2
    if before == 0 or mid2 == before or uniform(agent, FOLLOW) >= agent.params[P.theta]:
        return False
    # Only away from the reference: a midpoint that comes back to it is no move of the price.
    step = 2 if mid2 > before else -2
    if step * (mid2 - int(agent.state[S.reference2])) <= 0:
        return False
    agent.state[S.reference2] += step
    if uniform(agent, REDRAW) >= agent.params[P.theta_redraw]:
        return False
    send_cancel_all(out)
    lay_book(view, agent, out, tables)
    agent.state[S.mid2] = 0.0
    return True


@decision
def act(view: Any, agent: Any, out: Any, tables: Any, kind: int, i: int, side: int) -> None:
    """Let one candidate happen, with the probability that belongs to the length of its queue."""
    n_lengths, size = int(tables[0]), int(agent.params[P.size_lots])
    price = price_of(agent, side, i)
    if price < view.min_price_ticks or price > view.max_price_ticks:
        return
    length = min(level_lots(view, side, price) // size, n_lengths - 1)
    rate = tables[RATES + (kind * K + i) * n_lengths + length]
    if uniform(agent, ACCEPT) * tables[LARGEST + kind * K + i] >= rate:
        return
    if kind == ARRIVAL:
        send_limit(out, side, price, size)
    elif kind == CANCEL:
        n_own = own_count_at(view, side, price)
        if n_own > 0:
            send_cancel(out, own_order_at(view, side, price, min(int(uniform(agent, PICK) * n_own), n_own - 1)))
    else:
        best = view.bid_ticks if side > 0 else view.ask_ticks
        if best == price:
            send_market(out, -side, size)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Handle one candidate of the dominating clock."""
    tables = block(view)
    total = 0.0
    for k in range(3 * K):
        total += 2.0 * tables[LARGEST + k]
    delay = 1 + int(exponential(agent, NEXT, 1e9 / total))
    if view.reason & START:
        agent.state[S.reference2] = 2 * view.last_ticks + 1
        lay_book(view, agent, out, tables)
        return delay
    if view.phase != CONTINUOUS or follow_midpoint(view, agent, out, tables):
        return delay
    mark = uniform(agent, KIND) * total
    for k in range(3 * K):
        for side in (1, -1):
            if mark < tables[LARGEST + k]:
                act(view, agent, out, tables, k // K, k % K, side)
                return delay
            mark -= tables[LARGEST + k]
    return delay


policy = Policy(QueueReactive, decide, needs=Needs.BOOK, block=_block)
