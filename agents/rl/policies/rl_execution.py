"""Execution by a trained policy: trade a quantity in a set time at the least cost.

Each decision is an entry of a menu. A slice is what is left divided by the decisions that are left, so that crossing
one slice each time is TWAP.

    0 leave what rests     1 withdraw               2 rest six slices at the own best price
    3 rest six slices a quarter of the spread inside       4 cross one slice       5 cross three slices

After the last decision all that is left is crossed. Whatever it does, the agent never has more in the market, at rest
and on its way, than is left of the quantity.
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
from lob.types import NO_PRICE
from sim.codes import WAKE_START
from sim.policy import Policy, decision, indices, send_cancel, send_limit, send_market

__all__ = ["RlExecution", "policy", "task"]

MENU = ("hold", "withdraw", "rest at the touch", "rest inside the spread", "cross one slice", "cross three slices")
HOLD, WITHDRAW, REST, REST_INSIDE, CROSS, CROSS_MORE = range(len(MENU))
RESTING_SLICES = 6
DEFAULT_FEATURES = (
    "time_left", "remaining", "behind", "spread", "bid_lots", "ask_lots", "imbalance", "imbalance_5", "mid_move",
    "return_1", "return_slow", "volatility", "volume_1", "trade_imbalance", "last_trade", "own_bid", "own_ask",
    "own_bid_queue", "own_ask_queue",
)  # fmt: skip


class RlExecution(LearnerSettings):
    """Settings, with those of LearnerSettings.

    Attributes:
        side: 1: buy, -1: sell.
        quantity_lots: what to trade.
        parent_id: metaorder id that every child carries on the tape.
    """

    side: Annotated[int, Field(ge=-1, le=1)] = 1
    quantity_lots: Annotated[int, Field(ge=1, le=2**31 - 1)] = 600
    parent_id: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    size_scale_lots: Annotated[float, Field(gt=0)] = 5.0  # of the shipped weights
    step_s: Annotated[float, Field(gt=0)] = 10.0


P = indices(RlExecution)


@decision
def left_lots(view: Any, agent: Any) -> int:
    """What is left of the quantity."""
    return int(agent.params[P.quantity_lots]) - int(agent.params[P.side]) * view.position_lots


@decision
def observe(view: Any, agent: Any, out: Any) -> int:
    """Fill the features; say whether to decide."""
    quantity = agent.params[P.quantity_lots]
    left = left_lots(view, agent)
    if not look(view, agent, quantity, left / quantity):
        return ACT
    if (left <= 0 and view.n_own == 0) or has_given_up(agent):
        return OVER
    return OBSERVED if view.time_ns < end_ns(view, agent) else ACT


@decision
def rest(view: Any, agent: Any, out: Any, lots: int, inside: bool, free_lots: int) -> None:
    """Have one order at rest at a price by the touch; one that is there already keeps its place."""
    side = int(agent.params[P.side])
    price = view.bid_ticks if side > 0 else view.ask_ticks
    other = view.ask_ticks if side > 0 else view.bid_ticks
    if price == NO_PRICE:
        return
    if inside and other != NO_PRICE:
        gap = side * (other - price)
        if gap > 1:
            price += side * max(1, gap // 4)
    kept = False
    for k in range(view.n_own):
        if view.own_ticks[k] == price and not kept:
            kept = True
        else:
            send_cancel(out, view.own_id[k])
    lots = min(lots, free_lots)
    if not kept and lots > 0:
        send_limit(out, side, price, lots, 0, 0, int(agent.params[P.parent_id]))


@decision
def act(view: Any, agent: Any, out: Any) -> int:
    """Do what the action cell says; after the end, cross what is left."""
    if view.reason & WAKE_START:
        return begin(view, agent)
    side, parent_id = int(agent.params[P.side]), int(agent.params[P.parent_id])
    left, end = left_lots(view, agent), end_ns(view, agent)
    if (left <= 0 and view.n_own == 0) or has_given_up(agent):
        return 0
    if view.time_ns >= end or left <= 0:
        return finish_flat(view, agent, out, side * int(agent.params[P.quantity_lots]), parent_id)
    delay = min(step_ns(agent), end - view.time_ns)
    if view.n_in_flight > 0 or view.phase != CONTINUOUS:
        return delay
    n_left = max(1, (end - view.time_ns + step_ns(agent) - 1) // step_ns(agent))
    child = (left + n_left - 1) // n_left
    resting = 0
    for k in range(view.n_own):
        resting += view.own_lots[k]
    free = left - resting
    action = int(learner_of(view).action[0])
    if action == WITHDRAW or action >= CROSS:
        for k in range(view.n_own):
            send_cancel(out, view.own_id[k])
    if action >= CROSS:
        lots = min(child if action == CROSS else 3 * child, free)
        if lots > 0:
            send_market(out, side, lots, parent_id)
    elif action >= REST:
        rest(view, agent, out, RESTING_SLICES * child, action == REST_INSIDE, free)
    return delay


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Look, choose by the network, act."""
    if observe(view, agent, out) == OBSERVED:
        choose(view, agent, float(HOLD), 0.0)
    return act(view, agent, out)


def _block(settings: RlExecution) -> np.ndarray[Any, Any]:
    return learner_block(settings, "execution", DEFAULT_FEATURES, len(MENU), False)


policy = Policy(RlExecution, decide, needs=NEEDS, block=_block, memory=LEARNER_CELLS)
task = Task(
    name="execution",
    policy=policy,
    observe=observe,
    act=act,
    features=DEFAULT_FEATURES,
    menu=MENU,
    reward="implementation_shortfall",
    largest_lots=lambda settings: settings.quantity_lots,
    baselines={"TWAP": CROSS},
)
