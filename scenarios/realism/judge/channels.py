"""What a judge sees of each event: channels with names, the same for every stock, of the flow and of its book.

Sizes are told as traders think of them (the usual size, round lots, the same as just withdrawn), withdrawals with the
age of their order, market orders as one however many executions they made: the marks by which simulated flow is
recognised that distributions of single events do not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scenarios.realism.windows import Scale
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.lifetimes import order_ages_s
from sim.metrics.metaorders import market_order_ends

__all__ = ["CHANNELS", "Channels", "channels", "usual_lots"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
AT_ONCE_S = 1e-6
REPLACED_WITHIN = 5
"""Events after a withdrawal in which a new order counts as its replacement."""
KINDS = (FlowKind.SUBMIT, FlowKind.PARTIAL_CANCEL, FlowKind.DELETE, FlowKind.EXECUTE)
CHANNELS = (
    "log_gap", "at_once", "submission", "partial cancel", "withdrawal", "execution", "buy side", "depth", "improving",
    "at the best", "log_size", "usual size", "round lots", "below the usual size", "same size as before",
    "submission's log_size", "execution's log_size", "partial cancel's log_size", "submission of the usual size",
    "replacement", "replacement at the same price", "log_age of withdrawn", "withdrawn of unknown age",
    "withdrawn within 10 ms", "depth of submission", "depth of withdrawal", "executions of market order",
    "market order buys", "order of several executions", "log_spread", "log_touch", "log_depth", "imbalance", "gap",
    "move", "size of move",
)  # fmt: skip
"""Channels with "of" or "'s" are nan where the event is of another kind."""


@dataclass(frozen=True)
class Channels:
    """Channels of a flow.

    Attributes:
        table: shape (n, len(CHANNELS)), float64, nan where a channel says nothing.
        kind: index into KINDS of each event, shape (n,).
        mid: midpoint in median spreads, shape (n,).
        time_ns: time of each event, shape (n,).
    """

    table: Floats
    kind: np.ndarray[Any, np.dtype[np.int64]]
    mid: Floats
    time_ns: np.ndarray[Any, np.dtype[np.int64]]


def usual_lots(flow: OrderFlow) -> int:
    """Most frequent size of submissions."""
    sizes = flow.size_lots[flow.kind == FlowKind.SUBMIT]
    values, counts = np.unique(sizes, return_counts=True)
    return int(values[counts.argmax()]) if len(values) else 1


def _replacements(flow: OrderFlow) -> tuple[Any, Any]:
    """Submissions that follow a withdrawal of the same side and size; and of them those at its price."""
    n = len(flow)
    same, price = np.zeros(n, bool), np.zeros(n, bool)
    new = flow.kind == FlowKind.SUBMIT
    for lag in range(1, REPLACED_WITHIN + 1):
        here, before = slice(lag, n), slice(0, n - lag)
        found = (
            new[here] & (flow.kind[before] == FlowKind.DELETE) & (flow.side[here] == flow.side[before])
            & (flow.size_lots[here] == flow.size_lots[before])
        )  # fmt: skip
        same[here] |= found
        price[here] |= found & (flow.price_ticks[here] == flow.price_ticks[before])
    return same, price


def _market_orders(flow: OrderFlow) -> tuple[Any, Any]:
    """First execution of each market order, and how many executions it made (0 elsewhere)."""
    first, last, _, _ = market_order_ends(flow)
    executed = np.cumsum(flow.kind == FlowKind.EXECUTE)
    count = np.zeros(len(flow))
    count[first] = executed[last] - executed[first] + 1
    return count > 0, count


def channels(flow: OrderFlow, scale: Scale, usual: int) -> Channels:
    """Return the channels of a flow with its book.

    Args:
        flow: visible events, with their book.
        scale: units of the real flow.
        usual: its most frequent size [lots].
    """
    n = len(flow)
    before = np.maximum(np.arange(n) - 1, 0)
    bid, ask, mid = flow.bid_ticks, flow.ask_ticks, flow.mid_ticks
    depth = np.where(flow.side > 0, bid[before] - flow.price_ticks, flow.price_ticks - ask[before])
    depth = np.clip(depth / scale.spread_ticks, -2, 6)
    gap_s = np.diff(flow.time_ns, prepend=flow.time_ns[:1]) / 1e9
    new, cut, gone, traded = (flow.kind == kind for kind in KINDS)
    size = np.log10(np.maximum(flow.size_lots, 1))
    age = order_ages_s(flow)
    first, executions = _market_orders(flow)
    replaced, same_price = _replacements(flow)
    book = flow.book
    assert book is not None
    levels = book[:, : min(5, book.shape[1])]
    move = np.clip((mid - mid[before]) / scale.spread_ticks, -3, 3)

    def only(where: Any, values: Any) -> Any:
        return np.where(where, values, np.nan)

    with np.errstate(all="ignore"):
        columns = {
            "log_gap": np.log10(np.maximum(gap_s, 1e-7)),
            "at_once": gap_s <= AT_ONCE_S,
            "submission": new, "partial cancel": cut, "withdrawal": gone, "execution": traded,
            "buy side": flow.side > 0,
            "depth": only(~traded, depth),
            "improving": only(new, depth < 0),
            "at the best": only(~traded, depth == 0),
            "log_size": size,
            "usual size": flow.size_lots == usual,
            "round lots": flow.size_lots % usual == 0,
            "below the usual size": flow.size_lots < usual,
            "same size as before": flow.size_lots == flow.size_lots[before],
            "submission's log_size": only(new, size),
            "execution's log_size": only(traded, size),
            "partial cancel's log_size": only(cut, size),
            "submission of the usual size": only(new, flow.size_lots == usual),
            "replacement": only(new, replaced),
            "replacement at the same price": only(new, same_price),
            "log_age of withdrawn": only(gone, np.log10(np.maximum(age, 1e-6))),
            "withdrawn of unknown age": only(gone, ~np.isfinite(age)),
            "withdrawn within 10 ms": only(gone, age < 0.01),
            "depth of submission": only(new, depth),
            "depth of withdrawal": only(gone, depth),
            "executions of market order": only(first, executions),
            "market order buys": only(first, flow.side < 0),
            "order of several executions": only(first, executions > 1),
            "log_spread": np.log10(np.maximum((ask - bid) / scale.spread_ticks, 0.01)),
            "log_touch": np.log10(1 + flow.bid_lots + flow.ask_lots),
            "log_depth": np.log10(1 + np.nansum(levels[:, 1:, 1] + levels[:, 1:, 3], axis=1)),
            "imbalance": (flow.bid_lots - flow.ask_lots) / (flow.bid_lots + flow.ask_lots),
            "gap": np.clip((levels[:, 1, 0] - levels[:, 0, 0] + levels[:, 0, 2] - levels[:, 1, 2])
                           / (2 * scale.spread_ticks), 0, 4),
            "move": move,
            "size of move": np.abs(move),
        }  # fmt: skip
    table = np.stack([np.asarray(columns[name], np.float64) for name in CHANNELS], axis=1)
    kind = np.select([new, cut, gone, traded], [0, 1, 2, 3])
    return Channels(table, kind, mid / scale.spread_ticks, flow.time_ns)
