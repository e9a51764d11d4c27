"""The remedy against drift in closed loop: make rollouts look as recorded in the large.

A model trained one step ahead meets in closed loop states that it made itself, and small errors feed on themselves:
orders at the best that call for more orders at the best. Rollouts are cheap here (an hour of market in a second), so
the frequencies of the codes, of buyers and sellers alike, are matched directly: after each round of rollouts the logit
of each class moves by a share of the log of recorded over simulated frequency, for each stock on its own.

One memory needs the same: market orders follow the signs of those before them, and what a model one step ahead lacks of
this a loop lacks twice, since its own signs are what it remembers. So their lean to the side of the latest ones is
matched as well.

Frequencies are not all: what has come must go, so that a loop deletes about as often as it submits whatever its logits
are, and pressed to delete more it only empties its book. So the logit of deletions at a depth moves by the mean of what
their frequency and what the quantity that stands there ask for, and the round that counts is the one that is nearest in
frequencies and in the means of spread, touch and depth. All other structure is left to the network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.flow.codes import ACTIVITY_FEATURE, DEEP_EDGES, DELETE, MARKET, N_DEEP, N_LOCAL, N_ORDER_CODES, PARTIAL
from agents.flow.tokenizer import Tokens
from agents.flow.weights import FlowWeights
from lob.rules import Instrument
from lob.units import HOUR_NS, SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.metrics.flow import OrderFlow, visible_flow_of_tape
from sim.settings import Listing, Population, Session

__all__ = ["match_totals", "rollout"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
COUNTS = ("order", "detail", "delay")
LEAST = 100
"""Events of a class below which its logit is left alone."""
LEAST_STANDING = 0.005
"""Share of all quantity that stands, below which a class of depth is not judged by it."""
_DELETIONS = np.isin(np.arange(N_ORDER_CODES) % N_LOCAL, np.arange(DELETE, PARTIAL))
LARGEST_STEP, LARGEST = 0.5, 2.0
GO_BACK = 1.3
"""Times the best distance, beyond which a round is given up for the best one before it."""
FIRST_GAIN, LAST_GAIN = 0.5, 0.15
"""Share of what is missing by which logits move, in the first and in the last round: quickly there, then quietly."""


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


@dataclass(frozen=True)
class _Totals:
    """What is compared.

    Attributes:
        order: counts of the codes, both sides alike, shape (N_ORDER_CODES,).
        detail: counts of the details, shape (n_details,).
        delay: counts of delay classes.
        same_side_log_odds: that a market order is of the side of the one before it.
        log_spread: log of its mean.
        standing_lots: mean quantity of a side at the best and in each class of depth behind it, shape (1 + N_DEEP,).
    """

    order: Floats
    detail: Floats
    delay: Floats
    same_side_log_odds: float
    log_spread: float
    standing_lots: Floats

    @staticmethod
    def of(flows: Sequence[OrderFlow], weights: FlowWeights, stock: int) -> _Totals:
        """Return the totals of some flows of a stock."""
        tokens = [weights.tokenizer.encode(flow, stock) for flow in flows]
        sizes = {"order": N_ORDER_CODES, "detail": weights.config["n_details"], "delay": weights.config["n_delays"]}
        counts = {}
        for name, size in sizes.items():
            codes = np.concatenate([getattr(part, name) for part in tokens])
            counts[name] = np.bincount(codes, minlength=size).astype(np.float64)
        # A recorded day has a trend, and a loop that leans to one side walks away.
        counts["order"] = np.tile(counts["order"].reshape(2, N_LOCAL).mean(axis=0), 2)
        spread = np.mean([np.nanmean(flow.ask_ticks - flow.bid_ticks) for flow in flows])
        scale_ticks = weights.tokenizer.stocks[stock].scale_ticks
        standing = np.mean([_standing_lots(flow, scale_ticks) for flow in flows], axis=0)
        return _Totals(**counts, same_side_log_odds=_same_side_log_odds(tokens), log_spread=float(np.log(spread)),
                       standing_lots=standing)  # fmt: skip

    def distance(self, other: _Totals) -> float:
        """Sum of total variations, memories' difference, and half the log ratios of spread, touch and depth."""
        memories = [np.tanh(totals.same_side_log_odds / 2) / 2 for totals in (self, other)]
        counts = [_distance(getattr(self, name), getattr(other, name)) for name in COUNTS]
        books = [np.array([t.log_spread, np.log(t.standing_lots[0]), np.log(t.standing_lots.sum())])
                 for t in (self, other)]  # fmt: skip
        return float(sum(counts) + abs(memories[0] - memories[1]) + np.abs(books[0] - books[1]).sum() / 2)


def _standing_lots(flow: OrderFlow, scale_ticks: float) -> Floats:
    """Mean quantity of a side at the best and in each class of depth behind it, over the events."""
    assert flow.book is not None
    book, found = flow.book[::20], np.zeros(1 + N_DEEP)
    edges = np.array(DEEP_EDGES) * scale_ticks
    for depth, lots in (
        (book[:, :, 0] - book[:, :1, 0], book[:, :, 1]),
        (book[:, :1, 2] - book[:, :, 2], book[:, :, 3]),
    ):
        there = np.isfinite(depth) & (lots > 0)
        classes = np.where(depth[there] <= 0, 0, 1 + np.searchsorted(edges, depth[there]))
        found += np.bincount(classes, weights=lots[there], minlength=1 + N_DEEP) / (2 * max(len(book), 1))
    return found


