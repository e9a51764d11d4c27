"""A recorded day as an agent: its orders, cancels and executions arrive as they did, and others may trade too.

The day is first replayed alone (lob/replay.py), which tells what stood in the book at every moment; the messages of
that replay are then sent at their recorded times through the same gate and book as everybody else's. Its limits:

- the recorded flow does not react to anybody. Its orders stay where they were placed even when others have moved the
  price, and can then be hit, or hit others; only what happens at the prices of the record is realistic;
- an execution is sent as an immediate-or-cancel order at the recorded price. Who stands first in the queue there is
  filled, recorded or not; when nobody is left at that price it expires;
- a cancel of an order that another agent has meanwhile filled is refused (reason UNKNOWN_ORDER on the tape);
- hidden orders are unknown, so hidden executions have no effect;
- depth beyond the recorded levels is unknown. Quantity that enters the recorded window stands for orders of unknown
  age: it carries `parent_id` -1, and is withdrawn when it leaves the window again;
- during a recorded halt the exchange takes cancels and no new orders from anybody (a scenario's market halts when the
  record does). What the record placed meanwhile and still had when trading resumed is sent then; quotes that were shown
  in between, and the trades of a cross, are not on the tape.

The session must lie within the recorded day. What rests at `start` is sent at the open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from lob.codes import CANCEL, IOC, LIMIT, REDUCE
from lob.recording import Recording
from lob.replay import halts_of, replayed_rows
from lob.replay_kernel import SEEDER
from lob.types import EVENT, EventKind, Flag, Phase
from sim.distributions import DataFile, Settings, file_fields
from sim.formats.reading import ReadOptions, read_recording
from sim.policy import Policy, block, decision, indices, own_order_id, send_cancel, send_limit, send_reduce
from sim.records import MAX_OUT
from sim.times import clock_time_ns

__all__ = ["Replay", "policy", "read_recorded", "recorded_halts", "recorded_messages", "resting_rows"]

WINDOW = -1
"""`parent_id` of quantity that entered the recorded window."""
IOC_ORDER = 99
"""Code of an immediate-or-cancel limit order in the block."""
COLUMNS = ("time_ns", "kind", "side", "price_ticks", "qty_lots", "number", "parent_id")
TIME, KIND, SIDE, PRICE, QTY, NUMBER, PARENT = range(len(COLUMNS))
SETTLING_NS = 1_000_000
"""From the open of a session inside a halt until that halt begins: the book at rest must have been sent by then."""
BURST_NS = 1_000
"""From a recorded halt until it begins: messages of one instant arrive 1 ns apart."""


class Replay(Settings):
    """Settings of a recorded day; a population of one agent.

    Attributes:
        message: path of the recording, of any format (docs/recordings.md).
        book: path of LOBSTER's orderbook file; default: the one beside the message file.
        start: time "HH:MM:SS" from which on messages are sent; set it to the opening time of the session. None: the
            first message of the day.
        tick_size: one tick in the currency, the instrument's; a scenario fills in its own.
        lot_size: one lot in shares or coins; 0: what the sizes say. A scenario fills in its own.
        symbol: the instrument, where the recording holds several.
        mapping: file that says what the columns of a CSV or Parquet file mean.
        zone: time zone of the exchange, for recordings in UTC.
    """

    message: DataFile
    book: DataFile | None = None
    start: str | None = None
    tick_size: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.01
    lot_size: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    symbol: str | None = None
    mapping: DataFile | None = None
    zone: str | None = None

    @field_validator("start")
    @classmethod
    def _is_time(cls, value: str | None) -> str | None:
        return None if value is None else time_of_day(value)


def time_of_day(value: str) -> str:
    """Return a time; raise ValueError if it is not "HH:MM:SS"."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]", value):
        raise ValueError(f"{value!r} is not a time; allowed: HH:MM:SS")
    return value


def read_options(settings: Any) -> ReadOptions:
    """Return what settings of a recorded day say about its file."""
    book, mapping = (Path(name) if name else None for name in (settings.book, settings.mapping))
    return ReadOptions(settings.tick_size, settings.lot_size or None, settings.symbol, book, mapping, settings.zone)


def read_recorded(settings: Replay) -> Recording:
    """Return the recorded day."""
    return read_recording(settings.message, read_options(settings))


