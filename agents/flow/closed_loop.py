"""The remedy against drift in closed loop: make the codes that a rollout emits as frequent as the recorded ones.

A model trained one step ahead meets in closed loop states that it made itself, and small errors feed on themselves:
orders at the best that call for more orders at the best. Rollouts are cheap here (an hour of market in a second), so
the marginal frequencies of the codes, of buyers and sellers alike, are matched directly: after each round of rollouts
the logit of each class moves by a share of the log of recorded over simulated frequency, for each stock on its own.
Conditional structure is left to the network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.flow.codes import N_LOCAL, N_ORDER_CODES
from agents.flow.tokenizer import Tokens
from agents.flow.weights import FlowWeights
from lob.rules import Instrument
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.metrics.flow import OrderFlow, visible_flow_of_tape
from sim.settings import Listing, Population, Session

__all__ = ["match_marginals", "rollout"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
SECOND_NS = 1_000_000_000
LEAST = 200
"""Events of a class below which its logit is left alone."""
LARGEST_STEP, LARGEST = 0.5, 2.0


def rollout(
    weights: FlowWeights, stock: int, seed: int, open_ns: int, seconds: int, reference_ticks: int, **settings: Any
) -> OrderFlow:
    """Return the flow of a session in which the generator is alone, with as many levels as were recorded.

    Args:
        weights: the generator.
        stock: index of the stock.
        seed: of the session.
        open_ns: when it begins.
        seconds: how long it lasts.
        reference_ticks: where the price starts.
        settings: of the policy: block (default: what the weights were trained for), steps, ...
    """
    from agents.flow.agent import LearnedFlow, policy

    table = weights.tokenizer.stocks[stock]
    levels = int((table.books[:, 0, :, 1] > 0).sum(axis=1).max())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.safetensors"
        weights.save(path)
        chosen = LearnedFlow(flow=str(path), stock=table.name, **{"block": weights.config["block"], **settings})
        instrument = Instrument(n_prices=2 * reference_ticks, reference_ticks=reference_ticks, max_orders=16_384)
        market = Market(
            [Listing(instrument, ConstantValue(float(reference_ticks)))],
            [Population("flow", 1, policy, chosen)],
            Session(open_ns, open_ns + seconds * SECOND_NS),
            seed=seed,
        )
    parts: list[np.ndarray[Any, Any]] = []
    market.run(sinks=[lambda rows: parts.append(rows.copy())])
    return visible_flow_of_tape(np.concatenate(parts), levels)


def _frequencies(tokens: Sequence[Tokens], n_details: int, n_delays: int) -> dict[str, Floats]:
    """Frequencies of order codes, delays and details."""
    order = np.concatenate([t.order for t in tokens])
    return {
        "order": np.bincount(order, minlength=N_ORDER_CODES).astype(np.float64),
        "delay": np.bincount(np.concatenate([t.delay for t in tokens]), minlength=n_delays).astype(np.float64),
        "detail": np.bincount(np.concatenate([t.detail for t in tokens]), minlength=n_details).astype(np.float64),
    }


def match_marginals(
    weights: FlowWeights,
    recorded: Sequence[Tokens],
    *,
    rounds: int = 8,
    sessions: int = 3,
    seconds: int = 3600,
    open_ns: int = 11 * 3600 * SECOND_NS,
    reference_ticks: Sequence[int],
    seed: int = 10_000,
    on_round: Callable[[int, str, float], None] | None = None,
    **settings: Any,
) -> FlowWeights:
    """Return weights whose rollouts emit the codes of each stock about as often as they were recorded.

    Args:
        weights: a trained generator.
        recorded: tokens of the training time, one for each stock.
        rounds: rounds of rollouts; logits move by a third of what is missing, so that rounds do not overshoot.
        sessions: rollouts in a round.
        seconds: length of each.
        open_ns: when each begins.
        reference_ticks: where each stock's price starts.
        seed: of the first rollout; use others for every later judgement.
        on_round: called with the round, the stock and the total variation of order codes found in it.
        settings: of the policy.
    """
    arrays = dict(weights.arrays)
    sizes = weights.config["n_details"], weights.config["n_delays"]
    for stock, tokens in enumerate(recorded):
        wanted = _frequencies([tokens], *sizes)
        # Buyers and sellers alike: a recorded day has a trend, and a loop that leans to one side walks away.
        wanted["order"] = np.tile(wanted["order"].reshape(2, N_LOCAL).mean(axis=0), 2)
        shift = {name: _before(weights, stock, name, len(wanted[name])) for name in wanted}
        best, kept = np.inf, shift
        for number in range(rounds):
            trial = replace(weights, arrays={**arrays, **_named(stock, shift)})
            flows = [
                rollout(
                    trial, stock, seed + number * sessions + k, open_ns, seconds, reference_ticks[stock], **settings
                )
                for k in range(sessions)
            ]
            found = _frequencies([weights.tokenizer.encode(flow, stock) for flow in flows], *sizes)
            distance = sum(_distance(wanted[name], found[name]) for name in wanted)
            if on_round is not None:
                on_round(number, weights.tokenizer.stocks[stock].name, distance)
            if distance < best:
                best, kept = distance, {name: value.copy() for name, value in shift.items()}
            for name, value in shift.items():
                p, q = wanted[name], found[name]
                known = (p >= LEAST) & (q >= LEAST / 4)
                ratio = np.log(np.maximum(p, 1) / p.sum()) - np.log(np.maximum(q, 1) / q.sum())
                step = np.where(known, np.clip(0.3 * ratio, -LARGEST_STEP, LARGEST_STEP), 0.0)
                shift[name] = np.clip(value + step, -LARGEST, LARGEST)
        arrays.update(_named(stock, kept))
    return replace(weights, arrays=arrays)


def _distance(p: Floats, q: Floats) -> float:
    return float(np.abs(p / p.sum() - q / q.sum()).sum() / 2)


def _before(weights: FlowWeights, stock: int, name: str, size: int) -> Floats:
    """What earlier rounds have left, or zeros."""
    return np.asarray(weights.arrays.get(f"closed_loop.{stock}.{name}", np.zeros(size)), np.float64).copy()


def _named(stock: int, shift: dict[str, Floats]) -> dict[str, Any]:
    return {f"closed_loop.{stock}.{name}": np.asarray(value, np.float32) for name, value in shift.items()}
