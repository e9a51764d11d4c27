"""The recorded flow itself, sent again message by message through the same exchange, in place of a fitted model.

Nothing is estimated. A market lies within the recorded time and begins with the book that rested at its opening. The
flow does not answer to anybody (see agents/background/replay.py), and every seed gives the same tape. Fitted to the
hour that others are judged by, it is the ceiling of every score; fitted to another hour, it shows how far two real
hours are from each other. An order that left the recorded levels and came back has lost its number (the record does not
tell whose quantity entered), so that its deletion shows as a partial cancel of the quantity at its price.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agents.background.replay import WINDOW, decide, recorded_messages
from lob.errors import InputError
from lob.recording import RECORDED, Recording
from lob.replay import replayed_rows
from lob.types import EventKind
from lob.units import SECOND_NS
from scenarios.baselines._fitted import Baseline, Fitted, check_flow, market_of
from sim.distributions import Settings
from sim.market import Market
from sim.metrics.flow import FlowKind, OrderFlow, visible_flow_of_tape
from sim.policy import Policy

__all__ = ["BASELINE", "ReplayFitted", "day_of_flow", "fit"]

LAYING_NS = 1_000
"""Time in which the first book is sent."""


class Recorded(Settings):
    """What is sent again.

    Attributes:
        first_s, last_s: time of the first and the last recorded event, in s since midnight.
        n_events: number of events.
    """

    first_s: float
    last_s: float
    n_events: int


@dataclass(frozen=True)
class ReplayFitted(Fitted):
    """A recorded flow; `rows` is the tape that its replay alone writes."""

    rows: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(0))

    def market(self, seed: int, open_ns: int, close_ns: int, reference_ticks: int) -> Market:
        """Return a market in which the recorded messages of this time are sent again.

        Raises:
            InputError: if nothing was recorded between the two times.
        """
        first_ns, last_ns = int(self.rows["time_ns"][0]), int(self.rows["time_ns"][-1])
        if open_ns >= last_ns or close_ns <= first_ns:
            raise InputError(
                f"replay of {self.name} from {open_ns / SECOND_NS:g} s to {close_ns / SECOND_NS:g} s; allowed: times "
                f"that overlap the recording, {first_ns / SECOND_NS:g} s to {last_ns / SECOND_NS:g} s"
            )
        cells = recorded_messages(self.rows, open_ns).ravel()
        policy = replace(self.policy, block=lambda _: cells)
        return market_of(self.name, policy, self.settings, seed, open_ns, close_ns, reference_ticks)

    def flow(self, rows: np.ndarray[Any, Any], levels: int) -> OrderFlow:
        """Return the visible flow without the submissions that the recording does not show.

        Quantity that enters the recorded levels is sent as an order, and so is the book at the opening; in the files
        neither is an event.
        """
        flow = visible_flow_of_tape(rows, levels)
        added = rows[(rows["kind"] == EventKind.ADD)]
        window = added["order_id"][added["parent_id"] == WINDOW]
        laid = added["order_id"][added["time_ns"] <= rows["time_ns"][0] + LAYING_NS]
        unseen = np.isin(flow.order_id, np.concatenate([window, laid])) & (flow.kind == FlowKind.SUBMIT)
        return flow.take(~unseen)


def day_of_flow(flow: OrderFlow, name: str) -> Recording:
    """Return a flow with its book as a recorded day."""
    assert flow.book is not None
    messages = np.zeros(len(flow), RECORDED)
    messages["time_ns"], messages["type"], messages["order_id"] = flow.time_ns, flow.kind, flow.order_id
    messages["size"], messages["direction"] = flow.size_lots, flow.side
    # Hidden executions may be at half ticks.
    messages["price"] = np.rint(2 * flow.price_ticks)
    book = np.where(np.isfinite(flow.book), np.rint(flow.book), 0.0).astype(np.int32)
    return Recording(name, messages, book, tick_units=2, price_units=2)


def fit(flow: OrderFlow, name: str) -> Fitted:
    """Take a flow with its book as it is.

    Raises:
        InputError: if the flow has no book or too few events.
    """
    flow = check_flow(flow, name)
    rows, _ = replayed_rows(day_of_flow(flow, name))
    settings = Recorded(
        first_s=float(flow.time_ns[0]) / SECOND_NS, last_s=float(flow.time_ns[-1]) / SECOND_NS, n_events=len(flow)
    )
    return ReplayFitted("replay", name, Policy(Recorded, decide), settings, {"events": float(len(flow))}, rows)


BASELINE = Baseline("replay of the recorded flow", "agents/background/replay.py", fit)
