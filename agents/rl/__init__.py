"""Learning agents: environments over any market, tasks, rewards, a PPO in one file, and trained policies.

env        Gymnasium environment, one learner in one market
vector_env many markets in one compiled call
parallel_env  several learners in one market (PettingZoo)
features   what a learner sees        rewards    what it is paid for        task, policies/  what it does
custom     rewards and observations of your own        rendering  a market as text or picture
models/    worlds in which the best policy is known        ppo   training        network  weights, compiled decisions
"""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "_stepping": "FACTS",
        "batch": "MarketBatch",
        "env": "MarketEnv",
        "features": "FEATURES",
        "network": "Network load_network save_network shipped_weights",
        "parallel_env": "MarketParallelEnv",
        "rewards": "REWARDS RewardSettings",
        "task": "Task find_task tasks",
        "vector_env": "MarketVectorEnv",
    },
)
