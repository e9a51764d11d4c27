"""The queue-reactive flow fitted as its paper does (Huang, Lehalle, Rosenbaum 2015, JASA 110; model I).

Rates by counting: while queue i holds n orders, an event of a kind has rate (events of that kind) / (time with n
orders): the paper's estimator for model I, its Lambda^(n) (one over the mean time to the next event) times the share of
the kind. Both sides are one sample. Market orders count at the best queue only, over the time for which queue i was the
best, as the policy sends them. A cell gets PRIOR_S seconds of its queue's mean rate beside its own, so that lengths
hardly ever seen have a rate too; lengths seen for less than LEAST_TIME of the time share the last cell.

The paper's stocks have a spread of one tick. Here queues are bands of `spacing_ticks` ticks, and the policy sends the
orders of a band to any of its prices, evenly. Bands lie around a reference price that moves when the midpoint is more
than 3/4 of a band away from it (in the paper a midpoint half a tick away does not move it, one a whole tick away does).
Of a few spacings, shares of the median spread, that one is taken whose stationary laws come nearest to the recorded
mean spread and mean queue lengths (absolute log ratios). Beyond its K queues the model has no book. The order size is
the median size of a limit order, not each queue's mean as in the paper, since the atom at the median is what recorded
sizes have most of.

The reference price follows with probability theta, redrawing with probability theta_redraw: as in the paper these two
are calibrated by simulation, to the rate at which the reference price moves and to its mean reversion (continuations
over all moves), on a grid, with one seed for all candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.background.queue_reactive import K, QueueReactive, policy, stationary_law
from lob.units import SECOND_NS
from scenarios.baselines._fitted import Baseline, Fitted, check_flow, market_of
from scenarios.baselines._profile import median_spread_ticks, median_submission_lots
from sim.metrics.flow import FlowKind, OrderFlow, visible_flow_of_tape
from sim.metrics.moments import market_orders

__all__ = ["BASELINE", "QueueCounts", "count_queues", "fit", "reference_path"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
MAX_LENGTH = 60
PRIOR_S = 1.0
LEAST_TIME = 0.005
STABLE = 0.95
"""Largest ratio of arrivals to departures of the last cell; the policy needs it below 0.98."""
SHARES = (1.0, 1.5, 2.0, 3.0, 4.0)
THETAS, REDRAWS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0), (0.0, 0.5, 1.0)
CALIBRATION_S = 900


@dataclass(frozen=True)
class QueueCounts:
    """Counts and times by queue (0 is nearest) and length, shape (K, MAX_LENGTH + 1), both sides together.

    Attributes:
        arrivals, cancels, executions: events at the queue while it held n orders.
        time_s: time for which it did.
        best_s: the part of it for which the queue was the best of its side.
    """

    arrivals: Floats
    cancels: Floats
    executions: Floats
    time_s: Floats
    best_s: Floats


def reference_path(flow: OrderFlow, spacing_ticks: int, first_ticks: float | None = None) -> Floats:
    """Return the reference price after each event, in ticks, on a lattice of `spacing_ticks`.

    Args:
        flow: the flow.
        spacing_ticks: its step.
        first_ticks: where it starts, between two ticks; None: at the first midpoint.
    """
    mids = flow.mid_ticks
    first = mids[np.isfinite(mids)][:1]
    at = float(np.floor(first[0])) + 0.5 if len(first) else 0.5
    if first_ticks is not None:
        at = first_ticks
    path = np.empty(len(mids))
    for k, mid in enumerate(mids.tolist()):
        away = (mid - at) / spacing_ticks
        if abs(away) > 0.75:  # false where a side is empty
            at += spacing_ticks * round(away)
        path[k] = at
    return path


def _queue_of(price: Floats, reference: Floats, side: int, spacing_ticks: int) -> Ints:
    """Queue of a price of a side; what stands beyond the reference price belongs to the nearest; nan to none (K)."""
    queue = np.ceil(side * (reference - price) / spacing_ticks) - 1
    return np.where(np.isfinite(queue), np.clip(queue, 0, K), K).astype(np.int64)


def count_queues(flow: OrderFlow, spacing_ticks: int, size_lots: int, first_ticks: float | None = None) -> QueueCounts:
    """Count what happened to the queues of a flow with its book.

    Args:
        flow: the flow.
        spacing_ticks: width of a queue's band of prices.
        size_lots: lots that count as one order; lengths are rounded up.
        first_ticks: reference price to start from, see `reference_path`.
    """
    assert flow.book is not None
    n = len(flow)
    reference = reference_path(flow, spacing_ticks, first_ticks)
    dt_s = np.diff(flow.time_ns) / SECOND_NS
    takes = np.zeros(n, bool)
    takes[market_orders(flow)[0]] = True
    cancels = np.isin(flow.kind, (FlowKind.DELETE, FlowKind.PARTIAL_CANCEL))
    kinds = (flow.kind == FlowKind.SUBMIT, cancels, takes)
    shape = (K, MAX_LENGTH + 1)
    counts, time_s, best_s = [np.zeros(shape) for _ in kinds], np.zeros(shape), np.zeros(shape)
    for side, column in ((1, 2), (-1, 0)):
        at = _queue_of(flow.book[:, :, column], reference[:, None], side, spacing_ticks)
        lots = np.array([(flow.book[:, :, column + 1] * (at == i)).sum(axis=1) for i in range(K)])
        length = np.minimum(np.ceil(lots / size_lots), MAX_LENGTH).astype(np.int64)
        empty_before = np.cumsum(np.vstack([np.zeros(n, np.int64), length[:-1]]), axis=0) == 0
        for i in range(K):
            time_s[i] += np.bincount(length[i, :-1], dt_s, MAX_LENGTH + 1)
            best_s[i] += np.bincount(length[i, :-1], dt_s * empty_before[i, :-1], MAX_LENGTH + 1)
        # The queue and its length just before each event, on the lattice of that moment.
        queue = _queue_of(flow.price_ticks[1:], reference[:-1], side, spacing_ticks)
        for count, of_kind in zip(counts, kinds, strict=True):
            for i in range(K):
                mine = np.flatnonzero(of_kind[1:] & (flow.side[1:] == side) & (queue == i))
                count[i] += np.bincount(length[i, mine], minlength=MAX_LENGTH + 1)
    arrivals, withdrawn, executions = counts
    return QueueCounts(arrivals, withdrawn, executions, time_s, best_s)


def _rates(counts: Floats, time_s: Floats, n_cells: int) -> Floats:
    """Rates of the first cells, the last one holding all beyond; each with PRIOR_S of the mean."""
    counts = np.append(counts[: n_cells - 1], counts[n_cells - 1 :].sum())
    time_s = np.append(time_s[: n_cells - 1], time_s[n_cells - 1 :].sum())
    mean = (counts.sum() + 0.5) / (time_s.sum() + PRIOR_S)  # half an event more: above 0 where nothing was seen
    return np.asarray((counts + PRIOR_S * mean) / (time_s + PRIOR_S))


def _tables(counts: QueueCounts) -> dict[str, Any]:
    """The policy's tables, with departures raised where the last cell would let a queue grow without bound."""
    beyond = np.cumsum(counts.time_s[:, ::-1], axis=1)[:, ::-1] / counts.time_s.sum(axis=1)[:, None]
    n_cells = max(3, int((beyond >= LEAST_TIME).any(axis=0).sum()))
    held = np.arange(MAX_LENGTH + 1) > 0
    arrivals, cancels, executions = np.zeros((3, K, n_cells))
    for i in range(K):
        arrivals[i] = _rates(counts.arrivals[i], counts.time_s[i], n_cells)
        cancels[i, 1:] = _rates(counts.cancels[i][held], counts.time_s[i][held], n_cells - 1)
        executions[i, 1:] = _rates(counts.executions[i][held], counts.best_s[i][held], n_cells - 1)
        leaves = cancels[i, -1] + (executions[i, -1] if i == 0 else 0.0)
        cancels[i, -1] += max(0.0, arrivals[i, -1] / STABLE - leaves)
    names = ("arrivals", "cancels", "executions")
    return {
        name: tuple(map(tuple, table.tolist()))
        for name, table in zip(names, (arrivals, cancels, executions), strict=True)
    }


