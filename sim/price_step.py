"""Prices in steps: the smallest change of a price that a venue allows, in ticks of the book.

The gateway rounds a limit to a multiple of the step, to the passive side: a buy down, a sell up. So whoever counts in
ticks goes on trading where the step is coarser, and a limit that would have traded at the opposite best still does,
since all resting prices are multiples. Nobody has to be told: an agent sees the price of its order in the book.
"""

from __future__ import annotations

from numba import int64

from lob.book import node_at
from lob.codes import LIMIT, LIMITED, PEGGED, REPLACE, STOP_LIMIT
from lob.compiled import Record, leaf
from lob.orders import find_order

__all__ = ["LARGEST_STEP", "round_to_step"]

LARGEST_STEP = 10_000
_LARGEST_PRICE = 2**30
"""Beyond are only prices that no instrument allows; the exchange refuses them as they are."""


@leaf
def round_to_step(book: Record, message: Record, step_ticks: int) -> None:
    """Give a limit order, or the replacement of one that rests, a price that is a multiple of the step."""
    kind = int64(message.kind)
    side = int64(message.side)
    if kind == REPLACE:
        target = find_order(book, int64(message.order_id))
        if target == 0:
            return  # the exchange will say so
        side = int64(node_at(book, target).side)
    elif kind != LIMIT and kind != STOP_LIMIT and (kind != PEGGED or message.flags & LIMITED == 0):
        return
    price = int64(message.price_ticks)
    if abs(price) > _LARGEST_PRICE:
        return
    above = price % step_ticks
    if above != 0:
        message.price_ticks = price - above if side > 0 else price - above + step_ticks
