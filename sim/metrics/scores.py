"""Distributions of order flow that two data sets are compared by.

The first group is the unconditional scores of LOB-Bench (Nagy et al. 2025, "LOB-Bench: benchmarking generative AI for
finance"), with the definitions of its published code; depths there are distances from the midpoint after the event, and
the order-flow imbalance is a mean over 100 events. The second group adds what an order-flow model has to get right and
those scores leave out: sizes, depths against the best before the event, counts, returns, runs of signs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.units import SECOND_NS
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.imbalance import order_flow_imbalance
from sim.metrics.moments import LEAST_DT_S, depths_ticks, grid_returns, log_dt, market_orders

__all__ = ["LOB_BENCH", "OTHER", "SAMPLES", "Sample", "first_times_s"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
OFI_EVENTS = 100


@dataclass(frozen=True)
class Sample:
    """A quantity of which a flow gives many values.

    Attributes:
        label: what it is, with its unit.
        of: from a flow without hidden executions, with its book, to the values, finite ones only.
    """

    label: str
    of: Callable[[OrderFlow], Floats]


def _finite(values: Floats) -> Floats:
    return np.asarray(values[np.isfinite(values)], np.float64)


def _imbalance(flow: OrderFlow) -> Floats:
    with np.errstate(all="ignore"):
        return _finite((flow.bid_lots - flow.ask_lots) / (flow.bid_lots + flow.ask_lots))


def first_times_s(flow: OrderFlow, *kinds: int) -> Floats:
    """Return the time from each submission to the first event of these kinds that hits its order, in seconds.

    Orders without such an event are left out; the latest submission of an id counts.
    """
    born, hit = flow.kind == FlowKind.SUBMIT, np.isin(flow.kind, kinds)
    order = np.argsort(flow.order_id[born], kind="stable")
    ids, at = flow.order_id[born][order], np.flatnonzero(born)[order]
    # The first hit of each id after its submission: hits are in order of time, so the first in a stable sort.
    hits = np.flatnonzero(hit)
    hit_ids, first = np.unique(flow.order_id[hits], return_index=True)
    hits = hits[first]
    if len(ids) == 0 or len(hits) == 0:
        return np.zeros(0)
    k = np.searchsorted(ids, hit_ids, side="right") - 1
    known = (k >= 0) & (ids[np.maximum(k, 0)] == hit_ids)
    times = (flow.time_ns[hits[known]] - flow.time_ns[at[k[known]]]) / SECOND_NS
    return np.asarray(times[times >= 0])


def _log_times(*kinds: int) -> Callable[[OrderFlow], Floats]:
    return lambda flow: np.log10(np.maximum(first_times_s(flow, *kinds), LEAST_DT_S))


def _book(flow: OrderFlow) -> Floats:
    if flow.book is None:
        raise ValueError("this score needs a flow with its book")
    return flow.book


def _total(column: int) -> Callable[[OrderFlow], Floats]:
    return lambda flow: np.asarray(_book(flow)[:, :, column].sum(axis=1))


def _is_cancel(flow: OrderFlow) -> Any:
    return (flow.kind == FlowKind.DELETE) | (flow.kind == FlowKind.PARTIAL_CANCEL)


def _from_mid(side: int, cancels: bool) -> Callable[[OrderFlow], Floats]:
    def of(flow: OrderFlow) -> Floats:
        chosen = _is_cancel(flow) if cancels else flow.kind == FlowKind.SUBMIT
        depth = _finite(-side * (flow.price_ticks - flow.mid_ticks)[chosen])
        return depth[depth > 0]

    return of


def _levels(side: int, cancels: bool) -> Callable[[OrderFlow], Floats]:
    """Level of the book, from 1: before a cancel, after a submission."""

    def of(flow: OrderFlow) -> Floats:
        chosen = np.flatnonzero((_is_cancel(flow) if cancels else flow.kind == FlowKind.SUBMIT) & (flow.side == side))
        chosen = chosen[chosen > 0]
        prices = _book(flow)[:, :, 2 if side > 0 else 0]
        match = prices[chosen - 1 if cancels else chosen] == flow.price_ticks[chosen, None]
        return np.asarray(match.argmax(axis=1)[match.any(axis=1)] + 1.0)

    return of


def _volume_per_minute(flow: OrderFlow) -> Floats:
    """Volume in each second with trades, times 60."""
    at = flow.kind == FlowKind.EXECUTE
    _, which = np.unique(flow.time_ns[at] // SECOND_NS, return_inverse=True)
    return np.asarray(60.0 * np.bincount(which, weights=flow.size_lots[at]) if at.any() else np.zeros(0))


def _mean_ofi(flow: OrderFlow, next_move: int | None = None) -> Floats:
    """Order-flow imbalance over the last 100 events [lots an event]; before a move of the midpoint of this sign."""
    sums = np.cumsum(order_flow_imbalance(flow))
    if len(sums) <= OFI_EVENTS:
        return np.zeros(0)
    means = (sums[OFI_EVENTS:] - sums[:-OFI_EVENTS]) / OFI_EVENTS
    if next_move is None:
        return np.asarray(means)
    moves = np.sign(np.diff(flow.mid_ticks)[OFI_EVENTS:])
    return np.asarray(means[:-1][moves == next_move])


def _sizes(flow: OrderFlow, kind: int) -> Floats:
    return np.log10(flow.size_lots[flow.kind == kind].astype(np.float64))


def _cancel_depths(flow: OrderFlow) -> Floats:
    at = np.flatnonzero(_is_cancel(flow))
    at = at[at > 0]
    bid = flow.bid_ticks[at - 1] - flow.price_ticks[at]
    return _finite(np.where(flow.side[at] > 0, bid, flow.price_ticks[at] - flow.ask_ticks[at - 1]))


def _windowed(flow: OrderFlow, values: Floats, window_s: float) -> Floats:
    """Sums of a quantity of the events over equal windows, those without an event included."""
    bins = ((flow.time_ns - flow.time_ns[0]) // int(window_s * SECOND_NS)).astype(np.int64)
    return np.bincount(bins, weights=values).astype(np.float64)


def _signed_volume(flow: OrderFlow) -> Floats:
    return np.where(flow.kind == FlowKind.EXECUTE, -flow.side * flow.size_lots, 0).astype(np.float64)


def _signed_log(x: Floats) -> Floats:
    """Heavy tails of either sign on a scale on which bins make sense."""
    return np.asarray(np.sign(x) * np.log10(1.0 + np.abs(x)))


def _market_order_sizes(flow: OrderFlow) -> Floats:
    at, _ = market_orders(flow)
    executed = np.flatnonzero(flow.kind == FlowKind.EXECUTE)
    if len(at) == 0:
        return np.zeros(0)
    return np.log10(np.add.reduceat(flow.size_lots[executed], np.searchsorted(executed, at)).astype(np.float64))


def _runs(flow: OrderFlow) -> Floats:
    """Lengths of runs of market orders of one sign."""
    _, signs = market_orders(flow)
    if len(signs) == 0:
        return np.zeros(0)
    starts = np.flatnonzero(np.append(True, np.diff(signs) != 0))
    return np.log10(np.diff(np.append(starts, len(signs))).astype(np.float64))


CANCELS = (int(FlowKind.PARTIAL_CANCEL), int(FlowKind.DELETE))

LOB_BENCH: dict[str, Sample] = {
    "spread": Sample("spread [ticks]", lambda f: _finite(f.ask_ticks - f.bid_ticks)),
    "imbalance": Sample("imbalance at the touch", _imbalance),
    "log_dt": Sample("log10 time between events [s]", log_dt),
    "log_time_to_cancel": Sample("log10 time to the first cancel [s]", _log_times(*CANCELS)),
    "ask_touch": Sample("quantity at the best ask [lots]", lambda f: _finite(f.ask_lots)),
    "bid_touch": Sample("quantity at the best bid [lots]", lambda f: _finite(f.bid_lots)),
    "ask_volume": Sample("quantity on all ask levels [lots]", _total(1)),
    "bid_volume": Sample("quantity on all bid levels [lots]", _total(3)),
    "ask_limit_depth": Sample("asks submitted: distance from mid [ticks]", _from_mid(-1, False)),
    "bid_limit_depth": Sample("bids submitted: distance from mid [ticks]", _from_mid(1, False)),
    "ask_cancel_depth": Sample("asks cancelled: distance from mid [ticks]", _from_mid(-1, True)),
    "bid_cancel_depth": Sample("bids cancelled: distance from mid [ticks]", _from_mid(1, True)),
    "ask_limit_level": Sample("asks submitted: level", _levels(-1, False)),
    "bid_limit_level": Sample("bids submitted: level", _levels(1, False)),
    "ask_cancel_level": Sample("asks cancelled: level", _levels(-1, True)),
    "bid_cancel_level": Sample("bids cancelled: level", _levels(1, True)),
    "volume_per_minute": Sample("volume in seconds with trades, times 60 [lots]", _volume_per_minute),
    "ofi": Sample("order-flow imbalance over 100 events [lots]", _mean_ofi),
    "ofi_up": Sample("the same before a move up", lambda f: _mean_ofi(f, 1)),
    "ofi_stay": Sample("the same before no move", lambda f: _mean_ofi(f, 0)),
    "ofi_down": Sample("the same before a move down", lambda f: _mean_ofi(f, -1)),
}
"""LOB-Bench's unconditional scores; the summary is their mean."""

