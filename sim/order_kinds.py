"""Order kinds beyond limit and market, for compiled policies: how to send them, and what to add to the last message.

    send_limit(out, -1, price_ticks, 100)
    show_only(out, 10)                 # an iceberg
    good_until(out, view.time_ns + 60 * SECOND_NS)

What combinations the exchange takes, and what they mean, says docs/market-rules.md. A Python trader says the same in
words: `view.order("limit", side="sell", price_ticks=..., qty_lots=100, display_lots=10)`.
"""

from __future__ import annotations

from numba import int64

from lob.codes import (
    ALL_OR_NONE,
    DAY,
    GTC,
    GTD,
    HIDDEN,
    ICEBERG,
    LIMITED,
    MARKET_TO_LIMIT,
    MINIMUM,
    PEGGED,
    SELF_TRADE,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
)
from lob.compiled import Record, leaf
from sim.policy import _put, _whole

__all__ = [
    "good_for_day",
    "good_until",
    "hide",
    "no_less_than",
    "no_worse_than",
    "prevent_self_trade",
    "send_market_to_limit",
    "send_pegged",
    "send_stop",
    "send_stop_limit",
    "send_trailing_stop",
    "show_only",
    "whole_or_not",
]


@leaf
def send_stop(out: Record, side: int, trigger_ticks: int, qty_lots: int, parent_id: int = 0) -> None:
    """Send a market order that waits for a trade at the trigger or beyond: above for a buy, below for a sell."""
    _put(out, int64(STOP), side, int64(0), qty_lots, int64(0), int64(GTC), int64(0), parent_id)
    out.trigger_ticks[out.n - 1] = _whole(trigger_ticks)


@leaf
def send_stop_limit(
    out: Record, side: int, trigger_ticks: int, price_ticks: int, qty_lots: int, parent_id: int = 0
) -> None:
    """Send a limit order that waits for a trade at the trigger or beyond."""
    _put(out, int64(STOP_LIMIT), side, price_ticks, qty_lots, int64(0), int64(GTC), int64(0), parent_id)
    out.trigger_ticks[out.n - 1] = _whole(trigger_ticks)


@leaf
def send_trailing_stop(out: Record, side: int, distance_ticks: int, qty_lots: int, parent_id: int = 0) -> None:
    """Send a stop whose trigger follows the best trade since its entry at a distance."""
    _put(out, int64(TRAILING_STOP), side, int64(0), qty_lots, int64(0), int64(GTC), int64(0), parent_id)
    out.trigger_ticks[out.n - 1] = _whole(distance_ticks)


@leaf
def send_pegged(out: Record, side: int, peg: int, qty_lots: int, offset_ticks: int = 0, parent_id: int = 0) -> None:
    """Send an undisplayed order that follows the touch: `peg` as of lob.Peg; offsets above 0 lead to the other side."""
    _put(out, int64(PEGGED), side, int64(0), qty_lots, int64(0), int64(GTC), int64(0), parent_id)
    out.peg[out.n - 1] = _whole(peg)
    out.trigger_ticks[out.n - 1] = _whole(offset_ticks)


@leaf
def send_market_to_limit(out: Record, side: int, qty_lots: int, parent_id: int = 0) -> None:
    """Send an order that trades at the best opposite price and rests there with what is left."""
    _put(out, int64(MARKET_TO_LIMIT), side, int64(0), qty_lots, int64(0), int64(GTC), int64(0), parent_id)


# out["flags"]: in plain Python a record has an attribute of that name already.
@leaf
def show_only(out: Record, display_lots: int) -> None:
    """Make the last limit order an iceberg."""
    out["flags"][out.n - 1] |= ICEBERG
    out.display_lots[out.n - 1] = _whole(display_lots)


@leaf
def hide(out: Record) -> None:
    """Do not show the last limit order."""
    out["flags"][out.n - 1] |= HIDDEN


@leaf
def no_less_than(out: Record, min_lots: int) -> None:
    """Give the last order a minimum for each execution."""
    out["flags"][out.n - 1] |= MINIMUM
    out.min_lots[out.n - 1] = _whole(min_lots)


@leaf
def whole_or_not(out: Record) -> None:
    """Let the last order trade whole or not at all."""
    out["flags"][out.n - 1] |= ALL_OR_NONE


@leaf
def no_worse_than(out: Record, price_ticks: int) -> None:
    """Give the last pegged order a limit."""
    out["flags"][out.n - 1] |= LIMITED
    out.price_ticks[out.n - 1] = _whole(price_ticks)


@leaf
def good_for_day(out: Record) -> None:
    """Let the last order expire at the close."""
    out.time_in_force[out.n - 1] = DAY


@leaf
def good_until(out: Record, time_ns: int) -> None:
    """Let the last order expire at a time, in ns since midnight."""
    out.time_in_force[out.n - 1] = GTD
    out.expires_ns[out.n - 1] = _whole(time_ns)


@leaf
def prevent_self_trade(out: Record, mode: int) -> None:
    """Say for the last order what happens instead of a trade with an own one; `mode` as of lob.SelfTrade."""
    out["flags"][out.n - 1] |= SELF_TRADE
    out.self_trade[out.n - 1] = _whole(mode)
