"""An agent that joins both best queues and notes whether both its orders are filled before the midpoint moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.types import NO_PRICE
from sim.codes import WAKE_START, WAKE_TIMER
from sim.distributions import Settings
from sim.market import Market
from sim.policy import Policy, block, decision, exponential, indices, memory, send_cancel_all, send_limit, uniform
from sim.records import Needs, Wake

__all__ = ["SpreadMaker", "Walls", "cells_of", "policy", "wall_policy"]

N = 6
"""Queues of 0 to 5 orders."""


class SpreadMaker(Settings):
    """Settings.

    Attributes:
        interval_s: mean time between two looks for a place, in seconds.
        quota: trials wanted in each cell.
        done: trials made earlier, N x N.
    """

    interval_s: float = 0.5
    quota: float = 1000.0
    done: tuple[float, ...] = (0.0,) * (N * N)


P = indices(SpreadMaker)
S = indices(None, "engaged", "bid_ticks", "ask_ticks", "cell")
NEXT, WHICH = 0, 1
ENGAGED, ASKED = 2.0, 1.0


@decision
def place(view: Any, agent: Any, out: Any, done: Any, cells: Any) -> None:
    """Send an order to each side so that both stand at the best and the spread is one tick, if the trial is wanted."""
    bid, ask = int(view.bid_ticks), int(view.ask_ticks)
    b, a = int(view.bid_lots) + 1, int(view.ask_lots) + 1
    spread = ask - bid
    if spread == 2:
        if uniform(agent, WHICH) < 0.5:
            bid, b = bid + 1, 1
        else:
            ask, a = ask - 1, 1
    elif spread == 3:
        bid, b, ask, a = bid + 1, 1, ask - 1, 1
    elif spread > 3:
        return
    if b >= N or a >= N:
        return
    cell = N * b + a
    if done[cell] + cells[cell] >= agent.params[P.quota]:
        return
    send_limit(out, 1, bid, 1)
    send_limit(out, -1, ask, 1)
    agent.state[S.engaged] = ENGAGED
    agent.state[S.bid_ticks] = bid
    agent.state[S.ask_ticks] = ask
    agent.state[S.cell] = cell


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Begin a trial on the timer; note how it ends on fills and moves of the touch."""
    done, cells = block(view), memory(view)
    delay = (
        1 + int(exponential(agent, NEXT, agent.params[P.interval_s] * 1e9))
        if view.reason & (WAKE_START | WAKE_TIMER)
        else 0
    )
    if view.reason & WAKE_START or view.n_in_flight > 0:
        return delay
    if agent.state[S.engaged] == ENGAGED:
        cell = int(agent.state[S.cell])
        moved = view.bid_ticks != agent.state[S.bid_ticks] or view.ask_ticks != agent.state[S.ask_ticks]
        if view.n_own == 0:
            cells[cell] += 1.0
            cells[N * N + cell] += 1.0
            agent.state[S.engaged] = 0.0
        elif moved:
            cells[cell] += 1.0
            agent.state[S.engaged] = 0.0
            send_cancel_all(out)
        return delay
    if view.reason & WAKE_TIMER and view.n_own == 0 and view.bid_ticks != NO_PRICE and view.ask_ticks != NO_PRICE:
        place(view, agent, out, done, cells)
    return delay


policy = Policy(
    SpreadMaker,
    decide,
    needs=Needs.OWN,
    wakes_on=Wake.FILL | Wake.TOUCH,
    block=lambda settings: np.array(settings.done),
    memory=2 * N * N,
)


def cells_of(market: Market, population: int = 1) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the agent's memory as (trials, successes), shape (2, N, N): a live view."""
    return market.world.memory_of(population)[0].reshape(2, N, N)


class Walls(Settings):
    """Settings of two orders too large to be used up."""

    lots: int = 2**30


@decision
def build_walls(view: Any, agent: Any, out: Any) -> int:
    """Rest one order on each side of the last price, one tick apart."""
    if view.reason & WAKE_START:
        send_limit(out, 1, view.last_ticks, int(agent.params[0]))
        send_limit(out, -1, view.last_ticks + 1, int(agent.params[0]))
    return 0


wall_policy = Policy(Walls, build_walls)
