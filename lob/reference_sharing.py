"""The allocation among the orders of one price once more, in whole numbers. Part of `lob.reference`."""

from __future__ import annotations

from lob.reference_orders import Order
from lob.rules import Allocation

__all__ = ["shares"]


def shares(rules: Allocation, queue: list[Order], top: Order | None, lots: int) -> list[int]:
    """Return what each order of a queue, oldest first, gets of an incoming order smaller than what they show."""
    got = [0] * len(queue)
    left = lots

    def room(j: int) -> int:
        return queue[j].shown_lots - got[j]

    def give(j: int, wanted: int) -> int:
        nonlocal left
        lots = max(0, min(wanted, left, room(j)))
        got[j] += lots
        left -= lots
        return lots

    if rules.top_max_lots and top is not None and top in queue:
        give(queue.index(top), rules.top_max_lots)
    amount, percent = left, dict(rules.leads)
    served: set[int] = set()
    for order in queue:
        if order.agent in percent and order.agent not in served:
            served.add(order.agent)
            wanted = amount * percent[order.agent] // 100
            for j, other in enumerate(queue):
                if other.agent == order.agent:
                    wanted -= give(j, wanted)
    part = left * rules.fifo_percent // 100
    for j in range(len(queue)):
        part -= give(j, part)
    amount, sizes = left, [room(j) for j in range(len(queue))]
    k, total = rules.time_power, sum(sizes)
    if amount and total:
        for j, size in enumerate(sizes):
            younger = sum(sizes[j:])
            share = amount * (younger**k - (younger - size) ** k) // total**k
            if share >= rules.minimum_lots:
                give(j, share)
    if rules.leveling:
        for j in range(len(queue)):
            if got[j] == 0:
                give(j, 1)
    for j in range(len(queue)):
        give(j, left)
    return got
