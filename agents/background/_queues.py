"""Sending, thinning out and withdrawing an agent's own orders in one queue: a band of prices of a side.

A band begins at its `edge`, the price nearest to the opposite side, and reaches `width` ticks away from it.
"""

from __future__ import annotations

from typing import Any

from lob.codes import POST_ONLY
from sim.lookup import level_lots, own_count_at, own_lots, own_order_at
from sim.policy import decision, send_cancel, send_limit, send_reduce, uniform

__all__ = ["MAX_ORDERS", "band_lots", "cancel_one", "place_queue", "withdraw_queue"]

MAX_ORDERS = 10
"""Orders of a queue that is placed at once; the last one carries what is left."""
MAX_CANCELS = 40


@decision
def band_lots(view: Any, side: int, edge: int, width: int) -> int:
    """Quantity that rests in a band, of all agents."""
    lots = 0
    for step in range(width):
        lots += level_lots(view, side, edge - side * step)
    return lots


@decision
def place_queue(
    view: Any, agent: Any, out: Any, side: int, edge: int, width: int, length: int, size: int, first_index: int
) -> None:
    """Send `length` orders' worth of quantity to a band, each order to any of its prices, post-only.

    Nothing is sent outside of the price range. The prices take up to MAX_ORDERS draws from `first_index` on.
    """
    for k in range(min(length, MAX_ORDERS)):
        price = edge
        if width > 1:
            price -= side * int(uniform(agent, first_index + k) * width)
        if price < view.min_price_ticks or price > view.max_price_ticks:
            continue
        last = k == MAX_ORDERS - 1
        send_limit(out, side, price, size * (length - k) if last else size, 0, POST_ONLY)


@decision
def withdraw_queue(view: Any, out: Any, side: int, edge: int, width: int) -> None:
    """Withdraw the own orders in a band, as many as fit into a decision beside a new queue."""
    left = MAX_CANCELS
    for step in range(width):
        price = edge - side * step
        n_own = min(own_count_at(view, side, price), left)
        for rank in range(n_own):
            send_cancel(out, own_order_at(view, side, price, rank))
        left -= n_own


@decision
def cancel_one(view: Any, out: Any, side: int, edge: int, width: int, size: int, u: float) -> bool:
    """Withdraw `size` lots from the own order that a uniform draw picks in a band; False if there is none."""
    n_own = 0
    for step in range(width):
        n_own += own_count_at(view, side, edge - side * step)
    if n_own == 0:
        return False
    rank, price = min(int(u * n_own), n_own - 1), edge
    while rank >= own_count_at(view, side, price):
        rank -= own_count_at(view, side, price)
        price -= side
    order_id = own_order_at(view, side, price, rank)
    if own_lots(view, order_id) > size:
        send_reduce(out, order_id, size)
    else:
        send_cancel(out, order_id)
    return True
