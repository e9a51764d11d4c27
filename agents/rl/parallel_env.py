"""`MarketParallelEnv`: several learners in one market, as a PettingZoo parallel environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from agents.rl._checks import market_seed, steps_limit
from agents.rl.batch import Batch, MakeMarket, batch_of
from agents.rl.options import LearnerOptions, check_options
from agents.rl.rendering import RENDER_MODES, RENDERS_PER_S, checked_mode, rendered
from agents.rl.spaces import action_space, checked_action, info_of, observation_space
from lob.errors import InputError

__all__ = ["MarketParallelEnv"]


class MarketParallelEnv(ParallelEnv[str, Any, Any]):
    """All agents of one learning population, each with its own observation, action and reward.

    They decide at the same instants and see the same state of the market: nobody's order arrives before all have
    decided. `state()` is all observations side by side, for a central critic.

    Args:
        make_market: returns the market of a seed, with a population of learning agents in it.
        learner, features, reward, reward_settings, observation, task, max_steps, keep_tape, render_mode: as for
            MarketEnv.

    Raises:
        InputError: for a wrong name, a missing, unknown or wrong action, and a step after the end.
    """

    metadata = {  # noqa: RUF012
        "name": "outcry_v0", "render_modes": list(RENDER_MODES), "render_fps": RENDERS_PER_S, "is_parallelizable": True,
    }  # fmt: skip

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
        self.possible_agents = [f"learner_{rank}" for rank in range(self.batch.k)]
        self.agents: list[str] = []
        self.observation_spaces = {agent: observation_space(self.batch) for agent in self.possible_agents}
        self.action_spaces = {agent: action_space(self.batch) for agent in self.possible_agents}
        self._n_steps = 0
        self._generator = seeding.np_random(None)[0]

    def observation_space(self, agent: str) -> Any:
        """Return the space of an agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """Return the space of an agent's actions."""
        return self.action_spaces[agent]

    @property
    def state_space(self) -> Any:
        """Space of `state`."""
        from gymnasium import spaces

        one = observation_space(self.batch)
        return spaces.Box(np.tile(one.low, self.batch.k), np.tile(one.high, self.batch.k), dtype=np.float32)

    def state(self) -> np.ndarray[Any, Any]:
        """Return all observations side by side."""
        return self.batch.observations[0].reshape(-1).copy()

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Begin an episode; `seed` is the market's."""
        if seed is not None:
            seed = market_seed(seed)
            self._generator = seeding.np_random(seed)[0]
        self.batch.reset(0, int(self._generator.integers(2**31)) if seed is None else seed)
        self._n_steps = 0
        self.agents = list(self.possible_agents)
        infos = {
            agent: {"seed": self.batch.seeds[0], **info_of(self.batch, 0, k, 0.0, 0.0)} for k, agent in self._ranks()
        }
        return self._observations(self.agents), infos

    def step(self, actions: dict[str, Any]) -> tuple[Any, Any, Any, Any, Any]:
        """Send the actions of all agents that are left and run to the next decision."""
        batch, agents = self.batch, self.agents
        if not agents:
            raise InputError("step: no episode is running; allowed after reset() and until it has ended")
        if not isinstance(actions, Mapping):
            raise InputError(f"actions = {actions!r}; allowed: one for each of {', '.join(agents)}, by name")
        if set(actions) != set(agents):
            raise InputError(
                f"actions for {', '.join(map(str, actions)) or 'nobody'}; allowed: for {', '.join(agents)}"
            )
        n_values = batch.n_continuous or 1
        ranks = self._ranks()
        values = [checked_action(batch, actions[agent]) for _, agent in ranks]
        for (rank, _), value in zip(ranks, values, strict=True):
            batch.actions[0, rank, :n_values] = value
        found = batch.step()[0]
        self._n_steps += 1
        rewards, terminated, truncated, infos = {}, {}, {}, {}
        for rank, agent in ranks:
            rewards[agent], pnl, penalty = found[rank].tolist()
            closed = bool(batch.closed[0, rank])
            terminated[agent] = bool(batch.over[0, rank]) and not closed
            truncated[agent] = not terminated[agent] and (closed or self._n_steps == self._max_steps)
            infos[agent] = info_of(batch, 0, rank, pnl, penalty)
        self.agents = [agent for _, agent in ranks if not (terminated[agent] or truncated[agent])]
        return self._observations(agents), rewards, terminated, truncated, infos

    def render(self) -> Any:
        """Return a text or a picture (height, width, 3) of the market, by `render_mode`; None without one."""
        return None if self.render_mode is None else rendered(self.batch, 0, self.render_mode)

    def tape(self) -> np.ndarray[Any, Any]:
        """Return all rows of the episode's market so far (with `keep_tape`)."""
        return self.batch.tape(0)

    def _ranks(self) -> list[tuple[int, str]]:
        return [(rank, agent) for rank, agent in enumerate(self.possible_agents) if agent in self.agents]

    def _observations(self, agents: Sequence[str]) -> dict[str, Any]:
        return {agent: self.batch.observations[0, self.possible_agents.index(agent)].copy() for agent in agents}
