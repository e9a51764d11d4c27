"""Orders that a feed forgot to delete, found by the orders that stand across them.

In continuous trading a bid and an ask that cross would have traded. Where a feed shows a new order at or beyond the
best price of the other side, and no trade, what stood there is gone: its deletion was lost, most often between a
snapshot and the feed's begin. It is deleted when the new order comes, unless it is executed later: then it was there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64

from lob.compiled import kernel
from lob.recording import DELETE, EXECUTE, NEW, REDUCE, RESTATED
from sim.rebuilt_book import find_order, remove_order, with_room

__all__ = ["without_ghosts"]

Rows = np.ndarray[Any, Any]
KEY, BORN, SIZE = range(3)


@kernel
def _walk(
    messages: Any, level: Any, trades: Any, orders: Any, head: Any, before: Any, after: Any, best: Any, out: Any
) -> int:
    """Copy messages to `out` with deletions put in and what follows about ghosts left out; return the count.

    level: price of each message as its rank among all. trades: whether its order is executed later.
    head[side, level]: number of the newest order there plus 1;
    before, after: the orders older and newer than one at its level. best: (bid, ask) levels, -1 and n_levels if empty.
    """
    mask = int64(orders.shape[0] - 1)
    n_levels = int64(head.shape[1])
    n = int64(0)
    for k in range(messages.shape[0]):
        row = messages[k]
        if row.type > EXECUTE:
            out[n] = row
            n += 1
            continue
        s = int64(0) if row.direction > 0 else int64(1)
        if row.type == NEW:
            here = int64(level[k])
            while row.flags & RESTATED == 0 and (best[1] <= here if s == 0 else best[0] >= here):
                other = 1 - s
                ghost = int64(head[other, best[other]]) - 1
                if trades[ghost]:
                    break
                slot = find_order(orders, mask, int64(messages[ghost].order_id) + 1)
                out[n] = messages[ghost]
                out[n].time_ns = row.time_ns
                out[n].type = DELETE
                out[n].size = orders[slot, SIZE]
                out[n].flags = RESTATED
                n += 1
                remove_order(orders, mask, slot)
                head[other, best[other]] = before[ghost]
                if before[ghost] > 0:
                    after[before[ghost] - 1] = 0
                if other == 1:
                    while best[1] < n_levels and head[1, best[1]] == 0:
                        best[1] += 1
                else:
                    while best[0] >= 0 and head[0, best[0]] == 0:
                        best[0] -= 1
            slot = find_order(orders, mask, int64(row.order_id) + 1)
            orders[slot, KEY], orders[slot, BORN], orders[slot, SIZE] = row.order_id + 1, k, row.size
            before[k], after[k] = head[s, here], 0
            if head[s, here] > 0:
                after[head[s, here] - 1] = k + 1
            head[s, here] = k + 1
            if s == 0:
                best[0] = max(best[0], here)
            else:
                best[1] = min(best[1], here)
        else:
            slot = find_order(orders, mask, int64(row.order_id) + 1)
            if orders[slot, KEY] == 0:
                continue  # about a ghost
            born = orders[slot, BORN]
            here = int64(level[born])
            orders[slot, SIZE] -= row.size
            if orders[slot, SIZE] <= 0:
                older, newer = before[born], after[born]
                if older > 0:
                    after[older - 1] = newer
                if newer > 0:
                    before[newer - 1] = older
                else:
                    head[s, here] = older
                remove_order(orders, mask, slot)
                while s == 0 and best[0] >= 0 and head[0, best[0]] == 0:
                    best[0] -= 1
                while s == 1 and best[1] < n_levels and head[1, best[1]] == 0:
                    best[1] += 1
        out[n] = row
        n += 1
    return n


def without_ghosts(messages: Rows) -> tuple[Rows, int]:
    """Return messages (dtype FINE) in which no order stands across another for long, and how many were deleted.

    A new order that takes is expected to come after its executions, with its rest.
    """
    if len(messages) == 0:
        return messages, 0
    assert (NEW, REDUCE, DELETE, EXECUTE) == (1, 2, 3, 4)
    prices, level = np.unique(messages["price"], return_inverse=True)
    n_new = int((messages["type"] == NEW).sum())
    orders = with_room(np.zeros((1024, 3), np.int64), 0, n_new)
    head = np.zeros((2, len(prices)), np.int64)
    before, after = np.zeros((2, len(messages)), np.int64)
    best = np.array([-1, len(prices)])
    last = {int(order): k for k, order in enumerate(messages["order_id"]) if messages["type"][k] == EXECUTE}
    trades = np.array([last.get(int(order), -1) > k for k, order in enumerate(messages["order_id"])])
    out: Rows = np.zeros(len(messages) + n_new, messages.dtype)
    n = int(_walk(messages, level, trades, orders, head, before, after, best, out))
    added = int(((out["type"][:n] == DELETE) & (out["flags"][:n] == RESTATED)).sum())
    known = int(((messages["type"] == DELETE) & (messages["flags"] == RESTATED)).sum())
    return out[:n], added - known
