"""Sending, thinning out and withdrawing an agent's own orders at one price."""

from __future__ import annotations

from typing import Any

from sim.lookup import own_count_at, own_lots, own_order_at
from sim.policy import POST_ONLY, decision, send_cancel, send_limit, send_reduce

__all__ = ["cancel_one", "lay_queue", "withdraw_queue"]

MAX_ORDERS = 10
"""Orders of a queue that is laid at once; the last one carries what is left."""
MAX_CANCELS = 40


@decision
def lay_queue(view: Any, out: Any, side: int, price: int, length: int, size: int) -> None:
    """Send `length` orders' worth of quantity to a price, post-only; nothing outside of the price range."""
    if price < view.min_price_ticks or price > view.max_price_ticks:
        return
    for k in range(min(length, MAX_ORDERS)):
        last = k == MAX_ORDERS - 1
        send_limit(out, side, price, size * (length - k) if last else size, 0, POST_ONLY)


@decision
def withdraw_queue(view: Any, out: Any, side: int, price: int) -> None:
    """Withdraw the own orders at a price, as many as fit into a decision beside a new queue."""
    for rank in range(min(own_count_at(view, side, price), MAX_CANCELS)):
        send_cancel(out, own_order_at(view, side, price, rank))


@decision
def cancel_one(view: Any, out: Any, side: int, price: int, size: int, u: float) -> bool:
    """Withdraw `size` lots from the own order that a uniform draw picks at a price; False if there is none."""
    n_own = own_count_at(view, side, price)
    if n_own == 0:
        return False
    order_id = own_order_at(view, side, price, min(int(u * n_own), n_own - 1))
    if own_lots(view, order_id) > size:
        send_reduce(out, order_id, size)
    else:
        send_cancel(out, order_id)
    return True
