"""Market making by a trained policy: quote both sides around the midpoint of the others' quotes.

With `menu` each decision is one of 16 pairs of distances of bid and ask, 0.25, 0.5, 1 or 2 price scales each, or to
withdraw (the last entry). Otherwise it is two numbers in -1..1, which span distances from 0 to `widest_scales` price
scales. After the last decision the inventory is sold or bought back by crossing.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from agents.makers._quotes import fair_price, quote_two_sides, rounded, withdraw_all
from agents.rl._learner import (
    ACT,
    NEEDS,
    OBSERVED,
    OVER,
    LearnerSettings,
    begin,
    choose,
    end_ns,
    finish_flat,
    has_given_up,
    learner_block,
    look,
    step_ns,
)
from agents.rl.memory import LEARNER_CELLS, learner_of
from agents.rl.task import Task
from lob.codes import CONTINUOUS
from sim.codes import WAKE_START
from sim.policy import Policy, decision, indices

__all__ = ["RlMaker", "policy", "task"]

DISTANCES = (0.25, 0.5, 1.0, 2.0)
N_DISTANCES = len(DISTANCES)
MENU = (*(f"bid {bid:g}, ask {ask:g}" for bid in DISTANCES for ask in DISTANCES), "withdraw")
WITHDRAW = len(MENU) - 1
DEFAULT_FEATURES = (
    "time_left", "inventory", "spread", "bid_lots", "ask_lots", "imbalance", "imbalance_5", "return_1", "return_slow",
    "volatility", "volume_1", "trade_imbalance", "last_trade", "own_bid", "own_ask", "own_bid_queue", "own_ask_queue",
)  # fmt: skip


class RlMaker(LearnerSettings):
    """Settings, with those of LearnerSettings.

    Attributes:
        size_lots: size of a quote.
        max_position_lots: no quote is larger than what would bring the inventory there.
        menu: actions are entries of the menu; otherwise two distances.
        widest_scales: largest distance of continuous actions, in price scales.
    """

    size_scale_lots: Annotated[float, Field(gt=0)] = 50.0  # of the shipped weights
    size_lots: Annotated[int, Field(ge=1)] = 10
    max_position_lots: Annotated[int, Field(ge=1)] = 100
    menu: bool = True
    widest_scales: Annotated[float, Field(gt=0)] = 3.0


P = indices(RlMaker)


@decision
def observe(view: Any, agent: Any, out: Any) -> int:
    """Fill the features; say whether to decide."""
    if not look(view, agent, agent.params[P.max_position_lots], -1.0):
        return ACT
    if view.time_ns < end_ns(view, agent):
        return OBSERVED
    return OVER if (view.position_lots == 0 and view.n_own == 0) or has_given_up(agent) else ACT


@decision
def distance(level: int) -> float:
    """Distance of a menu entry, in price scales: 0.25 x 2^level."""
    return 0.25 * (1 << level)


@decision
def act(view: Any, agent: Any, out: Any) -> int:
    """Move the quotes to where the action cells say; after the end, close the position."""
    if view.reason & WAKE_START:
        return begin(view, agent)
    end = end_ns(view, agent)
    if view.time_ns >= end:
        if (view.position_lots == 0 and view.n_own == 0) or has_given_up(agent):
            return 0
        return finish_flat(view, agent, out, 0, 0)
    delay = min(step_ns(agent), end - view.time_ns)
    if view.n_in_flight > 0:
        return delay
    action = learner_of(view).action
    if view.phase != CONTINUOUS or (agent.params[P.menu] > 0.0 and int(action[0]) == WITHDRAW):
        withdraw_all(view, out)
        return delay
    if agent.params[P.menu] > 0.0:
        entry = int(action[0])
        bid, ask = distance(entry // N_DISTANCES), distance(entry % N_DISTANCES)
    else:
        widest = 0.5 * agent.params[P.widest_scales]
        bid, ask = widest * (action[0] + 1.0), widest * (action[1] + 1.0)
    fair = fair_price(view, 0.0, float(view.last_ticks))
    scale = agent.params[P.price_scale_ticks]
    limit = int(agent.params[P.max_position_lots])
    size = int(agent.params[P.size_lots])
    quote_two_sides(view, out, rounded(fair - bid * scale), rounded(fair + ask * scale), size, limit, 1.0)
    return delay


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look, choose by the network, act."""
    if observe(view, agent, out) == OBSERVED:
        choose(view, agent, float(WITHDRAW) if agent.params[P.menu] > 0.0 else 1.0, 1.0)
    return act(view, agent, out)


def _block(settings: RlMaker) -> np.ndarray[Any, Any]:
    n_outputs = len(MENU) if settings.menu else 2
    return learner_block(settings, "market_making", DEFAULT_FEATURES, n_outputs, not settings.menu)


policy = Policy(RlMaker, decide, needs=NEEDS, block=_block, memory=LEARNER_CELLS)
task = Task(
    name="market_making",
    policy=policy,
    observe=observe,
    act=act,
    features=DEFAULT_FEATURES,
    menu=MENU,
    reward="inventory_penalised",
    largest_lots=lambda settings: settings.max_position_lots,
    continuous=lambda settings: 0 if settings.menu else 2,
    baselines={f"symmetric, {d:g} scales": k * (N_DISTANCES + 1) for k, d in enumerate(DISTANCES)},
)
