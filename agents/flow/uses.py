"""What a learned flow is good for besides being a background: forecasts, what-ifs, detection, filling gaps.

A forecast is many futures of one state: the market is forked, and each fork draws on with other keys. A what-if is the
same forecast of two markets that differ by an order; since draws are keyed, future k of the one is paired with future k
of the other. Detection asks how likely each event was, given all before it. Filling a gap uses what a diffusion over
blocks can do and a sequential model cannot: draw orders that fit what came before them and what came after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.flow.codes import N_LOCAL, PARTIAL
from agents.flow.tokenizer import Tokens
from agents.flow.weights import FlowWeights
from lob.errors import InputError
from lob.types import NO_PRICE
from lob.units import SECOND_NS
from sim.market import Market

if TYPE_CHECKING:
    from agents.flow.model import FlowModel

__all__ = ["Forecast", "event_nats", "fill_gap", "forecast", "gap_nats"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
LENGTH, WARM_UP = 256, 64
"""Events that are scored at once, and how many of them only serve as history."""


@dataclass(frozen=True)
class Forecast:
    """Futures of a market.

    Attributes:
        time_s: seconds from now, shape (points + 1,).
        moves_ticks: change of the midpoint since now in each future, shape (futures, points + 1).
        volumes_lots: quantity traded until the end in each future.
    """

    time_s: Floats
    moves_ticks: Floats
    volumes_lots: Ints


def forecast(market: Market, seconds: float, futures: int = 100, *, points: int = 60, first_seed: int = 0) -> Forecast:
    """Return futures of the market's present state; the market itself does not move on.

    Args:
        market: run up to the moment of the forecast, with both sides of the book quoted.
        seconds: how far to look.
        futures: how many.
        points: of the paths.
        first_seed: future k draws on with the keys of seed `first_seed` + k.

    Raises:
        InputError: if a number is not positive or the look goes beyond the close.
    """
    if seconds <= 0 or futures < 1 or points < 1:
        raise InputError(f"seconds = {seconds}, futures = {futures}, points = {points}; allowed: above 0")
    start = market.time_ns
    end = start + int(seconds * SECOND_NS)
    if end > market.session.close_ns:
        left = (market.session.close_ns - start) / SECOND_NS
        raise InputError(f"seconds = {seconds}: beyond the close; allowed: up to {left:g}")
    grid = start + (np.arange(points + 1) * (end - start) // points)
    moves, volumes = np.zeros((futures, points + 1)), np.zeros(futures, np.int64)
    for k in range(futures):
        future = market.fork()
        future.reseed(first_seed + k)
        mids, traded = [_mid(future)], int(future.world.symbols["volume_lots"][0])
        for until in grid[1:].tolist():
            future.run(until, sinks=[])
            mids.append(_mid(future))
        moves[k] = np.array(mids) - mids[0]
        volumes[k] = int(future.world.symbols["volume_lots"][0]) - traded
    return Forecast((grid - start) / SECOND_NS, moves, volumes)


def _mid(market: Market) -> float:
    row = market.world.symbols[0]
    bid, ask = int(row["bid_ticks"]), int(row["ask_ticks"])
    if NO_PRICE in (bid, ask):
        return float(row["last_ticks"])
    return (bid + ask) / 2


def event_nats(weights: FlowWeights, tokens: Tokens) -> Floats:
    """Return minus the log likelihood of each event, given those before it, shape (n,); nan at both ends.

    Unusual flow is flow of many nats. Compare like with like: means over windows of some hundred events, with the same
    in flow that is taken to be usual.
    """
    import torch

    from agents.flow.training import blocks_after

    model, block = weights.model(), weights.config["block"]
    found = np.full(len(tokens), np.nan)
    step = LENGTH - WARM_UP - block
    step -= step % block
    starts = torch.arange(WARM_UP - 1, WARM_UP - 1 + step, block)
    for first in range(0, max(len(tokens) - LENGTH, 0) + 1, step):
        part = slice(first, first + LENGTH)
        if len(tokens.order[part]) < LENGTH:
            break
        stretch = _stretch(tokens, part)
        with torch.no_grad():
            nats = sum(model.nats(_history(model, stretch, starts), blocks_after(*stretch, starts, block)))
        found[first + WARM_UP : first + WARM_UP + step] = np.asarray(nats).reshape(-1)
    return found


def gap_nats(weights: FlowWeights, tokens: Tokens, position: int) -> tuple[float, float]:
    """Return the mean nats of the order at a position in its block: given what came before it, and what came after too.

    Args:
        weights: the generator.
        tokens: flow that it was not trained on.
        position: 0 to block - 2.
    """
    import torch

    from agents.flow.training import blocks_after

    model, block = weights.model(), weights.config["block"]
    starts = torch.arange(WARM_UP - 1, LENGTH - block - 1, block)
    sums, count = np.zeros(2), 0
    for first in range(0, len(tokens) - LENGTH, LENGTH):
        stretch = _stretch(tokens, slice(first, first + LENGTH))
        with torch.no_grad():
            context = _history(model, stretch, starts)
            for k, after in enumerate((False, True)):
                batch = blocks_after(*stretch, starts, block)
                known = torch.zeros_like(batch.known)
                known[:, :position] = True
                known[:, position + 1 :] = after
                batch.known, batch.chosen = known, torch.zeros_like(known)
                batch.chosen[:, position] = True
                batch.is_draft = torch.ones_like(batch.is_draft)
                sums[k] += sum(float(part.sum()) for part in model.nats(context, batch))
        count += len(starts)
    if count == 0:
        raise InputError(f"{len(tokens)} events; allowed: more than {LENGTH}")
    return float(sums[0] / count), float(sums[1] / count)


def fill_gap(weights: FlowWeights, tokens: Tokens, at: int, n_missing: int, draws: int, seed: int = 0) -> Ints:
    """Return draws of the orders that are missing in a flow, fitting what came before and after them.

    Args:
        weights: the generator.
        tokens: the flow; events at, ..., at + n_missing - 1 are not looked at.
        at: position of the first missing one; at least 64.
        n_missing: how many are missing; less than the block of the weights.
        draws: how many.
        seed: of the draws.

    Returns:
        Codes of order, detail and delay, shape (draws, n_missing, 3).

    Raises:
        InputError: if the gap does not fit.
    """
    import torch

    from agents.flow.training import blocks_after

    block = weights.config["block"]
    if not WARM_UP <= at <= len(tokens) - block:
        raise InputError(f"at = {at}; allowed: {WARM_UP} to {len(tokens) - block}")
    if not 1 <= n_missing < block:
        raise InputError(f"n_missing = {n_missing}; allowed: 1 to {block - 1}")
    model = weights.model()
    generator = torch.Generator().manual_seed(seed)
    stretch = _stretch(tokens, slice(max(at - LENGTH + block, 0), at + block))
    start = torch.tensor([stretch[0].shape[1] - block - 1])
    with torch.no_grad():
        context = _history(model, stretch, start).repeat(draws, 1)
        codes, features, stock = (part.repeat(draws, *[1] * (part.dim() - 1)) for part in stretch)
        batch = blocks_after(codes, features, stock, start, block)
        batch.known[:, n_missing:] = True
        vectors = model.denoise(context, batch)
        state = torch.tanh(model.first(context))
        before = torch.zeros_like(vectors[:, 0])
        book = model.book(batch.features[:, 0]) + model.draft(torch.ones(draws, dtype=torch.long))
        found = torch.zeros(draws, n_missing, 3, dtype=torch.long)
        for k in range(n_missing):
            state = model.cell(before + book, state)
            y = model.merge(torch.cat([state, vectors[:, k]], dim=-1))
            delay = _drawn(model.to_delay(torch.relu(y)), generator)
            y = y + model.given_delay(delay)
            order = _drawn(model.to_order(torch.relu(y)), generator)
            y = y + model.given_order(order)
            local = order % N_LOCAL
            detail = _drawn(model.to_detail(torch.relu(y)) + model.detail_mask[local], generator)
            detail = torch.where(local == PARTIAL, 0, detail)
            found[:, k] = torch.stack([order, detail, delay], dim=1)
            before = model.events(order, detail, delay)
    return found.numpy()


def _drawn(logits: Any, generator: Any) -> Any:
    import torch

    return torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator)[:, 0]


def _stretch(tokens: Tokens, part: slice) -> tuple[Any, Any, Any]:
    """Codes (1, T, 5) with no condition, features (1, T, F) and stock (1,) of a stretch, as tensors."""
    import torch

    codes = np.zeros((1, len(tokens.order[part]), 5), np.int64)
    for k, column in enumerate((tokens.order, tokens.detail, tokens.delay)):
        codes[0, :, k] = column[part]
    return (torch.from_numpy(codes), torch.from_numpy(tokens.features[part]).float()[None],
            torch.tensor([tokens.stock]))  # fmt: skip


def _history(model: FlowModel, stretch: tuple[Any, Any, Any], starts: Any) -> Any:
    codes, features, stock = stretch
    context = model.history(codes[..., 0], codes[..., 1], codes[..., 2], features, stock)
    return context[:, starts].flatten(0, 1)
