"""Proximal policy optimisation in one file (Schulman et al. 2017), to be read in one sitting.

It trains on any Gymnasium vector environment of this package: many markets, model worlds, or several learners of each
market at once. With several learners all share one policy; each judges itself by its own observation (independent
learners), or a critic sees the observations of all (MAPPO, Yu et al. 2022).

With `risk_aversion` b > 0 it maximises -(1/b) ln E exp(-b G) of the return G instead of its mean. The critic then
learns that quantity through the Itakura-Saito loss exp(z) - z - 1 of z = b (value - return), whose minimiser it is
(Udovichenko et al. 2025), and the advantage is (1 - exp(-b (return - value))) / b, from the derivative of the
objective. Both need whole returns, so gae_lambda and gamma are 1 there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from agents.rl._checks import check_same_step
from agents.rl.network import Network
from lob.errors import InputError
from sim.files.atomic import whole_file

__all__ = ["PPO", "Agent", "Progress", "Rollout", "Sampler", "empty_rollout", "train"]


@dataclass(frozen=True)
class PPO:
    """Settings.

    Attributes:
        total_steps: decisions to learn from, over all learners.
        n_steps: decisions of each learner between two updates.
        epochs, minibatches: passes over them, and parts of each pass.
        learning_rate: of Adam; falls to 0 over the training if `anneal`.
        gamma, gae_lambda: discount, and the weight of long returns in the advantage (Schulman et al. 2016).
        clip: how far the probability of an action may move in one update.
        entropy: weight of the entropy bonus.
        value_weight: weight of the critic's loss.
        max_grad_norm: gradients are cut to this length.
        hidden: units in each of the two ReLU layers, of policy and critic.
        risk_aversion: b, in 1 / reward; 0: maximise the mean.
        central_critic: the critic sees all learners of a market.
        seed: of weights, sampled actions and markets.
    """

    total_steps: int = 1_000_000
    n_steps: int = 128
    epochs: int = 4
    minibatches: int = 4
    learning_rate: float = 1e-3
    anneal: bool = True
    gamma: float = 1.0
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy: float = 0.01
    value_weight: float = 0.5
    max_grad_norm: float = 0.5
    hidden: int = 32
    risk_aversion: float = 0.0
    central_critic: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        """Check the numbers; raise InputError."""
        for name in ("total_steps", "n_steps", "epochs", "minibatches", "learning_rate", "clip", "hidden"):
            if not getattr(self, name) > 0:
                raise InputError(f"ppo {name} = {getattr(self, name)}; allowed: above 0")
        if self.hidden > 64:
            raise InputError(f"ppo hidden = {self.hidden}; allowed: at most 64, what compiled policies hold")
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"ppo {name} = {getattr(self, name)}; allowed: 0 to 1")
        if self.risk_aversion < 0.0:
            raise InputError(f"ppo risk_aversion = {self.risk_aversion}; allowed: 0 or more")
        if self.risk_aversion > 0.0 and (self.gamma, self.gae_lambda) != (1.0, 1.0):
            raise InputError("ppo risk_aversion: needs gamma = 1 and gae_lambda = 1, since it judges whole returns")


def _layers(n_in: int, hidden: int, n_out: int, last_gain: float) -> nn.Sequential:
    layers = [nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, n_out)]
    for layer, gain in zip(layers[::2], (2**0.5, 2**0.5, last_gain), strict=True):
        nn.init.orthogonal_(layer.weight, gain)  # type: ignore[arg-type]
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return nn.Sequential(*layers)


class Agent(nn.Module):
    """A policy and a critic. `continuous` is the number of continuous actions, 0 for a menu of `n_actions`."""

    def __init__(self, n_features: int, n_actions: int, continuous: int, hidden: int, n_state: int) -> None:
        super().__init__()
        self.continuous = continuous
        self.policy = _layers(n_features, hidden, continuous or n_actions, 0.01)
        self.critic = _layers(n_state, hidden, 1, 1.0)
        self.log_std = nn.Parameter(torch.full((continuous,), -0.5))

    def distribution(self, observations: torch.Tensor) -> Any:
        """Return the distribution of actions."""
        found = self.policy(observations)
        if self.continuous:
            return torch.distributions.Independent(torch.distributions.Normal(found, self.log_std.exp()), 1)
        return torch.distributions.Categorical(logits=found)

    def value(self, state: torch.Tensor) -> torch.Tensor:
        """Return the critic's value."""
        return self.critic(state).squeeze(-1)

    def network(self, task: str, features: tuple[str, ...], card: dict[str, Any] | None = None) -> Network:
        """Return the policy as a Network, which decides compiled and can be saved."""
        linear = [layer for layer in self.policy if isinstance(layer, nn.Linear)]
        arrays = [a.detach().numpy().astype(np.float64) for layer in linear for a in (layer.weight.T, layer.bias)]
        log_std = self.log_std.detach().numpy().astype(np.float64) if self.continuous else None
        return Network(task, features, tuple(arrays), log_std, card or {})


