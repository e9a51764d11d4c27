"""Run the engine and its twin on the same messages and say where they differ first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lob import OrderBook
from lob.reference import ReferenceBook
from lob.rules import Instrument
from lob.types import MESSAGE
from tests.lob.streams import Climate, LivingStream

Array = npt.NDArray[Any]


@dataclass
class Difference(AssertionError):
    """The first message that engine and twin answer differently, and all messages up to it."""

    instrument: Instrument
    messages: Array
    engine: Array
    twin: Array

    def __str__(self) -> str:
        """Show the instrument, the message and both answers."""
        return "\n".join(
            [f"{self.instrument}", f"message {len(self.messages)}: {show(self.messages[-1])}"]
            + [f"  engine: {show(row)}" for row in self.engine]
            + [f"  twin:   {show(row)}" for row in self.twin]
        )


def show(record: Any) -> str:
    """Print a record with its fields named, without those that are zero."""
    return " ".join(f"{name}={record[name]}" for name in record.dtype.names if record[name])


def same(left: Array, right: Array) -> bool:
    """Whether two record arrays are equal to the byte."""
    return left.dtype == right.dtype and left.tobytes() == right.tobytes()


def step_by_step(instrument: Instrument, messages: Array, look: Callable[..., None] | None = None) -> None:
    """Send the messages one by one, raise at the first Difference; `look` is called after each."""
    book, twin = OrderBook(instrument), ReferenceBook(instrument)
    for i in range(len(messages)):
        engine_rows, twin_rows = book.apply(messages[i : i + 1]), twin.apply(messages[i : i + 1])
        if not same(engine_rows, twin_rows):
            raise Difference(instrument, messages[: i + 1], engine_rows, twin_rows)
        if look is not None:
            look(book, twin)


def long_run(
    instrument: Instrument,
    climate: Climate,
    seed: int,
    n_messages: int,
    look: Callable[..., None] | None = None,
    look_every: int = 50,
) -> Array:
    """Compare a living stream chunk by chunk; return how often each (kind, reason) was written.

    Raises:
        Difference: with the shortest stream found that still shows one.
    """
    book, twin = OrderBook(instrument), ReferenceBook(instrument)
    stream = LivingStream(twin, climate, seed)
    sent: list[Array] = []
    seen = np.zeros((256, 256), np.int64)
    for i, start in enumerate(range(0, n_messages, climate.chunk)):
        messages = stream.next(min(climate.chunk, n_messages - start))
        sent.append(messages)
        engine_rows, twin_rows = book.apply(messages), twin.apply(messages)
        if not same(engine_rows, twin_rows):
            raise minimise(instrument, np.concatenate(sent))
        np.add.at(seen, (twin_rows["kind"], twin_rows["reason"]), 1)
        if look is not None and i % look_every == 0:
            look(book, twin)
    return seen


def difference(instrument: Instrument, messages: Array) -> Difference | None:
    """Return the first difference in a stream, None if there is none."""
    book, twin = OrderBook(instrument), ReferenceBook(instrument)
    if same(book.apply(messages), twin.apply(messages)):
        return None
    try:
        step_by_step(instrument, messages)
    except Difference as found:
        return found
    raise AssertionError("rows differ when the messages come as one batch, not when they come one by one")


def minimise(instrument: Instrument, messages: Array) -> Difference:
    """Cut a differing stream down: leave out ever smaller pieces while a difference remains.

    Leaving out an order shifts the ids of all later ones, so the messages change their meaning.
    That is fine: any difference will do.
    """
    found = difference(instrument, messages)
    assert found is not None
    piece = len(found.messages) // 2
    while piece:
        start = 0
        while start < len(found.messages):
            rest = np.concatenate([found.messages[:start], found.messages[start + piece :]]).astype(MESSAGE)
            smaller = difference(instrument, rest) if len(rest) else None
            if smaller is None:
                start += piece
            else:
                found = smaller
        piece //= 2
    return found
