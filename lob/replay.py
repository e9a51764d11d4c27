"""Replay of a recorded day through the matching engine, compared with the recorded book after every message.

A recorded book shows N levels on each side. What lies beyond is unknown, so

- the book is seeded from the first row (less the first message, which is then sent like all others);
- depth that leaves the recorded window is forgotten, since its later cancels would not be in the file;
- depth that enters the window is seeded from that row; cells seeded from a row are not compared at that row;
- a price inside the window of the row before is never seeded: it must be right by itself;
- where far stub quotes stretch a day over more prices than a book can hold, the range lies around the touch, and
  messages and cells outside of it are counted.

Seeded quantity is one anonymous order at its price, in front of what comes later, though its true rank is unknown: a
message about an order that the engine does not know takes its quantity from there. An execution is sent as an
aggressive order. When the order that the record names is not the head of its queue, the exception is counted and
listed, and the orders in front go to the back, as the record has shown that they stand behind; where only seeded
quantity stood in front, that is no exception.

Halts are those of the record. New orders during one are shown and rest even where they cross, as NASDAQ does; what is
executed then belongs to a cross, which takes orders of all prices at one, so that no turn is asked for. A record
without a book is sent through the engine just so; there is nothing to seed from and nothing to compare with.

Messages go through in stretches, so that memory holds the messages, the orders that rest and one stretch of the book.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.book import new_book
from lob.errors import InputError, RunError
from lob.recording import EXECUTE, HALT, HALTED, NEW, QUOTING, RESUMED, Recording, check_tick
from lob.replay_kernel import COUNTS, N_NAMED, OUTSIDE, add_seed, replay_all, set_phase
from lob.rules import MAX_ORDER_LOTS, MAX_PRICES, Instrument
from lob.tape import new_tape, rows_of
from lob.types import MESSAGE, Phase

__all__ = ["COUNTS", "Halt", "Replay", "halts_of", "replay", "replayed_rows"]

STRETCH = 1 << 14
"""Messages sent at once."""
REQUEUED = 1 << 20
"""Orders that one stretch may move to the back of their queues."""
MAX_PRICE_TICKS = 2**30
"""Of an engine's book."""


@dataclass(frozen=True)
class Halt:
    """A time without trading.

    Attributes:
        start_ns: when trading stopped; None: before the record begins.
        quotes_ns: when quotes were taken again; None: not told.
        end_ns: when trading went on; None: not within the record.
    """

    start_ns: int | None
    quotes_ns: int | None = None
    end_ns: int | None = None


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes:
        name: the day.
        by_type: number of messages of type 0 to 7.
        counts: see COUNTS.
        levels_right: shape (2, levels): share of the compared cells that agree, nan if none was; side 0 the bid.
        exceptions: indices of executions whose named order was not the head of its queue, the first 10,000.
        strangers: indices of messages without effect, since neither their order nor quantity to take was known.
        halts: of the record.
        engine_s: seconds in the compiled loop: engine, seeding and comparison.
    """

    name: str
    by_type: np.ndarray[Any, Any]
    counts: dict[str, int]
    levels_right: np.ndarray[Any, Any]
    exceptions: np.ndarray[Any, Any]
    strangers: np.ndarray[Any, Any]
    halts: list[Halt]
    engine_s: float

    @property
    def agreement(self) -> float:
        """Share of messages after which the touch and the first five levels agree."""
        return self.counts["agreeing"] / max(1, self.counts["messages"])

    @property
    def head_share(self) -> float:
        """Share of the executions in continuous trading that took the head of the best queue; 1 if there is none."""
        if self.counts["executions"] == 0:
            return 1.0
        return self.counts["executions_at_head"] / self.counts["executions"]

    @property
    def messages_per_s(self) -> float:
        """Rate of the compiled loop."""
        return self.counts["messages"] / max(self.engine_s, 1e-9)


def halts_of(messages: np.ndarray[Any, Any]) -> list[Halt]:
    """Return the halts of recorded messages (dtype RECORDED), in order.

    A record that tells of an end before it tells of a beginning begins within a halt.
    """
    found: list[Halt] = []
    current: Halt | None = None
    for row in messages[messages["type"] == HALT]:
        at, what = int(row["time_ns"]), int(row["price"])
        if current is None:
            if what != HALTED and found:  # told twice
                continue
            current = Halt(at if what == HALTED else None)
        if what == QUOTING:
            current = Halt(current.start_ns, at)
        elif what == RESUMED:
            found.append(Halt(current.start_ns, current.quotes_ns, at))
            current = None
    return found + ([current] if current is not None else [])


def _levels(day: Recording, first: int, last: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return prices in ticks and sizes of some rows, shape (n, 2, levels), side 0 the bid; size 0: no level."""
    book = np.asarray(day.book[first:last])[:, :, [2, 3, 0, 1]].transpose(0, 2, 1)  # the bid first
    return np.ascontiguousarray(book[:, 0::2]), np.ascontiguousarray(book[:, 1::2])


