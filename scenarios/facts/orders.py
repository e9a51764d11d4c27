"""Orders: which events make up the flow, how large they are, how long they live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scenarios.facts.values import SAME, Curve, Fact, Found, curve, missing, missing_curve, value
from sim.metrics.flow import FlowKind, OrderFlow
from sim.metrics.lifetimes import Lives, end_shares, order_lives
from sim.metrics.metaorders import market_order_ends
from sim.metrics.tails import share_beyond

__all__ = ["CURVES", "FACTS", "MIX", "measure"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
LEAST = 20
LIVES_S = np.geomspace(1e-4, 3.6e4, 69)
MIX = {
    FlowKind.SUBMIT: "submissions", FlowKind.PARTIAL_CANCEL: "partial cancels", FlowKind.DELETE: "deletions",
    FlowKind.EXECUTE: "executions", FlowKind.HIDDEN: "hidden executions",
}  # fmt: skip

FACTS: dict[str, Fact] = {
    **{
        f"{kind.name.lower()}_share": Fact(f"share of {words}", "", "of all events" if kind == FlowKind.SUBMIT else
                                           "against hidden orders; they count nowhere else"
                                           if kind == FlowKind.HIDDEN else SAME)
        for kind, words in MIX.items()
    },
    "inside_share": Fact("submissions inside the spread", "", "share of submissions at a better price than the best of "
                         "their side before them"),
    "at_best_share": Fact("submissions at the best price", "", "at the best of their side before them"),
    "submit_size_mean": Fact("size of limit orders, mean", "lots", "quantity that came to rest in the book"),
    "submit_size_p50": Fact("size of limit orders, median", "lots", SAME),
    "market_size_mean": Fact("size of market orders, mean", "lots", "all executions of one moment and side"),
    "market_size_p50": Fact("size of market orders, median", "lots", SAME),
    "executions_per_market_order": Fact("executions of a market order", "", "mean number"),
    "life_p50": Fact("life of orders, median", "s", "until half of all orders have been deleted or executed in part"),
    "time_to_delete_p50": Fact("time to deletion, median", "s", "of the orders that were deleted before any execution"),
    "time_to_fill_p50": Fact("time to first fill, median", "s", "of the orders that were executed, in part at least"),
    "filled_share": Fact("orders executed, in part at least", "", "share of all orders in the end, those that still "
                         "rest allowed for (Aalen and Johansen 1978)"),
}  # fmt: skip

CURVES = {
    "submit_size": "Share of limit orders larger than each size.",
    "market_size": "Share of market orders larger than each size.",
    "life": "Order life: share of orders that still wait so long after submission, neither deleted nor executed "
    "(Kaplan-Meier: orders that rest at the end of the record count as long as they are seen).",
    "deleted": "Share deleted by then, before any execution.",
    "filled": "Share that had its first fill by then.",
}


def measure(flows: Sequence[OrderFlow]) -> Found:
    """Return the facts of orders; those of several days are put together."""
    found = Found()
    kinds = np.bincount(np.concatenate([flow.kind for flow in flows]), minlength=6)
    for kind in MIX:
        share = kinds[kind] / kinds.sum()
        found.values[f"{kind.name.lower()}_share"] = value(float(share), int(kinds.sum()), LEAST, "events")
    if not kinds[FlowKind.HIDDEN]:
        found.values["hidden_share"] = missing("none are shown")
    _placing(found, flows)
    _sizes(found, flows)
    _lives(found, flows)
    return found


def _placing(found: Found, flows: Sequence[OrderFlow]) -> None:
    from sim.metrics.moments import depths_ticks

    depth = np.concatenate([depths_ticks(flow) for flow in flows])
    for name, chosen in (("inside_share", depth < 0), ("at_best_share", depth == 0)):
        found.values[name] = value(_of(np.mean, chosen), len(depth), LEAST, "submissions")


def _sizes(found: Found, flows: Sequence[OrderFlow]) -> None:
    limit = np.concatenate([flow.size_lots[flow.kind == FlowKind.SUBMIT] for flow in flows]).astype(np.float64)
    market = np.concatenate([market_order_ends(flow)[3] for flow in flows]).astype(np.float64)
    executions = sum(int((flow.kind == FlowKind.EXECUTE).sum()) for flow in flows)
    for name, sizes, what in (("submit", limit, "limit orders"), ("market", market, "market orders")):
        found.values[f"{name}_size_mean"] = value(_of(np.mean, sizes), len(sizes), LEAST, what)
        found.values[f"{name}_size_p50"] = value(_of(np.median, sizes), len(sizes), LEAST, what)
        found.curves[f"{name}_size"] = _beyond(sizes, what)
    per_order = executions / len(market) if len(market) else float("nan")
    found.values["executions_per_market_order"] = value(per_order, len(market), LEAST, "market orders")


def _lives(found: Found, flows: Sequence[OrderFlow]) -> None:
    days = [order_lives(flow) for flow in flows]
    lives = Lives(np.concatenate([d.life_s for d in days]), np.concatenate([d.end for d in days]))
    n = len(lives.end)
    names = ("life", "deleted", "filled")
    if n < LEAST:
        why = f"{n} orders, at least {LEAST} needed"
        found.values |= {name: missing(why) for name in list(FACTS)[-4:]}
        found.curves |= {name: missing_curve(why) for name in names}
        return
    until = max(float(lives.life_s.max()), float(LIVES_S[1]))
    at = LIVES_S[: np.searchsorted(LIVES_S, until, side="right")]
    shares = end_shares(lives, at)
    found.curves |= {name: curve(at, y, why="no orders") for name, y in zip(names, shares, strict=True)}
    all_times = np.unique(lives.life_s)
    waiting, _, filled = end_shares(lives, all_times)
    half = np.flatnonzero(waiting <= 0.5)
    found.values["life_p50"] = (
        value(float(all_times[half[0]]), n, LEAST, "orders") if len(half) else missing("most orders rest to the end")
    )
    for name, end, what in (
        ("time_to_delete_p50", FlowKind.DELETE, "deleted orders"),
        ("time_to_fill_p50", FlowKind.EXECUTE, "executed orders"),
    ):
        times = lives.life_s[lives.end == end]
        found.values[name] = value(_of(np.median, times), len(times), LEAST, what)
    found.values["filled_share"] = value(float(filled[-1]), n, LEAST, "orders")


def _of(what: Any, x: Any) -> float:
    return float(what(x)) if len(x) else float("nan")


def _beyond(sizes: Floats, what: str) -> Curve:
    if len(sizes) < LEAST:
        return missing_curve(f"{len(sizes)} {what}, at least {LEAST} needed")
    at = np.unique(np.round(np.geomspace(max(float(sizes.min()) / 2, 1), float(sizes.max()), 120)))
    share = share_beyond(sizes, at)
    return curve(at, np.where(share > 0, share, np.nan), why=f"all {what} are of one lot")
