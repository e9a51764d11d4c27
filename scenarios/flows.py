"""Order flow from whatever a user names: LOBSTER files, a run folder, generated days, Parquet parts of a tape."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lob.errors import InputError
from lob.lobster import PRICE_UNITS_PER_TICK, LobsterDay, read_day
from scenarios.tables import clock_time_ns
from sim.file_kinds import check_archive
from sim.metrics.flow import FlowKind, OrderFlow, flow_of_day, flow_of_tape, visible_flow_of_tape
from sim.writer import read_tape

__all__ = ["FlowSource", "part_of", "read_flows"]

TICK_OF_FILES = 0.01
LEVELS = 10
LEAST_MATCH = 0.98
"""Share of submissions that must be found in the book after them; in the sample days it is all but one in 10,000."""


@dataclass(frozen=True)
class FlowSource:
    """What was read.

    Attributes:
        flows: one for each day.
        name: what to call it.
        tick_size: one tick in the currency; nan if it is not known.
    """

    flows: list[OrderFlow]
    name: str
    tick_size: float

    @property
    def flow(self) -> OrderFlow:
        """The first day."""
        return self.flows[0]

    def part(self, text: str, option: str) -> FlowSource:
        """Return the part of every day between two times."""
        return replace(self, flows=[part_of(flow, text, option) for flow in self.flows])


def read_flows(place: Path, orderbook: Path | None, option: str, levels: int = LEVELS) -> FlowSource:
    """Return the visible order flow, with its book, of what stands at a place.

    Args:
        place: LOBSTER files (a zip, or the message file), a run folder, a folder of generated days, or a tape's folder.
        orderbook: LOBSTER's book file if `place` is a message file.
        option: name of the option, for messages.
        levels: of the book, for tapes; 0: all events, whatever their depth, and no book.

    Raises:
        InputError: if it is none of these, or not readable, or empty, or contradicts itself.
    """
    if place.is_dir():
        tapes = _tapes(place)
        if tapes:
            tapes_rows = (read_tape(folder) for folder in tapes)
            flows = [visible_flow_of_tape(rows, levels) if levels else flow_of_tape(rows) for rows in tapes_rows]
            source = FlowSource(flows, place.resolve().name, _tick_size(place))
        else:
            source = _lobster_folder(place, option)
    elif place.is_file():
        check_archive(place, f"{option} ")
        day = read_day(place, orderbook)
        source = FlowSource([_flow_of_files(day, place)], day.name, TICK_OF_FILES)
    else:
        raise InputError(f"{option} {place}: no such file or folder")
    for flow in source.flows:
        if len(flow) == 0:
            raise InputError(f"{option} {place}: holds no order flow")
    return source


def _tapes(place: Path) -> list[Path]:
    """Folders of parts: a run's, generated days', or this one."""
    root = place / "tape" if (place / "tape").is_dir() else place
    days = sorted({part.parent for part in root.glob("seed=*/date=*/*.parquet")})
    if days:
        return days
    return [root] if any(root.glob("*.parquet")) else []


def _lobster_folder(place: Path, option: str) -> FlowSource:
    """A folder of LOBSTER files: every message file with the book beside it."""
    root = place / "lobster" if (place / "lobster").is_dir() else place
    messages = sorted(root.rglob("*_message_*.csv"))
    if not messages:
        raise InputError(f"{option} {place}: no tape/, Parquet parts or LOBSTER files in it")
    flows = []
    for path in messages:
        book = path.with_name(path.name.replace("_message_", "_orderbook_"))
        flows.append(_flow_of_files(read_day(path, book), path))
    return FlowSource(flows, place.resolve().name, TICK_OF_FILES)


def _flow_of_files(day: LobsterDay, place: Path) -> OrderFlow:
    """Return a recorded day's visible flow, once its prices and its book have been checked."""
    shown = (day.messages["type"] <= FlowKind.EXECUTE) & (day.messages["price"] % PRICE_UNITS_PER_TICK != 0)
    if shown.any():
        line = int(np.argmax(shown))
        raise InputError(
            f"{place}, line {line + 1}: price {day.messages['price'][line]} is between ticks; allowed: multiples of "
            f"{PRICE_UNITS_PER_TICK} (one cent) for all visible orders, one tick size in a file"
        )
    flow = flow_of_day(day).visible()
    if len(flow):
        _check_book(flow, place)
    return flow


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
            return float(instrument.get("tick_size", TICK_OF_FILES))
        except (OSError, KeyError, IndexError, TypeError, ValueError):
            continue
    return float("nan")


def part_of(flow: OrderFlow, text: str, option: str) -> OrderFlow:
    """Return the part of a flow between two times of day, as in "09:45-12:30".

    Raises:
        InputError: if the text is no such thing, or nothing happened between.
    """
    try:
        first, last = (clock_time_ns(part) for part in text.split("-"))
    except ValueError:
        raise InputError(f"{option} {text}: allowed: two times, as in 09:45-12:30") from None
    if first >= last:
        raise InputError(f"{option} {text}: the second time must be later than the first")
    part = flow.window(first, last)
    if len(part) == 0:
        raise InputError(f"{option} {text}: nothing happens between these times")
    return part
