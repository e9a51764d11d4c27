"""Stable-baselines3 on our vector environments: an adapter, and a trained policy as a Network that runs compiled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from agents.rl._checks import check_same_step, market_seed
from agents.rl.deep import DeepNetwork, save_deep
from agents.rl.network import Network
from agents.rl.vector_env import MarketVectorEnv
from lob.errors import InputError

__all__ = ["Sb3VecEnv", "network_of", "save_policy"]


class Sb3VecEnv(VecEnv):
    """A MarketVectorEnv as stable-baselines3 wants it.

    Args:
        envs: the vector environment.
        seed: of the first episodes; market m begins with seed + m.
    """

    def __init__(self, envs: MarketVectorEnv, seed: int = 0) -> None:
        check_same_step(envs)
        self.envs, self._seed_first = envs, market_seed(seed)
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)
        self._actions: Any = None

    def reset(self) -> Any:
        """Begin episodes everywhere."""
        observations, _ = self.envs.reset(seed=self._seed_first)
        return observations

    def step_async(self, actions: Any) -> None:
        """Take note of the actions."""
        self._actions = actions

    def step_wait(self) -> Any:
        """Do them; the infos of ended episodes hold what the library looks for."""
        observations, rewards, terminated, truncated, found = self.envs.step(self._actions)
        done = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for m in np.flatnonzero(done):
            infos[m] = {
                "terminal_observation": found["final_obs"][m],
                "TimeLimit.truncated": bool(truncated[m]),
            }
        return observations, rewards.astype(np.float32), done, infos

    def close(self) -> None:
        """Nothing to close."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, the same for all."""
        return [getattr(self.envs, attr_name, None) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the markets share their parts."""
        raise InputError(f"{attr_name}: the markets of a vector environment cannot be changed one by one")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Refuse, for the same reason."""
        raise InputError(f"{method_name}: the markets of a vector environment cannot be called one by one")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return False for each."""
        return [False for _ in self._get_indices(indices)]


def network_of(model: Any, task: str, features: Sequence[str], card: dict[str, Any] | None = None) -> Network:
    """Return the policy of a PPO or DQN model with two hidden ReLU layers.

    Raises:
        InputError: if the model's network has another shape.
    """
    from torch import nn

    found, log_std = _parts(model)
    linear = [layer for layer in found if isinstance(layer, nn.Linear)]
    if len(linear) != 3 or sum(isinstance(layer, nn.ReLU) for layer in found) != 2:
        raise InputError(
            "the model's network: allowed: two hidden layers with ReLU (net_arch of two, activation_fn=ReLU)"
        )
    deviations = None if log_std is None else log_std.detach().cpu().numpy().astype(np.float64)
    return Network(task, tuple(features), _arrays(linear), deviations, card or {})


def save_policy(model: Any, path: str | Path, task: str, features: Sequence[str]) -> None:
    """Write the policy of a PPO or DQN model of any size as plain arrays, for kind = "rl" of a [[trader]].

    Args:
        model: of stable-baselines3, with the policy "MlpPolicy".
        path: of the safetensors file.
        task: that it was trained for, such as "execution".
        features: its inputs, in order.

    Raises:
        InputError: if the network is not one of linear layers with ReLU, or with tanh, between them.
    """
    from torch import nn

    found, log_std = _parts(model)
    between = {type(layer) for layer in found if not isinstance(layer, nn.Linear)}
    if len(between) > 1 or not between <= {nn.ReLU, nn.Tanh}:
        raise InputError("the model's network: allowed: linear layers with ReLU, or with tanh, between them")
    linear = [layer for layer in found if isinstance(layer, nn.Linear)]
    if linear[0].in_features != len(features):
        raise InputError(f"the model sees {linear[0].in_features} features; {len(features)} are named")
    activation = "tanh" if between == {nn.Tanh} else "relu"
    save_deep(path, DeepNetwork(task, tuple(features), _arrays(linear), activation, log_std is not None))


def _parts(model: Any) -> tuple[list[Any], Any]:
    """Return the layers that lead to the action, and the log deviations of continuous actions."""
    policy = model.policy
    if hasattr(policy, "q_net"):
        return list(policy.q_net.q_net), None
    return [*policy.mlp_extractor.policy_net, policy.action_net], getattr(policy, "log_std", None)


def _arrays(linear: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(a.detach().cpu().numpy().astype(np.float64) for layer in linear for a in (layer.weight.T, layer.bias))
