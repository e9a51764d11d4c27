"""What to train and how: the definition of a learning agent's training, checked before a market is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lob.errors import Argument, InputError
from scenarios.many_runs.map_runs import check_executor
from scenarios.schema.load import nearest

__all__ = [
    "ALGORITHMS", "CHECKPOINTS", "FIRST_EVALUATION_SEED", "FORMAT_VERSION", "PICTURE", "SUMMARY", "WEIGHTS",
    "RlTraining", "plain", "summary_of",
]  # fmt: skip

ALGORITHMS = ("ppo", "dqn", "ppo-single-file")
"""PPO and DQN of stable-baselines3, and agents/rl/ppo.py."""
FIRST_EVALUATION_SEED = 2**31
"""Evaluations use seeds from here on; seeds of training are below, so that none is ever seen in both."""
SUMMARY, WEIGHTS, PICTURE = "training.json", "policy.safetensors", "learning_curve.png"
CHECKPOINTS = ("checkpoint.pt", "checkpoint.zip")
FORMAT_VERSION = 1


@dataclass(frozen=True)
class RlTraining:
    """What to train and how.

    Attributes:
        scenario: file or library name.
        task: name of the task, or my_module:TASK.
        algo: one of ALGORITHMS.
        settings: of the learning agent.
        overrides: of the scenario.
        reward, reward_settings: name and numbers of the reward; or my_module:FUNCTION (agents.rl.custom).
        features: what is observed.
        total_steps: decisions to learn from.
        n_envs: markets side by side.
        seed: of the training.
        evaluations: how often to evaluate.
        evaluation_seeds: episodes of each evaluation.
        algo_settings: further settings of the algorithm, by its own names.
        executor: None: in this process; "process", "ray" or "serial": an update learns from one whole episode of each
            of `n_envs` markets, run in other processes. For ppo-single-file; the result is the same with all three.
        workers: processes.
        latency: of the learner's messages, see MarketFactory.
    """

    scenario: str
    task: str
    algo: str = "ppo"
    settings: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    reward: str | None = None
    reward_settings: Mapping[str, float] = field(default_factory=dict)
    features: tuple[str, ...] | None = None
    total_steps: int = 500_000
    n_envs: int = 64
    seed: int = 1
    evaluations: int = 10
    evaluation_seeds: int = 64
    algo_settings: Mapping[str, Any] = field(default_factory=dict)
    executor: str | None = None
    workers: int | None = None
    latency: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what can be checked without the market; raise InputError."""
        if self.algo not in ALGORITHMS:
            raise InputError(Argument("algo", self.algo), f": no such algorithm{nearest(self.algo, ALGORITHMS)}; "
                             f"allowed: {', '.join(ALGORITHMS)}")  # fmt: skip
        for name in ("total_steps", "n_envs", "evaluations", "evaluation_seeds"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)}; allowed: at least 1")
        if self.executor is not None:
            check_executor(self.executor, self.workers)
            if self.algo != "ppo-single-file":
                raise InputError(
                    Argument("executor", self.executor),
                    ": not with ",
                    Argument("algo", self.algo),
                    "; allowed: ppo-single-file",
                )
        if not 0 <= self.seed < FIRST_EVALUATION_SEED - 10**6:
            raise InputError(f"seed = {self.seed}; allowed: 0 to {FIRST_EVALUATION_SEED - 10**6 - 1}")


def plain(training: RlTraining) -> dict[str, Any]:
    """Return a training as it stands in training.json."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(training)))
    del found["workers"]  # changes nothing, so that a training may be resumed with others
    if not found["latency"]:
        del found["latency"]  # as in folders of earlier versions
    return found


def summary_of(folder: Path) -> dict[str, Any] | None:
    """Return what training.json in a folder holds; None if there is none of this version."""
    try:
        found: dict[str, Any] = json.loads((folder / SUMMARY).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    parts = ("training", "history", "evaluations", "baselines", "seconds")
    if not isinstance(found, dict) or found.get("format_version") != FORMAT_VERSION:
        return None
    return found if all(name in found for name in parts) else None
