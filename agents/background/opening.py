"""The book of a recording at one moment, order by order, as the book that a market opens with.

All orders that rested then are sent when that time has come (at the open, if the session begins later): in the order
of their arrival, so that each stands where it stood in its queue, with the quantity that was left of it. They belong to
one agent. Nobody else sees when they were entered; `opening_orders` tells it.

Without more they rest until somebody trades with them. With `lives = "recorded"` each is withdrawn, in part or whole,
when the record withdrew or executed it: the market forgets its opening as fast as the real one did, but learns what
was going to happen to it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from agents.background.replay import (
    COLUMNS,
    KIND,
    NUMBER,
    QTY,
    TIME,
    decide,
    once_for_each_file,
    orders_of,
    read_options,
    recorded_messages,
    resting_rows,
    time_of_day,
)
from lob.codes import CANCEL, REDUCE
from lob.errors import InputError
from lob.recording import Recording
from lob.replay import replayed_rows
from lob.types import EventKind
from sim.distributions import DataFile, Settings
from sim.formats.reading import read_recording
from sim.policy import Policy
from sim.times import clock, clock_time_ns

__all__ = ["Opening", "opening_orders", "policy"]


class Opening(Settings):
    """Settings of an opening book; a population of one agent.

    Attributes:
        recording: a recording of any format (docs/recordings.md).
        at: time "HH:MM:SS" of the recording.
        lives: "rest": until they are executed; "recorded": until the record withdrew or executed them.
        book: LOBSTER's orderbook file; default: the one beside the message file.
        symbol: the instrument, where the recording holds several.
        mapping: file that says what the columns of a CSV or Parquet file mean.
        zone: time zone of the exchange, for recordings in UTC.
        tick_size: one tick in the currency, the instrument's; a scenario fills in its own.
        lot_size: one lot in shares or coins; 0: what the sizes say. A scenario fills in its own.
    """

    recording: DataFile
    at: str
    lives: Literal["rest", "recorded"] = "rest"
    book: DataFile | None = None
    symbol: str | None = None
    mapping: DataFile | None = None
    zone: str | None = None
    tick_size: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.01
    lot_size: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    @field_validator("at")
    @classmethod
    def _is_time(cls, value: str) -> str:
        return time_of_day(value)


def opening_orders(recording: Recording, at_ns: int) -> np.ndarray[Any, Any]:
    """Return the orders that rest at a time of a recording, in the order of their ranks.

    Args:
        recording: with or without a book.
        at_ns: time in ns since midnight; what happened at it has happened.

    Returns:
        ADD rows of a tape, dtype EVENT: `time_ns` is when each was entered, `qty_lots` what is left of it. Rows of
        agent -2 are quantity that the recording does not show order by order.

    Raises:
        InputError: if nothing rests then.
    """
    rows, _ = replayed_rows(recording)
    found = resting_rows(rows[rows["time_ns"] <= at_ns])
    if len(found) == 0:
        times = recording.messages["time_ns"]
        raise InputError(
            f"{recording.name}: no order rests at {clock(at_ns)}; allowed: a time from {clock(int(times[0]))} to "
            f"{clock(int(times[-1]))}"
        )
    return found


@once_for_each_file
def _block(settings: Opening) -> np.ndarray[Any, Any]:
    day = read_recording(settings.recording, read_options(settings))
    at_ns = day.ns(clock_time_ns(settings.at))
    first = orders_of(opening_orders(day, at_ns), at_ns)
    if settings.lives == "rest":
        return first.ravel()
    rows, _ = replayed_rows(day)
    later = rows[rows["time_ns"] > at_ns]
    executed = later[(later["kind"] == EventKind.EXECUTE) & np.isin(later["contra_order_id"], first[:, NUMBER])]
    taken = np.zeros((len(executed), len(COLUMNS)))
    taken[:, TIME], taken[:, KIND] = executed["time_ns"], REDUCE
    taken[:, QTY], taken[:, NUMBER] = executed["qty_lots"], executed["contra_order_id"]
    sent = recorded_messages(rows, at_ns)[len(first) :]
    withdrawn = sent[np.isin(sent[:, KIND], (CANCEL, REDUCE)) & np.isin(sent[:, NUMBER], first[:, NUMBER])]
    ends = np.concatenate([withdrawn, taken])
    return np.concatenate([first, ends[np.argsort(ends[:, TIME], kind="stable")]]).ravel()


policy = Policy(Opening, decide, block=_block)
