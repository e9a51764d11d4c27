"""Small networks that decide inside the kernel: two hidden ReLU layers, in plain arrays, read from a weights file.

A weights file is a safetensors file with float32 tensors `w1 (inputs, hidden)`, `b1`, `w2`, `b2`, `w3`, `b3` and, for
continuous actions, `log_std`. Its metadata is the card: the task, the features in order, the scales they were made
with, how it was trained, and its scores on untouched seeds. ReLU rather than tanh: it needs no exponential function,
which makes a decision several times cheaper and the same on every platform.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from agents.rl.memory import MAX_HIDDEN, WEIGHTS
from lob.errors import InputError
from sim.files.atomic import write_atomically
from sim.files.kinds import what_it_is
from sim.policy import decision, normal, uniform
from sim.rng import exp_portable, log_portable

__all__ = ["Network", "load_network", "save_network", "shipped_weights"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
FORMAT_VERSION = 1
LAYERS = ("w1", "b1", "w2", "b2", "w3", "b3")


@dataclass(frozen=True)
class Network:
    """A trained policy.

    Attributes:
        task: the task that it was trained for, such as "execution".
        features: its inputs, in order.
        layers: w1, b1, w2, b2, w3, b3; weights have shape (inputs, outputs).
        log_std: deviations of the two continuous actions, None for a menu.
        card: what a user should know: scenario, settings, seeds, scores with intervals.
    """

    task: str
    features: tuple[str, ...]
    layers: tuple[Floats, ...]
    log_std: Floats | None = None
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def n_outputs(self) -> int:
        """Number of menu entries, or of continuous actions."""
        return int(self.layers[4].shape[1])

    def logits(self, observations: Any) -> Floats:
        """Return the last layer for observations of shape (n, features): the slow twin of the compiled `forward`."""
        w1, b1, w2, b2, w3, b3 = self.layers
        hidden = np.maximum(np.asarray(observations, np.float64) @ w1 + b1, 0.0)
        return np.asarray(np.maximum(hidden @ w2 + b2, 0.0) @ w3 + b3)

    def actions(self, observations: Any) -> Any:
        """Return the likeliest actions: shape (n,) of a menu, (n, actions) of continuous ones."""
        found = self.logits(observations)
        return np.argmax(found, axis=1) if self.log_std is None else np.clip(found, -1.0, 1.0)

    def check(self, path: str, task: str, features: Sequence[str], n_outputs: int, continuous: bool) -> None:
        """Check that a population can use this network.

        Raises:
            InputError: if it was trained for another task, other features or other actions.
        """
        if self.task != task:
            raise InputError(f"{path}: trained for the task {self.task}; allowed: {task}")
        if features and tuple(features) != self.features:
            raise InputError(f"{path}: its features are {', '.join(self.features)}; the settings name others: "
                             f"{', '.join(features)}")  # fmt: skip
        if (self.log_std is not None) != continuous:
            made = ["a menu", "continuous actions"]
            raise InputError(f"{path}: trained for {made[self.log_std is not None]}; the settings ask for "
                             f"{made[continuous]}")  # fmt: skip
        if self.n_outputs != n_outputs:
            raise InputError(f"{path}: has {self.n_outputs} outputs; allowed: {n_outputs}")


def save_network(path: str | Path, network: Network) -> None:
    """Write a weights file; it is complete or not there."""
    from safetensors.numpy import save

    tensors = {name: np.ascontiguousarray(v, np.float32) for name, v in zip(LAYERS, network.layers, strict=True)}
    if network.log_std is not None:
        tensors["log_std"] = np.ascontiguousarray(network.log_std, np.float32)
    metadata = {
        "format_version": str(FORMAT_VERSION),
        "task": network.task,
        "features": json.dumps(network.features),
        "card": json.dumps(network.card),
    }
    write_atomically(Path(path), save(tensors, metadata))


def load_network(path: str | Path) -> Network:
    """Read a weights file.

    Raises:
        InputError: if it is no weights file of ours, of another version, or holds what cannot run compiled.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        kind = what_it_is(path)
        raise InputError(f"{path}: not a weights file (is {kind}); allowed: one that `outcry train rl` wrote") from None
    if "task" not in metadata:
        kind = what_it_is(path)
        raise InputError(f"{path}: is {kind}; allowed: the weights of a policy (outcry train rl)")
    version = metadata.get("format_version")
    if version != str(FORMAT_VERSION):
        raise InputError(f"{path}: weights of format {version}; this version reads {FORMAT_VERSION}")
    missing = [name for name in LAYERS if name not in tensors]
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}; allowed: {', '.join(LAYERS)} and log_std")
    try:
        features, card = json.loads(metadata.get("features", "[]")), json.loads(metadata.get("card", "{}"))
    except ValueError as error:
        raise InputError(f"{path}: its metadata are damaged ({error})") from None
    if not isinstance(card, dict) or not isinstance(features, list) or not all(isinstance(f, str) for f in features):
        raise InputError(f"{path}: its metadata are damaged; allowed: a list of features, and a card with names")
    layers = tuple(tensors[name] for name in LAYERS)
    network = Network(metadata["task"], tuple(features), layers, tensors.get("log_std"), card)
    _check_shapes(str(path), network)
    return network