def _before_first(day: Recording, tick: int) -> list[tuple[int, int, int]]:
    """Return (side index, price in ticks, lots): the first row without the effect of the first message."""
    first = day.messages[0]
    prices, sizes = _levels(day, 0, 1)
    cells = {(s, int(p)): int(q) for s in range(2) for p, q in zip(prices[0, s], sizes[0, s], strict=True) if q > 0}
    here = (0 if first["direction"] > 0 else 1, tick)
    if first["type"] == NEW:
        cells[here] = cells.get(here, 0) - int(first["size"])
    elif first["type"] <= EXECUTE:
        cells[here] = cells.get(here, 0) + int(first["size"])
    return [(s, p, q) for (s, p), q in cells.items() if q > 0]


def _price_range(day: Recording, ticks: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Return the lowest price and the number of prices that a book of this day needs, as far as a book can be."""
    active = ticks[day.is_visible]
    lows, highs = [int(active.min())] if len(active) else [], [int(active.max())] if len(active) else []
    for first in range(0, len(ticks) if day.levels else 0, STRETCH):
        prices, sizes = _levels(day, first, first + STRETCH)
        held = prices[sizes > 0]
        if len(held):
            lows.append(int(held.min()))
            highs.append(int(held.max()))
    if not lows:
        raise InputError(f"{day.name}: the day is empty; expected at least one price")
    low, n_prices = min(lows), max(highs) - min(lows) + 1
    if n_prices > MAX_PRICES:
        # Most messages are near the touch. The lower median is a price that occurred, not one between market and stub.
        middle = int(np.percentile(active, 50, method="lower")) if len(active) else low
        low, n_prices = max(0, middle - MAX_PRICES // 2), MAX_PRICES
    if abs(low) > MAX_PRICE_TICKS:
        raise InputError(
            f"{day.name}: prices near {low * day.tick_size:g} are {low} ticks of {day.tick_size:g}; allowed: up to "
            f"{MAX_PRICE_TICKS} ticks, hence a larger tick"
        )
    return low, n_prices


@dataclass
class _Run:
    """A replay that has been run, with its book and its tape."""

    rows: list[np.ndarray[Any, Any]]
    counts: np.ndarray[Any, Any]
    cells: np.ndarray[Any, Any]
    exceptions: np.ndarray[Any, Any]
    strangers: np.ndarray[Any, Any]
    instrument: Instrument
    engine_s: float


def replay(day: Recording) -> Replay:
    """Send a recorded day through the engine and compare the books.

    Raises:
        InputError: if a visible price lies between ticks or beyond those of a book, or there is no price at all.
    """
    run = _run(day, keep_rows=False)
    return Replay(
        day.name,
        np.bincount(day.messages["type"], minlength=8),
        {name: int(value) for name, value in zip(COUNTS, run.counts, strict=True)},
        np.where(run.cells[:, :, 0] > 0, run.cells[:, :, 1] / np.maximum(run.cells[:, :, 0], 1), np.nan),
        run.exceptions[run.exceptions >= 0],
        run.strangers[run.strangers >= 0],
        halts_of(day.messages),
        run.engine_s,
    )


def replayed_rows(day: Recording) -> tuple[np.ndarray[Any, Any], Instrument]:
    """Return the tape of a recorded day, and the instrument whose range of prices holds it.

    Rows of agent -2 are seeded quantity whose owner the record does not show; all others are of agent -1.

    Raises:
        InputError: as `replay`.
    """
    run = _run(day, keep_rows=True)
    return np.concatenate(run.rows), run.instrument


def _run(day: Recording, keep_rows: bool) -> _Run:
    check_tick(day)
    ticks = day.messages["price"] // day.tick_units
    low, n_prices = _price_range(day, ticks)
    ticks = np.where(day.is_visible, ticks, low).astype(np.int64)
    ids, dense = np.unique(day.messages["order_id"], return_inverse=True)
    max_orders = len(day.messages) + 4 * day.levels + 1
    instrument = Instrument(
        day.name, min_price_ticks=low, n_prices=n_prices, max_orders=max_orders, max_order_lots=MAX_ORDER_LOTS
    )
    block, book = new_book(instrument)
    # A kept tape has room for all that a message can bring: its own row, and each recorded level seeded and forgotten.
    # A message may also sweep the book: the tape of a replay that keeps nothing begins again, one that keeps cannot.
    tape_block, tape = new_tape((4 * day.levels + 8) * STRETCH + max_orders + 4)
    seeds = np.zeros((2, n_prices), np.int64)
    counts = np.zeros(len(COUNTS), np.int64)
    cells = np.zeros((2, day.levels, 2), np.int64)
    exceptions, strangers = np.full((2, N_NAMED), -1, np.int64)
    message = np.zeros(1, MESSAGE)[0]
    halts = halts_of(day.messages)
    if halts and halts[0].start_ns is None:
        message["time_ns"] = day.messages["time_ns"][0]
        set_phase(book, tape, message, int(Phase.HALTED))
    for s, price, lots in _before_first(day, int(ticks[0])) if day.levels else []:
        if low <= price < low + n_prices:
            add_seed(book, tape, message, seeds, s, price - low, lots)
    known, named = np.zeros(len(ids), np.int64), np.zeros(1, np.int32)
    worst = np.zeros(2, np.int64)
    kept: list[np.ndarray[Any, Any]] = []
    spent = 0.0
    for first in range(0, len(ticks), STRETCH):
        part = slice(first, first + STRETCH)
        prices, sizes = _levels(day, first, first + STRETCH)
        inside = (prices >= low) & (prices < low + n_prices)
        prices = np.where(sizes > 0, np.where(inside, prices - low, OUTSIDE), -1)
        # Every message and every recorded cell can bring one new engine id, and each requeued order another.
        named = _longer(named, int(book["next_order_id"]) + len(prices) * (2 * day.levels + 1) + REQUEUED)
        recorded: tuple[Any, ...] = (day.messages[part], ticks[part], dense[part])
        rest: tuple[Any, ...] = (first, worst, prices, sizes, known, named, seeds, counts, cells, exceptions, strangers)
        if first == 0:
            replay_all(book, tape, message, *(part[:0] for part in recorded), *rest)  # compiles; sends nothing
        began = time.perf_counter()
        replay_all(book, tape, message, *recorded, *rest)
        spent += time.perf_counter() - began
        if keep_rows:
            kept.append(rows_of(tape_block).copy())
            tape["cursor"] = 0
    del block
    if keep_rows and int(book["sequence"]) != sum(map(len, kept)):
        raise RunError(f"{day.name}: the replay wrote more rows than its tape holds")
    return _Run(kept, counts, cells, exceptions, strangers, instrument, spent)


def _longer(array: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    """Return an array of at least this size that begins with the given one."""
    if size <= len(array):
        return array
    longer = np.zeros(size + size // 4, array.dtype)
    longer[: len(array)] = array
    return longer
