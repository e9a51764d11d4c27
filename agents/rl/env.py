"""`MarketEnv`: one learner in one market, as a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from agents.rl.batch import Batch, MakeMarket, batch_of
from agents.rl.rewards import RewardSettings
from agents.rl.spaces import action_space, checked_action, info_of, observation_space
from lob.errors import InputError

__all__ = ["MarketEnv"]


class MarketEnv(gymnasium.Env[np.ndarray[Any, Any], Any]):
    """A market in which one agent's decisions come from outside.

    Args:
        make_market: returns the market of a seed, with one learning agent (agents.rl.policies) in it.
        learner: name of its population; default: the only one.
        features: names from agents.rl.FEATURES; default: the task's.
        reward: one of agents.rl.REWARDS; default: the task's.
        reward_settings: numbers in the reward.
        max_steps: truncate an episode after so many steps; default: never.
        keep_tape: keep the rows of the episode for `tape`.

    `reset(seed=s)` runs the market of seed s, the same that a scenario file gives with `--seed s`; without a seed the
    next one is drawn. `terminated`: the task is over. `truncated`: `max_steps`, or the market closed first.

    Raises:
        InputError: for a wrong name, an action out of range or not finite, and a step after the end.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - the base class declares it so

    def __init__(
        self,
        make_market: MakeMarket | Batch,
        *,
        learner: str | None = None,
        features: Sequence[str] | None = None,
        reward: str | None = None,
        reward_settings: RewardSettings | None = None,
        max_steps: int | None = None,
        keep_tape: bool = False,
    ) -> None:
        self.batch = batch_of(
            make_market, 1, learner=learner, features=features, reward=reward,
            reward_settings=reward_settings, keep_tape=keep_tape,
        )  # fmt: skip
        if self.batch.k != 1:
            raise InputError(f"{self.batch.k} learners in the market; allowed: 1 (use MarketParallelEnv for several)")
        if max_steps is not None and max_steps < 1:
            raise InputError(f"max_steps = {max_steps}; allowed: at least 1")
        self.observation_space = observation_space(self.batch)
        self.action_space = action_space(self.batch)
        self._max_steps = max_steps
        self._n_steps = -1

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; see the class for seeds."""
        super().reset(seed=seed)
        market_seed = int(self.np_random.integers(2**31)) if seed is None else seed
        self.batch.reset(0, market_seed)
        self._n_steps = 0
        return self.batch.observations[0, 0].copy(), {"seed": market_seed, **info_of(self.batch, 0, 0, 0.0, 0.0)}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Send the action and run to the next decision."""
        batch = self.batch
        if self._n_steps < 0:
            raise InputError("step: no episode is running; allowed after reset() and until it has ended")
        values = checked_action(batch, action)
        if batch.n_continuous:
            batch.actions[0, 0, : batch.n_continuous] = values
        else:
            batch.actions[0, 0, 0] = values
        reward, pnl, penalty = batch.step()[0, 0].tolist()
        self._n_steps += 1
        closed = bool(batch.closed[0, 0])
        terminated = bool(batch.over[0, 0]) and not closed
        truncated = not terminated and (closed or self._n_steps == self._max_steps)
        if terminated or truncated:
            self._n_steps = -1
        info = info_of(batch, 0, 0, pnl, penalty)
        return batch.observations[0, 0].copy(), reward, terminated, truncated, info

    def tape(self) -> np.ndarray[Any, Any]:
        """Return all rows of the episode's market so far (with `keep_tape`)."""
        return self.batch.tape(0)
