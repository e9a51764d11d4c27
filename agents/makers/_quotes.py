"""What market makers share: a price to quote around, and moving two quotes without losing their place needlessly."""

from __future__ import annotations

from typing import Any

from lob.types import NO_PRICE, Flag, Phase
from sim.policy import decision, send_cancel, send_limit

__all__ = ["CONTINUOUS", "fair_price", "quote_two_sides", "rounded", "withdraw_all"]

CONTINUOUS = int(Phase.CONTINUOUS)
POST_ONLY = int(Flag.POST_ONLY)


@decision
def rounded(price: float) -> int:
    """The nearest tick."""
    whole = int(price)
    if whole > price:  # int() rounds towards zero
        whole -= 1
    return whole + 1 if price - whole >= 0.5 else whole


@decision
def fair_price(view: Any, use_signal: float) -> float:
    """The price to quote around, in ticks: the value signal if asked for, else the midpoint, else the last price."""
    if use_signal > 0.0:
        return view.signal
    if view.bid_ticks != NO_PRICE and view.ask_ticks != NO_PRICE:
        return 0.5 * (view.bid_ticks + view.ask_ticks)
    return float(view.last_ticks)


@decision
def withdraw_all(view: Any, out: Any) -> None:
    """Cancel each own order that is shown."""
    for k in range(view.n_own):
        send_cancel(out, view.own_id[k])


@decision
def quote_two_sides(view: Any, out: Any, bid_ticks: int, ask_ticks: int, size_lots: int, post_only: float) -> None:
    """Have one order at each of two prices (NO_PRICE: none): cancel what stands elsewhere, send what is missing."""
    if bid_ticks != NO_PRICE and ask_ticks != NO_PRICE and ask_ticks <= bid_ticks:
        ask_ticks = bid_ticks + 1  # never trade with oneself
    if bid_ticks < view.min_price_ticks:
        bid_ticks = NO_PRICE
    if ask_ticks > view.max_price_ticks:
        ask_ticks = NO_PRICE
    if bid_ticks != NO_PRICE:
        bid_ticks = min(bid_ticks, int(view.max_price_ticks))
    if ask_ticks != NO_PRICE:
        ask_ticks = max(ask_ticks, int(view.min_price_ticks))
    has_bid, has_ask = False, False
    for k in range(view.n_own):
        if view.own_side[k] > 0 and view.own_ticks[k] == bid_ticks and not has_bid:
            has_bid = True
        elif view.own_side[k] < 0 and view.own_ticks[k] == ask_ticks and not has_ask:
            has_ask = True
        else:
            send_cancel(out, view.own_id[k])
    flags = POST_ONLY if post_only > 0.0 else 0
    if bid_ticks != NO_PRICE and not has_bid:
        send_limit(out, 1, bid_ticks, size_lots, 0, flags)
    if ask_ticks != NO_PRICE and not has_ask:
        send_limit(out, -1, ask_ticks, size_lots, 0, flags)
