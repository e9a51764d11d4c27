"""What a scenario file may say: frozen models, one per table, with the units in the names of the fields."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lob.units import DAY_NS, HOUR_NS
from scenarios.schema.agents import PopulationTable, TraderTable
from scenarios.schema.events import Event
from scenarios.schema.instrument import InstrumentTable
from scenarios.schema.tables import ClockTime, Finite, Name, Table, Text, row_path, wrong
from sim.heap import LAST_NS
from sim.times import time_ns

__all__ = ["Event", "ParameterTable", "RecordTable", "Scenario", "SessionTable"]


class SessionTable(Table):
    """When the market is open."""

    date: dt.date | None = None
    """Day of the session; for titles and file names only."""
    open: ClockTime = dt.time(9, 30)
    close: ClockTime = dt.time(16)
    """Not later than the open: of the next day. A session that begins at 18:00 may last until 14:59."""

    @model_validator(mode="after")
    def _in_order(self) -> SessionTable:
        if self.close_ns >= LAST_NS:
            last = dt.time(LAST_NS // HOUR_NS % 24)
            raise wrong("close", self.close, f"a time before {last} of the next day, since clocks end at 39 hours")
        return self

    @property
    def open_ns(self) -> int:
        """The open, in ns since midnight."""
        return time_ns(self.open)

    @property
    def close_ns(self) -> int:
        """The close, in ns since the midnight before the open."""
        return time_ns(self.close) + (DAY_NS if self.close <= self.open else 0)

    def ns(self, time: dt.time) -> int:
        """Return a time of the session in ns since the midnight before the open; after midnight, of the next day."""
        return time_ns(time) + (DAY_NS if self.close <= self.open and time < self.open else 0)


class RecordTable(Table):
    """What a run keeps."""

    tape: bool = True
    """Write the tape; without it a run cannot be resumed."""
    picture: bool = True
    checkpoint_s: Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False)] = 10.0
    """Wall time between two snapshots from which a killed run can be resumed."""


class ParameterTable(Table):
    """A parameter that `outcry calibrate` may change: one number for one or more places of the file."""

    name: Name
    set: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Dotted paths as in `--set`: "population.flow.settings.base_rates.0"."""
    low: Finite
    high: Finite
    log: bool = False
    """Search the logarithm."""
    whole: bool = False
    """Whole numbers only."""

    @model_validator(mode="after")
    def _in_order(self) -> ParameterTable:
        if self.high <= self.low:
            raise wrong("high", self.high, f"above low ({self.low:g})")
        if self.log and self.low <= 0:
            raise wrong("low", self.low, "above 0 with log = true")
        return self


class Scenario(Table):
    """A whole scenario."""

    schema_version: Literal[1] = 1
    description: Text = ""
    """One line for `outcry scenarios`."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Used unless `--seed` is given."""
    max_in_flight: Annotated[int, Field(ge=1, le=2**26)] | None = None
    """Messages that can be on their way at once; default: enough for most markets."""
    session: SessionTable = SessionTable()
    instrument: Annotated[tuple[InstrumentTable, ...], Field(min_length=1)] = (InstrumentTable(),)
    population: tuple[PopulationTable, ...] = ()
    trader: tuple[TraderTable, ...] = ()
    event: tuple[Event, ...] = ()
    calibrate: tuple[ParameterTable, ...] = ()
    """What `outcry calibrate` may change; a run does not look at it."""
    record: RecordTable = RecordTable()

    @model_validator(mode="after")
    def _parts_fit(self) -> Scenario:
        symbols = [instrument.name for instrument in self.instrument]
        groups = [("population", self.population), ("trader", self.trader)]
        _unique([(f"instrument[{k}].name", name) for k, name in enumerate(symbols)])
        _unique([(f"{table}[{k}].name", g.name) for table, rows in groups for k, g in enumerate(rows)])
        _unique([(f"event[{k}].name", event.name) for k, event in enumerate(self.event) if event.name is not None])
        for table, rows in [*groups, ("event", self.event)]:
            for k, row in enumerate(rows):
                symbol = getattr(row, "symbol", None)
                path = row_path(table, k, [other.name for other in rows])
                if symbol is not None and symbol not in symbols:
                    raise wrong(f"{path}.symbol", symbol, f"one of {', '.join(symbols)}")
                watch = getattr(row, "watch", None)
                others = [name for name in symbols if name != (symbol or symbols[0])]
                if watch is not None and watch not in others:
                    allowed = f"one of {', '.join(others)}" if others else "nothing: there is no second instrument"
                    raise wrong(f"{path}.watch", watch, allowed)
        names = [g.name for _, rows in groups for g in rows]
        events = [row_path("event", k, [event.name for event in self.event]) for k in range(len(self.event))]
        for k, event in enumerate(self.event):
            if event.kind == "kill" and event.population not in names:
                raise wrong(f"{events[k]}.population", event.population, f"one of {', '.join(names)}")
        readers = [trader.name for trader in self.trader]
        for k, event in enumerate(self.event):
            for n, heard in enumerate(event.heard_by if event.kind == "bulletin" else ()):
                if heard.trader not in readers:
                    allowed = f"a [[trader]]: {', '.join(readers) or 'there is none'}"
                    raise wrong(f"{events[k]}.heard_by[{n}].trader", heard.trader, allowed)
        session = self.session
        for k, event in enumerate(self.event):
            for key in ("at", "until"):
                time = getattr(event, key, None)
                if time is not None and not session.open_ns <= session.ns(time) < session.close_ns:
                    allowed = f"a time within the session ({session.open} to {session.close})"
                    raise wrong(f"{events[k]}.{key}", time, allowed)
        return self


def _unique(names: list[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for path, name in names:
        if name in seen:
            raise wrong(path, name, f"a name that {seen[name]} does not have already")
        seen[name] = path.rsplit(".", 1)[0]
