"""A market with a recorded day: in the instrument's units, halted when the record is, perhaps opened from one.

What reads recordings is loaded for scenarios that have one: it takes a fifth of the time of starting.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from lob.errors import InputError
from lob.types import BUY, SELL, Phase
from scenarios.build.content import found_file
from scenarios.schema.agents import PopulationTable
from scenarios.schema.instrument import InstrumentTable
from scenarios.schema.scenario import Scenario
from scenarios.schema.tables import row_path
from sim.distributions import Settings
from sim.records import ScheduledKind
from sim.settings import Population, Scheduled, Session
from sim.times import clock_time_ns

__all__ = ["halts_of_recordings", "in_units_of", "with_openings"]

AnySettings = TypeVar("AnySettings", bound=Settings)


def in_units_of(settings: AnySettings, table: InstrumentTable) -> AnySettings:
    """Return the settings of a recorded day with the instrument's units unless they name some; others as they are."""
    if not _is_of("replay Replay", settings) and not _is_of("opening Opening", settings):
        return settings
    given = {"tick_size": table.tick_size}
    if "lot_size" in table.model_fields_set:
        given["lot_size"] = table.lot_size
    left_out = {name: value for name, value in given.items() if name not in settings.model_fields_set}
    changed: Any = settings.model_copy(update=left_out)
    return changed


def with_openings(scenario: Scenario, folder: Path, file: str) -> Scenario:
    """Return a scenario in which each instrument's opening is a population, with what its recording says of units.

    Raises:
        InputError: if a recording cannot be read, nothing rests at the time, or a replayed day brings the book, too.
    """
    tables, populations = list(scenario.instrument), list(scenario.population)
    symbols = [table.name for table in tables]
    names = {group.name for group in (*scenario.population, *scenario.trader)}
    for k, table in enumerate(scenario.instrument):
        if table.opening is None:
            continue
        name, where = f"opening_{table.name}", f"{file}: {row_path('instrument', k, symbols)}.opening"
        if name in names:
            raise InputError(f"{where}: its orders are of a population {name}; allowed: no other of this name")
        doubled = [g.name for g in populations if g.kind == "replay" and (g.symbol or symbols[0]) == table.name]
        if doubled:
            raise InputError(
                f"{where}: {doubled[0]} replays a recorded day and brings the book itself; allowed: one of them"
            )
        opening = table.opening
        paths = {
            key: str(found_file(path, folder, f"{where}.{key}"))
            for key in ("recording", "book", "mapping") if (path := getattr(opening, key)) is not None
        }  # fmt: skip
        settings = {**opening.model_dump(exclude_none=True), **paths, "at": _clock(opening.at or scenario.session.open)}
        tables[k] = _in_recorded_units(table, settings)
        own = {"tick_size": tables[k].tick_size, "lot_size": tables[k].lot_size}
        populations.append(PopulationTable(name=name, kind="opening", symbol=table.name, settings={**settings, **own}))
    if len(populations) == len(scenario.population):
        return scenario
    return scenario.model_copy(update={"instrument": tuple(tables), "population": tuple(populations)})


def _is_of(kind: str, settings: Any) -> bool:
    """Whether settings are of a class of agents.background; a module that nobody has loaded has made none."""
    module, name = kind.split()
    loaded = sys.modules.get(f"agents.background.{module}")
    return loaded is not None and isinstance(settings, getattr(loaded, name))


def _clock(time: dt.time) -> str:
    return time.replace(microsecond=0).isoformat()


def _in_recorded_units(table: InstrumentTable, settings: dict[str, Any]) -> InstrumentTable:
    """Return an instrument without its opening, whose units and reference are the recording's unless it names them."""
    from agents.background.opening import Opening, opening_orders
    from agents.background.replay import read_options
    from sim.formats.reading import read_recording

    given = {key: getattr(table, key) for key in ("tick_size", "lot_size") if key in table.model_fields_set}
    asked = Opening.model_validate({**settings, **given})
    options = read_options(asked)
    if "tick_size" not in given:
        options = replace(options, tick_size=None)
    day = read_recording(asked.recording, options)
    orders = opening_orders(day, day.ns(clock_time_ns(asked.at)))
    units: dict[str, Any] = {"tick_size": day.tick_size, "lot_size": day.lot_size, "opening": None}
    if "reference_ticks" not in table.model_fields_set:
        bids, asks = (orders["price_ticks"][orders["side"] == side] for side in (BUY, SELL))
        known = [int(side(prices)) for side, prices in ((max, bids), (min, asks)) if len(prices)]
        units["reference_ticks"] = sum(known) // len(known)
    # Checked anew: the range of prices follows the reference.
    fields = {name: getattr(table, name) for name in table.model_fields_set}
    return InstrumentTable.model_validate({**fields, **units, **given})


def halts_of_recordings(groups: Iterable[Population], session: Session) -> list[Scheduled]:
    """Return the phases that recorded days bring with them.

    Args:
        groups: populations, of which those that replay a day count.
        session: of the market.

    Raises:
        InputError: if a recorded day cannot be read.
    """
    entries = []
    for group in groups:
        if not _is_of("replay Replay", group.settings):
            continue
        from agents.background.replay import recorded_halts

        settings: Any = group.settings
        for begins, ends in recorded_halts(settings, session.open_ns, session.close_ns):
            entries.append(Scheduled(begins, ScheduledKind.PHASE, Phase.HALTED, group.symbol))
            if ends < session.close_ns:
                entries.append(Scheduled(ends, ScheduledKind.PHASE, Phase.CONTINUOUS, group.symbol))
    return entries
