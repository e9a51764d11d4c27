"""An agent's own live orders in numbered slots of its memory, so that a random one can be found in constant time.

A flow that withdraws each of its orders at a rate looks at a slot drawn uniformly from all of them: every live order
is then hit at the same rate, whatever else is in the book, and a hit on an empty slot does nothing. An order is put
into the slot that its number names, or the next free one, so that two worlds which differ a little keep nearly the
same slots. Slots of orders that were filled are given back when they are looked at. An order on its way to the
exchange does not rest yet but keeps its slot: messages arrive in the order sent, so the last `n_in_flight` of them are
under way.
"""

from __future__ import annotations

from typing import Any

from sim.lookup import own_lots
from sim.policy import decision, own_order_id, send_cancel, send_limit

__all__ = ["add_order", "cancel_order", "count_message", "is_live", "live_slots", "memory_cells", "slot_order"]

SENT, HEADER_CELLS = 0, 1
"""The cell in front of the slots counts the messages that the agent has sent."""
NUMBER, SIDE, PRICE, MESSAGE, SLOT_CELLS = range(5)
"""Cells of a slot: number of the order (0: free), side, price in ticks, and which message of the agent brought it."""
MAX_PROBES = 64


def memory_cells(n_slots: int) -> int:
    """Return the cells of a memory with room for `n_slots` orders."""
    return HEADER_CELLS + SLOT_CELLS * n_slots


@decision
def live_slots(cells: Any) -> int:
    """Number of slots in a memory."""
    return (len(cells) - HEADER_CELLS) // SLOT_CELLS


@decision
def count_message(cells: Any) -> None:
    """Count a message that is no matter of slots, such as a market order: every message must be counted."""
    cells[SENT] += 1.0


@decision
def is_live(view: Any, out: Any, cells: Any, slot: int) -> bool:
    """Whether the slot holds an order that rests; the slot of one that does so no longer is given back."""
    at = HEADER_CELLS + SLOT_CELLS * slot
    number = int(cells[at + NUMBER])
    if number == 0:
        return False
    if own_lots(view, own_order_id(view, number)) > 0:
        return True
    if cells[at + MESSAGE] <= cells[SENT] - view.n_in_flight - out.n:
        cells[at + NUMBER] = 0.0
    return False


@decision
def slot_order(cells: Any, slot: int) -> tuple[int, int]:
    """Side and price in ticks of the order in a slot."""
    at = HEADER_CELLS + SLOT_CELLS * slot
    return int(cells[at + SIDE]), int(cells[at + PRICE])


@decision
def cancel_order(view: Any, out: Any, cells: Any, slot: int) -> None:
    """Withdraw the order of a slot and give the slot back."""
    at = HEADER_CELLS + SLOT_CELLS * slot
    send_cancel(out, own_order_id(view, int(cells[at + NUMBER])))
    count_message(cells)
    cells[at + NUMBER] = 0.0


@decision
def add_order(view: Any, out: Any, cells: Any, number: int, side: int, price_ticks: int, qty_lots: int) -> bool:
    """Send a limit order of the given number (above 0, never used before); False if no free slot was found for it."""
    n_slots = live_slots(cells)
    slot = number % n_slots
    for _ in range(min(n_slots, MAX_PROBES)):
        at = HEADER_CELLS + SLOT_CELLS * slot
        if not is_live(view, out, cells, slot) and cells[at + NUMBER] == 0.0:
            send_limit(out, side, price_ticks, qty_lots, 0, 0, 0, own_order_id(view, number))
            count_message(cells)
            cells[at + NUMBER] = float(number)
            cells[at + SIDE] = float(side)
            cells[at + PRICE] = float(price_ticks)
            cells[at + MESSAGE] = cells[SENT]
            return True
        slot = (slot + 1) % n_slots
    return False
