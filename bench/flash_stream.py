"""Order flow of one liquid stock in five regimes, from a fixed mid price to a flash crash.

Constants and construction are those of github.com/flash1-dev/matching-engine-benchmark (docs/METHODOLOGY.md); the draws
are our own: 1,000,000 new orders along a geometric Brownian mid, the first half of it buys and the second sells, placed
passively with a power-law depth and a hump, then shuffled; 15% are IOC; a fifth of the others grow by a lot and mostly
move a tick; 95% are cancelled; some cancels and changes come twice.

How many orders stand depends on how far the halves of the path part. The seed is one whose counts are near those
published: 21,200, 2,300, 1,300, 840 and 460 orders on average (20,900, 2,700, 1,300, 700, 240); 780, 63,800, 67,200,
68,600 and 69,700 fills (800, 62,000, 67,000, 69,000, 70,000).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.codes import CANCEL, IOC, LIMIT, REPLACE
from lob.rules import Instrument
from lob.types import MESSAGE

__all__ = ["FLASH_INSTRUMENT", "REGIMES", "flash_stream"]

REGIMES = {"static": 0.0, "normal": 0.02, "swing-25": 0.25, "swing-40": 0.40, "flash-crash": 0.60}
"""Standard deviation of the log mid over the run."""
FLASH_INSTRUMENT = Instrument(name="FLASH", n_prices=262_144, max_orders=65_536, replace_keeps_priority=False)
START_TICKS = 33_504
ALPHA, DEEPEST, HUMP, HUMP_TICKS = 2.23, 799, 5.0, 8.0
CANCELLED, MODIFIED, MOVED, TWICE, AT_ONCE = 0.95, 0.20, 0.80, 0.02, 0.15


def flash_stream(regime: str, n_orders: int = 1_000_000, seed: int = 58) -> np.ndarray[Any, Any]:
    """Return MESSAGE rows whose `order_id` is the sender's: 1 to n_orders.

    Args:
        regime: one of REGIMES.
        n_orders: new orders; messages are about twice as many.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    sigma = REGIMES[regime] / np.sqrt(n_orders)
    mid = START_TICKS * np.exp(np.cumsum(sigma * rng.standard_normal(n_orders) - sigma**2 / 2))
    k = np.arange(DEEPEST + 1.0)
    weight = (k + 1) ** -ALPHA + HUMP * np.exp(-0.5 * (k - HUMP_TICKS) ** 2)
    depth = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(n_orders))
    side = np.where(np.arange(n_orders) < n_orders // 2, 1, -1)
    price = np.maximum(np.rint(mid).astype(np.int64) - side * (depth + 1), 1)
    lots = rng.integers(1, 101, n_orders)

    order = rng.permutation(n_orders)
    side, price, lots = side[order], price[order], lots[order]
    at_once = rng.random(n_orders) < AT_ONCE
    modified = ~at_once & (rng.random(n_orders) < MODIFIED)
    moved = rng.random(n_orders) < MOVED
    cancelled = ~at_once & (rng.random(n_orders) < CANCELLED)
    again = cancelled & (rng.random(n_orders) < TWICE)
    stale = modified & cancelled & (rng.random(n_orders) < TWICE)

    # An order's messages come one after the other, and the next order after them.
    ends = np.cumsum(1 + modified + cancelled + again + stale)
    messages = np.zeros(int(ends[-1]), MESSAGE)
    at = ends - (1 + modified + cancelled + again + stale)
    for chosen, kind in ((np.ones(n_orders, bool), LIMIT), (modified, REPLACE), (cancelled, CANCEL), (again, CANCEL),
                         (stale, REPLACE)):  # fmt: skip
        rows = at[chosen]
        messages["kind"][rows] = kind
        messages["order_id"][rows] = order[chosen] + 1
        messages["side"][rows] = side[chosen]
        changed = kind == REPLACE
        messages["price_ticks"][rows] = (price + (side * moved if changed else 0))[chosen]
        messages["qty_lots"][rows] = lots[chosen] + changed
        if kind == LIMIT:
            messages["time_in_force"][rows] = np.where(at_once, IOC, 0)
        at = at + chosen
    messages["time_ns"] = 1_000 * np.arange(len(messages))
    messages["agent"] = -1
    return messages
