"""`MarketVectorEnv`: many markets with one learner each in one compiled call, as a Gymnasium vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from agents.rl._stepping import FACTS
from agents.rl.batch import Batch, MakeMarket, batch_of
from agents.rl.rewards import RewardSettings
from agents.rl.spaces import action_space, checked_actions, info_of, observation_space
from lob.errors import InputError

__all__ = ["MarketVectorEnv"]


class MarketVectorEnv(VectorEnv[np.ndarray[Any, Any], Any, Any]):
    """n markets of `MarketEnv`, each with a seed of its own.

    Args:
        make_market: as for MarketEnv.
        num_envs: n.
        threads: threads that share the markets; the result does not depend on it.
        learner, features, reward, reward_settings, max_steps, keep_tape: as for MarketEnv.

    `reset(seed=s)` gives market m the seed s + m; market m then goes through the very episodes of a MarketEnv that was
    reset with s + m. An episode that ends is followed by the next one at once (AutoresetMode.SAME_STEP): the last
    observation and info stand in infos["final_obs"] and infos["final_info"], with masks.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self,
        make_market: MakeMarket | Batch,
        num_envs: int,
        *,
        threads: int = 1,
        learner: str | None = None,
        features: Sequence[str] | None = None,
        reward: str | None = None,
        reward_settings: RewardSettings | None = None,
        max_steps: int | None = None,
        keep_tape: bool = False,
    ) -> None:
        self.batch = batch_of(
            make_market, num_envs, learner=learner, features=features, reward=reward,
            reward_settings=reward_settings, threads=threads, keep_tape=keep_tape,
        )  # fmt: skip
        if self.batch.k != 1:
            raise InputError(f"{self.batch.k} learners in the market; allowed: 1 (use MarketParallelEnv for several)")
        if max_steps is not None and max_steps < 1:
            raise InputError(f"max_steps = {max_steps}; allowed: at least 1")
        self.num_envs = num_envs
        self.single_observation_space = observation_space(self.batch)
        self.single_action_space = action_space(self.batch)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._max_steps = max_steps
        self._n_steps = np.full(num_envs, -1)
        self._generators = [seeding.np_random(None)[0] for _ in range(num_envs)]

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every market."""
        super().reset(seed=seed if isinstance(seed, int) else None)
        seeds = [seed + m for m in range(self.num_envs)] if isinstance(seed, int) else list(seed or ())
        if seeds and len(seeds) != self.num_envs:
            raise InputError(f"seed: {len(seeds)} of them; allowed: one for each of {self.num_envs} markets")
        used = [self._begin(m, seeds[m] if seeds else None) for m in range(self.num_envs)]
        return self.batch.observations[:, 0].copy(), {"seed": np.array(used), **self._infos(None)}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Send all actions and run every market to its next decision."""
        batch = self.batch
        if self._n_steps.min() < 0:
            raise InputError("step: no episode is running; allowed after reset()")
        values = checked_actions(batch.n_continuous, batch.n_actions, self.num_envs, actions)
        batch.actions[:, 0, : values.shape[1]] = values
        found = batch.step()[:, 0].copy()
        self._n_steps += 1
        closed = batch.closed[:, 0].copy()
        terminated = batch.over[:, 0] & ~closed
        truncated = ~terminated & (closed | (self._n_steps == (self._max_steps or -1)))
        infos = self._infos(found)
        ended = terminated | truncated
        if ended.any():
            self._begin_next(np.flatnonzero(ended), ended, found, infos)
        return batch.observations[:, 0].copy(), found[:, 0], terminated, truncated, infos

    def tape(self, m: int) -> np.ndarray[Any, Any]:
        """Return the rows of market m in its present episode (with `keep_tape`)."""
        return self.batch.tape(m)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _begin(self, m: int, seed: int | None) -> int:
        if seed is not None:
            self._generators[m] = seeding.np_random(seed)[0]
        market_seed = int(self._generators[m].integers(2**31)) if seed is None else seed
        self.batch.reset(m, market_seed)
        self._n_steps[m] = 0
        return market_seed

    def _begin_next(self, which: Any, ended: Any, found: Any, infos: dict[str, Any]) -> None:
        final_obs = np.full(self.num_envs, None, object)
        final_info: dict[str, Any] = {}
        for m in which:
            final_obs[m] = self.batch.observations[m, 0].copy()
            for name, value in info_of(self.batch, m, 0, found[m, 1], found[m, 2]).items():
                final_info.setdefault(name, np.zeros(self.num_envs))[m] = value
            self._begin(int(m), None)
        final_info |= {f"_{name}": ended for name in list(final_info)}
        infos |= {"final_obs": final_obs, "_final_obs": ended, "final_info": final_info, "_final_info": ended}

    def _infos(self, found: Any) -> dict[str, Any]:
        infos: dict[str, Any] = {name: self.batch.facts[:, 0, k].copy() for k, name in enumerate(FACTS)}
        infos["pnl"] = np.zeros(self.num_envs) if found is None else found[:, 1]
        infos["penalty"] = np.zeros(self.num_envs) if found is None else found[:, 2]
        return infos