OTHER: dict[str, Sample] = {
    "log_time_to_fill": Sample("log10 time to the first fill [s]", _log_times(int(FlowKind.EXECUTE))),
    "submit_depth": Sample("limit orders: depth behind the best before [ticks]", depths_ticks),
    "cancel_depth": Sample("cancels: depth behind the best before [ticks]", _cancel_depths),
    "log_submit_size": Sample("log10 size of limit orders [lots]", lambda f: _sizes(f, FlowKind.SUBMIT)),
    "log_cancel_size": Sample("log10 size of deletions [lots]", lambda f: _sizes(f, FlowKind.DELETE)),
    "log_market_size": Sample("log10 size of market orders [lots]", _market_order_sizes),
    "log_sign_run": Sample("log10 runs of market orders of one sign", _runs),
    "events_1s": Sample("events in 1 s", lambda f: _windowed(f, np.ones(len(f)), 1.0)),
    "volume_60s": Sample("log10 (1 + volume in 60 s) [lots]",
                         lambda f: _signed_log(_windowed(f, np.abs(_signed_volume(f)), 60.0))),
    "trade_imbalance_10s": Sample("signed volume in 10 s, signed log10 [lots]",
                                  lambda f: _signed_log(_windowed(f, _signed_volume(f), 10.0))),
    "return_1s": Sample("return in 1 s [bps]", lambda f: 1e4 * grid_returns(f, 1.0)),
    "return_10s": Sample("return in 10 s [bps]", lambda f: 1e4 * grid_returns(f, 10.0)),
    "return_60s": Sample("return in 60 s [bps]", lambda f: 1e4 * grid_returns(f, 60.0)),
}  # fmt: skip
"""Further distributions; they have a verdict each and do not enter the summary."""

SAMPLES: dict[str, Sample] = LOB_BENCH | OTHER
"""All samples by name."""