@dataclass
class Rollout:
    """Decisions of T steps of n learners; arrays of shape (T, n, ...).

    Attributes:
        seen, states: what the policy and what the critic saw.
        actions, logs: what was done, and the log of its probability.
        rewards: what it brought.
        values, next_values: the critic's value before it, and of what it led to (0 where the task was over).
        done: whether it ended an episode.
        valid: whether it counts: a market whose only episode is over waits for the others.
        finished: returns of the episodes that ended.
    """

    seen: Any
    states: Any
    actions: Any
    logs: Any
    rewards: Any
    values: Any
    next_values: Any
    done: Any
    valid: Any
    finished: list[float] = field(default_factory=list)


def empty_rollout(envs: Any, agent: Agent, n_steps: int, n_state: int) -> Rollout:
    """Return arrays for so many steps, to be filled."""
    n, width = envs.num_envs, envs.single_observation_space.shape[0]
    shape = (n_steps, n)
    actions = np.zeros((*shape, agent.continuous), np.float32) if agent.continuous else np.zeros(shape, np.int64)
    logs, rewards, values, following = (np.zeros(shape, np.float32) for _ in range(4))
    return Rollout(np.zeros((*shape, width), np.float32), np.zeros((*shape, n_state), np.float32), actions, logs,
                   rewards, values, following, np.zeros(shape, bool), np.ones(shape, bool))  # fmt: skip


def _value(agent: Agent, states: Any) -> Any:
    with torch.no_grad():
        return agent.value(torch.from_numpy(np.asarray(states, np.float32))).numpy()


class Sampler:
    """Takes some steps of every market each time; episodes go on from one time to the next.

    Args:
        envs: a vector environment whose episodes follow one another at once (SAME_STEP).
        central: whether the critic sees all learners of a market.
        seed: of the first episodes.
    """

    def __init__(self, envs: Any, central: bool, seed: int) -> None:
        check_same_step(envs)
        self.envs = envs
        self.state_of = envs.states if central else lambda observations: observations
        self.running = np.zeros(envs.num_envs)
        self.begin(seed)

    @property
    def n_state(self) -> int:
        """Width of what the critic sees."""
        return int(self.state_of(self.observations).shape[1])

    def begin(self, seed: int) -> None:
        """Begin fresh episodes in all markets."""
        self.observations, _ = self.envs.reset(seed=seed)
        self.running[:] = 0.0

    def sample(self, agent: Agent, n_steps: int) -> Rollout:
        """Return the next steps under the agent's present policy."""
        r = empty_rollout(self.envs, agent, n_steps, self.n_state)
        for t in range(n_steps):
            self.step(agent, r, t)
        r.next_values[-1] = np.where(r.done[-1], r.next_values[-1], _value(agent, self.state_of(self.observations)))
        return r

    def step(self, agent: Agent, r: Rollout, t: int) -> None:
        """Fill row t of a rollout."""
        r.seen[t], r.states[t] = self.observations, self.state_of(self.observations)
        with torch.no_grad():
            distribution = agent.distribution(torch.from_numpy(r.seen[t]))
            action = distribution.sample()
            r.logs[t] = distribution.log_prob(action).numpy()
        r.values[t] = _value(agent, r.states[t])
        r.actions[t] = action.numpy()
        sent = np.clip(r.actions[t], -1.0, 1.0) if agent.continuous else r.actions[t]
        self.observations, reward, terminated, truncated, infos = self.envs.step(sent)
        r.rewards[t] = reward
        r.done[t] = terminated | truncated
        self.running += reward
        if t > 0:
            r.next_values[t - 1] = np.where(r.done[t - 1], r.next_values[t - 1], r.values[t])
        if r.done[t].any():
            r.finished += self.running[r.done[t] & r.valid[t]].tolist()
            self.running[r.done[t]] = 0.0
        if truncated.any():  # cut off, not over: what would have come is the critic's guess
            final = self.observations.copy()
            for m in np.flatnonzero(truncated):
                final[m] = infos["final_obs"][m]
            r.next_values[t] = np.where(truncated, _value(agent, self.state_of(final)), r.next_values[t])


