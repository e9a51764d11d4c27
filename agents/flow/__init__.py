"""The learned order-flow generator: a transformer diffusion over order events that answers to what other agents do.

tokenizer.py says what an order event is in tokens, model.py is the network, training.py trains it, network.py runs it
compiled inside a market, agent.py is the population that does so, and uses.py forecasts, scores and infills with it.
"""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from agents.flow.model import FlowModel
    from agents.flow.tokenizer import Tokenizer, Tokens
    from agents.flow.training import TrainingConfig, train
    from agents.flow.weights import FlowWeights

__all__ = ["FlowModel", "FlowWeights", "Tokenizer", "Tokens", "TrainingConfig", "train"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "model": "FlowModel",
        "tokenizer": "Tokenizer Tokens",
        "training": "TrainingConfig train",
        "weights": "FlowWeights",
    },
)
