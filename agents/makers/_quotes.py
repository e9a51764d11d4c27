"""What market makers share: when to quote, a price to quote around, and moving quotes without losing their place."""

from __future__ import annotations

from typing import Any

from lob.codes import CONTINUOUS, POST_ONLY
from lob.types import NO_PRICE
from sim.codes import WAKE_FILL, WAKE_PHASE
from sim.lookup import level_lots, next_level_ticks
from sim.policy import decision, send_cancel, send_limit
from sim.records import Needs, Wake

__all__ = [
    "CONTINUOUS",
    "NEEDS",
    "POST_ONLY",
    "WAKES_ON",
    "best_of_others",
    "fair_price",
    "is_time_to_quote",
    "may_quote",
    "quote_two_sides",
    "rounded",
    "timer_ns",
    "withdraw_all",
]

ON_TIMER = int(Wake.START | Wake.TIMER)
LARGEST = 1e15
"""Beyond every price; a larger float has no defined integer."""

NEEDS = Needs.OWN | Needs.SIGNAL | Needs.BOOK
WAKES_ON = Wake.FILL | Wake.ACK | Wake.REJECT | Wake.PHASE
"""ACK and REJECT: a maker whose messages are on their way waits for them; see `is_time_to_quote`."""


@decision
def timer_ns(view: Any, refresh_s: float) -> int:
    """Delay until the next refresh; 0 if the market woke the agent, so that it never moves a timer."""
    return max(1, int(refresh_s * 1e9)) if view.reason & ON_TIMER else 0


@decision
def is_time_to_quote(view: Any, agent: Any, is_due: int, requote_on_fill: float) -> bool:
    """Whether to move the quotes now: at a refresh, a change of phase, or a fill, but never with messages on their way.

    What comes due meanwhile is done when the last message has arrived (`agent.state[is_due]`). An arrival alone is no
    reason to quote: a maker would otherwise answer itself without end.
    """
    if view.reason & (ON_TIMER | WAKE_PHASE) or (view.reason & WAKE_FILL and requote_on_fill > 0.0):
        agent.state[is_due] = 1.0
    if agent.state[is_due] == 0.0 or view.n_in_flight > 0:
        return False
    agent.state[is_due] = 0.0
    return True


@decision
def may_quote(view: Any, agent: Any, out: Any, is_due: int, requote_on_fill: float) -> bool:
    """Whether to move the quotes now, see `is_time_to_quote`; outside of continuous trading they are withdrawn."""
    if not is_time_to_quote(view, agent, is_due, requote_on_fill):
        return False
    if view.phase != CONTINUOUS:
        withdraw_all(view, out)
        return False
    return True


@decision
def rounded(price: float) -> int:
    """The nearest tick, half a tick upwards."""
    price = min(max(price, -LARGEST), LARGEST)
    whole = int(price)
    if whole > price:  # int() rounds towards zero
        whole -= 1
    return whole + 1 if price - whole >= 0.5 else whole


@decision
def best_of_others(view: Any, side: int) -> int:
    """Best price of a side without the agent's own (shown) orders; NO_PRICE if nobody else quotes there."""
    price = view.bid_ticks if side > 0 else view.ask_ticks
    while price != NO_PRICE:
        own_lots = 0
        for k in range(view.n_own):
            if view.own_side[k] == side and view.own_ticks[k] == price:
                own_lots += view.own_lots[k]
        if level_lots(view, side, price) > own_lots:
            return price
        price = next_level_ticks(view, side, price)
    return price


@decision
def fair_price(view: Any, use_signal: float, otherwise: float) -> float:
    """The price to quote around, in ticks: the value signal if asked for, else the midpoint of the others' quotes.

    A maker that counted its own quotes would follow them. Where others quote one side only, or none, it is
    `otherwise`, but not beyond that side.
    """
    if use_signal > 0.0:
        return view.signal
    bid, ask = best_of_others(view, 1), best_of_others(view, -1)
    if bid != NO_PRICE and ask != NO_PRICE:
        return 0.5 * (bid + ask)
    if bid != NO_PRICE:
        return max(otherwise, float(bid))
    if ask != NO_PRICE:
        return min(otherwise, float(ask))
    return otherwise


@decision
def withdraw_all(view: Any, out: Any) -> None:
    """Cancel each own order that is shown."""
    for k in range(view.n_own):
        send_cancel(out, view.own_id[k])


@decision
def quote_two_sides(
    view: Any, out: Any, bid_ticks: int, ask_ticks: int, size_lots: int, limit_lots: int, post_only: float
) -> None:
    """Have one order at each of two prices: cancel what stands elsewhere, send what is missing.

    An order is not larger than what would bring the position to +-`limit_lots`; none is sent where that is nothing. A
    quote beyond the price range on its own side is left out, beyond the other end it lies on the last price.
    """
    if ask_ticks <= bid_ticks:
        ask_ticks = bid_ticks + 1  # never trade with oneself
    bid_ticks = min(bid_ticks, view.max_price_ticks)
    ask_ticks = max(ask_ticks, view.min_price_ticks)
    bid_lots = min(size_lots, limit_lots - view.position_lots) if bid_ticks >= view.min_price_ticks else 0
    ask_lots = min(size_lots, limit_lots + view.position_lots) if ask_ticks <= view.max_price_ticks else 0
    has_bid, has_ask = False, False
    for k in range(view.n_own):
        side, price, lots = view.own_side[k], view.own_ticks[k], view.own_lots[k]
        if side > 0 and price == bid_ticks and lots <= bid_lots and not has_bid:
            has_bid = True
        elif side < 0 and price == ask_ticks and lots <= ask_lots and not has_ask:
            has_ask = True
        else:
            send_cancel(out, view.own_id[k])
    flags = POST_ONLY if post_only > 0.0 else 0
    if bid_lots > 0 and not has_bid:
        send_limit(out, 1, bid_ticks, bid_lots, 0, flags)
    if ask_lots > 0 and not has_ask:
        send_limit(out, -1, ask_ticks, ask_lots, 0, flags)