@dataclass
class Progress:
    """Where a training stands; `history` has one row for each update."""

    steps: int = 0
    update: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


def advantages(
    rewards: Any, values: Any, next_values: Any, done: Any, gamma: float, weight: float
) -> np.ndarray[Any, Any]:
    """Return generalised advantage estimates, shape (steps, learners) (Schulman et al. 2016, equation 16).

    `next_values` is the critic's value of what each step led to, 0 where the task was over; `done` ends the sum.
    """
    found = np.zeros_like(rewards)
    last = np.zeros(rewards.shape[1], rewards.dtype)
    for t in range(len(rewards) - 1, -1, -1):
        error = rewards[t] + gamma * next_values[t] - values[t]
        last = error + gamma * weight * np.where(done[t], 0.0, last)
        found[t] = last
    return found


def losses(
    agent: Agent, settings: PPO, observations: Any, state: Any, actions: Any, old_log: Any, advantage: Any, returns: Any
) -> torch.Tensor:
    """Return the loss of one minibatch."""
    distribution = agent.distribution(observations)
    ratio = (distribution.log_prob(actions) - old_log).exp()
    clipped = ratio.clamp(1.0 - settings.clip, 1.0 + settings.clip)
    policy_loss = -torch.minimum(ratio * advantage, clipped * advantage).mean()
    value = agent.value(state)
    if settings.risk_aversion > 0.0:
        z = settings.risk_aversion * (value - returns)
        # Beyond 5 the exponential goes on as its tangent, so that a bad first guess gives a large gradient, not inf.
        grown = torch.where(z < 5.0, z.clamp(max=5.0).exp(), (z - 4.0) * 148.4131591)
        # Near 0 the difference would be what float32 leaves of two numbers that are almost 1 + z.
        near = z * z * (0.5 + z * (1.0 / 6.0 + z / 24.0))
        value_loss = torch.where(z.abs() < 0.01, near, grown - z - 1.0).mean() / settings.risk_aversion**2
    else:
        value_loss = 0.5 * ((value - returns) ** 2).mean()
    return policy_loss + settings.value_weight * value_loss - settings.entropy * distribution.entropy().mean()


