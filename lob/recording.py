"""What a market recorded, whoever wrote it down: messages about orders, and the book after each where there is one.

Readers of files (sim/formats/readers) bring whatever they read into this form: the seven kinds of messages are
LOBSTER's, prices are whole numbers of a small unit of the currency, sizes whole lots.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lob.errors import InputError
from lob.units import DAY_NS

__all__ = [
    "CROSS",
    "DELETE",
    "EXECUTE",
    "HALT",
    "HALTED",
    "HIDDEN",
    "NEW",
    "QUOTING",
    "RECORDED",
    "REDUCE",
    "RESTATED",
    "RESUMED",
    "Recording",
    "check_tick",
    "tick_in_units",
    "usual_tick",
    "with_tick",
]

RECORDED: np.dtype[Any] = np.dtype(
    [
        ("time_ns", "<i8"),
        ("order_id", "<i8"),
        ("price", "<i8"),
        ("size", "<i4"),
        ("type", "i1"),
        ("direction", "i1"),
        ("flags", "<i2"),
    ]
)
"""One message: time in ns after midnight, price in units of the file, size in lots, direction of the order (1 buy, -1
sell; of an execution: the resting order's), flags (RESTATED)."""
NEW, REDUCE, DELETE, EXECUTE, HIDDEN, CROSS, HALT = range(1, 8)
"""Types of messages: a new order; a part of it withdrawn; all of it; a resting order executed, in part or whole; an
execution of an order that was not shown; an auction's trade; a halt."""
HALTED, QUOTING, RESUMED = -1, 0, 1
"""Prices of messages of type HALT: trading stops, quotes are taken again, trading goes on."""
RESTATED = 1
"""Flag of messages that tell what stands in the book, as a snapshot does; nobody sent them at that time."""

USUAL_TICKS = (
    1.0, 0.5, 0.25, 0.1, 0.05, 0.03125, 0.025, 0.015625, 0.01, 0.0078125, 0.005, 0.0025, 0.001, 0.0005, 0.00025,
    0.0001, 0.00005, 0.00001, 0.000005, 1e-6, 5e-7, 1e-7, 5e-8, 1e-8, 5e-9, 1e-9,
)  # fmt: skip
"""Ticks that are recognised from prices; the largest that fits is taken."""
LOBSTER_TICKS = (1.0, 0.25, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001)
"""The same for US equities, where tenths and halves are round prices and no ticks. Each divides the one before, so that
the tick of several days is the smallest of theirs."""


@dataclass(frozen=True)
class Recording:
    """What was recorded of one instrument, usually a day.

    Attributes:
        name: ticker and date as far as the files tell them.
        messages: shape (n,), dtype RECORDED.
        book: shape (n, levels, 4), int32: ask price [ticks], ask lots, bid price [ticks], bid lots after each message;
            0 lots where a level is empty; 0 levels where no book was recorded.
        tick_units: one tick in units of the messages' prices.
        price_units: such units in one unit of the currency.
        lot_size: one lot in shares, contracts or coins.
        date: "YYYY-MM-DD", from whose midnight times count; empty if it is not known.
        format: who wrote the file: "lobster", "dbn" and so on.
        notes: what a reader should be told about how the file was taken, a line each.
    """

    name: str
    messages: np.ndarray[Any, Any]
    book: np.ndarray[Any, np.dtype[np.int32]]
    tick_units: int = 100
    price_units: int = 10_000
    lot_size: float = 1.0
    date: str = ""
    format: str = "lobster"
    notes: tuple[str, ...] = ()

    @property
    def levels(self) -> int:
        """Recorded levels on each side; 0: no book was recorded."""
        return int(self.book.shape[1])

    @property
    def tick_size(self) -> float:
        """One tick in the currency."""
        return self.tick_units / self.price_units

    def ns(self, time_ns: int) -> int:
        """Return a time of day in this recording's ns: where it goes on over midnight, that may be of the next day."""
        first, last = (int(t) for t in self.messages["time_ns"][[0, -1]]) if len(self.messages) else (0, 0)
        return time_ns + DAY_NS if time_ns < first and time_ns + DAY_NS <= last else time_ns

    @property
    def is_visible(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which messages are about visible orders, shape (n,); only their prices are surely whole ticks."""
        return np.asarray(self.messages["type"] <= EXECUTE)

    @property
    def is_occupied(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which levels hold quantity, shape (n, levels, 2), the ask first."""
        return np.asarray(self.book[:, :, 1::2] > 0)


def tick_in_units(tick_size: float, price_units: int, where: str, what: str = "prices") -> int:
    """Return a tick in units of a file's prices.

    Raises:
        InputError: if it is no multiple of them.
    """
    units = round(tick_size * price_units) if 0 < tick_size < 1e9 else 0
    if units < 1 or abs(units - tick_size * price_units) > 1e-6 * units:
        raise InputError(f"{where} = {tick_size:g}: {what} are multiples of {1 / price_units:g}; allowed: such a tick")
    return units


def usual_tick(divisor: int, price_units: int, ticks: tuple[float, ...] = USUAL_TICKS) -> int:
    """Return the largest usual tick, in units, of which a common divisor of all prices is a multiple; 0 gives 0.01."""
    candidates = [round(tick * price_units) for tick in ticks if abs(tick * price_units % 1) < 1e-9]
    fitting = next((units for units in candidates if units >= 1 and divisor % units == 0), 1)
    return fitting if divisor else max(1, price_units // 100)


def with_tick(recording: Recording, tick_size: float | None = None) -> Recording:
    """Return a recording without a book with its tick: the given one, or a usual one that fits all visible prices.

    Raises:
        InputError: if a visible price is no multiple of the given tick.
    """
    own = recording.messages["price"][recording.is_visible]
    if tick_size is None:
        return replace(recording, tick_units=usual_tick(int(np.gcd.reduce(own, initial=0)), recording.price_units))
    given = replace(recording, tick_units=tick_in_units(tick_size, recording.price_units, "tick"))
    check_tick(given)
    return given


def check_tick(recording: Recording) -> None:
    """Raise InputError if a visible message's price lies between ticks."""
    prices = recording.messages["price"]
    off = recording.is_visible & (prices % recording.tick_units != 0)
    if off.any():
        row = int(np.argmax(off))
        raise InputError(
            f"{recording.name}, message {row + 1}: price {prices[row]} (in 1/{recording.price_units:,}) is between "
            f"ticks of {recording.tick_size:g}; allowed: multiples of {recording.tick_units}, or another tick"
        )
