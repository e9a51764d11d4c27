"""Learning agents: environments over any market, tasks, rewards, a PPO in one file, and trained policies.

env        Gymnasium environment, one learner in one market
vector_env many markets in one compiled call
parallel_env  several learners in one market (PettingZoo)
features   what a learner sees        rewards    what it is paid for        task, policies/  what it does
custom     rewards and observations of your own        rendering  a market as text or picture
models/    worlds in which the best policy is known        ppo   training        network  weights, compiled decisions
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.rl._stepping import FACTS
    from agents.rl.batch import MarketBatch
    from agents.rl.env import MarketEnv
    from agents.rl.features import FEATURES
    from agents.rl.network import Network, load_network, save_network, shipped_weights
    from agents.rl.parallel_env import MarketParallelEnv
    from agents.rl.rewards import REWARDS, RewardSettings
    from agents.rl.task import Task, find_task, tasks
    from agents.rl.vector_env import MarketVectorEnv

# Loaded on first use: a run with a trained policy in it needs neither Gymnasium nor torch.
_HOME = {
    "FACTS": "_stepping",
    "FEATURES": "features",
    "REWARDS": "rewards",
    "MarketBatch": "batch",
    "MarketEnv": "env",
    "MarketParallelEnv": "parallel_env",
    "MarketVectorEnv": "vector_env",
    "Network": "network",
    "RewardSettings": "rewards",
    "Task": "task",
    "find_task": "task",
    "load_network": "network",
    "save_network": "network",
    "shipped_weights": "network",
    "tasks": "task",
}

__all__ = [
    "FACTS",
    "FEATURES",
    "REWARDS",
    "MarketBatch",
    "MarketEnv",
    "MarketParallelEnv",
    "MarketVectorEnv",
    "Network",
    "RewardSettings",
    "Task",
    "find_task",
    "load_network",
    "save_network",
    "shipped_weights",
    "tasks",
]


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'agents.rl' has no attribute {name!r}")
    return getattr(import_module(f"agents.rl.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
