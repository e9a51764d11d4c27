"""The days whose orders are analysed: their flow, and in a run whose orders they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lob.errors import Argument, InputError
from scenarios.data.flows import read_flows, tapes_at
from scenarios.run.summary import read_summary
from scenarios.schema.times import window_ns
from sim.formats.reading import ReadOptions
from sim.metrics.flow import OrderFlow, agents_of_tape, flow_of_tape
from sim.writer import read_tape

__all__ = ["Day", "OrderSource", "read_orders"]

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Day:
    """Events of one day.

    Attributes:
        flow: all of them.
        owner: population of the order that each event concerns, shape (n,); -1: not known.
        taker: population that took it, on executions; -1 elsewhere.
        from_ns, until_ns: orders submitted and filled between are looked at.
    """

    flow: OrderFlow
    owner: Ints
    taker: Ints
    from_ns: int
    until_ns: int


@dataclass(frozen=True)
class OrderSource:
    """What was read.

    Attributes:
        name: what to call it.
        days: one or more.
        populations: their names, in a run; what `Day.owner` counts.
        notes: what the reader of a recording tells, a line each.
    """

    name: str
    days: tuple[Day, ...]
    populations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_orders(
    place: Path, option: str | Argument, reading: ReadOptions = ReadOptions(), window: str | None = None
) -> OrderSource:
    """Return the days at a place.

    Args:
        place: a run folder, generated days, or a recording of any format (docs/recordings.md).
        option: what a message calls the place.
        reading: what is to be said about a recording; `symbol` also chooses an instrument of a run.
        window: part of every day, as in "09:45-12:30"; what stood in the book before is known all the same.

    Raises:
        InputError: if there is nothing that can be read, or nothing happens in the window.
    """
    summary = read_summary(place) if place.is_dir() else None
    tapes = tapes_at(place) if place.is_dir() else []
    if tapes:
        symbol = _symbol(summary, reading.symbol)
        counts = [row["n_agents"] for row in summary["populations"]] if summary is not None else []
        # Agents beyond the populations (the venue) are nobody's.
        of_agent = np.append(np.repeat(np.arange(len(counts)), counts), -1)
        days = tuple(_tape_day(folder, symbol, of_agent) for folder in tapes)
        names = tuple(row["name"] for row in summary["populations"]) if summary is not None else ()
        source = OrderSource(place.resolve().name, days, names)
    else:
        read = read_flows(place, None, option, reading=reading)
        source = OrderSource(read.name, tuple(_day(flow) for flow in read.flows), (), read.notes)
    if any(len(day.flow) == 0 for day in source.days):
        raise InputError(option, f" {place}: holds no order flow")
    if window is not None:
        source = replace(source, days=tuple(_part(day, window) for day in source.days))
    return source


def _symbol(summary: dict[str, Any] | None, name: str | None) -> int:
    names = [row["name"] for row in summary["instruments"]] if summary is not None else []
    if name is None or not names:
        return 0
    if name not in names:
        raise InputError(Argument("symbol"), f" {name}: allowed: {', '.join(names)}")
    return names.index(name)


def _tape_day(folder: Path, symbol: int, of_agent: Ints) -> Day:
    rows = read_tape(folder)
    owner, taker = (of_agent[np.where((a >= 0) & (a < len(of_agent) - 1), a, -1)] for a in agents_of_tape(rows, symbol))
    return _day(flow_of_tape(rows, symbol), owner, taker)


def _day(flow: OrderFlow, owner: Ints | None = None, taker: Ints | None = None) -> Day:
    unknown = np.full(len(flow), -1)
    first, last = (int(flow.time_ns[0]), int(flow.time_ns[-1])) if len(flow) else (0, 0)
    return Day(flow, unknown if owner is None else owner, unknown if taker is None else taker, first, last + 1)


def _part(day: Day, window: str) -> Day:
    first, last = window_ns(window, Argument("window"), (day.from_ns, day.until_ns))
    if not ((day.flow.time_ns >= first) & (day.flow.time_ns < last)).any():
        raise InputError(Argument("window"), f" {window}: nothing happens between these times")
    return replace(day, from_ns=first, until_ns=last)
