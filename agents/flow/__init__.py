"""The learned order-flow generator: a transformer diffusion over order events that answers to what other agents do.

tokenizer.py says what an order event is in tokens, model.py is the network, training.py trains it, network.py runs it
compiled inside a market, agent.py is the population that does so, and uses.py forecasts, scores and infills with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.flow.model import FlowModel
    from agents.flow.tokenizer import Tokenizer, Tokens
    from agents.flow.training import TrainingConfig, train
    from agents.flow.weights import FlowWeights

__all__ = ["FlowModel", "FlowWeights", "Tokenizer", "Tokens", "TrainingConfig", "train"]
_WHERE = {
    "FlowModel": "model", "FlowWeights": "weights", "Tokenizer": "tokenizer", "Tokens": "tokenizer",
    "TrainingConfig": "training", "train": "training",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Return a public name; loaded on first use, since torch is needed for training only."""
    if name not in _WHERE:
        raise AttributeError(f"module 'agents.flow' has no attribute {name!r}")
    return getattr(import_module(f"agents.flow.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
