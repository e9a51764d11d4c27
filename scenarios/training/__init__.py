"""Training what learns: agents in a scenario's market, and the learned flow on recorded or simulated data."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from scenarios.training.environments import (
        ENVIRONMENTS,
        MarketFactory,
        make_env,
        make_parallel_env,
        make_vector_env,
    )
    from scenarios.training.flow import FlowData, train_flow
    from scenarios.training.rl import RlTraining, train_rl

__all__ = [
    "ENVIRONMENTS",
    "FlowData",
    "MarketFactory",
    "RlTraining",
    "make_env",
    "make_parallel_env",
    "make_vector_env",
    "train_flow",
    "train_rl",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "environments": "ENVIRONMENTS MarketFactory make_env make_parallel_env make_vector_env",
        "flow": "FlowData train_flow",
        "rl": "RlTraining train_rl",
    },
)
