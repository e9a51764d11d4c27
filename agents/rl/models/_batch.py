"""What model worlds share: the interface of a MarketBatch without markets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.rl._checks import market_seed
from agents.rl._stepping import N_FACTS
from agents.rl.custom import Observation
from agents.rl.rewards import Rewards, RewardSettings
from agents.rl.task import find_task

__all__ = ["ModelBatch", "ModelSizes"]


@dataclass(frozen=True)
class ModelSizes:
    """Units and lengths of a model.

    Attributes:
        price_scale_ticks, largest_lots: units of rewards and observations.
        duration_s, step_s: length of an episode and of a step.
        n_continuous: continuous actions; 0: the task's menu.
    """

    price_scale_ticks: float
    largest_lots: float
    duration_s: float
    step_s: float
    n_continuous: int = 0


class ModelBatch:
    """n runs of a model with one learner each; a subclass moves the world.

    Args:
        n: runs.
        task: whose menu and default reward are used.
        features: names of what is observed.
        reward, reward_settings: as for MarketBatch.
        sizes: its units and lengths.
    """

    k = 1

    def __init__(
        self,
        n: int,
        task: str,
        features: tuple[str, ...],
        reward: str,
        reward_settings: RewardSettings | None,
        sizes: ModelSizes,
    ) -> None:
        self.n = n
        self.task = find_task(task)
        self.features = features
        self.n_actions, self.n_continuous = len(self.task.menu), sizes.n_continuous
        self.n_steps, self.step_s = round(sizes.duration_s / sizes.step_s), sizes.step_s
        self.rewards = Rewards(
            reward,
            n,
            price_scale_ticks=sizes.price_scale_ticks,
            largest_lots=sizes.largest_lots,
            settings=reward_settings,
        )
        self.actions = np.zeros((n, 1, 2))
        self.observations = np.zeros((n, 1, len(features)), np.float32)
        self.facts = np.zeros((n, 1, N_FACTS))
        self.over = np.zeros((n, 1), bool)
        self.closed = np.zeros((n, 1), bool)
        self.seeds = [-1] * n
        self.observation: Observation | None = None
        self._steps = np.zeros(n, np.int64)
        self._keys = np.zeros(n, np.uint64)

    @property
    def most_steps(self) -> int:
        """Steps of an episode."""
        return self.n_steps

    def reset(self, m: int, seed: int) -> None:
        """Begin run m anew; all its draws follow from the seed."""
        from sim.rng import agent_key

        seed = self.seeds[m] = market_seed(seed)
        self._keys[m] = agent_key(seed, "model", 0)
        self._steps[m] = 0
        self.facts[m] = 0.0
        self.over[m] = False
        self.rewards.reset(m)
        self._begin(m)
        self._observe()

    def step(self) -> np.ndarray[Any, Any]:
        """Move all runs by one step; return reward, pnl and penalty, shape (n, 1, 3)."""
        before, was_over = self.facts.reshape(self.n, N_FACTS).copy(), self.over.reshape(-1).copy()
        self._move()
        self._steps += 1
        self.facts[:, 0, 0] = self._steps * self.step_s
        self.over[:, 0] = self._steps >= self.n_steps
        self._observe()
        found = self.rewards(before, self.facts.reshape(self.n, N_FACTS), self.over.reshape(-1))
        found[was_over] = 0.0
        return found.reshape(self.n, 1, 3)

    def _begin(self, m: int) -> None:
        """Set the facts of a run at its beginning."""
        raise NotImplementedError

    def _move(self) -> None:
        """Change the facts by one step."""
        raise NotImplementedError

    def _observe(self) -> None:
        """Write the observations."""
        raise NotImplementedError
