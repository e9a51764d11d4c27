"""A small random generator and a toy flow, for tests that need no recorded data."""

from __future__ import annotations

from functools import cache

import numpy as np

from agents.flow.tokenizer import Tokenizer
from agents.flow.weights import FlowWeights
from scenarios.build.market import build
from scenarios.schema.load import find_scenario, load_scenario
from sim.metrics.flow import OrderFlow, visible_flow_of_tape


@cache
def market_flow(seed: int = 1, minutes: int = 15) -> OrderFlow:
    """The flow of some minutes of first_market, with its book."""
    market = build(load_scenario(find_scenario("first_market"))).market(seed)
    parts: list[np.ndarray] = []
    market.run(market.session.open_ns + minutes * 60_000_000_000, sinks=[lambda rows: parts.append(rows.copy())])
    return visible_flow_of_tape(np.concatenate(parts), 10)


@cache
def small_tokenizer() -> Tokenizer:
    """A tokenizer of two stocks that are two seeds of one market."""
    return Tokenizer.fit([market_flow(1), market_flow(2)], ["ONE", "TWO"])


@cache
def small_weights(seed: int = 0, block: int = 4) -> FlowWeights:
    """An untrained generator of few numbers."""
    import torch

    from agents.flow.model import FlowConfig, FlowModel

    torch.manual_seed(seed)
    tokenizer = small_tokenizer()
    config = FlowConfig(tokenizer.n_details, tokenizer.n_delays, 2, width=16, heads=2, layers=2, block_layers=2,
                        window=12, block=block, head=24)  # fmt: skip
    return FlowWeights.of(FlowModel(config).eval(), tokenizer, {"name": "small"})
