"""What all learning agents share: settings, times, memory, and the way from an observation through a network to an act.

A task is two compiled functions of the same form as a policy: `observe` looks and says whether a decision is due, `act`
does what the two action cells of the agent's memory say. An environment calls them with actions from outside, a
scenario with those of a network in between. Both are the same code in the same market, so that an episode is the same,
byte for byte, whoever chooses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from agents.rl.features import SLOW_WEIGHT, cut, fill_book, fill_own, fill_trades, log_lots, midpoint
from agents.rl.memory import BLOCK, block_of, feature_cells, learner_of
from agents.rl.network import describe, forward
from lob.errors import InputError
from sim.codes import WAKE_START
from sim.distributions import DataFile, Settings
from sim.policy import block, decision, indices, memory, send_cancel, send_market
from sim.records import Needs

__all__ = ["ACT", "OBSERVED", "OVER", "LearnerSettings", "begin", "choose", "finish_flat", "learner_block", "look"]


class LearnerSettings(Settings):
    """Settings of every learning agent.

    Attributes:
        step_s: time between two decisions, in seconds.
        start_s: beginning of the task, in seconds after the open.
        duration_s: length of the task; it ends `finish_s` before the close at the latest.
        finish_s: time that is kept for what must be done after the last decision.
        retry_s: time between two attempts at it.
        price_scale_ticks: unit of prices in observations, rewards and the maker's menu, such as a usual spread.
        size_scale_lots: unit of quantities in observations, such as a usual order. Both must be those that the weights
            were trained with, or be given.
        sample: draw the action from the trained distribution instead of taking the likeliest.
        untrained: no network: the neutral action always. For environments, which bring the actions.
        features: names from agents.rl.FEATURES; default: those of the weights, or of the task if untrained.
        weights: weights file; default: the task's shipped ones.
    """

    step_s: Annotated[float, Field(gt=0)] = 1.0
    start_s: Annotated[float, Field(ge=0)] = 1800.0
    duration_s: Annotated[float, Field(gt=0)] = 1800.0
    finish_s: Annotated[float, Field(gt=0)] = 10.0
    retry_s: Annotated[float, Field(gt=0)] = 0.1
    price_scale_ticks: Annotated[float, Field(gt=0)] = 20.0
    size_scale_lots: Annotated[float, Field(gt=0)] = 30.0
    sample: bool = False
    untrained: bool = False
    features: tuple[str, ...] = ()
    weights: DataFile = ""


P = indices(LearnerSettings)
S = indices(None, "start_mid", "last_mid", "return_slow", "square_slow", "last_volume", "attempts", "start_wealth")
NEEDS = Needs.DEPTH | Needs.TRADES | Needs.OWN | Needs.QUEUE | Needs.SIGNAL | Needs.BOOK
ACT, OBSERVED, OVER = 0, 1, 2
"""What `observe` returns: nothing to decide now, only to act; a decision is due; the task is over."""

MAX_ATTEMPTS = 500


def learner_block(
    settings: LearnerSettings, task: str, defaults: tuple[str, ...], n_outputs: int, continuous: bool
) -> np.ndarray[Any, Any]:
    """Return the block of a population: its features and its network.

    Raises:
        InputError: if a feature is unknown, or the weights were trained for something else or in other units.
    """
    if settings.untrained:
        return _head(settings.features or defaults).view(np.float64)
    from agents.rl.network import load_network, shipped_weights

    path = settings.weights or str(shipped_weights(task))
    network = load_network(path)
    network.check(path, task, settings.features, n_outputs, continuous)
    _check_units(path, network.card, settings)
    head = _head(network.features)
    describe(network, head)
    return np.concatenate([head.view(np.float64), *(layer.ravel() for layer in network.layers)])


def _head(features: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return the beginning of a block that selects these features, shape (1,)."""
    head = np.zeros(1, BLOCK)
    cells = feature_cells(features)
    head["n_selected"] = len(cells)
    head["selected"][0, : len(cells)] = cells
    return head


def _check_units(path: str, card: dict[str, Any], settings: LearnerSettings) -> None:
    """Refuse weights that were trained in other units than this kind's defaults, where the user has not given any."""
    trained = card.get("agent_settings", {})
    for name in ("price_scale_ticks", "size_scale_lots"):
        own = getattr(settings, name)
        if name in trained and trained[name] != own and name not in settings.model_fields_set:
            raise InputError(f"{path}: trained with {name} = {trained[name]:g}, and the settings do not say which; "
                             f"allowed: {name} = {trained[name]:g}, or another on purpose")  # fmt: skip


