"""Training a learning agent in a scenario: folder, algorithms, evaluation on untouched seeds, checkpoints, weights.

policy.safetensors   the best policy so far with its card, ready for `weights =` in a scenario
training.json        settings, learning curve, evaluations
checkpoint.*         what a training goes on from
learning_curve.png   its picture
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lob.errors import Argument, InputError
from scenarios.many_runs.map_runs import check_executor
from scenarios.schema.load import nearest
from scenarios.training.environments import MarketFactory, environment_options
from sim.files.atomic import write_atomically, write_error
from sim.files.claim import FOLDER, OVERWRITE, RESUME, is_empty, locked
from sim.trust import refuse_code
from sim.versions import version

if TYPE_CHECKING:
    from agents.rl.network import Network

__all__ = ["ALGORITHMS", "FIRST_EVALUATION_SEED", "RlTraining", "train_rl"]

FIRST_EVALUATION_SEED = 2**31
"""Evaluations use seeds from here on; seeds of training are below, so that none is ever seen in both."""
FIXED = ("policy", "env", "seed", "self", "_init_setup_model", "device", "policy_kwargs")
"""Arguments of the library's algorithms that are not for the user to set."""
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
            raise InputError(Argument("algo", self.algo), f": no such algorithm{nearest(self.algo, list(ALGORITHMS))}; "
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


class _Watch:
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
        saved = _summary_of(self.folder)
        if saved is None:
            raise InputError(f"{self.folder}: no training to resume; allowed: a folder that this command wrote")
        if saved["training"] != _plain(self.training):
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
            "version": version(),
        }

    def write(self) -> None:
        """Write the summary and the picture; each is complete or not there."""
        from scenarios.training.plot_rl import draw_training

        summary = {
            "format_version": FORMAT_VERSION, "training": _plain(self.training), "history": self.history,
            "evaluations": self.evaluations, "baselines": self.baselines,
            "seconds": round(self.seconds + time.perf_counter() - self.started, 1),
        }  # fmt: skip
        title = f"{self.training.task} in {self.training.scenario}, {self.training.algo}"
        picture = draw_training(title, self.history, self.evaluations, self.baselines)
        for name, content in ((SUMMARY, json.dumps(summary, indent=1).encode()), (PICTURE, picture)):
            write_atomically(self.folder / name, content)


def train_rl(
    training: RlTraining,
    folder: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[int, str], None] | None = None,
) -> dict[str, Any]:
    """Train a policy; return the content of training.json.

    Args:
        training: what and how.
        folder: where everything is written.
        resume: go on from the checkpoint in the folder.
        overwrite: replace a training in the folder.
        on_progress: called with the decisions so far and a line about the last evaluation.

    Raises:
        InputError: if an option is wrong, or the folder holds something else.
    """
    with locked(Path(folder)):
        return _train_in(Path(folder), training, resume, overwrite, on_progress)


def _train_in(
    place: Path,
    training: RlTraining,
    resume: bool,
    overwrite: bool,
    on_progress: Callable[[int, str], None] | None,
) -> dict[str, Any]:
    _check_numbers(training)
    _check_folder(place, resume, overwrite)
    watch = _Watch(training, place, on_progress or (lambda steps, line: None))
    if resume:
        watch.restore()
    run = ALGORITHMS[training.algo](watch, resume)  # tells all mistakes, so that no folder is touched for them
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name in () if resume else (WEIGHTS, PICTURE, *CHECKPOINTS, SUMMARY):
            (place / name).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(place, error) from None
    watch.measure_baselines()
    watch.write()
    run()
    if not watch.evaluations:
        raise InputError(f"total_steps = {training.total_steps}: nothing was learnt; allowed: at least one update")
    found = _summary_of(place)
    assert found is not None
    return found


def _check_folder(place: Path, resume: bool, overwrite: bool) -> None:
    """Refuse a place that holds anything but a training, and one that holds a training unless it may go or go on."""
    if place.exists() and not place.is_dir():
        raise InputError(f"{place}: a file; allowed: a folder")
    saved = _summary_of(place)
    if resume:
        return
    if saved is not None and not overwrite:
        raise InputError(f"{place}: holds a training; allowed: ", RESUME, ", ", OVERWRITE, ", or another ", FOLDER)
    if saved is None and place.exists() and not is_empty(place):
        raise InputError(f"{place}: holds files that are no training; allowed: a new or empty folder")


def _check_numbers(training: RlTraining) -> None:
    """Refuse unknown settings of the algorithm before anything is made."""
    import inspect

    if training.algo == "ppo-single-file":
        from agents.rl.ppo import PPO

        own = ("total_steps", "seed", "central_critic")
        known = [name for name in PPO.__dataclass_fields__ if name not in own]
        for name, value in training.algo_settings.items():
            kind = type(getattr(PPO, name, value))
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise InputError(_setting(f"{name}={value}"), f": allowed: a value like {getattr(PPO, name)}")
    else:
        import stable_baselines3

        parameters = inspect.signature(getattr(stable_baselines3, training.algo.upper())).parameters
        known = [name for name in parameters if name not in FIXED]
    for name in training.algo_settings:
        if name not in known:
            raise InputError(_setting(name), f": no such setting{nearest(name, known)}; allowed: {', '.join(known)}")


# ---- algorithms ---------------------------------------------------------------------------------------------------


