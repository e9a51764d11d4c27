"""Market makers that learn by tabular Q-learning how wide to quote.

As the firms of Calvano, Calzolari, Denicolo and Pastorello (American Economic Review 110(10), 2020); for market making
see Colliard, Foucault and Lovo (2022). Once in a period each maker quotes both sides at one of a few distances from the
value signal. It remembers its own last distance and the best of the others', learns from its profit of the period,

    Q(s, a) += alpha (profit + delta max Q(s', .) - Q(s, a)),

and explores with probability exp(-beta x period). Nobody is told what others earn or that they learn. All quotes are
withdrawn and sent anew each period; with a random latency, makers at the same price then share the flow evenly.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.makers._quotes import best_of_others, rounded
from lob.codes import CONTINUOUS
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.distributions import NonNegative, Positive, Settings
from sim.policy import Policy, decision, indices, memory, send_cancel_all, send_limit, uniform
from sim.records import Needs
from sim.rng import exp_portable

__all__ = ["QLearningMaker", "policy"]


class QLearningMaker(Settings):
    """Settings of the market maker.

    Attributes:
        period_s: time between two decisions.
        n_distances: number of distances to choose from.
        first_distance_ticks: the smallest.
        distance_step_ticks: from one to the next.
        size_lots: size of a quote.
        learning_rate: alpha.
        discount: delta, for each period.
        exploration_decay: beta, for each period; 0: it always explores.
        initial_profit_ticks: the table begins as if every period earned this (in ticks x lots).
    """

    period_s: Positive = 0.05
    n_distances: Annotated[int, Field(ge=2, le=16)] = 8
    first_distance_ticks: Annotated[int, Field(ge=1)] = 4
    distance_step_ticks: Annotated[int, Field(ge=1)] = 4
    size_lots: Annotated[int, Field(ge=1)] = 10
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    discount: Annotated[float, Field(ge=0, lt=1)] = 0.95
    exploration_decay: NonNegative = 2e-5
    initial_profit_ticks: float = 0.0


P = indices(QLearningMaker)
S = indices(None, "period", "state", "action", "wealth", "has_quoted")
EXPLORE, ACTION = 0, 1


def _cells(settings: QLearningMaker) -> int:
    """One row for each pair of own and best other distance (and none), one column for each action."""
    return settings.n_distances * (settings.n_distances + 1) * settings.n_distances


@decision
def others_index(view: Any, agent: Any) -> int:
    """Which distance the best of the others quotes; the number of distances if nobody does."""
    n = int(agent.params[P.n_distances])
    nearest = n
    for side in (1, -1):
        price = best_of_others(view, side)
        if price != NO_PRICE:
            away = side * (view.signal - price) - agent.params[P.first_distance_ticks]
            index = min(max(rounded(away / agent.params[P.distance_step_ticks]), 0), n)
            nearest = min(nearest, index)
    return nearest


@decision
def best_action(cells: Any, row: int, n: int) -> int:
    """The action of the largest value in a row of the table."""
    best = 0
    for a in range(1, n):
        if cells[row + a] > cells[row + best]:
            best = a
    return best


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Learn from the last period, choose a distance, quote."""
    period_ns = max(1, int(agent.params[P.period_s] * 1e9))
    n, cells = int(agent.params[P.n_distances]), memory(view)
    wealth = view.cash_ticks + view.position_lots * view.signal
    if view.reason & WAKE_START:
        start = agent.params[P.initial_profit_ticks] / (1.0 - agent.params[P.discount])
        for k in range(len(cells)):
            cells[k] = start
        return period_ns
    state = (int(agent.state[S.action]) * (n + 1) + others_index(view, agent)) * n
    if agent.state[S.has_quoted] > 0.0:
        at = int(agent.state[S.state]) + int(agent.state[S.action])
        goal = wealth - agent.state[S.wealth] + agent.params[P.discount] * cells[state + best_action(cells, state, n)]
        cells[at] += agent.params[P.learning_rate] * (goal - cells[at])
    action = best_action(cells, state, n)
    if uniform(agent, EXPLORE) < exp_portable(-agent.params[P.exploration_decay] * agent.state[S.period]):
        action = min(int(uniform(agent, ACTION) * n), n - 1)
    agent.state[S.period] += 1.0
    agent.state[S.state] = float(state)
    agent.state[S.action] = float(action)
    agent.state[S.wealth] = wealth
    agent.state[S.has_quoted] = 1.0 if view.phase == CONTINUOUS else 0.0
    send_cancel_all(out)
    if view.phase == CONTINUOUS:
        distance = agent.params[P.first_distance_ticks] + action * agent.params[P.distance_step_ticks]
        size = int(agent.params[P.size_lots])
        bid, ask = rounded(view.signal - distance), rounded(view.signal + distance)
        if bid >= view.min_price_ticks:
            send_limit(out, 1, bid, size)
        if ask <= view.max_price_ticks:
            send_limit(out, -1, ask, size)
    return period_ns


policy = Policy(QLearningMaker, decide, needs=Needs.SIGNAL | Needs.OWN | Needs.BOOK, memory=_cells)
