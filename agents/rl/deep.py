"""Policies of any size as plain arrays: what kind = "rl" of a [[trader]] decides with. Reading one runs no code.

A file is a safetensors file with tensors `w1 (inputs, hidden)`, `b1`, `w2`, `b2`, ... and, for continuous actions,
`log_std`; its metadata says the task, the features in order and the activation ("relu" or "tanh"). The weights files
that `outcry train rl` writes are of this kind, with two hidden layers (see network.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import InputError
from sim.files.atomic import write_atomically
from sim.files.kinds import what_it_is

__all__ = ["DeepNetwork", "load_deep", "save_deep"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
FORMAT_VERSION = 1
MAX_LAYERS = 100


@dataclass(frozen=True)
class DeepNetwork:
    """A trained policy of any depth.

    Attributes:
        task: the task that it was trained for, such as "execution".
        features: its inputs, in order.
        layers: w1, b1, w2, b2, ...; weights have shape (inputs, outputs).
        activation: "relu" or "tanh", after each layer but the last.
        is_continuous: outputs are actions in [-1, 1]; otherwise scores of menu entries.
    """

    task: str
    features: tuple[str, ...]
    layers: tuple[Floats, ...]
    activation: str = "relu"
    is_continuous: bool = False

    def action(self, observation: Any) -> Any:
        """Return the likeliest action for an observation of shape (features,): a menu entry, or values in [-1, 1]."""
        x = np.asarray(observation, np.float64)
        for weights, bias in zip(self.layers[:-2:2], self.layers[1:-2:2], strict=True):
            x = x @ weights + bias
            x = np.maximum(x, 0.0) if self.activation == "relu" else np.tanh(x)
        x = x @ self.layers[-2] + self.layers[-1]
        return np.clip(x, -1.0, 1.0) if self.is_continuous else int(np.argmax(x))

    def check(self, path: str, task: str, features: Sequence[str], n_actions: int, is_continuous: bool) -> None:
        """Check that a trader can use this network.

        Raises:
            InputError: if it was trained for another task, other features or other actions.
        """
        if self.task != task:
            raise InputError(f"model = {path!r}: trained for the task {self.task}; allowed: {task}")
        if features and tuple(features) != self.features:
            raise InputError(
                f"model = {path!r}: sees {len(self.features)} features ({', '.join(self.features)}); allowed: "
                f"{len(features)}, those of `features`"
            )
        if self.is_continuous != is_continuous or self.layers[-1].size != n_actions:
            has = "continuous actions" if self.is_continuous else "menu entries"
            raise InputError(
                f"model = {path!r}: has {self.layers[-1].size} {has}; allowed: {n_actions} "
                f"{'continuous actions' if is_continuous else 'menu entries'}, those of the task"
            )


def save_deep(path: str | Path, network: DeepNetwork) -> None:
    """Write a policy; the file is complete or not there."""
    from safetensors.numpy import save

    tensors = {
        f"{'wb'[k % 2]}{k // 2 + 1}": np.ascontiguousarray(layer, np.float32) for k, layer in enumerate(network.layers)
    }
    if network.is_continuous:
        tensors["log_std"] = np.zeros(network.layers[-1].size, np.float32)
    metadata = {
        "format_version": str(FORMAT_VERSION),
        "task": network.task,
        "features": json.dumps(network.features),
        "activation": network.activation,
    }
    write_atomically(Path(path), save(tensors, metadata))


def load_deep(path: str | Path) -> DeepNetwork:
    """Read a policy.

    Raises:
        InputError: if the file is none: what it is instead, or what is wrong with it, is told.
    """
    from safetensors import SafetensorError, safe_open

    name = f"model = {str(path)!r}"
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key).astype(np.float64) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, TypeError):
        raise InputError(f"{name}: is {what_it_is(path)}; allowed: a policy as safetensors (outcry train rl)") from None
    if "w1" not in tensors or "task" not in metadata:
        raise InputError(f"{name}: is {what_it_is(path)}; allowed: a policy as safetensors (outcry train rl)")
    if metadata.get("format_version") != str(FORMAT_VERSION):
        raise InputError(f"{name}: of format {metadata.get('format_version')}; this version reads {FORMAT_VERSION}")
    n = 0
    while n < MAX_LAYERS and f"w{n + 1}" in tensors and f"b{n + 1}" in tensors:
        n += 1
    try:
        features = tuple(str(feature) for feature in json.loads(metadata.get("features", "[]")))
    except (ValueError, TypeError, RecursionError):
        raise InputError(f"{name}: damaged (its features are not a list)") from None
    layers = tuple(tensors[f"{kind}{k}"] for k in range(1, n + 1) for kind in "wb")
    network = DeepNetwork(
        metadata["task"], features, layers, metadata.get("activation", "relu"), is_continuous="log_std" in tensors
    )
    if network.activation not in ("relu", "tanh"):
        raise InputError(f"{name}: activation {network.activation!r}; allowed: relu, tanh")
    width = len(network.features)
    for k, (weights, bias) in enumerate(zip(layers[::2], layers[1::2], strict=True), 1):
        if bias.ndim != 1 or weights.shape != (width, bias.size):
            raise InputError(f"{name}: w{k} has shape {weights.shape}; allowed: ({width}, {bias.size})")
        width = bias.size
    if not all(np.isfinite(layer).all() for layer in layers):
        raise InputError(f"{name}: holds a weight that is not finite; the file is damaged")
    return network