def _single_file(watch: _Watch, resume: bool) -> Callable[[], None]:
    import torch

    from agents.rl.ppo import PPO, train
    from scenarios.training.rollouts import episode_rollouts

    torch.set_num_threads(1)  # one thread is faster than two for networks of this size
    training = watch.training
    own: dict[str, Any] = {"n_steps": 128, "minibatches": 8, "gamma": 0.99, "entropy": 0.005}
    settings = PPO(total_steps=training.total_steps, seed=training.seed, **{**own, **training.algo_settings})
    names = (watch.batch.task.name, watch.batch.features)
    rollouts = None
    if training.executor is not None:
        rollouts = episode_rollouts(
            watch.factory, watch.options, training.n_envs, training.seed, executor=training.executor,
            workers=training.workers,
        )  # fmt: skip

    def on_update(agent: Any, progress: Any) -> None:
        watch.history = progress.history
        watch.show(progress.steps, "")
        if watch.is_due(progress.steps):
            watch.evaluate(agent.network(*names), progress.steps)

    def run() -> None:
        agent, progress = train(
            watch.envs, settings, rollouts=rollouts, on_update=on_update, checkpoint=watch.folder / CHECKPOINTS[0]
        )
        if not watch.evaluations or watch.evaluations[-1]["steps"] < progress.steps:
            watch.evaluate(agent.network(*names), progress.steps)

    return run


def _sb3(watch: _Watch, resume: bool, name: str) -> Callable[[], None]:
    import numpy as np
    import stable_baselines3 as sb3
    import torch
    from stable_baselines3.common.callbacks import BaseCallback

    from agents.rl.sb3 import Sb3VecEnv, network_of

    torch.set_num_threads(1)
    training, checkpoint = watch.training, watch.folder / CHECKPOINTS[1]
    task = watch.batch.task.name
    if name == "DQN" and watch.batch.n_continuous:
        raise InputError(
            Argument("algo", "dqn"),
            ": needs a menu of actions; allowed: settings menu = true, or ",
            Argument("algo", "ppo"),
        )
    envs = Sb3VecEnv(watch.envs, training.seed)
    architecture: Any = {"pi": [32, 32], "vf": [32, 32]} if name == "PPO" else [32, 32]
    defaults: dict[str, Any] = {"gamma": 0.99, "learning_rate": 1e-3}
    if name == "PPO":
        defaults |= {"n_steps": 128, "batch_size": max(2, 128 * training.n_envs // 8), "n_epochs": 4, "ent_coef": 0.005}
    else:
        defaults |= {"buffer_size": 200_000, "learning_starts": 5_000, "batch_size": 256, "train_freq": 4,
                     "gradient_steps": 4, "target_update_interval": 2_000, "exploration_fraction": 0.3}  # fmt: skip
    defaults |= training.algo_settings
    kind = getattr(sb3, name)
    if resume and checkpoint.exists():
        refuse_code(f"{checkpoint}: going on would run the code that stands in it")
        try:
            model = kind.load(checkpoint, env=envs, device="cpu")
        except Exception as error:  # whatever its pickles bring about
            raise InputError(f"{checkpoint}: not a checkpoint of this training ({_line(error)}); "
                             "allowed: the one that it wrote") from None  # fmt: skip
    else:
        policy = {"net_arch": architecture, "activation_fn": torch.nn.ReLU}
        try:
            model = kind("MlpPolicy", envs, seed=training.seed, device="cpu", policy_kwargs=policy, **defaults)
        except (TypeError, ValueError, AssertionError, RuntimeError) as error:
            raise InputError(_setting(_pairs(training.algo_settings)), ": stable-baselines3 refuses it "
                             f"({_line(error)})") from None  # fmt: skip

    def save() -> None:
        part = watch.folder / "checkpoint.part.zip"
        model.save(part)
        part.replace(checkpoint)

    class Callback(BaseCallback):
        def __init__(self) -> None:
            super().__init__()
            self.running = np.zeros(training.n_envs)
            self.finished: list[float] = []
            self.noted = model.num_timesteps

        def _on_step(self) -> bool:
            self.running += self.locals["rewards"]
            done = self.locals["dones"]
            self.finished += self.running[done].tolist()
            self.running[done] = 0.0
            if self.num_timesteps - self.noted >= training.total_steps / 200:
                mean = float(np.mean(self.finished)) if self.finished else float("nan")
                row = {"steps": float(self.num_timesteps), "return": mean, "episodes": float(len(self.finished))}
                watch.history.append(row)
                self.finished, self.noted = [], self.num_timesteps
                watch.show(self.num_timesteps, "")
            if watch.is_due(self.num_timesteps):
                save()
                watch.evaluate(network_of(model, task, watch.batch.features), self.num_timesteps)
            return True

    def run() -> None:
        left = training.total_steps - model.num_timesteps
        if left > 0:
            model.learn(left, callback=Callback(), reset_num_timesteps=False)
            save()
        if not watch.evaluations or watch.evaluations[-1]["steps"] < model.num_timesteps:
            watch.evaluate(network_of(model, task, watch.batch.features), model.num_timesteps)

    return run


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _setting(text: str) -> Argument:
    return Argument("algo_settings", text)


def _pairs(settings: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items())


ALGORITHMS: dict[str, Callable[[_Watch, bool], Callable[[], None]]] = {
    "ppo": lambda watch, resume: _sb3(watch, resume, "PPO"),
    "dqn": lambda watch, resume: _sb3(watch, resume, "DQN"),
    "ppo-single-file": _single_file,
}
"""PPO and DQN of stable-baselines3, and agents/rl/ppo.py: each prepares a training and returns what runs it."""


def _plain(training: RlTraining) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(asdict(training)))
    del found["workers"]  # changes nothing, so that a training may be resumed with others
    if not found["latency"]:
        del found["latency"]  # as in folders of earlier versions
    return found


def _summary_of(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / SUMMARY).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    parts = ("training", "history", "evaluations", "baselines", "seconds")
    if not isinstance(found, dict) or found.get("format_version") != FORMAT_VERSION:
        return None
    return found if all(name in found for name in parts) else None