def mean_spread_ticks(settings: QueueReactive) -> float:
    """Mean spread while the reference price stands still: independent queues, each with its stationary law.

    Of n orders that lie evenly on w prices the best is at a mean distance of sum over t = 1 .. w - 1 of (1 - t / w)^n
    from the first of these prices. Market orders, which take the best of them, leave the others somewhat farther away:
    where they are many the spread is wider than this.
    """
    width = settings.spacing_ticks
    left = 1.0 - np.arange(1, width) / width
    nearer_empty, distance = 1.0, 0.0
    for i in range(K):
        law = stationary_law(settings, i, MAX_LENGTH)
        best = np.array([(left**n).sum() for n in range(len(law))])
        distance += nearer_empty * float(law[1:] @ (width * i + best[1:]))
        nearer_empty *= float(law[0])
    return 1.0 + 2.0 * (distance + nearer_empty * K * width)


def mean_lengths(settings: QueueReactive) -> Floats:
    """Mean length of each queue under its stationary law, shape (K,)."""
    laws = [stationary_law(settings, i) for i in range(K)]
    return np.array([law @ np.arange(len(law)) for law in laws])


def _moves(flow: OrderFlow, spacing_ticks: int) -> tuple[float, float]:
    """Moves of the reference price a second, and the share of them in the direction of the one before."""
    steps = np.diff(reference_path(flow, spacing_ticks))
    steps = np.sign(steps[steps != 0])
    same = float((steps[1:] == steps[:-1]).mean()) if len(steps) > 1 else 0.5
    return max(1, len(steps)) / (float(flow.time_ns[-1] - flow.time_ns[0]) / SECOND_NS), same


