"""How fast the learned flow sends: the wandering rate it is told to keep, and the guard against bursts.

No second, ten seconds or minute of the clock gets more orders than the recording's busiest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.flow.tables import first_activity, most_orders, next_activity
from agents.flow.tokenizer import PACE_WINDOWS_S
from sim.policy import decision
from sim.rng import draw_key, normal_quantile, raw_uniform

__all__ = ["count_order", "held_back", "keep_pace"]

PACE_STREAM, MINUTE_NS = 8, 60_000_000_000


@decision
def keep_pace(view: Any, agent: Any, h: Any, w: Any, flow: Any, shift: float) -> None:
    """Move the log activity to this minute; its path comes from keyed draws, whatever happens in the market.

    `shift` is added to it: the setting `activity`.
    """
    minute = view.time_ns // MINUTE_NS
    if flow.minute == 0:
        flow.minute = float(minute)
        z = normal_quantile(raw_uniform(draw_key(agent.key, minute, PACE_STREAM), 0))
        flow.activity = shift + first_activity(h, w, z)
    while flow.minute < minute:
        flow.minute += 1.0
        z = normal_quantile(raw_uniform(draw_key(agent.key, int(flow.minute), PACE_STREAM), 0))
        flow.activity = shift + next_activity(h, w, flow.activity - shift, z)


@decision
def held_back(h: Any, w: Any, flow: Any, due: float) -> float:
    """Time of the next order: later if a window of the clock already holds as many as the recording ever did."""
    for k in range(len(PACE_WINDOWS_S)):
        length = PACE_WINDOWS_S[k] * 1e9
        window = np.floor(due / length)
        if flow.window_number[k] == window and flow.window_count[k] >= most_orders(h, w, k):
            flow.n_guarded += 1.0
            due = (window + 1.0) * length
    return due


@decision
def count_order(flow: Any, time_ns: int) -> None:
    """Count an order that is sent in the clock's present windows."""
    for k in range(len(PACE_WINDOWS_S)):
        window = np.floor(time_ns / (PACE_WINDOWS_S[k] * 1e9))
        if flow.window_number[k] != window:
            flow.window_number[k], flow.window_count[k] = window, 0.0
        flow.window_count[k] += 1.0
