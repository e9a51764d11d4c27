"""Rewards of learning agents, from what is known of them before and after a step.

All are in units of (price scale x the task's largest position), so that they are near 1 in size whatever the market. A
reward has components, which environments show in `info`: `pnl`, the change of cash plus inventory at the midpoint,
fees included, and `penalty`, what the reward takes off it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from agents.rl._stepping import FACT, N_FACTS
from agents.rl.custom import RewardFunction, name_of, rewarded
from lob.compiled import kernel
from lob.errors import InputError
from sim.policy import indices

__all__ = ["REWARDS", "RewardSettings", "Rewards"]

REWARDS: dict[str, str] = {
    "pnl": "change of wealth: cash plus inventory at the midpoint",
    "implementation_shortfall": "what the metaorder cost above the midpoint at its start, negated (Perold 1988), as it "
    "comes about: fills against the midpoint, and moves of the midpoint times what is left; what is not traded in the "
    "end costs `leftover_scales` price scales more",
    "inventory_penalised": "pnl less phi q^2 dt, and alpha q^2 at the end, q in largest positions "
    "(Cartea, Jaimungal and Penalva 2015, section 10.2)",
    "asymmetric": "pnl less `damping` times what the inventory gained by moves of the midpoint; its losses count in "
    "full (Spooner, Fearnley, Savani and Koukorinis 2018, section 4.2)",
    "differential_sharpe": "derivative of the moving Sharpe ratio (Moody and Saffell 2001, equation 8)",
    "exponential_utility": "change of the utility (1 - exp(-risk_aversion x wealth)) / risk_aversion; a whole episode "
    "sums to the utility of its profit",
}
NAMES = tuple(REWARDS)
PNL, SHORTFALL, INVENTORY, ASYMMETRIC, SHARPE, UTILITY = range(len(NAMES))
STATE: np.dtype[Any] = np.dtype([("mean", "<f8"), ("square", "<f8"), ("wealth", "<f8")])
"""State of a reward: the first and second moment of the Sharpe ratio, or the wealth so far."""
MAX_EXPONENT = 50.0


@dataclass(frozen=True)
class RewardSettings:
    """Numbers in the rewards; each is used by the reward that names it.

    Attributes:
        phi_per_s: running penalty of a full inventory, per second.
        alpha: penalty of a full inventory at the end.
        damping: share of inventory gains that is taken off.
        sharpe_weight: weight of the newest return in the moments.
        risk_aversion: of the exponential utility.
        leftover_scales: price scales that each lot not traded costs.
    """

    phi_per_s: float = 0.001
    alpha: float = 0.1
    damping: float = 0.5
    sharpe_weight: float = 0.01
    risk_aversion: float = 1.0
    leftover_scales: float = 5.0

    def __post_init__(self) -> None:
        """Check all numbers; raise InputError."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0.0):
                raise InputError(f"reward {field.name} = {value}; allowed: a finite number, 0 or more")
        if not 0.0 < self.sharpe_weight <= 1.0:
            raise InputError(f"reward sharpe_weight = {self.sharpe_weight}; allowed: above 0, at most 1")
        if self.risk_aversion == 0.0:
            raise InputError("reward risk_aversion = 0; allowed: above 0")

    @staticmethod
    def of(numbers: RewardSettings | Mapping[str, Any] | None) -> RewardSettings:
        """Return settings that were given as such, by name, or not at all.

        Raises:
            InputError: if a name is unknown or a number wrong.
        """
        if isinstance(numbers, RewardSettings):
            return numbers
        known = [field.name for field in fields(RewardSettings)]
        if not isinstance(numbers or {}, Mapping):
            raise InputError(f"reward_settings = {numbers!r}; allowed: {', '.join(known)}, each with a number")
        for name in numbers or {}:
            if name not in known:
                raise InputError(f"reward_settings {name}: no such number; allowed: {', '.join(known)}")
        return RewardSettings(**(numbers or {}))

    def array(self) -> np.ndarray[Any, Any]:
        """Return the numbers in the order of the fields."""
        return np.array([getattr(self, field.name) for field in fields(self)], np.float64)


NUMBER = indices(None, *[field.name for field in fields(RewardSettings)])
"""Positions of the settings in their array, by name."""


@kernel
def utility(wealth: float, aversion: float) -> float:
    """Exponential utility, 0 at 0."""
    return -math.expm1(min(-aversion * wealth, MAX_EXPONENT)) / aversion


