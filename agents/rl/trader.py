"""A learning agent whose network is too large to run compiled: a Python trader with the task's own eyes and hands.

The compiled `observe` and `act` of the task do the seeing and the acting, as in an environment and in a compiled
population; only the choice between them is made in Python, by any network that stable-baselines3 saved, or by any
function. Such a trader takes tens of microseconds and more for a decision: use it where a network of two layers of 64
is not enough.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from agents.rl._learner import ACTION, FEATURE_CELLS, NEEDS, OBSERVED
from agents.rl.features import feature_indices
from agents.rl.task import find_task
from sim.distributions import number_fields
from sim.records import AGENT
from sim.trader import Trader, TraderView

__all__ = ["LearnedTrader"]


class LearnedTrader(Trader):
    """A trader that does one task with a model of any size.

    Args:
        task: "execution", "market_making" or "directional".
        model: file that `outcry train rl --algo ppo` or stable-baselines3 saved (`checkpoint.zip`), or a function from
            an observation of shape (features,) to an action: a menu entry, or continuous values in [-1, 1].
        algo: class of the saved model: "ppo" or "dqn".
        features: names from agents.rl.FEATURES that the model sees; default: the task's.
        settings: of the task's agent, as for the compiled population.

    Raises:
        ValueError: if the model cannot be read or does not fit.
        InputError: if there is no such task or feature.
    """

    needs = NEEDS

    def __init__(
        self,
        task: str = "execution",
        model: str | Path | Callable[[Any], Any] = "",
        algo: str = "ppo",
        features: tuple[str, ...] | list[str] = (),
        settings: dict[str, Any] | None = None,
    ) -> None:
        try:
            from agents.rl.spaces import checked_actions
        except ImportError as error:
            raise ValueError(f'{error.name} is missing; allowed: after installing the extra "rl"') from None
        self._check = checked_actions
        self._task = find_task(task)
        numbers = self._task.policy.settings.model_validate({**(settings or {}), "untrained": True})
        self._selected = np.array(feature_indices(tuple(features) or self._task.features)) + FEATURE_CELLS
        self._n_continuous = self._task.continuous(numbers)
        n_actions = self._n_continuous or len(self._task.menu)
        self._choose = model if callable(model) else _saved(str(model), algo, len(self._selected), n_actions)
        self.wakes_on = self._task.policy.wakes_on
        self._memory = np.zeros(self._task.policy.memory_cells(numbers))
        self._agent = np.zeros(1, AGENT)
        for column, name in enumerate(number_fields(type(numbers))):
            self._agent["params"][0, column] = float(getattr(numbers, name))

    def on_wake(self, view: TraderView) -> float | None:
        """Look; choose if a decision is due; act."""
        agent = self._agent[0]
        with view.compiled(self._memory, agent) as (record, out):
            if self._task.observe(record, agent, out) == OBSERVED:
                chosen = self._choose(self._memory[self._selected])
                action = self._check(self._n_continuous, len(self._task.menu), 1, np.asarray(chosen)[None])[0]
                self._memory[ACTION : ACTION + len(action)] = action
            delay_ns = int(self._task.act(record, agent, out))
        return delay_ns / 1e9 if delay_ns > 0 else None

    def state(self) -> Any:
        """Return memory and state cells."""
        return self._memory.tolist(), self._agent["state"][0].tolist()

    def set_state(self, state: Any) -> None:
        """Take them back."""
        self._memory[:], self._agent["state"][0] = state


def _saved(path: str, algo: str, n_features: int, n_actions: int) -> Callable[[Any], Any]:
    if algo not in ("ppo", "dqn"):
        raise ValueError(f"algo = {algo!r}; allowed: 'ppo', 'dqn'")
    if not Path(path).is_file():
        raise ValueError(f"model = {path!r}: no such file; allowed: a zip that stable-baselines3 saved")
    try:
        import stable_baselines3
    except ImportError:
        raise ValueError(f"model = {path!r}: needs stable-baselines3; install openoutcry[rl]") from None
    try:
        model = getattr(stable_baselines3, algo.upper()).load(path, device="cpu")
    except Exception as error:
        raise ValueError(f"model = {path!r}: not a saved {algo} model ({type(error).__name__})") from None
    shape = model.observation_space.shape
    if shape != (n_features,):
        raise ValueError(f"model = {path!r}: sees {shape[0]} features; allowed: {n_features}, those of `features`")
    space = model.action_space
    if int(getattr(space, "n", 0) or space.shape[0]) != n_actions:
        raise ValueError(f"model = {path!r}: its actions are {space}; allowed: the {n_actions} of the task")
    return lambda observation: model.predict(observation.astype(np.float32), deterministic=True)[0]
