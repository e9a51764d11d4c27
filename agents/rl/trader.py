"""A learning agent whose network is too large to run compiled: a Python trader with the task's own eyes and hands.

The compiled `observe` and `act` of the task do the seeing and the acting, as in an environment and in a compiled
population; only the choice between them is made in Python, by a network of any size or by any
function. Such a trader takes tens of microseconds and more for a decision: use it where a network of two layers of 64
is not enough.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from agents.rl._learner import NEEDS, OBSERVED
from agents.rl.deep import load_deep
from agents.rl.memory import LEARNER, LEARNER_CELLS, feature_cells
from agents.rl.task import find_task
from sim.distributions import Settings, number_fields
from sim.records import AGENT
from sim.trader import Trader, TraderView
from sim.trust import refuse_code

__all__ = ["LearnedTrader"]


class LearnedSettings(BaseModel):
    """Settings of a LearnedTrader in a scenario; see there."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    task: str = "execution"
    model: str
    algo: Literal["ppo", "dqn"] = "ppo"
    features: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    trust: bool = False


class LearnedTrader(Trader):
    """A trader that does one task with a model of any size.

    Args:
        task: "execution", "market_making" or "directional".
        model: safetensors file: the `policy.safetensors` of `outcry train rl`, or one of any size that
            `agents.rl.sb3.save_policy` made of a model of stable-baselines3. Or a function from an observation of shape
            (features,) to an action: a menu entry, or continuous values in [-1, 1].
        algo: class of a model that stable-baselines3 saved as a zip: "ppo" or "dqn".
        features: names from agents.rl.FEATURES that the model sees; default: the file's, or the task's for a zip.
        settings: of the task's agent, as for the compiled population.
        trust: allow a zip of stable-baselines3, whose loading runs whatever code stands in it.

    Raises:
        ValueError: if the model cannot be read or does not fit.
        InputError: if there is no such task or feature, or the file is no policy for it.
    """

    needs = NEEDS
    files = ("model",)
    Settings = LearnedSettings

    @classmethod
    def check_settings(cls, settings: dict[str, Any]) -> None:
        """Raise ValueError, or InputError, if the model cannot be read or does not fit."""
        named = LearnedSettings(**settings)
        _loaded(named.task, named.model, named.algo, named.features, named.settings, named.trust)

    def __init__(
        self,
        task: str = "execution",
        model: str | Path | Callable[[Any], Any] = "",
        algo: str = "ppo",
        features: tuple[str, ...] | list[str] = (),
        settings: dict[str, Any] | None = None,
        trust: bool = False,
    ) -> None:
        try:
            from agents.rl.spaces import checked_actions
        except ImportError as error:
            raise ValueError(f'{error.name} is missing; allowed: after installing the extra "rl"') from None
        self._check = checked_actions
        self._task = find_task(task)
        numbers = _numbers(task, settings)
        self._n_continuous = self._task.continuous(numbers)
        if callable(model):
            names, self._choose = tuple(features), model
        else:
            names, self._choose = _loaded(task, str(model), algo, tuple(features), settings, trust)
        self._selected = np.array(feature_cells(names or self._task.features))
        self.wakes_on = self._task.policy.wakes_on
        self._memory = np.zeros(self._task.policy.memory_cells(numbers))
        self._agent = np.zeros(1, AGENT)
        kind: type[Settings] = type(numbers)
        for column, name in enumerate(number_fields(kind)):
            self._agent["params"][0, column] = float(getattr(numbers, name))

    def on_wake(self, view: TraderView) -> float | None:
        """Look; choose if a decision is due; act."""
        agent = self._agent[0]
        with view.compiled(self._memory, agent) as (record, out):
            if self._task.observe(record, agent, out) == OBSERVED:
                chosen = self._choose(self._memory[self._selected])
                action = self._check(self._n_continuous, len(self._task.menu), 1, np.asarray(chosen)[None])[0]
                self._memory[:LEARNER_CELLS].view(LEARNER)["action"][0, : len(action)] = action
            delay_ns = int(self._task.act(record, agent, out))
        return delay_ns / 1e9 if delay_ns > 0 else None

    def state(self) -> Any:
        """Return memory and state cells."""
        return self._memory.tolist(), self._agent["state"][0].tolist()

    def set_state(self, state: Any) -> None:
        """Take them back."""
        self._memory[:], self._agent["state"][0] = state


def _numbers(task: str, settings: dict[str, Any] | None) -> Any:
    """Return the checked settings of a task's agent."""
    return find_task(task).policy.settings.model_validate({**(settings or {}), "untrained": True})


def _loaded(
    task: str, path: str, algo: str, features: tuple[str, ...], settings: dict[str, Any] | None, trust: bool
) -> tuple[tuple[str, ...], Callable[[Any], Any]]:
    """Return the features that a stored model sees, and what it decides; raise ValueError if it does not fit."""
    found = find_task(task)
    n_continuous = found.continuous(_numbers(task, settings))
    n_actions = n_continuous or len(found.menu)
    if zipfile.is_zipfile(path):
        return features, _unpickled(path, algo, len(features or found.features), n_actions, trust)
    if not Path(path).is_file():
        raise ValueError(f"model = {path!r}: no such file; allowed: a policy as safetensors (outcry train rl)")
    network = load_deep(path)
    network.check(path, task, features, n_actions, n_continuous > 0)
    return network.features, network.action


@cache
def _warn(path: str) -> None:
    """Say once in this process that a file's code is being run."""
    print(f"outcry: warning: trust = true: loading {path} runs the code that stands in it", file=sys.stderr)


def _unpickled(path: str, algo: str, n_features: int, n_actions: int, trust: bool) -> Callable[[Any], Any]:
    """Return what a zip of stable-baselines3 decides; it holds pickles, and a pickle is a program."""
    if not trust:
        raise ValueError(
            f"model = {path!r}: a zip of stable-baselines3, and loading one runs code that stands in it; allowed: a "
            "safetensors file (agents.rl.sb3.save_policy makes one of it), or trust = true if you know who made it"
        )
    refuse_code(f"model = {path!r}: trust = true would run the code in it")
    if algo not in ("ppo", "dqn"):
        raise ValueError(f"algo = {algo!r}; allowed: 'ppo', 'dqn'")
    _warn(path)
    try:
        import stable_baselines3
    except ImportError:
        raise ValueError(f"model = {path!r}: needs stable-baselines3; install outcry-sim[rl]") from None
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