@kernel
def reward_rows(
    kind: int, numbers: Any, unit: float, price_scale: float, largest: float, goal: float, before: Any, after: Any,
    over: Any, state: Any, found: Any,
) -> None:  # fmt: skip
    """Write reward, pnl and penalty of n learners into `found`, shape (n, 3).

    `before` and `after` are facts, shape (n, N_FACTS); `goal` is the signed quantity of a metaorder (0: none); `state`
    is (n,) of dtype STATE.
    """
    for i in range(len(before)):
        position, last_position = after[i, FACT.position_lots], before[i, FACT.position_lots]
        mid, last_mid = after[i, FACT.mid_ticks], before[i, FACT.mid_ticks]
        move = mid - last_mid
        carried = last_position * move / unit
        traded = after[i, FACT.cash_ticks] - before[i, FACT.cash_ticks]
        pnl = (traded + position * mid - last_position * last_mid) / unit
        penalty = 0.0
        total = pnl
        if kind == SHORTFALL:
            left = goal - position
            total = (traded - left * mid + (goal - last_position) * last_mid) / unit
            if over[i]:
                total -= abs(left) * numbers[NUMBER.leftover_scales] * price_scale / unit
            penalty = pnl - total
        elif kind == INVENTORY:
            q = last_position / largest
            penalty = numbers[NUMBER.phi_per_s] * q * q * (after[i, FACT.time_s] - before[i, FACT.time_s])
            if over[i]:
                penalty += numbers[NUMBER.alpha] * (position / largest) ** 2
            total = pnl - penalty
        elif kind == ASYMMETRIC:
            penalty = max(0.0, numbers[NUMBER.damping] * carried)
            total = pnl - penalty
        elif kind == SHARPE:
            mean, square = state[i].mean, state[i].square
            d_mean, d_square = pnl - mean, pnl * pnl - square
            variance = square - mean * mean
            total = 0.0
            if variance > 1e-12:
                total = (square * d_mean - 0.5 * mean * d_square) / (variance * math.sqrt(variance))
            total = min(max(total, -10.0), 10.0)
            state[i].mean = mean + numbers[NUMBER.sharpe_weight] * d_mean
            state[i].square = square + numbers[NUMBER.sharpe_weight] * d_square
            penalty = pnl - total
        elif kind == UTILITY:
            wealth = state[i].wealth + pnl
            aversion = numbers[NUMBER.risk_aversion]
            total = utility(wealth, aversion) - utility(state[i].wealth, aversion)
            state[i].wealth = wealth
            penalty = pnl - total
        found[i, 0] = total
        found[i, 1] = pnl
        found[i, 2] = penalty


class Rewards:
    """A reward for n learners.

    Args:
        reward: one of REWARDS, or a function of the user's own (agents.rl.custom).
        n: learners.
        price_scale_ticks: unit of prices.
        largest_lots: the task's largest position.
        goal_lots: signed quantity of a metaorder, 0 where the task has none.
        settings: numbers in the reward.

    Raises:
        InputError: if there is no such reward.
    """

    def __init__(
        self,
        reward: str | RewardFunction,
        n: int,
        *,
        price_scale_ticks: float,
        largest_lots: float,
        goal_lots: float = 0.0,
        settings: RewardSettings | Mapping[str, Any] | None = None,
    ) -> None:
        self._own = reward if callable(reward) else None
        if self._own is None and reward not in REWARDS:
            raise InputError(f"reward = {reward!r}: no such reward; allowed: {', '.join(REWARDS)}, or a function")
        self.name = name_of(reward) if callable(reward) else reward
        self._kind = PNL if callable(reward) else NAMES.index(reward)
        self._numbers = RewardSettings.of(settings).array()
        self._scales = (price_scale_ticks * largest_lots, price_scale_ticks, float(largest_lots), float(goal_lots))
        self.state = np.zeros(n, STATE)
        self.found = np.zeros((n, 3))

    def reset(self, which: Any = slice(None)) -> None:
        """Forget what was, at the beginning of an episode of the learners `which`."""
        self.state[which] = np.zeros(1, STATE)
        begin = getattr(self._own, "reset", None)
        if begin is not None:
            begin(which)

    def __call__(self, before: Any, after: Any, over: Any) -> np.ndarray[Any, Any]:
        """Return reward, pnl and penalty, shape (n, 3), of facts of shape (n, N_FACTS); reused by the next call."""
        assert before.shape[1] == N_FACTS
        unit, price_scale, largest, goal = self._scales
        reward_rows(
            self._kind, self._numbers, unit, price_scale, largest, goal, before, after, over, self.state, self.found
        )
        if self._own is not None:
            self.found[:, 0] = rewarded(self._own, before, after, over)
            self.found[:, 2] = self.found[:, 1] - self.found[:, 0]
        return self.found