def recorded_messages(rows: np.ndarray[Any, Any], start_ns: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the messages that write these tape rows, shape (n, len(COLUMNS)), in the order of their times.

    What was sent before `start_ns` and still rests then comes first, stamped with that time. New orders of a halt are
    sent at its end, as far as they still rest then.

    Args:
        rows: tape of one symbol, dtype EVENT.
        start_ns: time of the first message to be sent, in ns since midnight.
    """
    rows = _without_halts(rows)
    early = rows["time_ns"] < start_ns
    resting = resting_rows(rows[early])
    rows = rows[~early]
    first = np.flatnonzero(rows["flags"] & Flag.FIRST)
    heads = rows[first]
    kinds = np.array([LIMIT, CANCEL, REDUCE, IOC_ORDER], np.float64)
    of_kind = {EventKind.ADD: 0, EventKind.CANCEL: 1, EventKind.REDUCE: 2, EventKind.EXECUTE: 3}
    code = np.full(256, -1)
    for kind, position in of_kind.items():
        code[kind] = position
    sent = np.empty((len(heads), len(COLUMNS)))
    sent[:, TIME] = heads["time_ns"]
    sent[:, KIND] = kinds[code[heads["kind"]]]
    sent[:, SIDE] = heads["side"]
    sent[:, PRICE] = heads["price_ticks"]
    sent[:, QTY] = heads["qty_lots"]
    sent[:, NUMBER] = heads["order_id"]
    sent[:, PARENT] = np.where(heads["agent"] == SEEDER, WINDOW, 0)
    sent = sent[code[heads["kind"]] >= 0]
    return np.concatenate([orders_of(resting, start_ns), sent])


def _without_halts(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return tape rows in which each new order of a halt is at its end, with the quantity that is left of it."""
    phases = np.flatnonzero(rows["kind"] == EventKind.PHASE)
    pieces, done = [], 0
    for k, first in enumerate(phases):
        if rows["qty_lots"][first] != Phase.HALTED:
            continue
        end = int(phases[k + 1]) if k + 1 < len(phases) else len(rows)
        inside = rows[first:end]
        late = resting_rows(inside)
        placed = np.unique(inside["order_id"][inside["kind"] == EventKind.ADD])
        pieces += [rows[done:first], inside[~np.isin(inside["order_id"], placed)]]
        if end < len(rows):
            late["time_ns"] = rows["time_ns"][end]
            pieces.append(late)
        done = end
    return np.concatenate([*pieces, rows[done:]])


def resting_rows(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the ADD rows of the orders that rest after these rows, with their open quantity."""
    added = rows[rows["kind"] == EventKind.ADD]
    n_ids = int(rows["order_id"].max(initial=0)) + 1
    open_lots = np.zeros(n_ids, np.int64)
    np.add.at(open_lots, added["order_id"], added["qty_lots"])
    for kind, name in (
        (EventKind.CANCEL, "order_id"),
        (EventKind.REDUCE, "order_id"),
        (EventKind.EXECUTE, "contra_order_id"),
    ):
        gone = rows[rows["kind"] == kind]
        np.subtract.at(open_lots, gone[name], gone["qty_lots"])
    left = open_lots[added["order_id"]]
    resting = added[left > 0].copy()
    resting["qty_lots"] = left[left > 0]
    return resting


def orders_of(rows: np.ndarray[Any, Any], time_ns: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return ADD rows as messages that are sent at a time, shape (n, len(COLUMNS))."""
    orders = np.empty((len(rows), len(COLUMNS)))
    orders[:, TIME], orders[:, KIND] = time_ns, LIMIT
    orders[:, SIDE], orders[:, PRICE], orders[:, QTY] = rows["side"], rows["price_ticks"], rows["qty_lots"]
    orders[:, NUMBER], orders[:, PARENT] = rows["order_id"], np.where(rows["agent"] == SEEDER, WINDOW, 0)
    return orders


def once_for_each_file(
    make: Callable[[Any], np.ndarray[Any, Any]],
) -> Callable[[Any], np.ndarray[Any, Any]]:
    """Let a block be made once for many markets of the same settings, as long as its files stay as they are."""

    @lru_cache(maxsize=4)
    def kept(settings: type[Settings], text: str, _stamps: tuple[Any, ...]) -> np.ndarray[Any, Any]:
        made = make(settings.model_validate_json(text))
        made.flags.writeable = False
        return made

    def block(settings: Settings) -> np.ndarray[Any, Any]:
        files = [Path(name) for field in file_fields(type(settings)) if (name := getattr(settings, field))]
        stamps = tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files if path.exists())
        return kept(type(settings), settings.model_dump_json(), stamps)

    return block


@once_for_each_file
def _block(settings: Replay) -> np.ndarray[Any, Any]:
    day = read_recorded(settings)
    rows, _ = replayed_rows(day)
    assert rows.dtype == EVENT
    start_ns = 0
    if settings.start is not None:
        start_ns = day.ns(clock_time_ns(settings.start))
    return recorded_messages(rows, start_ns).ravel()


def recorded_halts(settings: Replay, open_ns: int, close_ns: int) -> list[tuple[int, int]]:
    """Return the times (from, until) in ns at which a session is halted because the record was.

    Args:
        settings: of the recorded day.
        open_ns: beginning of the session.
        close_ns: its end.

    Raises:
        InputError: if the files cannot be read.
    """
    day = read_recorded(settings)
    halts = []
    for halt in halts_of(day.messages):
        begins = max((halt.start_ns or 0) + BURST_NS, open_ns + SETTLING_NS)
        ends = close_ns if halt.end_ns is None else halt.end_ns
        if begins < min(ends, close_ns):
            halts.append((begins, min(ends, close_ns)))
    return halts


S = indices(None, "next")
WIDTH = len(COLUMNS)


@decision
def decide(view: Any, agent: Any, out: Any) -> int:
    """Send all messages that are due; wake again when the next one is."""
    cells = block(view)
    count = len(cells) // WIDTH
    position = int(agent.state[S.next])
    sent = 0
    while position < count and cells[position * WIDTH + TIME] <= view.time_ns and sent < MAX_OUT:
        row = position * WIDTH
        kind, side, price = int(cells[row + KIND]), int(cells[row + SIDE]), int(cells[row + PRICE])
        qty, number, parent = int(cells[row + QTY]), int(cells[row + NUMBER]), int(cells[row + PARENT])
        if kind == LIMIT:
            send_limit(out, side, price, qty, 0, 0, parent, own_order_id(view, number))
        elif kind == IOC_ORDER:
            send_limit(out, side, price, qty, IOC, 0, parent)
        elif kind == CANCEL:
            send_cancel(out, own_order_id(view, number))
        else:
            send_reduce(out, own_order_id(view, number), qty)
        position += 1
        sent += 1
    agent.state[S.next] = position
    if position >= count:
        return 0
    return max(1, int(cells[position * WIDTH + TIME]) - view.time_ns)


policy = Policy(Replay, decide, block=_block)
