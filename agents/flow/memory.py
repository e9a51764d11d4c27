"""What the learned flow remembers between wake-ups, all in the agent's own memory, so that a fork carries it along.

First a record (`FLOW`), then the network's state as float32, two numbers to a cell, in this order:

    two histories    keys, values and context vector of the market, and of the market with its sides exchanged
    block            vectors of the K + 1 positions of a block, and the denoiser's scratch
    head             recurrent state (width) and last layer (head) at the present position
    scratch          of the head, and of one draw
    draft state      recurrent state of a draft
    kept layer       copy of the last layer, for trials that are taken back
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.flow.codes import MOST_CLASSES, N_FEATURES, N_MEMORY, N_ORDER_CODES
from agents.flow.network import block_room, context_room
from agents.flow.tokenizer import PACE_WINDOWS_S
from sim.opened import cells_of, memory_record
from sim.policy import decision, memory

__all__ = [
    "BLOCK_MAX",
    "FLOW",
    "N_BIRTHS",
    "QUIET_BIRTH",
    "RESERVOIR_BIRTH",
    "birth_ns",
    "block_of",
    "cells_needed",
    "context_of",
    "draft_state_of",
    "flow_of",
    "history_of",
    "is_remembered",
    "kept_layer_of",
    "layer_of",
    "network_of",
    "remember_birth",
    "scratch_of",
    "state_of",
]  # fmt: skip

BLOCK_MAX = 16
N_BIRTHS = 1 << 15
"""Orders whose age is remembered: the latest ones."""
RESERVOIR_BIRTH, QUIET_BIRTH = -1.0, -2.0
"""Marks instead of a birth: an order beyond the recorded levels, and one that is being taken back there."""


def _numbers(*names: str) -> list[tuple[str, str]]:
    return [(name, "<f8") for name in names]


FLOW: np.dtype[Any] = np.dtype(
    [
        *_numbers("has_started", "n_read", "n_pushed", "n_sent", "last_number", "due_ns"),
        *_numbers("has_block", "is_mirrored", "position", "n_blocks"),
        *_numbers("n_guarded", "n_replanned", "n_reservoir", "n_sent_at_check"),
        *_numbers("last_ns", "bid_ticks", "ask_ticks", "bid_lots", "ask_lots"),
        *_numbers("last_order", "last_detail", "last_delay", "sent_ns", "activity", "minute"),
        ("window_number", "<f8", (len(PACE_WINDOWS_S),)),
        ("window_count", "<f8", (len(PACE_WINDOWS_S),)),
        ("averages", "<f8", (N_MEMORY,)),
        ("features", "<f8", (N_FEATURES,)),
        ("mirrored", "<f8", (N_FEATURES,)),
        ("plan_order", "<f8", (BLOCK_MAX,)),
        ("plan_detail", "<f8", (BLOCK_MAX,)),
        ("plan_delay", "<f8", (BLOCK_MAX,)),
        ("allowed", "<f8", (MOST_CLASSES,)),
        ("possible", "<f8", (N_ORDER_CODES,)),
        ("births_ns", "<f8", (N_BIRTHS,)),
    ]
)
"""The flow's own record; all fields are float64, zero at first.

n_read: events of the market read. n_pushed: events in the network's histories. n_sent: orders generated. last_number:
number of the latest own order. due_ns: when the next order is due, 0: not drawn. has_block, position, n_blocks: whether
there is a block, the place in it, blocks made. is_mirrored: whether the block was made with buyers and sellers
exchanged. n_guarded, n_replanned, n_reservoir: times the guard acted, planned orders drawn anew, orders of the depth
reservoir. n_sent_at_check: n_sent when the depth was last looked after. last_ns, the touch and the last codes: of the
latest event of the market. sent_ns: when the latest order was sent. activity, minute: log activity, and its minute.
window_number, window_count: of the clock's current windows of PACE_WINDOWS_S. averages, features, mirrored: of the live
book, see codes.features; mirrored as they look with the sides exchanged. plan: codes of the block, order -1: not
planned, -2: chosen to be drawn. allowed, possible: scratch of draws. births_ns: by number modulo N_BIRTHS, or a mark.
"""

flow_of = memory_record(FLOW)
FLOW_CELLS = cells_of(FLOW)


def cells_needed(h: Any) -> int:
    """Return the float64 cells of a memory for weights with this header."""
    n_floats = _kept_at(h) + int(h.head)
    return FLOW_CELLS + (n_floats + 1) // 2


@decision
def network_of(view: Any) -> Any:
    """The network's part of the memory, float32."""
    return memory(view)[FLOW_CELLS:].view(np.float32)


@decision
def _scratch_room(h: Any) -> int:
    """float32 cells of the head's scratch: 8 widths for a step, or the logits and the rectified layer of a draw."""
    return max(8 * h.width, MOST_CLASSES + h.head)


@decision
def _state_at(h: Any) -> int:
    return 2 * context_room(h) + block_room(h)


@decision
def _kept_at(h: Any) -> int:
    return _state_at(h) + h.width + h.head + _scratch_room(h) + h.width


@decision
def history_of(h: Any, m: Any, is_mirrored: int) -> Any:
    """One of the two histories, shape (context_room,)."""
    room = context_room(h)
    return m[is_mirrored * room : (is_mirrored + 1) * room]


@decision
def context_of(h: Any, m: Any, is_mirrored: int) -> Any:
    """A history's context vector, shape (width,)."""
    at = is_mirrored * context_room(h) + h.layers * h.window * 2 * h.width
    return m[at : at + h.width]


@decision
def block_of(h: Any, m: Any) -> Any:
    """The block's room, shape (block_room,); row k + 1 of width numbers is the vector of position k."""
    at = 2 * context_room(h)
    return m[at : at + block_room(h)]


@decision
def state_of(h: Any, m: Any) -> Any:
    """The head's recurrent state, shape (width,)."""
    at = _state_at(h)
    return m[at : at + h.width]


@decision
def layer_of(h: Any, m: Any) -> Any:
    """The head's last layer, shape (head,)."""
    at = _state_at(h) + h.width
    return m[at : at + h.head]


@decision
def scratch_of(h: Any, m: Any) -> Any:
    """Room for one step of the head or one draw."""
    at = _state_at(h) + h.width + h.head
    return m[at : at + _scratch_room(h)]


@decision
def draft_state_of(h: Any, m: Any) -> Any:
    """Recurrent state of a draft, shape (width,)."""
    at = _state_at(h) + h.width + h.head + _scratch_room(h)
    return m[at : at + h.width]


@decision
def kept_layer_of(h: Any, m: Any) -> Any:
    """A copy of the head's last layer, shape (head,)."""
    at = _kept_at(h)
    return m[at : at + h.head]


@decision
def is_remembered(flow: Any, number: int) -> bool:
    """Whether an own order is among the latest ones, whose births are kept."""
    return number > 0 and int(flow.last_number) - number < N_BIRTHS


@decision
def remember_birth(flow: Any, number: int, time_ns: float) -> None:
    """Remember when an own order was sent, or one of the marks."""
    if is_remembered(flow, number):
        flow.births_ns[number % N_BIRTHS] = time_ns


@decision
def birth_ns(flow: Any, number: int) -> float:
    """When an own order was born, a mark, or 0: not known any more."""
    return float(flow.births_ns[number % N_BIRTHS]) if is_remembered(flow, number) else 0.0
