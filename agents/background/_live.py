"""An agent's own live orders in numbered slots of its memory, so that a random one can be found in constant time.

A flow that withdraws each of its orders at a rate looks at a slot drawn uniformly from all of them: every live order
is then hit at the same rate, whatever else is in the book, and a hit on an empty slot does nothing. An order is put
into the slot that its number names, or the next free one, so that two worlds which differ a little keep nearly the
same slots. Slots of orders that were filled are given back when they are looked at.
"""

from __future__ import annotations

from typing import Any

from sim.lookup import own_lots
from sim.policy import decision, own_order_id, send_limit

__all__ = ["HEADER_CELLS", "SLOT_CELLS", "add_order", "is_live", "live_slots", "memory_cells"]

HEADER_CELLS = 2
"""Cells in front of the slots: 0 counts orders that found no free slot and were not sent; 1 is the flow's own."""
SLOT_CELLS = 3
"""Cells of a slot: number of the order (0: free), side, price in ticks."""
MAX_PROBES = 64


def memory_cells(n_slots: int) -> int:
    """Return the cells of a memory with room for `n_slots` orders."""
    return HEADER_CELLS + SLOT_CELLS * n_slots


@decision
def live_slots(cells: Any) -> int:
    """Number of slots in a memory."""
    return (len(cells) - HEADER_CELLS) // SLOT_CELLS


@decision
def is_live(view: Any, cells: Any, slot: int) -> bool:
    """Whether the slot holds an order that still rests; the slot of one that does not is given back."""
    at = HEADER_CELLS + SLOT_CELLS * slot
    number = int(cells[at])
    if number == 0:
        return False
    if own_lots(view, own_order_id(view, number)) > 0:
        return True
    cells[at] = 0.0
    return False


@decision
def add_order(view: Any, out: Any, cells: Any, number: int, side: int, price_ticks: int, qty_lots: int) -> None:
    """Send a limit order of the given number (above 0, never used before) and enter it into a slot."""
    n_slots = live_slots(cells)
    slot = number % n_slots
    for _ in range(min(n_slots, MAX_PROBES)):
        at = HEADER_CELLS + SLOT_CELLS * slot
        if cells[at] == 0.0 or not is_live(view, cells, slot):
            cells[at] = float(number)
            cells[at + 1] = float(side)
            cells[at + 2] = float(price_ticks)
            send_limit(out, side, price_ticks, qty_lots, 0, 0, 0, own_order_id(view, number))
            return
        slot = (slot + 1) % n_slots
    cells[0] += 1.0
