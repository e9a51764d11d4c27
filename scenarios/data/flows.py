"""Order flow from whatever a user names: recordings of any format, a run folder, generated days, parts of a tape."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lob.errors import Argument, InputError
from lob.recording import LOBSTER_TICKS, Recording
from scenarios.schema.times import window_ns
from sim.files.kinds import check_archive
from sim.formats.built_book import build_book
from sim.formats.reading import ReadOptions, read_recording, read_recordings, recorded_files
from sim.metrics.flow import FlowKind, OrderFlow, flow_of_day, flow_of_tape, visible_flow_of_tape
from sim.writer import read_tape

__all__ = ["FlowSource", "part_of", "read_flows", "tapes_at"]

USUAL_TICK = 0.01
"""Of an instrument whose scenario does not say."""
LEVELS = 10
STRAY_SHARE = 0.05
"""With a real tick, far more prices than this lie between those of the next larger one."""
STRANGERS_SHARE = 0.05
"""With more messages about orders from before it, a book made of messages alone would be somebody else's."""
LEAST_MATCH = 0.98
"""Share of submissions that must be found in the book after them; in the sample days it is all but one in 10,000."""


@dataclass(frozen=True)
class FlowSource:
    """What was read.

    Attributes:
        flows: one for each day.
        name: what to call it.
        tick_size: one tick in the currency; nan if it is not known.
        notes: what the reader of a recording tells about it, a line each.
    """

    flows: list[OrderFlow]
    name: str
    tick_size: float
    notes: tuple[str, ...] = ()

    @property
    def flow(self) -> OrderFlow:
        """The first day."""
        return self.flows[0]

    def part(self, text: str, option: str | Argument) -> FlowSource:
        """Return the part of every day between two times."""
        return replace(self, flows=[part_of(flow, text, option) for flow in self.flows])


def read_flows(
    place: Path,
    orderbook: Path | None,
    option: str | Argument,
    levels: int = LEVELS,
    tick_size: float | None = None,
    reading: ReadOptions = ReadOptions(),
) -> FlowSource:
    """Return the visible order flow, with its book, of what stands at a place.

    Args:
        place: a recording of any format (sim.formats.reading), a folder of some, a run folder, a folder of generated
            days, or a tape's folder.
        orderbook: LOBSTER's book file if `place` is a message file.
        option: what a message calls the place.
        levels: of the book, for tapes and recordings without one; 0: all events, whatever their depth, and no book.
        tick_size: one tick of a recording in the currency; default: what stands beside generated files, else what fits
            the prices.
        reading: what else is to be said about a recording.

    Raises:
        InputError: if it is none of these, or not readable, or empty, or contradicts itself.
    """
    reading = replace(reading, book=orderbook or reading.book, tick_size=tick_size or reading.tick_size)
    if place.is_dir():
        tapes = tapes_at(place)
        if tapes:
            tapes_rows = (read_tape(folder) for folder in tapes)
            flows = [visible_flow_of_tape(rows, levels) if levels else flow_of_tape(rows) for rows in tapes_rows]
            source = FlowSource(flows, place.resolve().name, _tick_size(place))
        else:
            source = _recordings_in(place, option, levels, reading)
    elif place.is_file():
        check_archive(place, f"{option} ")
        day = read_recording(place, reading)
        if reading.tick_size is None:
            _check_one_tick(day, place)
        source = FlowSource([_flow_of(day, place, levels)], day.name, day.tick_size, day.notes)
    else:
        raise InputError(option, f" {place}: no such file or folder")
    for flow in source.flows:
        if len(flow) == 0:
            raise InputError(option, f" {place}: holds no order flow")
    return source


def tapes_at(place: Path) -> list[Path]:
    """Return the folders of parts at a place: a run's, generated days', or this one; none if it holds no tape."""
    root = place / "tape" if (place / "tape").is_dir() else place
    days = sorted({part.parent for part in root.glob("seed=*/date=*/*.parquet")})
    if days:
        return days
    return [root] if any(root.glob("*.parquet")) else []


