"""Showing a market to a person who watches an environment: as text, or as a picture of the book."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.rl._stepping import FACTS
from agents.rl.batch import Batch
from lob.errors import InputError
from lob.inspect import COLUMNS, depth, orders

__all__ = ["RENDERS_PER_S", "RENDER_MODES", "checked_mode", "rendered"]

RENDER_MODES = ("ansi", "rgb_array")
RENDERS_PER_S = 10
"""Frames a second of a video of pictures, one for each step."""
N_LEVELS = 10
BID, ASK, OWN, INK = "#2166ac", "#d6604d", "#222222", "#555555"


def checked_mode(mode: Any) -> str | None:
    """Return a render mode; raise InputError if there is no such one."""
    if mode is not None and mode not in RENDER_MODES:
        raise InputError(f"render_mode = {mode!r}; allowed: {', '.join(RENDER_MODES)}")
    return None if mode is None else str(mode)


def rendered(batch: Batch, m: int, mode: str) -> Any:
    """Return world m as a text, or as a picture, uint8 (height, width, 3): the book's best levels, and the facts."""
    if batch.seeds[m] < 0:
        raise InputError("render: no episode has begun; allowed after reset()")
    bids, asks = _levels(batch, m)
    facts = [dict(zip(FACTS, batch.facts[m, rank].tolist(), strict=True)) for rank in range(batch.k)]
    told = [f"seed {batch.seeds[m]}, {facts[0]['time_s']:.3f} s after the open, midpoint {facts[0]['mid_ticks']:g}"]
    told += [f"{f'learner {rank}: ' if batch.k > 1 else ''}position {fact['position_lots']:g} lots, "
             f"cash {fact['cash_ticks']:,.0f}, executed {fact['executed_lots']:g}"
             for rank, fact in enumerate(facts)]  # fmt: skip
    return _text(bids, asks, told) if mode == "ansi" else _picture(bids, asks, told)


def _levels(batch: Any, m: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the best levels of bids and asks, each (levels, (price, lots, learners' own lots)); none in a model."""
    market = batch.markets[m] if hasattr(batch, "markets") else None
    if market is None:
        return np.zeros((0, 3), np.int64), np.zeros((0, 3), np.int64)
    population = market.world.population_rows[batch._population]
    book = market.world.book(int(population["symbol"]))
    found = []
    for side in (0, 1):
        table, every = np.zeros((N_LEVELS, 3), np.int64), np.zeros((int(book["n_orders"]), COLUMNS), np.int64)
        table = table[: depth(book, side, table)]
        every = every[: orders(book, side, every)]
        mine = every[(every[:, 4] >= population["first"]) & (every[:, 4] < population["first"] + population["count"])]
        table[:, 2] = [mine[mine[:, 2] == price, 3].sum() for price in table[:, 0]]
        found.append(table)
    return found[0], found[1]


def _text(bids: Any, asks: Any, told: list[str]) -> str:
    lines = [f"{'':>10} {price:>10} {lots:<10} {f'own {own}' if own else ''}" for price, lots, own in asks[::-1]]
    lines += [f"{lots:>10} {price:>10} {'':<10} {f'own {own}' if own else ''}" for price, lots, own in bids]
    return "\n".join([*told, *(line.rstrip() for line in lines)])


def _picture(bids: Any, asks: Any, told: list[str]) -> np.ndarray[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 3.6), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.15, 0.12, 0.8, 0.7))
    for table, colour in ((bids, BID), (asks, ASK)):
        axes.bar(table[:, 0], table[:, 1], color=colour)
        axes.bar(table[:, 0], table[:, 2], color=OWN)
    axes.set_xlabel("price (ticks)", color=INK)
    axes.set_ylabel("lots, black: own", color=INK)
    figure.text(0.02, 0.98, "\n".join(told[:3]), va="top", fontsize=8, color=INK)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
