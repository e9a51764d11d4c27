"""The environments under the name that Gymnasium's ids have: "scenarios.environments:outcry/Execution-v0"."""

from scenarios.training.environments import (
    ENVIRONMENTS,
    MarketFactory,
    environment_options,
    make_env,
    make_parallel_env,
    make_vector_env,
    register,
)

__all__ = [
    "ENVIRONMENTS",
    "MarketFactory",
    "environment_options",
    "make_env",
    "make_parallel_env",
    "make_vector_env",
    "register",
]