def _recordings_in(place: Path, option: str | Argument, levels: int, reading: ReadOptions) -> FlowSource:
    """A folder of recordings; of generated days, those in LOBSTER's format."""
    root = place / "lobster" if (place / "lobster").is_dir() else place
    files = recorded_files(root)
    if not files:
        raise InputError(option, f" {place}: no tape/, Parquet parts or recordings (as LOBSTER files) in it")
    if reading.tick_size is None and not math.isnan(known := _tick_size(place)):
        reading = replace(reading, tick_size=known)
    days = read_recordings(root, reading)
    if reading.tick_size is None:
        for day, path in zip(days, files, strict=True):
            _check_one_tick(day, path)
    flows = [_flow_of(day, path, levels) for day, path in zip(days, files, strict=True)]
    notes = tuple(dict.fromkeys(note for day in days for note in day.notes))
    return FlowSource(flows, place.resolve().name, days[0].tick_size, notes)


def _check_one_tick(day: Recording, place: Path) -> None:
    """Raise InputError if a few stray prices decide about the tick that the others are counted in."""
    if day.format != "lobster":
        return
    larger = [units for tick in LOBSTER_TICKS if (units := round(tick * day.price_units)) > day.tick_units]
    visible = np.flatnonzero(day.is_visible)
    if not larger or len(visible) == 0:
        return
    prices = day.messages["price"][visible]
    stray = prices % larger[-1] != 0
    if 0 < stray.mean() < STRAY_SHARE:
        row = int(np.argmax(stray))
        raise InputError(
            f"{place}, line {visible[row] + 1}: price {prices[row]} is between ticks of "
            f"{larger[-1] / day.price_units:g}, "
            f"which fit {1 - stray.mean():.2%} of the orders; allowed: one tick size in a file, or the tick (",
            Argument("tick_size"),
            ")",
        )


def _flow_of(day: Recording, place: Path, levels: int) -> OrderFlow:
    """Return a recorded day's visible flow, with a book that has been checked or is built."""
    if day.levels:
        flow = flow_of_day(day).visible()
        if len(flow):
            _check_book(flow, place)
        return flow
    built, n_strangers = build_book(day, max(1, levels), every=levels == 0)
    if n_strangers > STRANGERS_SHARE * len(day.messages):
        raise InputError(
            f"{place}: no orderbook file beside it, and {n_strangers / len(day.messages):.0%} of its messages are "
            f"about orders from before it; allowed: at most {STRANGERS_SHARE:.0%}, as order flow is measured with the "
            "book after each message"
        )
    flow = flow_of_day(built).visible()
    return flow if levels else replace(flow, book=None)


def _check_book(flow: OrderFlow, place: Path) -> None:
    assert flow.book is not None  # a recorded day has one
    at = np.flatnonzero(flow.kind == FlowKind.SUBMIT)
    bids = flow.side[at] > 0
    prices = np.where(bids[:, None], flow.book[at, :, 2], flow.book[at, :, 0])
    found = float((prices == flow.price_ticks[at, None]).any(axis=1).mean()) if len(at) else 1.0
    if found < LEAST_MATCH:
        raise InputError(
            f"{place}: its orderbook file does not match: {1 - found:.0%} of new orders are not in the book after "
            f"them; allowed: at most {1 - LEAST_MATCH:.0%}"
        )


def _tick_size(place: Path) -> float:
    """The tick of a run or of generated days, from what stands beside the tape."""
    import tomllib

    for name in ("scenario.toml", "run.json"):
        try:
            text = (place / name).read_text()
            tables = tomllib.loads(text) if name.endswith("toml") else json.loads(text)
            instrument = tables["instrument"][0]
            return float(instrument.get("tick_size", USUAL_TICK))
        except (OSError, KeyError, IndexError, TypeError, ValueError):
            continue
    return float("nan")


def part_of(flow: OrderFlow, text: str, option: str | Argument) -> OrderFlow:
    """Return the part of a flow between two times of day, as in "09:45-12:30".

    Raises:
        InputError: if the text is no such thing, or nothing happened between.
    """
    within = (int(flow.time_ns[0]), int(flow.time_ns[-1])) if len(flow) else (0, 0)
    part = flow.window(*window_ns(text, option, within))
    if len(part) == 0:
        raise InputError(option, f" {text}: nothing happens between these times")
    return part
