"""`MarketEnv`: one learner in one market, as a Gymnasium environment."""

from __future__ import annotations

import copy
from typing import Any, Unpack

import gymnasium
import numpy as np

from agents.rl._checks import market_seed, steps_limit
from agents.rl.batch import Batch, MakeMarket, batch_of
from agents.rl.options import LearnerOptions, check_options
from agents.rl.rendering import RENDER_MODES, RENDERS_PER_S, checked_mode, rendered
from agents.rl.spaces import action_space, checked_action, info_of, observation_space
from lob.errors import InputError

__all__ = ["MarketEnv"]


class MarketEnv(gymnasium.Env[np.ndarray[Any, Any], Any]):
    """A market in which one agent's decisions come from outside.

    Args:
        make_market: returns the market of a seed, with one learning agent (agents.rl.policies) in it.
        learner: name of its population; default: the only one.
        features: names from agents.rl.FEATURES; default: the task's.
        reward: one of agents.rl.REWARDS, or a function of your own (agents.rl.custom); default: the task's.
        reward_settings: numbers in the reward, as RewardSettings or by name.
        observation: a function of your own that makes the observation of features and facts (agents.rl.custom).
        task: what the learner does, if it is no task of agents.rl.tasks.
        max_steps: truncate an episode after so many steps; default: never.
        keep_tape: keep the rows of the episode for `tape`.
        render_mode: what `render` returns: "ansi", a text, or "rgb_array", a picture.

    `reset(seed=s)` runs the market of seed s, the same that a scenario file gives with `--seed s`; without a seed the
    next one is drawn. `terminated`: the task is over. `truncated`: `max_steps`, or the market closed first. A copy
    (copy.deepcopy) or a pickle made in mid-episode goes on as the original does. `spec.max_episode_steps` is the number
    of decisions of an episode that nothing ends early.

    Raises:
        InputError: for a wrong name, seed or render mode, an action out of range or not finite, a step after the end.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": RENDERS_PER_S}  # noqa: RUF012 - declared so by the base

    def __init__(
        self,
        make_market: MakeMarket | Batch,
        *,
        max_steps: int | None = None,
        render_mode: str | None = None,
        **options: Unpack[LearnerOptions],
    ) -> None:
        check_options(options, LearnerOptions)
        self._max_steps = steps_limit(max_steps)
        self.render_mode = checked_mode(render_mode)
        self.batch = batch_of(make_market, 1, **options)
        if self.batch.k != 1:
            raise InputError(f"{self.batch.k} learners in the market; allowed: 1 (use MarketParallelEnv for several)")
        self.observation_space = observation_space(self.batch)
        self.action_space = action_space(self.batch)
        self._n_steps = -1
        self._spec: Any = None

    @property
    def spec(self) -> Any:
        """What gymnasium.make was told, with the number of decisions of an episode; None outside of it."""
        return self._spec

    @spec.setter
    def spec(self, spec: Any) -> None:
        self._spec = copy.copy(spec)
        if spec is not None and spec.max_episode_steps is None:
            self._spec.max_episode_steps = min(self._max_steps or self.batch.most_steps, self.batch.most_steps)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; see the class for seeds."""
        seed = None if seed is None else market_seed(seed)
        super().reset(seed=seed)
        self.batch.reset(0, int(self.np_random.integers(2**31)) if seed is None else seed)
        self._n_steps = 0
        info = {"seed": self.batch.seeds[0], **info_of(self.batch, 0, 0, 0.0, 0.0)}
        return self.batch.observations[0, 0].copy(), info

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

    def render(self) -> Any:
        """Return a text or a picture (height, width, 3) of the market, by `render_mode`; None without one."""
        return None if self.render_mode is None else rendered(self.batch, 0, self.render_mode)

    def tape(self) -> np.ndarray[Any, Any]:
        """Return all rows of the episode's market so far (with `keep_tape`)."""
        return self.batch.tape(0)
