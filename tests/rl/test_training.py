"""Training: the single file learns what is best, as stable-baselines3 does, and resumes; the command and its folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.rl import MarketEnv, MarketVectorEnv, RewardSettings, load_network
from agents.rl.episodes import joined, whole_episodes
from agents.rl.models.execution import ExecutionModel, ExecutionModelBatch
from agents.rl.models.market_making import MakerModel, MakerModelBatch, best_policy, policy_observations, value_of
from agents.rl.ppo import PPO, Agent, advantages, losses, train
from agents.rl.sb3 import Sb3VecEnv, network_of
from agents.rl.team_env import TeamVectorEnv
from lob.errors import InputError
from scenarios.training.rl import RlTraining, train_rl
from tests.cli.inside import inside
from tests.cli.test_commands import COMMAND, ENVIRONMENT
from tests.rl.worlds import AGENT, SIZES, factory, written

MODEL = MakerModel(duration_s=0.4, step_s=0.02, max_quotes=3, fill_rate_per_s=40.0)
PENALTY = RewardSettings(phi_per_s=2.0, alpha=0.5)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def exact_value(network: Any, **more: Any) -> float:
    seen = policy_observations(MODEL)
    chosen = network.actions(seen.reshape(-1, 2)).reshape(seen.shape[:2])
    return value_of(MODEL, np.eye(17)[chosen], PENALTY, **more)


def maker_envs(reward: str = "inventory_penalised") -> MarketVectorEnv:
    return MarketVectorEnv(MakerModelBatch(64, MODEL, reward, PENALTY), 64)


def test_advantages_are_discounted_sums_of_errors() -> None:
    rng = np.random.default_rng(1)
    rewards, values, following = rng.normal(size=(3, 6, 2))
    done = np.zeros((6, 2), bool)
    done[2, 0] = True
    found = advantages(rewards, values, following, done, 0.9, 0.8)
    for i in range(2):
        for t in range(6):
            total, weight = 0.0, 1.0
            for s in range(t, 6):
                total += weight * (rewards[s, i] + 0.9 * following[s, i] - values[s, i])
                weight *= 0.9 * 0.8
                if done[s, i]:
                    break
            assert found[t, i] == pytest.approx(total)


def test_the_itakura_saito_loss_is_least_at_the_certainty_equivalent() -> None:
    # One state, returns of a known distribution: the critic's minimiser must be -ln E exp(-b G) / b.
    class Constant(torch.nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.v = value

        def distribution(self, observations: Any) -> Any:
            return torch.distributions.Categorical(logits=torch.zeros(len(observations), 2))

        def value(self, state: Any) -> Any:
            return torch.full((len(state),), self.v)

    returns = torch.tensor(np.random.default_rng(3).normal(0.5, 0.8, 20_000))
    zero = torch.zeros(len(returns))
    settings = PPO(risk_aversion=1.2, gae_lambda=1.0, entropy=0.0)
    grid = np.linspace(-0.5, 1.0, 301)
    loss = [float(losses(Constant(float(v)), settings, zero, zero, zero, zero, zero, returns)) for v in grid]
    expected = -np.log(np.exp(-1.2 * returns.numpy()).mean()) / 1.2
    assert grid[int(np.argmin(loss))] == pytest.approx(expected, abs=0.006)


def test_the_single_file_and_stable_baselines_reach_the_best_policy_of_the_maker_model() -> None:
    import stable_baselines3

    best, _ = best_policy(MODEL, PENALTY)
    settings = PPO(total_steps=250_000, n_steps=40, learning_rate=3e-3, entropy=0.003, seed=1)
    agent, _ = train(maker_envs(), settings)
    ours = exact_value(agent.network("market_making", ("time_left", "inventory")))
    model = stable_baselines3.PPO(
        "MlpPolicy", Sb3VecEnv(maker_envs(), 1), seed=1, n_steps=40, batch_size=640, n_epochs=4, learning_rate=3e-3,
        gamma=1.0, ent_coef=0.003, device="cpu",
        policy_kwargs={"net_arch": {"pi": [32, 32], "vf": [32, 32]}, "activation_fn": torch.nn.ReLU},
    )  # fmt: skip
    model.learn(250_000)
    theirs = exact_value(network_of(model, "market_making", ("time_left", "inventory")))
    assert 0.95 * best < ours <= best
    assert 0.95 * best < theirs <= best


def test_a_network_taken_from_stable_baselines_decides_as_the_model_does() -> None:
    import stable_baselines3

    envs = Sb3VecEnv(maker_envs(), 1)
    policy = {"net_arch": [16, 16], "activation_fn": torch.nn.ReLU}
    for kind in (stable_baselines3.PPO, stable_baselines3.DQN):
        model = kind("MlpPolicy", envs, seed=4, device="cpu", policy_kwargs=policy)
        seen = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
        chosen, _ = model.predict(seen, deterministic=True)
        network = network_of(model, "market_making", ("time_left", "inventory"))
        assert (network.actions(seen) == chosen).mean() > 0.99
    bad = stable_baselines3.PPO("MlpPolicy", envs, device="cpu")
    with pytest.raises(InputError, match="two hidden layers with ReLU"):
        network_of(bad, "market_making", ("time_left", "inventory"))


def test_continuous_actions_learn_the_schedule_of_almgren_and_chriss() -> None:
    model = ExecutionModel()
    envs = MarketVectorEnv(ExecutionModelBatch(32, model), 32)
    agent, _ = train(envs, PPO(total_steps=200_000, n_steps=50, learning_rate=3e-3, entropy=0.0, seed=2))
    network = agent.network("execution", ("time_left", "remaining"))
    holdings = [model.quantity]
    for k in range(5):
        share = 0.5 * (network.actions(np.array([[1 - k / 5, holdings[-1] / model.quantity]]))[0, 0] + 1.0)
        holdings.append(holdings[-1] * (1.0 - share) if k < 4 else 0.0)
    best, even = model.value_of(model.best_holdings()), model.value_of(np.linspace(model.quantity, 0.0, 6))
    assert best - 0.1 * (best - even) < model.value_of(holdings) <= best


def test_risk_aversion_trades_mean_for_certainty() -> None:
    aversion = 3.0
    best, _ = best_policy(MODEL, risk_aversion=aversion)
    common: dict[str, Any] = {"total_steps": 250_000, "n_steps": 40, "learning_rate": 3e-3, "entropy": 0.003,
                              "gae_lambda": 1.0, "seed": 3}  # fmt: skip
    values = []
    for b in (0.0, aversion):
        agent, _ = train(maker_envs("pnl"), PPO(risk_aversion=b, **common))
        network = agent.network("market_making", ("time_left", "inventory"))
        values.append(exact_value(network, risk_aversion=aversion))
    neutral, averse = values
    assert neutral < averse <= best + 1e-9
    assert averse > best - 0.15 * abs(best)


def test_a_training_is_reproducible_and_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    settings = PPO(total_steps=3 * 64 * 20, n_steps=20, seed=5)
    first, progress = train(maker_envs(), settings)
    second, _ = train(maker_envs(), settings)
    assert all((a == b).all() for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert (progress.update, progress.steps) == (3, 3840)
    place = tmp_path / "checkpoint.pt"
    train(maker_envs(), settings, checkpoint=place, on_update=lambda agent, p: p.update == 2)
    _, resumed = train(maker_envs(), settings, checkpoint=place)
    assert (resumed.update, len(resumed.history)) == (3, 3)
    with pytest.raises(InputError, match="other settings"):
        train(maker_envs(), PPO(total_steps=10, n_steps=20, seed=6), checkpoint=place)
    place.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="not a checkpoint"):
        train(maker_envs(), settings, checkpoint=place)


def test_several_learners_train_together_with_and_without_a_central_critic(tmp_path: Path) -> None:
    make = factory(tmp_path, "market_making", 2, duration_s=40.0)
    for central in (False, True):
        envs = TeamVectorEnv(make, 4)
        agent, progress = train(envs, PPO(total_steps=2 * 8 * 25, n_steps=25, central_critic=central, hidden=16))
        assert progress.steps == 400 and progress.history[-1]["episodes"] > 0
        n = len(envs.batch.features)
        assert agent.critic[0].in_features == (3 * n if central else n)


def test_episodes_that_are_cut_off_are_continued_by_the_critic(tmp_path: Path) -> None:
    envs = MarketVectorEnv(factory(tmp_path, "market_making"), 4, max_steps=7)
    _, progress = train(envs, PPO(total_steps=4 * 21, n_steps=21, hidden=8))
    assert progress.history[0]["episodes"] == 12


@pytest.mark.parametrize("bad", [{"n_steps": 0}, {"hidden": 65}, {"gamma": 1.5}, {"risk_aversion": 1.0}])
def test_wrong_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="ppo"):
        PPO(**bad)


# ---- the command --------------------------------------------------------------------------------------------------


def small(folder: Path, **more: Any) -> RlTraining:
    options: dict[str, Any] = {
        "scenario": written(folder), "task": "market_making", "settings": {**AGENT, **SIZES["market_making"]},
        "total_steps": 1200, "n_envs": 4, "evaluations": 2, "evaluation_seeds": 3, **more,
    }  # fmt: skip
    return RlTraining(**options)


@pytest.mark.parametrize(
    ("algo", "numbers"),
    [
        ("ppo-single-file", {"n_steps": 50}),
        ("ppo", {"n_steps": 50, "batch_size": 100}),
        ("dqn", {"learning_starts": 100}),
    ],
)
def test_each_algorithm_leaves_weights_with_a_card_and_can_be_resumed(
    algo: str, numbers: dict[str, Any], tmp_path: Path
) -> None:
    training = small(tmp_path, algo=algo, algo_settings=numbers)
    found = train_rl(training, tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {
        "policy.safetensors", "training.json", "learning_curve.png",
    }  # fmt: skip
    network = load_network(tmp_path / "run" / "policy.safetensors")
    network.check("it", "market_making", (), 17, False)
    card = network.card
    assert card["evaluation_seeds"][0] == 2**31 and card["scenario"].endswith("small.toml")
    assert len(card["evaluation_return"]) == 3 and len(card["better_than"]) == 4
    assert len(found["evaluations"]) >= 2 and found["history"][-1]["steps"] >= 1000
    with pytest.raises(InputError, match="holds a training"):
        train_rl(training, tmp_path / "run")
    again = train_rl(training, tmp_path / "run", resume=True)
    assert again["evaluations"] == found["evaluations"]
    with pytest.raises(InputError, match="another training"):
        train_rl(small(tmp_path, algo=algo, seed=2), tmp_path / "run", resume=True)


def test_the_command_trains_and_tells_bad_input_in_one_line(tmp_path: Path) -> None:
    file = written(tmp_path)

    def outcry(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "train", "rl", *arguments], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True
        )

    agent = [part for name, value in AGENT.items() for part in ("--agent", f"{name}={value}")]
    common = ["--scenario", file, "--task", "directional", *agent, "--out", "made"]
    done = outcry(*common, "--algo", "ppo-single-file", "--steps", "600", "--envs", "4", "--algo-set", "n_steps=50",
                  "--evaluation-seeds", "2")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Return on untouched seeds" in done.stdout and "flat" in done.stdout
    assert json.loads((tmp_path / "made" / "training.json").read_text())["format_version"] == 1
    for arguments, words in (
        (["--algo", "pp"], "did you mean ppo"),
        (["--task", "buy"], "no such task"),
        (["--agent", "step_s"], "NAME=VALUE"),
        (["--reward", "glory"], "no such reward"),
        (["--features", "spread,tea"], "no such feature"),
        (["--algo-set", "speed=3", "--algo", "ppo-single-file"], "allowed: n_steps"),
        (["--reward-set", "tea=1"], "allowed: phi_per_s"),
        ([], "holds a training"),
    ):
        other = ["--out", "other"] if arguments else []
        status, out, err = inside(tmp_path, "train", "rl", *common, *other, *arguments)
        assert status == 2, (arguments, out, err)
        assert err.count("\n") == 1 and words in err
    assert not (tmp_path / "other").exists()


def test_whole_episodes_from_any_number_of_processes_teach_the_same(tmp_path: Path) -> None:
    found = {}
    pytest.importorskip("ray")
    for name, executor, workers in (("a", "serial", None), ("b", "process", 2), ("c", "ray", 1)):
        training = small(
            tmp_path, algo="ppo-single-file", n_envs=20, total_steps=2000, executor=executor, workers=workers
        )
        history = train_rl(training, tmp_path / name)["history"]
        found[name] = history, load_network(tmp_path / name / "policy.safetensors").layers
    assert found["a"][0] == found["b"][0] == found["c"][0]
    for other in "bc":
        assert all((x == y).all() for x, y in zip(found["a"][1], found[other][1], strict=True))
    assert all(row["episodes"] == 20 for row in found["a"][0])
    with pytest.raises(InputError, match="executor=process: not with algo=dqn"):
        small(tmp_path, algo="dqn", executor="process")


def test_an_episode_in_a_rollout_is_the_environments_own(tmp_path: Path) -> None:
    envs = MarketVectorEnv(factory(tmp_path, "market_making"), 3)
    agent = Agent(envs.single_observation_space.shape[0], int(envs.single_action_space.n), 0, 16,
                  envs.single_observation_space.shape[0])  # fmt: skip
    rollout = joined([whole_episodes(envs, agent, 40), whole_episodes(envs, agent, 43)])
    assert rollout.done.shape[1] == 6 and len(rollout.finished) == 6
    for m in range(6):
        env = MarketEnv(factory(tmp_path, "market_making"))
        observation, _ = env.reset(seed=40 + m)
        total, over, t = 0.0, False, 0
        while not over:
            assert rollout.valid[t, m] and (rollout.seen[t, m] == observation).all()
            observation, reward, terminated, truncated, _ = env.step(int(rollout.actions[t, m]))
            total += reward
            over = terminated or truncated
            assert rollout.rewards[t, m] == pytest.approx(reward, rel=1e-6)
            assert rollout.done[t, m] == over
            t += 1
        assert not rollout.valid[t:, m].any()
        assert min(abs(total - value) for value in rollout.finished) < 1e-4
