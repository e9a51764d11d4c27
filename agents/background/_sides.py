"""An agent's own live orders as one list per side in its memory, so that one of a side can be drawn uniformly.

An order that was filled stays in the list until a draw meets it: then the last entry takes its place and the draw is
repeated, so that the result is uniform over the orders that rest. An order on its way to the exchange is passed over;
messages arrive in the order sent, so the last `n_in_flight` of them are under way.
"""

from __future__ import annotations

from typing import Any

from sim.lookup import own_lots
from sim.policy import decision, own_order_id, uniform

__all__ = ["capacity", "count_message", "enter_order", "memory_cells", "n_listed", "pick_order", "remove_order"]

SENT, COUNT, HEADER_CELLS = 0, 1, 3
"""Cells in front: messages that the agent has sent, number of entries of the bids and of the asks."""
NUMBER, MESSAGE, ENTRY_CELLS = range(3)
"""Cells of an entry: number of the order, and which message of the agent brought it."""
MAX_DRAWS = 1000


def memory_cells(max_orders: int) -> int:
    """Return the cells of a memory with room for this many orders on each side."""
    return HEADER_CELLS + 2 * ENTRY_CELLS * max_orders


@decision
def capacity(cells: Any) -> int:
    """Number of orders that fit on each side."""
    return (len(cells) - HEADER_CELLS) // (2 * ENTRY_CELLS)


@decision
def n_listed(cells: Any, side: int) -> int:
    """Number of entries of a side."""
    return int(cells[COUNT if side > 0 else COUNT + 1])


@decision
def entry_at(cells: Any, side: int, position: int) -> int:
    """Where an entry of a side stands."""
    return HEADER_CELLS + ENTRY_CELLS * (position if side > 0 else capacity(cells) + position)


@decision
def count_message(cells: Any) -> None:
    """Count a message; to be called for every one that is sent."""
    cells[SENT] += 1.0


@decision
def enter_order(cells: Any, side: int, number: int) -> None:
    """Enter the order that the message counted last has sent; there must be room."""
    at = entry_at(cells, side, n_listed(cells, side))
    cells[at + NUMBER] = float(number)
    cells[at + MESSAGE] = cells[SENT]
    cells[COUNT if side > 0 else COUNT + 1] += 1.0


@decision
def remove_order(cells: Any, side: int, position: int) -> None:
    """Take an entry out; the last one takes its place."""
    last = n_listed(cells, side) - 1
    at, last_at = entry_at(cells, side, position), entry_at(cells, side, last)
    cells[at + NUMBER] = cells[last_at + NUMBER]
    cells[at + MESSAGE] = cells[last_at + MESSAGE]
    cells[COUNT if side > 0 else COUNT + 1] = float(last)


@decision
def pick_order(view: Any, agent: Any, cells: Any, side: int, first_index: int) -> tuple[int, int]:
    """Draw one of the side's resting orders; return its position and its id, (-1, 0) if there is none.

    Args:
        view: the agent's view.
        agent: the agent.
        cells: its memory.
        side: +1 bids, -1 asks.
        first_index: first of up to MAX_DRAWS indices of draws.
    """
    for k in range(MAX_DRAWS):
        count = n_listed(cells, side)
        if count == 0:
            break
        position = min(int(uniform(agent, first_index + k) * count), count - 1)
        at = entry_at(cells, side, position)
        order_id = own_order_id(view, int(cells[at + NUMBER]))
        if own_lots(view, order_id) > 0:
            return position, order_id
        if cells[at + MESSAGE] <= cells[SENT] - view.n_in_flight:
            remove_order(cells, side, position)
    return -1, 0