def _calibrated(settings: QueueReactive, flow: OrderFlow, name: str) -> tuple[QueueReactive, dict[str, float]]:
    """Choose theta and theta_redraw on the grid."""
    spacing = settings.spacing_ticks
    rate, same = _moves(flow, spacing)
    mid = flow.mid_ticks[np.isfinite(flow.mid_ticks)]
    open_ns = int(flow.time_ns[0])
    found = []
    for theta in THETAS:
        for redraw in REDRAWS:
            tried = settings.model_copy(update={"theta": theta, "theta_redraw": redraw})
            market = market_of(name, policy, tried, 1, open_ns, open_ns + CALIBRATION_S * SECOND_NS, round(mid[0]))
            market.run()
            mine = _moves(visible_flow_of_tape(market.tape, 2 * K), spacing)
            loss = float(np.log(mine[0] / rate) ** 2 + (mine[1] - same) ** 2)
            found.append((loss, theta, redraw, *mine))
    _, theta, redraw, moves, continued = min(found)
    figures = {
        "reference_moves_per_s": rate, "reference_moves_per_s_fit": moves,
        "continued": same, "continued_fit": continued,
    }  # fmt: skip
    return settings.model_copy(update={"theta": theta, "theta_redraw": redraw}), figures


def fit(flow: OrderFlow, name: str) -> Fitted:
    """Fit the model to a flow with its book.

    Raises:
        InputError: if the flow has no book or too few events.
    """
    flow = check_flow(flow, name)
    size, median = median_submission_lots(flow), median_spread_ticks(flow)
    dt_ns = np.diff(flow.time_ns)
    spreads = (flow.ask_ticks - flow.bid_ticks)[:-1]
    known = np.isfinite(spreads)
    mean_spread = float(np.average(spreads[known], weights=dt_ns[known]))
    tried = []
    for spacing in sorted({max(1, round(median / share)) for share in SHARES}):
        counts = count_queues(flow, spacing, size)
        one = QueueReactive.model_validate({**_tables(counts), "size_lots": size, "spacing_ticks": spacing})
        lengths = np.maximum(counts.time_s @ np.arange(MAX_LENGTH + 1) / counts.time_s.sum(axis=1), 0.01)
        loss = abs(np.log(mean_spread_ticks(one) / mean_spread)) + np.abs(np.log(mean_lengths(one) / lengths)).mean()
        tried.append((float(loss), spacing, one))
    settings = min(tried, key=lambda entry: entry[:2])[2]
    settings, figures = _calibrated(settings, flow, name)
    figures = {
        "events": float(len(flow)), "mean_spread_ticks": mean_spread,
        "mean_spread_ticks_fit": mean_spread_ticks(settings), **figures,
    }  # fmt: skip
    return Fitted("queue_reactive", name, policy, settings, figures)


BASELINE = Baseline("queue-reactive, model I", "Huang, Lehalle, Rosenbaum 2015, JASA 110, model I", fit)