@decision
def start_ns(view: Any, agent: Any) -> int:
    """Beginning of the task, in ns since midnight; at least 1 ns after the open."""
    return view.open_ns + max(1, int(agent.params[P.start_s] * 1e9))


@decision
def end_ns(view: Any, agent: Any) -> int:
    """End of the task, early enough to finish before the close."""
    end = start_ns(view, agent) + int(agent.params[P.duration_s] * 1e9)
    return min(end, view.close_ns - int(agent.params[P.finish_s] * 1e9))


@decision
def step_ns(agent: Any) -> int:
    """Time between two decisions."""
    return max(1, int(agent.params[P.step_s] * 1e9))


@decision
def begin(view: Any, agent: Any) -> int:
    """Delay from the START wake-up to the first decision."""
    return start_ns(view, agent) - view.time_ns


@decision
def look(view: Any, agent: Any, most_lots: float, left_share: float) -> bool:
    """Fill all features and take note of this moment; False at START, when there is nothing to see yet.

    `most_lots` is the task's largest position, `left_share` the share of a metaorder that is left (negative: none).
    """
    if view.reason & WAKE_START:
        return False
    learner = learner_of(view)
    price, size = agent.params[P.price_scale_ticks], agent.params[P.size_scale_lots]
    mid = midpoint(view)
    wealth = float(view.cash_ticks) + view.position_lots * mid
    if agent.state[S.last_mid] == 0.0:
        agent.state[S.start_mid] = mid
        agent.state[S.last_mid] = mid
        agent.state[S.last_volume] = float(view.volume_lots)
        agent.state[S.start_wealth] = wealth
    begun, end = start_ns(view, agent), end_ns(view, agent)
    passed = min(max((view.time_ns - begun) / max(1.0, float(end - begun)), 0.0), 1.0)
    change = (mid - agent.state[S.last_mid]) / price
    slow = agent.state[S.return_slow] + SLOW_WEIGHT * (change - agent.state[S.return_slow])
    square = agent.state[S.square_slow] + SLOW_WEIGHT * (change * change - agent.state[S.square_slow])
    learner.time_left = 1.0 - passed
    learner.time_of_day = (view.time_ns - view.open_ns) / max(1.0, float(view.close_ns - view.open_ns))
    fill_book(view, learner, price, size)
    learner.mid_move = cut((mid - agent.state[S.start_mid]) / price)
    learner.return_1 = cut(change)
    learner.return_slow = cut(10.0 * slow)
    learner.volatility = cut(math.sqrt(square))
    learner.volume_1 = cut(log_lots(view.volume_lots - agent.state[S.last_volume], size))
    learner.trade_imbalance = fill_trades(view, learner, price, size, mid)
    learner.last_trade = cut((view.last_ticks - mid) / price)
    learner.inventory = cut(view.position_lots / most_lots)
    learner.remaining = cut(left_share) if left_share >= 0.0 else 0.0
    learner.behind = cut(left_share - (1.0 - passed)) if left_share >= 0.0 else 0.0
    learner.unrealised = cut((wealth - agent.state[S.start_wealth]) / (price * most_lots))
    fill_own(view, learner, price, size, mid, most_lots)
    learner.value_gap = cut((view.signal - mid) / price)
    agent.state[S.last_mid] = mid
    agent.state[S.return_slow] = slow
    agent.state[S.square_slow] = square
    agent.state[S.last_volume] = float(view.volume_lots)
    return True


@decision
def choose(view: Any, agent: Any, neutral: float, neutral_2: float) -> None:
    """Put the network's action into the action cells; the neutral one if there is no network."""
    head = block_of(view)
    if head.has_network > 0.0:
        forward(agent, head, block(view), learner_of(view), memory(view), agent.params[P.sample])
        return
    action = learner_of(view).action
    action[0], action[1] = neutral, neutral_2


@decision
def finish_flat(view: Any, agent: Any, out: Any, goal_lots: int, parent_id: int) -> int:
    """Bring the position to a goal after the last decision: first withdraw, then cross; return the next delay.

    It sends nothing while a message is on its way and crosses only when nothing rests, so that it never overshoots.
    """
    agent.state[S.attempts] += 1.0
    if view.n_in_flight > 0:
        return max(1, int(agent.params[P.retry_s] * 1e9))
    for k in range(view.n_own):
        send_cancel(out, view.own_id[k])
    due = goal_lots - view.position_lots
    if view.n_own == 0 and due != 0:
        send_market(out, 1 if due > 0 else -1, abs(due), parent_id)
    return max(1, int(agent.params[P.retry_s] * 1e9))


@decision
def has_given_up(agent: Any) -> bool:
    """Whether all attempts at finishing were made."""
    return agent.state[S.attempts] >= MAX_ATTEMPTS