def train(
    envs: Any,
    settings: PPO,
    *,
    rollouts: Callable[[Agent, int], Rollout] | None = None,
    on_update: Callable[[Agent, Progress], bool | None] | None = None,
    checkpoint: str | Path | None = None,
) -> tuple[Agent, Progress]:
    """Train on a vector environment whose episodes follow one another at once (SAME_STEP).

    Args:
        envs: a vector environment, such as MarketVectorEnv or TeamVectorEnv.
        settings: see PPO.
        rollouts: called with the agent and the number of the update for what it shall learn from, such as whole
            episodes from other processes; default: `n_steps` steps of `envs` in this one.
        on_update: called after each update; True ends the training.
        checkpoint: file that is written after each update, and read at the beginning if it is there: training goes on
            from it, on fresh episodes.

    Raises:
        InputError: if the checkpoint belongs to another training.
    """
    torch.manual_seed(settings.seed)
    continuous = len(getattr(envs.single_action_space, "shape", ()) or ()) and envs.single_action_space.shape[0]
    n_actions = 0 if continuous else int(envs.single_action_space.n)
    n_features = envs.single_observation_space.shape[0]
    sampler = Sampler(envs, settings.central_critic, settings.seed)
    agent = Agent(n_features, n_actions, int(continuous), settings.hidden, sampler.n_state)
    optimiser = torch.optim.Adam(agent.parameters(), settings.learning_rate, eps=1e-5)
    progress = Progress()
    per_update = settings.n_steps * envs.num_envs
    planned = per_update * max(1, settings.total_steps // per_update) if rollouts is None else settings.total_steps
    if checkpoint is not None and Path(checkpoint).exists():
        progress = _restore(checkpoint, settings, agent, optimiser)
        sampler.begin(settings.seed + 1_000_003 * progress.update)

    while progress.steps < planned:
        started = time.perf_counter()
        r = sampler.sample(agent, settings.n_steps) if rollouts is None else rollouts(agent, progress.update)
        advantage = advantages(r.rewards, r.values, r.next_values, r.done, settings.gamma, settings.gae_lambda)
        returns = advantage + r.values
        if settings.risk_aversion > 0.0:
            b = settings.risk_aversion
            advantage = -np.expm1(np.minimum(-b * advantage, 5.0)) / b
        if settings.anneal:
            optimiser.param_groups[0]["lr"] = settings.learning_rate * (1.0 - progress.steps / planned)
        batch = [torch.from_numpy(a[r.valid]) for a in (r.seen, r.states, r.actions, r.logs, advantage, returns)]
        size = int(r.valid.sum())
        for _ in range(settings.epochs):
            order = torch.randperm(size)
            for part in order.chunk(settings.minibatches):
                picked = [a[part] for a in batch]
                if len(part) > 1:
                    picked[4] = (picked[4] - picked[4].mean()) / (picked[4].std() + 1e-8)
                loss = losses(agent, settings, *picked)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(agent.parameters(), settings.max_grad_norm)
                optimiser.step()

        progress.update += 1
        progress.steps += size
        progress.seconds += time.perf_counter() - started
        mean = float(np.mean(r.finished)) if r.finished else float("nan")
        progress.history.append({"steps": progress.steps, "return": mean, "episodes": len(r.finished)})
        if checkpoint is not None:
            _save(checkpoint, settings, agent, optimiser, progress)
        if on_update is not None and on_update(agent, progress):
            break
    return agent, progress


def _save(path: str | Path, settings: PPO, agent: Agent, optimiser: Any, progress: Progress) -> None:
    state = {
        "settings": asdict(settings), "agent": agent.state_dict(), "optimiser": optimiser.state_dict(),
        "progress": asdict(progress), "torch": torch.get_rng_state(),
    }  # fmt: skip
    with whole_file(Path(path)) as file:
        torch.save(state, file)


def _restore(path: str | Path, settings: PPO, agent: Agent, optimiser: Any) -> Progress:
    try:
        saved = torch.load(path, weights_only=True)
        if not isinstance(saved, dict) or not isinstance(saved.get("settings"), dict):
            raise TypeError
    except Exception as error:
        raise InputError(f"{path}: not a checkpoint ({type(error).__name__}); allowed: one of this command") from None
    theirs = {k: v for k, v in saved["settings"].items() if k != "total_steps"}
    ours = {k: v for k, v in asdict(settings).items() if k != "total_steps"}
    differing = [k for k in ours if ours[k] != theirs.get(k)]
    if differing:
        raise InputError(f"{path}: made with other settings ({differing[0]} = {theirs.get(differing[0])}); "
                         f"allowed: {ours[differing[0]]}, or another folder")  # fmt: skip
    try:
        agent.load_state_dict(saved["agent"])
    except (KeyError, RuntimeError):
        raise InputError(
            f"{path}: its network has other inputs or outputs; allowed: the same task and features"
        ) from None
    try:
        optimiser.load_state_dict(saved["optimiser"])
        torch.set_rng_state(saved["torch"])
        return Progress(**saved["progress"])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: a damaged checkpoint ({type(error).__name__}); allowed: one of this command"
        ) from None