def _same_side_log_odds(tokens: Sequence[Tokens]) -> float:
    """Log odds that a market order is of the side of the one before it."""
    same = others = 1
    for part in tokens:
        sides = part.order[part.order % N_LOCAL == MARKET] // N_LOCAL
        same += int((sides[1:] == sides[:-1]).sum())
        others += int((sides[1:] != sides[:-1]).sum())
    return float(np.log(same / others))


@dataclass(frozen=True)
class MatchPlan:
    """How much is rolled out to match totals.

    Attributes:
        rounds: rounds of rollouts; the best one counts.
        sessions: rollouts in a round.
        seconds: length of each.
        open_ns: when each begins.
        seed: of the first rollout; use others for every later judgement.
    """

    rounds: int = 24
    sessions: int = 6
    seconds: int = 3600
    open_ns: int = 11 * HOUR_NS
    seed: int = 10_000


def match_totals(
    weights: FlowWeights,
    recorded: Sequence[OrderFlow],
    *,
    reference_ticks: Sequence[int],
    plan: MatchPlan | None = None,
    on_round: Callable[[int, str, float], None] | None = None,
    **settings: Any,
) -> FlowWeights:
    """Return weights whose rollouts are in the large as recorded; see the module.

    Args:
        weights: a trained generator.
        recorded: flow of the training time, one for each stock.
        reference_ticks: where each stock's price starts.
        plan: how much is rolled out.
        on_round: called with the round, the stock and the distance found in it.
        settings: of the policy.
    """
    plan = plan or MatchPlan()
    arrays = dict(weights.arrays)
    for stock, flow in enumerate(recorded):
        wanted = _Totals.of([flow], weights, stock)
        chosen = {"activity": _mean_activity(weights.tokenizer.encode(flow, stock)), **settings}
        sizes = {"sign_memory": 1, **{name: len(getattr(wanted, name)) for name in COUNTS}}
        shift = {name: _before(weights, stock, name, size) for name, size in sizes.items()}
        best, kept, seen = np.inf, shift, wanted
        for number in range(plan.rounds):
            trial = replace(weights, arrays={**arrays, **_named(stock, shift)})
            first = plan.seed + number * plan.sessions
            flows = [
                rollout(trial, stock, seed, plan.open_ns, plan.seconds, reference_ticks[stock], **chosen)
                for seed in range(first, first + plan.sessions)
            ]
            found = _Totals.of(flows, weights, stock)
            distance = wanted.distance(found)
            if on_round is not None:
                on_round(number, weights.tokenizer.stocks[stock].name, distance)
            if distance < best:
                best, kept, seen = distance, shift, found
            elif distance > GO_BACK * best:
                shift, found = kept, seen
            share = number / max(plan.rounds - 1, 1)
            shift = _moved(shift, wanted, found, FIRST_GAIN + (LAST_GAIN - FIRST_GAIN) * share)
        arrays.update(_named(stock, kept))
    return replace(weights, arrays=arrays)


def _moved(shift: dict[str, Floats], wanted: _Totals, found: _Totals, gain: float) -> dict[str, Floats]:
    """Shifts of the logits after a round."""
    steps = {"sign_memory": np.array([wanted.same_side_log_odds - found.same_side_log_odds])}
    for name in COUNTS:
        p, q = getattr(wanted, name), getattr(found, name)
        known = (p >= LEAST) & (q >= LEAST / 4)
        ratio = np.log(np.maximum(p, 1) / p.sum()) - np.log(np.maximum(q, 1) / q.sum())
        steps[name] = np.where(known, ratio, 0.0)
    p, q = wanted.standing_lots, found.standing_lots
    known = np.tile(np.minimum(p, q) > LEAST_STANDING * p.sum(), 2)
    too_much = np.tile(np.log(np.maximum(q, 1e-9) / np.maximum(p, 1e-9)), 2)
    deletions = steps["order"][_DELETIONS]
    steps["order"][_DELETIONS] = np.where(known, (deletions + too_much) / 2, deletions)
    moved = {
        name: np.clip(value + np.clip(gain * steps[name], -LARGEST_STEP, LARGEST_STEP), -LARGEST, LARGEST)
        for name, value in shift.items()
    }
    moved["sign_memory"] = np.maximum(moved["sign_memory"], 0.0)
    return moved


def _mean_activity(tokens: Tokens) -> float:
    """Mean over time of the log activity: the recorded stretch may be quieter than the day that the tables tell of."""
    weight = np.diff(tokens.time_ns, append=tokens.time_ns[-1])
    return float(np.average(tokens.features[:, ACTIVITY_FEATURE], weights=weight)) if weight.sum() > 0 else 0.0


def _distance(p: Floats, q: Floats) -> float:
    return float(np.abs(p / p.sum() - q / q.sum()).sum() / 2)


def _before(weights: FlowWeights, stock: int, name: str, size: int) -> Floats:
    """What earlier rounds have left, or zeros."""
    return np.asarray(weights.arrays.get(f"closed_loop.{stock}.{name}", np.zeros(size)), np.float64).copy()


def _named(stock: int, shift: dict[str, Floats]) -> dict[str, Any]:
    return {f"closed_loop.{stock}.{name}": np.asarray(value, np.float32) for name, value in shift.items()}
