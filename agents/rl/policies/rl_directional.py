"""Directional trading by a trained policy: be short, flat or long, by crossing the spread.

Menu: 0 short, 1 flat, 2 long, each of `max_position_lots`. After the last decision the position is closed.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

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
from sim.policy import Policy, decision, indices, send_market

__all__ = ["RlDirectional", "policy", "task"]

MENU = ("short", "flat", "long")
FLAT = 1
DEFAULT_FEATURES = (
    "time_left", "inventory", "unrealised", "spread", "imbalance", "imbalance_5", "imbalance_10", "mid_move",
    "return_1", "return_slow", "volatility", "volume_1", "trade_imbalance", "last_trade",
)  # fmt: skip


class RlDirectional(LearnerSettings):
    """Settings, with those of LearnerSettings.

    Attributes:
        max_position_lots: size of a position.
    """

    max_position_lots: Annotated[int, Field(ge=1)] = 30
    step_s: Annotated[float, Field(gt=0)] = 10.0


P = indices(RlDirectional)


@decision
def observe(view: Any, agent: Any, out: Any) -> int:
    """Fill the features; say whether to decide."""
    if not look(view, agent, agent.params[P.max_position_lots], -1.0):
        return ACT
    if view.time_ns < end_ns(view, agent):
        return OBSERVED
    return OVER if view.position_lots == 0 or has_given_up(agent) else ACT


@decision
def act(view: Any, agent: Any, out: Any) -> int:
    """Trade towards the position that the action cell names; after the end, close it."""
    if view.reason & WAKE_START:
        return begin(view, agent)
    end = end_ns(view, agent)
    if view.time_ns >= end:
        if view.position_lots == 0 or has_given_up(agent):
            return 0
        return finish_flat(view, agent, out, 0, 0)
    goal = (int(learner_of(view).action[0]) - FLAT) * int(agent.params[P.max_position_lots])
    due = goal - view.position_lots
    if due != 0 and view.n_in_flight == 0 and view.phase == CONTINUOUS:
        send_market(out, 1 if due > 0 else -1, abs(due))
    return min(step_ns(agent), end - view.time_ns)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look, choose by the network, act."""
    if observe(view, agent, out) == OBSERVED:
        choose(view, agent, float(FLAT), 0.0)
    return act(view, agent, out)


def _block(settings: RlDirectional) -> np.ndarray[Any, Any]:
    # No weights are shipped: what pays depends on the market. Without a file the agent stays flat.
    if not settings.weights:
        settings = settings.model_copy(update={"untrained": True})
    return learner_block(settings, "directional", DEFAULT_FEATURES, len(MENU), False)


policy = Policy(RlDirectional, decide, needs=NEEDS, block=_block, memory=LEARNER_CELLS)
task = Task(
    name="directional",
    policy=policy,
    observe=observe,
    act=act,
    features=DEFAULT_FEATURES,
    menu=MENU,
    reward="pnl",
    largest_lots=lambda settings: settings.max_position_lots,
    baselines={"flat": FLAT},
)
