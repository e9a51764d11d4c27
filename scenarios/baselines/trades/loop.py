"""TRADES in closed loop: a book and a past taken from a recording, then nothing but generated orders."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from lob.recording import Recording
from scenarios.baselines.trades.history import History
from scenarios.baselines.trades.model import TradesModel, one_thread
from scenarios.baselines.trades.orders import order_table
from scenarios.baselines.trades.recording import book_after, flow_of_events
from sim.metrics.flow import OrderFlow, flow_of_day

__all__ = ["ClosedLoop", "closed_loop"]


@dataclass(frozen=True)
class ClosedLoop:
    """What a run in closed loop gave.

    Attributes:
        flow: the generated events with the book after each.
        orders_per_s: generated orders per second of wall time, conditioning, redraws and the book included.
        draws_per_order: draws from noise that an order took; above 1 where orders could not be used.
        bent_share: share of orders that were bent into usable ones.
    """

    flow: OrderFlow
    orders_per_s: float
    draws_per_order: float
    bent_share: float


def closed_loop(model: TradesModel, start_day_slice: OrderFlow | Recording, n_orders: int, seed: int) -> ClosedLoop:
    """Generate orders from the end of a recording on.

    Args:
        model: a trained model.
        start_day_slice: the recording up to the start, with its book; more than `sequence` visible events. The longer
            it is, the more of the resting orders in the book are known one by one.
        n_orders: orders to generate.
        seed: of the generator.

    Raises:
        ValueError: if the slice is too short or has no book, or n_orders is not positive.
    """
    if n_orders <= 0:
        raise ValueError(f"closed loop: n_orders = {n_orders}; allowed: above 0")
    flow = flow_of_day(start_day_slice) if isinstance(start_day_slice, Recording) else start_day_slice
    history = History(order_table(flow, model.config), model.config)
    book = book_after(flow, model.config.levels)
    rng = np.random.default_rng(seed)
    draws, bent = model.draws, model.bent
    with one_thread():
        begin = time.perf_counter()
        events = [event for order in model.generate(history, book, n_orders, rng) for event in order]
        took = time.perf_counter() - begin
    return ClosedLoop(
        flow_of_events(events, int(flow.time_ns[-1]), model.config.levels),
        n_orders / took,
        (model.draws - draws) / n_orders,
        (model.bent - bent) / n_orders,
    )
