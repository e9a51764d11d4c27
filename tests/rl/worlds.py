"""Small scenarios with a learning agent in them, and networks to put into it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from agents.rl import Network, save_network
from agents.rl.task import find_task
from scenarios.environments import MarketFactory

SCENARIO = """
schema_version = 1
seed = 1
[session]
open = 09:30:00
close = 09:40:00
[[instrument]]
name = "ABC"
n_prices = 4096
reference_ticks = 2000
[instrument.fundamental]
kind = "ou"
sigma_ticks_per_sqrt_s = 0.5
[[population]]
name = "crowd"
kind = "zero_intelligence"
count = 40
latency = { kind = "lognormal", median_ms = 1.0, sigma = 0.5 }
settings = { interval_s = 1.0, size_lots = 5 }
[[population]]
name = "momentum"
kind = "momentum"
count = 5
settings = { interval_s = 5.0, warm_up_looks = 3, size_lots = 5 }
"""
AGENT = {"start_s": 60.0, "duration_s": 300.0, "step_s": 2.0, "price_scale_ticks": 4.0, "size_scale_lots": 5.0}
SIZES: dict[str, dict[str, Any]] = {
    "execution": {"quantity_lots": 300},
    "market_making": {"size_lots": 5, "max_position_lots": 40},
    "directional": {"max_position_lots": 10},
}
KINDS = {"execution": "rl_execution", "market_making": "rl_maker", "directional": "rl_directional"}


def written(folder: Path, text: str = SCENARIO, name: str = "small.toml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def factory(folder: Path, task: str, learners: int = 1, **settings: Any) -> MarketFactory:
    """A small market with learners of a task."""
    return MarketFactory(written(folder), task, {**AGENT, **SIZES[task], **settings}, learners=learners)


def random_network(task: str, *, continuous: int = 0, seed: int = 5, gain: float = 1.0) -> Network:
    """A network nobody has trained; it makes lively decisions."""
    found, rng = find_task(task), np.random.default_rng(seed)
    sizes = [len(found.features), 16, 12, continuous or len(found.menu)]
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [gain * rng.normal(size=(n_in, n_out)) / np.sqrt(n_in), 0.1 * rng.normal(size=n_out)]
    exact = tuple(layer.astype(np.float32).astype(np.float64) for layer in layers)
    return Network(task, found.features, exact, np.full(continuous, -1.0) if continuous else None)


def scenario_with(folder: Path, task: str, network: Network, **settings: Any) -> str:
    """The same market as a scenario file, with the network as its learner."""
    save_network(folder / "net.safetensors", network)
    values = {**AGENT, **SIZES[task], **settings, "weights": "net.safetensors"}
    lines = [f"{name} = {str(v).lower() if isinstance(v, bool) else repr(v)}" for name, v in values.items()]
    table = f'[[population]]\nname = "learner"\nkind = "{KINDS[task]}"\n'
    latency = 'latency = { kind = "constant", delay_us = 50 }\n'
    text = SCENARIO + table + latency + "[population.settings]\n" + "\n".join(lines).replace("'", '"')
    return written(folder, text, "with_learner.toml")
