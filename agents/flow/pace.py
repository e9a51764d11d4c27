"""How fast the learned flow sends: the wandering rate it is told to keep, and the guard against bursts.

No second, ten seconds or minute of the clock gets more orders than the recording's busiest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.flow.memory import ACTIVITY, GUARDED, MINUTE, WINDOWS
from agents.flow.tables import first_activity, most_orders, next_activity
from agents.flow.tokenizer import PACE_WINDOWS_S
from sim.policy import decision
from sim.rng import draw_key, normal_quantile, raw_uniform

__all__ = ["count_order", "held_back", "keep_pace"]

PACE_STREAM, MINUTE_NS = 8, 60_000_000_000


@decision
def keep_pace(view: Any, agent: Any, h: Any, w: Any, cells: Any, shift: float) -> None:
    """Move the log activity to this minute; its path comes from keyed draws, whatever happens in the market.

    `shift` is added to it: the setting `activity`.
    """
    minute = view.time_ns // MINUTE_NS
    if cells[MINUTE] == 0:
        cells[MINUTE] = float(minute)
        z = normal_quantile(raw_uniform(draw_key(agent.key, minute, PACE_STREAM), 0))
        cells[ACTIVITY] = shift + first_activity(h, w, z)
    while cells[MINUTE] < minute:
        cells[MINUTE] += 1.0
        z = normal_quantile(raw_uniform(draw_key(agent.key, int(cells[MINUTE]), PACE_STREAM), 0))
        cells[ACTIVITY] = shift + next_activity(h, w, cells[ACTIVITY] - shift, z)


@decision
def held_back(h: Any, w: Any, cells: Any, due: float) -> float:
    """Time of the next order: later if a window of the clock already holds as many as the recording ever did."""
    for k in range(len(PACE_WINDOWS_S)):
        length = PACE_WINDOWS_S[k] * 1e9
        window = np.floor(due / length)
        if cells[WINDOWS + 2 * k] == window and cells[WINDOWS + 2 * k + 1] >= most_orders(h, w, k):
            cells[GUARDED] += 1.0
            due = (window + 1.0) * length
    return due


@decision
def count_order(cells: Any, time_ns: int) -> None:
    """Count an order that is sent in the clock's present windows."""
    for k in range(len(PACE_WINDOWS_S)):
        window, at = np.floor(time_ns / (PACE_WINDOWS_S[k] * 1e9)), WINDOWS + 2 * k
        if cells[at] != window:
            cells[at], cells[at + 1] = window, 0.0
        cells[at + 1] += 1.0
