"""A training on its way: evaluation on untouched seeds, the best policy, the files of its folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lob.errors import InputError
from scenarios.training.environments import MarketFactory, environment_options
from scenarios.training.rl_setup import (
    CHECKPOINTS,
    FIRST_EVALUATION_SEED,
    FORMAT_VERSION,
    PICTURE,
    SUMMARY,
    WEIGHTS,
    RlTraining,
    plain,
    summary_of,
)
from sim.files.atomic import write_atomically
from sim.files.claim import RESUME
from sim.versions import version

if TYPE_CHECKING:
    from agents.rl.network import Network

__all__ = ["Watch"]


class Watch:
    """Evaluates, keeps the best policy, writes the folder, tells of progress."""

    def __init__(self, training: RlTraining, folder: Path, show: Callable[[int, str], None]) -> None:
        from agents.rl.batch import MarketBatch
        from agents.rl.vector_env import MarketVectorEnv

        self.training, self.folder, self.show = training, folder, show
        self.factory = MarketFactory(
            training.scenario, training.task, training.settings, training.overrides, latency=training.latency or None
        )
        self.options: dict[str, Any] = {
            "features": training.features, "reward": training.reward, "reward_settings": dict(training.reward_settings),
        }  # fmt: skip
        options = environment_options(self.factory, self.options)
        self.envs = MarketVectorEnv(self.factory, training.n_envs, **options)
        self.batch = MarketBatch(self.factory, min(32, training.evaluation_seeds), **options)
        self.seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + training.evaluation_seeds)
        self.history: list[dict[str, float]] = []
        self.evaluations: list[dict[str, float]] = []
        self.baselines: dict[str, float] = {}
        self.baseline_returns: dict[str, Any] = {}
        self.seconds = 0.0
        self.started = time.perf_counter()

    def restore(self) -> None:
        """Take back what a former part of this training wrote."""
        saved = summary_of(self.folder)
        if saved is None:
            raise InputError(f"{self.folder}: no training to resume; allowed: a folder that this command wrote")
        if saved["training"] != plain(self.training):
            raise InputError(f"{self.folder}: holds another training; ", RESUME, " needs the same options")
        self.history, self.evaluations = saved["history"], saved["evaluations"]
        self.baselines, self.seconds = saved["baselines"], saved["seconds"]
        if not any((self.folder / name).exists() for name in CHECKPOINTS):
            self.history, self.evaluations = [], []  # it ended before the first checkpoint, and begins anew

    def measure_baselines(self) -> None:
        """Run the task's simple policies on the evaluation seeds."""
        from agents.rl.evaluation import constant, evaluate

        if self.batch.n_continuous == 0:
            for name, entry in self.batch.task.baselines.items():
                found = evaluate(self.batch, constant(float(entry)), self.seeds)
                self.baselines[name] = float(found.returns.mean())
                self.baseline_returns[name] = found.returns

    def is_due(self, steps: int) -> bool:
        """Whether it is time to evaluate."""
        last = self.evaluations[-1]["steps"] if self.evaluations else 0.0
        return steps - last >= self.training.total_steps / self.training.evaluations

    def evaluate(self, network: Network, steps: int) -> None:
        """Evaluate a policy and write everything."""
        from agents.rl.evaluation import evaluate, interval, of_network
        from agents.rl.network import save_network

        found = evaluate(self.batch, of_network(network), self.seeds)
        mean, low, high = interval(found.returns)
        is_best = all(mean >= row["mean"] for row in self.evaluations)
        self.evaluations.append({"steps": float(steps), "mean": mean, "low": low, "high": high,
                                 "pnl": float(found.pnl.mean())})  # fmt: skip
        if is_best:
            network.card.update(self.card(steps, found))
            save_network(self.folder / WEIGHTS, network)
        self.write()
        self.show(steps, f"evaluation {mean:.4g} ({low:.4g}, {high:.4g})")

    def card(self, steps: int, found: Any) -> dict[str, Any]:
        """Return what a user of the weights should know."""
        from agents.rl.evaluation import interval

        settings = self.batch.settings.model_dump(exclude={"weights", "untrained", "features", "sample"})
        return {
            "task": self.batch.task.name,
            "scenario": self.training.scenario,
            "scenario_settings": list(self.training.overrides),
            "agent_settings": settings,
            "algorithm": self.training.algo,
            "reward": self.batch.rewards.name,
            "training_decisions": steps,
            "training_seed": self.training.seed,
            "evaluation_seeds": [self.seeds[0], self.seeds[-1]],
            "evaluation_return": interval(found.returns),
            "evaluation_pnl": interval(found.pnl),
            "better_than": {name: interval(found.returns - returns) for name, returns in self.baseline_returns.items()},
            "reward_unit": "price_scale_ticks x largest position",
            "licence": "of whoever trained it; recordings in its scenario, if any, keep their terms",
            "version": version(),
        }

    def write(self) -> None:
        """Write the summary and the picture; each is complete or not there."""
        from scenarios.training.plot_rl import draw_training

        summary = {
            "format_version": FORMAT_VERSION, "training": plain(self.training), "history": self.history,
            "evaluations": self.evaluations, "baselines": self.baselines,
            "seconds": round(self.seconds + time.perf_counter() - self.started, 1),
        }  # fmt: skip
        title = f"{self.training.task} in {self.training.scenario}, {self.training.algo}"
        picture = draw_training(title, self.history, self.evaluations, self.baselines)
        for name, content in ((SUMMARY, json.dumps(summary, indent=1).encode()), (PICTURE, picture)):
            write_atomically(self.folder / name, content)
