"""What the learned flow remembers between wake-ups: a few numbers, when its orders were born, and the network's state.

All of it lies in the agent's own memory, so that a snapshot or a fork carries it along.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.flow.codes import N_FEATURES, N_MEMORY, N_ORDER_CODES
from agents.flow.network import block_room, context_room
from agents.flow.weights import HEADER
from sim.policy import decision

__all__ = [
    "ACTIVITY",
    "AVERAGES",
    "BIRTHS",
    "BLOCK_MAX",
    "CELLS",
    "CHECKED",
    "DUE",
    "EVENTS_READ",
    "FEATURES",
    "FLIPPED",
    "GUARDED",
    "HAS_BLOCK",
    "LAST_ASK",
    "LAST_ASK_LOTS",
    "LAST_BID",
    "LAST_BID_LOTS",
    "LAST_DELAY",
    "LAST_DETAIL",
    "LAST_NS",
    "LAST_ORDER",
    "MADE",
    "MASK",
    "MINUTE",
    "MIRRORED",
    "NUMBER",
    "N_BIRTHS",
    "PLAN",
    "POSITION",
    "POSSIBLE",
    "PUSHED",
    "QUIET_BIRTH",
    "REPLANNED",
    "RESERVOIR",
    "RESERVOIR_BIRTH",
    "SENT",
    "SENT_NS",
    "STARTED",
    "WINDOWS",
    "born",
    "cells_needed",
    "floats_of",
    "is_remembered",
    "kept_at",
    "layout",
]  # fmt: skip

WIDTH, HEAD = HEADER["width"], HEADER["head"]
BLOCK_MAX = 16
N_BIRTHS = 1 << 15
"""Orders whose age is remembered: the latest ones."""
RESERVOIR_BIRTH, QUIET_BIRTH = -1.0, -2.0
"""Marks instead of a birth: an order beyond the recorded levels, and one that is being taken back there."""

(
    STARTED, EVENTS_READ, PUSHED, SENT, NUMBER, DUE, HAS_BLOCK, POSITION, MADE, GUARDED, REPLANNED,
    RESERVOIR, CHECKED, LAST_NS, LAST_BID, LAST_ASK, LAST_BID_LOTS, LAST_ASK_LOTS, LAST_ORDER, LAST_DETAIL, LAST_DELAY,
    SENT_NS, ACTIVITY, MINUTE,
    FLIPPED, WINDOWS,
) = range(26)  # fmt: skip
"""Cells: whether it has begun, events of the market read, events in the network's history, orders generated, number of
the latest own order, when the next order is due [ns, 0: not drawn], whether there is a block, position
in it, blocks made; times the guard acted, planned orders drawn anew, orders of the depth reservoir; SENT at its last
check; then the latest event of the market: time, touch, codes; when the latest order was sent; log activity, and its
minute."""
"""`FLIPPED`: whether the block was made with buyers and sellers exchanged. `WINDOWS`: number and count of the clock's
current windows of PACE_WINDOWS_S."""
AVERAGES = 40
FEATURES = AVERAGES + N_MEMORY
MIRRORED = FEATURES + N_FEATURES
"""The features as they look with buyers and sellers exchanged."""
PLAN = MIRRORED + N_FEATURES
MASK = PLAN + 3 * BLOCK_MAX
POSSIBLE = MASK + N_ORDER_CODES + 64
BIRTHS = POSSIBLE + N_ORDER_CODES
CELLS = BIRTHS + N_BIRTHS
"""The network's float32 state begins here, two numbers to a cell."""


def cells_needed(header: Any) -> int:
    """Return the float64 cells of a memory for weights with this header."""
    n_floats = 2 * context_room(header) + block_room(header) + _head_room(header)
    return CELLS + (n_floats + 1) // 2 + 8


def _head_room(header: Any) -> int:
    n, head = int(header[WIDTH]), int(header[HEAD])
    return n + 2 * head + max(10 * n + 256, N_ORDER_CODES + 64 + head)


@decision
def floats_of(cells: Any) -> Any:
    """The network's part of a memory as float32."""
    return cells[CELLS:].view(np.float32)


@decision
def layout(h: Any) -> tuple[int, int, int]:
    """Where the block, the head's state and the scratch begin in the float32 part; the two histories come first."""
    block = 2 * context_room(h)
    head = block + block_room(h)
    return block, head, head + int(h[WIDTH]) + int(h[HEAD])


@decision
def kept_at(h: Any) -> int:
    """Where, behind the scratch, there is room for a copy of the head's last layer."""
    n, head = int(h[WIDTH]), int(h[HEAD])
    _, _, scratch = layout(h)
    return scratch + max(10 * n + 256, N_ORDER_CODES + 64 + head)


@decision
def born(cells: Any, number: int, time_ns: float) -> None:
    """Remember when an own order was sent, or one of the marks."""
    if is_remembered(cells, number):
        cells[BIRTHS + number % N_BIRTHS] = time_ns


@decision
def is_remembered(cells: Any, number: int) -> bool:
    """Whether an own order is among the latest ones, whose births are kept."""
    return number > 0 and int(cells[NUMBER]) - number < N_BIRTHS
