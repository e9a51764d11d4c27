"""A toy order flow for the tests of TRADES, and settings small enough for them."""

from typing import Any

import numpy as np

from scenarios.baselines.trades.book import LoopBook
from scenarios.baselines.trades.orders import OrderKind, TradesOrder
from scenarios.baselines.trades.placing import LoopEvent, place
from scenarios.baselines.trades.recording import flow_of_events
from scenarios.baselines.trades.settings import TradesConfig
from sim.metrics.flow import OrderFlow

LEVELS = 4
START_NS = 36_000_000_000_000


def settings(repaired: bool, **changes: Any) -> TradesConfig:
    small: dict[str, Any] = {"sequence": 12, "levels": LEVELS, "augment_dim": 8, "layers": 2, "batch": 16}
    return TradesConfig(repaired, **{**small, **changes})


def toy_book() -> LoopBook:
    book = LoopBook(LEVELS)
    for depth in range(12):
        book.add(1, 1000 - depth, 10)
        book.add(-1, 1002 + depth, 10)
    return book


def random_order(rng: np.random.Generator) -> TradesOrder:
    kind = OrderKind(int(rng.choice(3, p=[0.55, 0.35, 0.1])))
    size, direction = int(rng.integers(1, 12)), int(rng.choice([-1, 1]))
    return TradesOrder(kind, float(rng.exponential(0.1)), size, 0.0, direction, float(rng.integers(-1, 4)))


def toy_events(n: int, seed: int = 0, repaired: bool = True) -> tuple[LoopBook, list[LoopEvent]]:
    rng, book, config = np.random.default_rng(seed), toy_book(), settings(repaired)
    events: list[LoopEvent] = []
    while len(events) < n:
        events += place(book, random_order(rng), config)
    return book, events


def toy_flow(n: int, seed: int = 0) -> OrderFlow:
    return flow_of_events(toy_events(n, seed)[1], START_NS, LEVELS)