def _check_shapes(path: str, network: Network) -> None:
    w1, b1, w2, b2, w3, b3 = network.layers
    for name, bias in (("b1", b1), ("b2", b2), ("b3", b3)):
        if bias.ndim != 1 or bias.size == 0:
            raise InputError(f"{path}: {name} has shape {bias.shape}; allowed: one dimension, not empty")
    sizes = [len(network.features), *(b.size for b in (b1, b2, b3))]
    for name, weight, (rows, columns) in zip(("w1", "w2", "w3"), (w1, w2, w3), pairwise(sizes), strict=True):
        if weight.shape != (rows, columns):
            raise InputError(f"{path}: {name} has shape {weight.shape}; allowed: ({rows}, {columns})")
    if max(sizes[1:]) > MAX_HIDDEN:
        raise InputError(f"{path}: a layer of {max(sizes[1:])}; allowed: at most {MAX_HIDDEN} in compiled policies")
    deviations = network.log_std
    if deviations is not None and (deviations.shape != b3.shape or b3.size > 2):
        raise InputError(f"{path}: log_std has shape {deviations.shape}; allowed: that of b3, {b3.shape}, at most (2,)")
    if not all(
        np.isfinite(layer).all() for layer in (*network.layers, np.zeros(1) if deviations is None else deviations)
    ):
        raise InputError(f"{path}: holds a weight that is not finite")


def shipped_weights(task: str) -> Path:
    """Return the weights that come with the package for a task."""
    return Path(str(resources.files("agents.rl").joinpath("weights", f"{task}.safetensors")))


def describe(network: Network, head: Any) -> None:
    """Write a network's sizes into the beginning of a block, shape (1,) of dtype BLOCK; its layers follow it."""
    head["has_network"] = 1.0
    head["hidden_1"], head["hidden_2"] = network.layers[1].size, network.layers[3].size
    head["n_outputs"] = network.n_outputs
    if network.log_std is not None:
        head["is_continuous"] = 1.0
        head["log_std"][0, : network.log_std.size] = network.log_std


@decision
def layer(values: Any, at: int, inputs: Any, n_inputs: int, outputs: Any, n_outputs: int) -> int:
    """One layer, from (n_inputs,) to (n_outputs,); returns the cell at which the next layer's weights begin."""
    bias = at + n_inputs * n_outputs
    for i in range(n_outputs):
        outputs[i] = values[bias + i]
    for j in range(n_inputs):
        x = inputs[j]
        if x != 0.0:
            row = at + j * n_outputs
            for i in range(n_outputs):  # over outputs inside: no sum over many terms, so it can use vector registers
                outputs[i] += x * values[row + i]
    return bias + n_outputs


@decision
def rectify(values: Any, n: int) -> None:
    """ReLU in place, (n,)."""
    for i in range(n):
        values[i] = max(values[i], 0.0)


@decision
def forward(agent: Any, head: Any, values: Any, learner: Any, cells: Any, sample: float) -> None:
    """Put the action for the features in an agent's memory into `learner.action`.

    Args:
        agent: whose draws are used where an action is drawn.
        head: the block's beginning, of dtype BLOCK.
        values: the whole block; the weights begin at cell WEIGHTS.
        learner: the memory, of dtype LEARNER.
        cells: the same memory as float64 cells, in which `head.selected` counts.
        sample: above 0: draw from the distribution instead of taking the likeliest action.
    """
    hidden_1, hidden_2, n_outputs = int(head.hidden_1), int(head.hidden_2), int(head.n_outputs)
    first, second, last, action = learner.layer_1, learner.layer_2, learner.layer_3, learner.action
    n_selected = int(head.n_selected)
    bias = WEIGHTS + n_selected * hidden_1
    for i in range(hidden_1):
        first[i] = values[bias + i]
    for j in range(n_selected):
        x = cells[int(head.selected[j])]
        row = WEIGHTS + j * hidden_1
        for i in range(hidden_1):
            first[i] += x * values[row + i]
    rectify(first, hidden_1)
    at = layer(values, bias + hidden_1, first, hidden_1, second, hidden_2)
    rectify(second, hidden_2)
    layer(values, at, second, hidden_2, last, n_outputs)
    if head.is_continuous > 0.0:
        for i in range(n_outputs):
            mean = last[i]
            if sample > 0.0:
                mean += exp_portable(head.log_std[i]) * normal(agent, i)
            action[i] = min(max(mean, -1.0), 1.0)
        return
    best, largest = 0, -1e300
    for i in range(n_outputs):
        score = last[i]
        if sample > 0.0:  # the largest of logits with Gumbel noise has the distribution of a softmax
            score -= log_portable(-log_portable(uniform(agent, i)))
        if score > largest:
            best, largest = i, score
    action[0] = float(best)
    action[1] = 0.0
