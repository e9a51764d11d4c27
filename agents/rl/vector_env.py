"""`MarketVectorEnv`: many markets with one learner each in one compiled call, as a Gymnasium vector environment."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from agents.rl._checks import LAST_SEED, market_seed, steps_limit
from agents.rl._stepping import FACTS
from agents.rl.batch import Batch, MakeMarket, batch_of
from agents.rl.options import BatchOptions, check_options
from agents.rl.rendering import RENDER_MODES, RENDERS_PER_S, checked_mode, rendered
from agents.rl.spaces import action_space, checked_actions, info_of, observation_space
from lob.errors import InputError

__all__ = ["MarketVectorEnv"]


class MarketVectorEnv(VectorEnv[np.ndarray[Any, Any], Any, Any]):
    """n markets of `MarketEnv`, each with a seed of its own.

    Args:
        make_market: as for MarketEnv.
        num_envs: n.
        autoreset_mode: what follows the end of an episode, as everywhere in Gymnasium:
            "SameStep": the next episode at once; the last observation and info stand in infos["final_obs"] and
            infos["final_info"], with masks. "NextStep": the next episode at the next step, whose action does nothing.
            "Disabled": nothing; `reset(options={"reset_mask": mask})` begins the next episode of the markets of a mask.
        threads: threads that share the markets; the result does not depend on it.
        learner, features, reward, reward_settings, observation, task, max_steps, keep_tape, render_mode: as for
            MarketEnv.

    `reset(seed=s)` gives market m the seed s + m; market m then goes through the very episodes of a MarketEnv that was
    reset with s + m. Copies and pickles go on as the original does.

    Raises:
        InputError: for a wrong name, an action out of range or not finite, a wrong mask or seed, a step after the end.
    """

    def __init__(
        self,
        make_market: MakeMarket | Batch,
        num_envs: int,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        max_steps: int | None = None,
        render_mode: str | None = None,
        **options: Unpack[BatchOptions],
    ) -> None:
        check_options(options, BatchOptions)
        self._mode = _mode(autoreset_mode)
        self.metadata = {"render_modes": list(RENDER_MODES), "render_fps": RENDERS_PER_S, "autoreset_mode": self._mode}
        self.render_mode = checked_mode(render_mode)
        self._max_steps = steps_limit(max_steps)
        self.batch = batch_of(make_market, num_envs, **options)
        if self.batch.k != 1:
            raise InputError(f"{self.batch.k} learners in the market; allowed: 1 (use MarketParallelEnv for several)")
        self.num_envs = self.batch.n
        self.single_observation_space = observation_space(self.batch)
        self.single_action_space = action_space(self.batch)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._n_steps = np.full(self.num_envs, -1)
        self._ended = np.zeros(self.num_envs, bool)
        self._generators = [seeding.np_random(None)[0] for _ in range(self.num_envs)]

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every market, or in those of options["reset_mask"], bool (n,).

        `seed` is one number, or one (or None) for each market. Infos of markets outside the mask are 0, and masked so.
        """
        which = self._mask((options or {}).get("reset_mask"))
        seeds = self._seeds(seed)
        for m in np.flatnonzero(which).tolist():
            self._begin(m, seeds[m])
        return self.batch.observations[:, 0].copy(), self._infos(None, which, which)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Send all actions and run every market to its next decision."""
        batch = self.batch
        if self._n_steps.min() < 0:
            raise InputError("step: no episode is running; allowed after reset()")
        begins = self._ended.copy()
        if self._mode == AutoresetMode.DISABLED and begins.any():
            raise InputError(f"step: the episodes of markets {', '.join(map(str, np.flatnonzero(begins)))} have ended; "
                             'allowed after reset(options={"reset_mask": mask})')  # fmt: skip
        values = checked_actions(batch.n_continuous, batch.n_actions, self.num_envs, actions)
        batch.actions[:, 0, : values.shape[1]] = values
        found = batch.step()[:, 0].copy()
        self._n_steps += 1
        closed = batch.closed[:, 0].copy()
        terminated = batch.over[:, 0] & ~closed
        truncated = ~terminated & (closed | (self._n_steps == (self._max_steps or -1)))
        if begins.any():  # what such a market did in this step belongs to no episode
            for m in np.flatnonzero(begins).tolist():
                self._begin(m, None)
            found[begins], terminated[begins], truncated[begins] = 0.0, False, False
        self._ended = terminated | truncated
        every = np.ones(self.num_envs, bool)
        if self._mode == AutoresetMode.SAME_STEP and self._ended.any():
            begins = self._ended.copy()
            final = self._final(begins, found)
            for m in np.flatnonzero(begins).tolist():
                self._begin(m, None)
            infos = {**self._infos(np.where(begins[:, None], 0.0, found), every, begins), **final}
        else:
            infos = self._infos(found, every, begins)
        return batch.observations[:, 0].copy(), found[:, 0], terminated, truncated, infos

    def render(self) -> tuple[Any, ...] | None:
        """Return a text or a picture (height, width, 3) of every market, by `render_mode`; None without one."""
        if self.render_mode is None:
            return None
        return tuple(rendered(self.batch, m, self.render_mode) for m in range(self.num_envs))

    def tape(self, m: int) -> np.ndarray[Any, Any]:
        """Return the rows of market m in its present episode (with `keep_tape`)."""
        return self.batch.tape(m)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _mask(self, mask: Any) -> np.ndarray[Any, Any]:
        if mask is None:
            return np.ones(self.num_envs, bool)
        found = np.asarray(mask)
        if found.dtype != bool or found.shape != (self.num_envs,):
            raise InputError(f"reset_mask: {found.dtype} of shape {found.shape}; allowed: bool of ({self.num_envs},)")
        if not found.any():
            raise InputError("reset_mask: True nowhere; allowed: for at least one market")
        return found

    def _seeds(self, seed: Any) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if np.ndim(seed) == 0:
            first = market_seed(seed)
            if first > LAST_SEED - self.num_envs + 1:
                raise InputError(f"seed = {first}; allowed: at most {LAST_SEED} for the last market, which gets "
                                 f"{self.num_envs - 1} more")  # fmt: skip
            return [first + m for m in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise InputError(f"seed: {len(seed)} of them; allowed: one for each of {self.num_envs} markets")
        return [None if one is None else market_seed(one, f"seed[{m}]") for m, one in enumerate(seed)]

    def _begin(self, m: int, seed: int | None) -> None:
        if seed is not None:
            self._generators[m] = seeding.np_random(seed)[0]
        self.batch.reset(m, int(self._generators[m].integers(2**31)) if seed is None else seed)
        self._n_steps[m], self._ended[m] = 0, False

    def _final(self, ended: Any, found: Any) -> dict[str, Any]:
        """Return the last observations and infos of the episodes that have just ended."""
        final_obs = np.full(self.num_envs, None, object)
        final_info: dict[str, Any] = {}
        for m in np.flatnonzero(ended).tolist():
            final_obs[m] = self.batch.observations[m, 0].copy()
            for name, value in info_of(self.batch, m, 0, found[m, 1], found[m, 2]).items():
                final_info.setdefault(name, np.zeros(self.num_envs))[m] = value
        final_info |= {f"_{name}": ended for name in list(final_info)}
        return {"final_obs": final_obs, "_final_obs": ended, "final_info": final_info, "_final_info": ended}

    def _infos(self, found: Any, shown: Any, begins: Any) -> dict[str, Any]:
        """Return facts and parts of the reward of the markets `shown`, and the seeds of those that begin an episode."""
        infos: dict[str, Any] = {
            name: np.where(shown, self.batch.facts[:, 0, k], 0.0) for k, name in enumerate(FACTS)
        }  # fmt: skip
        infos["pnl"] = np.zeros(self.num_envs) if found is None else found[:, 1]
        infos["penalty"] = np.zeros(self.num_envs) if found is None else found[:, 2]
        infos |= {f"_{name}": shown for name in list(infos)}
        if begins.any():
            infos |= {"seed": np.where(begins, self.batch.seeds, 0), "_seed": begins}
        return infos


def _mode(given: AutoresetMode | str) -> AutoresetMode:
    if isinstance(given, AutoresetMode):
        return given
    names = {word: mode for mode in AutoresetMode for word in (mode.value, mode.name)}
    if not isinstance(given, str) or given not in names:
        raise InputError(f"autoreset_mode = {given!r}; allowed: {', '.join(m.value for m in AutoresetMode)}")
    return names[given]
