"""The algorithms that a training may use: each is prepared first, so that mistakes are told before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lob.errors import Argument, InputError
from scenarios.schema.load import nearest
from scenarios.training.rl_setup import CHECKPOINTS, RlTraining
from scenarios.training.rl_watch import Watch
from sim.files.atomic import whole_file
from sim.trust import refuse_code

__all__ = ["check_numbers", "prepared"]

FIXED = ("policy", "env", "seed", "self", "_init_setup_model", "device", "policy_kwargs")
"""Arguments of the library's algorithms that are not for the user to set."""


def prepared(watch: Watch, resume: bool) -> Callable[[], None]:
    """Return what runs a training, made ready.

    Raises:
        InputError: if a setting is wrong, or the checkpoint is none of this training.
    """
    algo = watch.training.algo
    return _single_file(watch) if algo == "ppo-single-file" else _sb3(watch, resume, algo.upper())


def check_numbers(training: RlTraining) -> None:
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


def _single_file(watch: Watch) -> Callable[[], None]:
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


def _sb3(watch: Watch, resume: bool, name: str) -> Callable[[], None]:
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
        with whole_file(checkpoint) as file:
            model.save(file)

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
