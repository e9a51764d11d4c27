"""`TeamVectorEnv`: markets with several learners each, laid out as one row per learner, for training."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from agents.rl._checks import market_seed
from agents.rl.batch import MakeMarket, MarketBatch
from agents.rl.options import BatchOptions
from agents.rl.spaces import action_space, checked_actions, observation_space
from lob.errors import InputError

__all__ = ["TeamVectorEnv"]


class TeamVectorEnv(VectorEnv[np.ndarray[Any, Any], Any, Any]):
    """n markets with k learners each as n x k rows, learners of a market beside one another.

    A market's episode ends for all its learners when the last one's task is over; a learner that is done before gets
    rewards of 0 until then. The next episode follows at once.

    Args:
        make_market, learner, features, reward, reward_settings, threads: as for MarketVectorEnv.
        n_markets: n.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self,
        make_market: MakeMarket,
        n_markets: int,
        **options: Unpack[BatchOptions],
    ) -> None:
        self.batch = MarketBatch(make_market, n_markets, **options)
        self.num_envs = n_markets * self.batch.k
        self.single_observation_space = observation_space(self.batch)
        self.single_action_space = action_space(self.batch)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._next_seed = -1

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every market; market m has the seed `seed` + m, later episodes count on."""
        if seed is not None and np.ndim(seed) > 0:
            raise InputError("seed: a list; allowed: one number")
        seed = None if seed is None else market_seed(seed)
        super().reset(seed=seed)
        self._next_seed = int(self.np_random.integers(2**31)) if seed is None else seed
        for m in range(self.batch.n):
            self._begin(m)
        return self._rows(self.batch.observations), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Send all actions, shape (n x k,) or (n x k, numbers), and run every market to its next decision."""
        batch = self.batch
        if self._next_seed < 0:
            raise InputError("step: no episode is running; allowed after reset()")
        values = checked_actions(batch.n_continuous, batch.n_actions, self.num_envs, actions)
        batch.actions[:, :, : values.shape[1]] = values.reshape(batch.n, batch.k, -1)
        found = batch.step()[:, :, 0].reshape(-1).copy()
        ended = batch.over.all(axis=1)
        terminated = np.repeat(ended, batch.k)
        infos: dict[str, Any] = {}
        if ended.any():
            final = np.full(self.num_envs, None, object)
            for m in np.flatnonzero(ended):
                for rank in range(batch.k):
                    final[m * batch.k + rank] = batch.observations[m, rank].copy()
                self._begin(int(m))
            infos = {"final_obs": final, "_final_obs": terminated}
        return self._rows(batch.observations), found, terminated, np.zeros(self.num_envs, bool), infos

    def states(self, observations: Any) -> np.ndarray[Any, Any]:
        """Return what a central critic sees for each row: its own observation, then those of all of its market."""
        rows = np.asarray(observations, np.float32)
        together = rows.reshape(self.batch.n, -1)
        return np.concatenate([rows, np.repeat(together, self.batch.k, axis=0)], axis=1)

    def _begin(self, m: int) -> None:
        self.batch.reset(m, self._next_seed)
        self._next_seed += 1

    @staticmethod
    def _rows(values: Any) -> np.ndarray[Any, Any]:
        return np.asarray(values.reshape(-1, values.shape[-1]).copy())
