"""What the learners are worth: trained PPO against known optima, and the shipped policies against simple ones.

In the model worlds of Avellaneda-Stoikov (with inventory penalties, Cartea-Jaimungal) and Almgren-Chriss the optimum's
value is known, and so is, exactly, that of each trained policy; five seeds each. In the book the shipped policies meet
their rivals on seeds that were used neither in training nor for choosing among checkpoints; differences are paired.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.rl import MarketBatch, MarketVectorEnv, RewardSettings, load_network, shipped_weights
from agents.rl._stepping import FACT
from agents.rl.evaluation import Choose, constant, evaluate, interval, of_network
from agents.rl.models.execution import ExecutionModel, ExecutionModelBatch
from agents.rl.models.market_making import MakerModel, MakerModelBatch, best_policy, policy_observations, value_of
from scenarios.environments import MarketFactory

__all__ = ["run"]

MODEL = MakerModel(duration_s=1.0, step_s=0.02, max_quotes=5, fill_rate_per_s=40.0)
PENALTY = RewardSettings(phi_per_s=2.0, alpha=0.5)
TRAINING_SEEDS = range(1, 6)
FIRST_SEED = 2**32
N_MAKER, N_EXECUTION = 256, 48


def maker_value(seed: int) -> float:
    """Return the exact value of a policy trained in the maker model, as a share of the optimum's."""
    from agents.rl.ppo import PPO, train

    envs = MarketVectorEnv(MakerModelBatch(64, MODEL, reward_settings=PENALTY), 64)
    agent, _ = train(
        envs, PPO(total_steps=800_000, n_steps=100, learning_rate=2e-3, entropy=0.02, gae_lambda=0.8, seed=seed)
    )
    seen = policy_observations(MODEL)
    chosen = agent.network("market_making", envs.batch.features).actions(seen.reshape(-1, 2))
    table = np.eye(len(envs.batch.task.menu))[chosen.reshape(seen.shape[:2])]
    return value_of(MODEL, table, PENALTY) / best_policy(MODEL, PENALTY)[0]


def execution_value(seed: int) -> float:
    """Return the exact cost of a policy trained in the Almgren-Chriss model over the optimum's."""
    from agents.rl.ppo import PPO, train

    model = ExecutionModel()
    envs = MarketVectorEnv(ExecutionModelBatch(32, model), 32)
    agent, _ = train(envs, PPO(total_steps=300_000, n_steps=50, learning_rate=2e-3, entropy=0.0, seed=seed))
    network = agent.network("execution", envs.batch.features)
    x = [model.quantity]
    for k in range(model.n_steps - 1):
        seen = np.array([[1 - k / model.n_steps, x[-1] / model.quantity]])
        x.append(x[-1] * (0.5 - 0.5 * float(network.actions(seen)[0, 0])))
    return model.value_of([*x, 0.0]) / model.value_of(model.best_holdings())


def avellaneda_stoikov(gamma: float, k: float, sigma: float, settings: dict[str, Any], widest: float) -> Choose:
    """Return their quotes as continuous actions: equations 29 and 30, per tick and quote, to the task's end."""
    end_s, size, scale = settings["start_s"] + settings["duration_s"], settings["size_lots"], 0.5 * widest

    def choose(observations: Any, facts: Any) -> Any:
        risk = gamma * sigma**2 * np.maximum(end_s - facts[:, FACT.time_s], 0.0)
        half = 0.5 * risk + np.log1p(gamma / k) / gamma
        shift = facts[:, FACT.position_lots] / size * risk
        distances = np.stack([half + shift, half - shift], 1) / settings["price_scale_ticks"]
        return np.clip(distances / scale - 1.0, -1.0, 1.0)

    return choose


def against(prefix: str, trained: Any, rivals: dict[str, Any]) -> dict[str, Any]:
    """Return mean returns, and paired differences with their 95% intervals."""
    found: dict[str, Any] = {f"{prefix}_trained": round(interval(trained.returns)[0], 3)}
    for name, episodes in rivals.items():
        found[f"{prefix}_{name}"] = round(interval(episodes.returns)[0], 3)
        difference = [round(x, 3) for x in interval(trained.returns - episodes.returns)]
        found[f"{prefix}_better_than_{name}"] = difference
    return found


def maker() -> dict[str, Any]:
    """Return the shipped maker against symmetric quotes and those of Avellaneda and Stoikov, both tuned."""
    network = load_network(shipped_weights("market_making"))
    card, widest = network.card, 8.0
    settings = {**card["agent_settings"], "price_scale_ticks": card["agent_settings"]["price_scale_ticks"]}
    menu = MarketBatch(MarketFactory(card["scenario"], "market_making", settings), 32)
    free = {**settings, "menu": False, "widest_scales": widest}
    wide = MarketBatch(MarketFactory(card["scenario"], "market_making", free), 32)
    tuning, seeds = range(FIRST_SEED + 10**6, FIRST_SEED + 10**6 + 64), range(FIRST_SEED, FIRST_SEED + N_MAKER)
    symmetric = max(
        menu.task.baselines.values(), key=lambda entry: evaluate(menu, constant(entry), tuning).returns.mean()
    )
    quotes = [
        avellaneda_stoikov(gamma, k, sigma, settings, widest)
        for gamma in (3e-6, 3e-5, 3e-4) for k in (0.02, 0.05, 0.1) for sigma in (4.0,)
    ]  # fmt: skip
    best = max(quotes, key=lambda choose: evaluate(wide, choose, tuning).returns.mean())
    rivals = {
        "symmetric": evaluate(menu, constant(symmetric), seeds),
        "avellaneda_stoikov": evaluate(wide, best, seeds),
    }
    return against("maker", evaluate(menu, of_network(network), seeds), rivals)


def execution() -> dict[str, Any]:
    """Return the shipped execution policy against TWAP."""
    network = load_network(shipped_weights("execution"))
    card, seeds = network.card, range(FIRST_SEED, FIRST_SEED + N_EXECUTION)
    batch = MarketBatch(MarketFactory(card["scenario"], "execution", card["agent_settings"]), 16)
    twap = evaluate(batch, constant(batch.task.baselines["TWAP"]), seeds)
    return against("execution", evaluate(batch, of_network(network), seeds), {"twap": twap})


def run() -> dict[str, Any]:
    """Return the figures of this bench."""
    import torch

    torch.set_num_threads(1)
    figures = {**maker(), **execution()}
    makers = [maker_value(seed) for seed in TRAINING_SEEDS]
    executions = [execution_value(seed) for seed in TRAINING_SEEDS]
    better = all(value[1] > 0.0 for name, value in figures.items() if "better_than" in name)
    figures["maker_model_share_of_optimum"] = [round(x, 4) for x in makers]
    figures["execution_model_cost_over_optimum"] = [round(x, 4) for x in executions]
    near = min(makers) > 0.98 and max(makers) <= 1.0 + 1e-9 and min(executions) >= 1.0 - 1e-9 and max(executions) < 1.02
    return {**figures, "pass": better and near}
