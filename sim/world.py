"""Laying out a world: from settings to one block of bytes with every table filled."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lob.blocks import allocate, header_of
from lob.book import BOOK, book_bytes, init_book
from lob.errors import InputError
from lob.rules import Instrument
from lob.types import MESSAGE, NO_PRICE, Phase
from sim.agent_keys import agent_keys
from sim.distributions import draw, number_fields, whole_fields
from sim.heap import NEVER, heap_bytes, init_heap
from sim.records import (
    ACCOUNT,
    AGENT,
    CONDITIONAL,
    FLOAT,
    HISTORY,
    MAX_POPULATIONS,
    N_HISTORY,
    N_SLICES,
    OUT,
    POPULATION,
    RUNTIME,
    SCHEDULED,
    SLOT,
    SYMBOL,
    VIEW,
    WORLD,
    Needs,
    ScheduledKind,
    Stage,
)
from sim.rng import draw_key
from sim.settings import Conditional, Listing, Population, Scheduled, Session, as_grid, full_schedule
from sim.wakes import start_agents

__all__ = ["FORMAT_VERSION", "World", "build_world", "new_runtime", "reseed_world"]

FORMAT_VERSION = 8
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

_TABLES = {
    "symbols": SYMBOL,
    "populations": POPULATION,
    "agents": AGENT,
    "accounts": ACCOUNT,
    "scheduled": SCHEDULED,
    "conditionals": CONDITIONAL,
    "messages": MESSAGE,
    "slots": SLOT,
    "floats": FLOAT,
    "history": HISTORY,
}


@dataclass
class World:
    """A world's block and its tables as structured arrays (views of the block)."""

    block: Bytes
    listings: tuple[Listing, ...]
    populations: tuple[Population, ...]

    @property
    def header(self) -> Any:
        """The WORLD record."""
        return header_of(self.block, WORLD)

    def table(self, name: str, count: int) -> np.ndarray[Any, Any]:
        """Return the first `count` rows of a table."""
        dtype = _TABLES[name]
        start = int(self.header[f"off_{name}"])
        return self.block[start : start + count * dtype.itemsize].view(dtype)

    @property
    def agents(self) -> np.ndarray[Any, Any]:
        """All agents, dtype AGENT."""
        return self.table("agents", int(self.header["n_agents"]))

    @property
    def accounts(self) -> np.ndarray[Any, Any]:
        """All accounts, dtype ACCOUNT, shape (agents, symbols)."""
        n_agents, n_symbols = int(self.header["n_agents"]), int(self.header["n_symbols"])
        return self.table("accounts", n_agents * n_symbols).reshape(n_agents, n_symbols)

    @property
    def symbols(self) -> np.ndarray[Any, Any]:
        """All symbols, dtype SYMBOL."""
        return self.table("symbols", int(self.header["n_symbols"]))

    @property
    def population_rows(self) -> np.ndarray[Any, Any]:
        """All populations, dtype POPULATION."""
        return self.table("populations", int(self.header["n_populations"]))

    def book(self, symbol: int = 0) -> Any:
        """The BOOK record of a symbol, for lob's inspection functions."""
        return header_of(self.block[int(self.symbols["off_book"][symbol]) :], BOOK)

    def value_path(self, symbol: int = 0) -> Floats:
        """The fundamental value on its grid from the open on, a live view."""
        row = self.symbols[symbol]
        return self._floats(int(row["first_value"]), int(row["n_values"]))

    def block_of(self, population: int) -> Floats:
        """The read-only block of a population's policy, a live view."""
        row = self.population_rows[population]
        return self._floats(int(row["first_value"]), int(row["n_values"]))

    def memory_of(self, population: int) -> Floats:
        """The memory of a population's agents, shape (count, cells), a live view."""
        row = self.population_rows[population]
        count, cells = int(row["count"]), int(row["n_memory"])
        return self._floats(int(row["first_memory"]), count * cells).reshape(count, cells)

    def _floats(self, first: int, count: int) -> Floats:
        return self.table("floats", first + count)["value"][first:]


class _Layout:
    """Hands out aligned offsets."""

    def __init__(self) -> None:
        self.n_bytes = 0

    def take(self, n_bytes: int) -> int:
        start = self.n_bytes
        self.n_bytes += -(-n_bytes // 64) * 64
        return start


def build_world(
    listings: Sequence[Listing],
    populations: Sequence[Population],
    session: Session,
    schedule: Sequence[Scheduled | Conditional],
    seed: int,
    max_in_flight: int,
) -> World:
    """Return a world at the instant before the open; raise InputError in words when the parts do not fit."""
    _check(listings, populations, schedule, session)
    n_agents = sum(p.count for p in populations)
    instruments = [
        _with_agents(replace(listing.instrument, symbol=s, n_agents=n_agents), populations)
        for s, listing in enumerate(listings)
    ]
    entries = full_schedule(session, len(listings), (e for e in schedule if isinstance(e, Scheduled)))
    conditionals = [entry for entry in schedule if isinstance(entry, Conditional)]
    grids = [
        as_grid(listing.fundamental.grid(seed, listing.instrument.name, session.open_ns, session.close_ns))
        for listing in listings
    ]
    blocks = [
        as_grid(p.policy.block(p.settings)) if p.policy is not None and p.policy.block else np.zeros(1)
        for p in populations
    ]
    memories = [p.count * p.policy.memory_cells(p.settings) if p.policy is not None else 0 for p in populations]
    remembers = any(p.policy is not None and p.policy.needs & Needs.HISTORY for p in populations)
    layout = _Layout()
    header_at = layout.take(WORLD.itemsize)
    assert header_at == 0
    wakes_capacity = 2 * n_agents + 16
    counts = {
        "symbols": len(listings),
        "populations": max(1, len(populations)),
        "agents": max(1, n_agents),
        "accounts": max(1, n_agents * len(listings)),
        "scheduled": len(entries),
        "conditionals": len(conditionals),
        "messages": max_in_flight,
        "slots": max_in_flight,
        "floats": sum(map(len, grids)) + sum(map(len, blocks)) + sum(memories) + 1,
        "history": N_HISTORY * len(listings) if remembers else 0,
    }
    offsets = {name: layout.take(count * _TABLES[name].itemsize) for name, count in counts.items()}
    wakes_at = layout.take(heap_bytes(wakes_capacity))
    arrivals_at = layout.take(heap_bytes(max_in_flight))
    books_at = [layout.take(book_bytes(instrument)) for instrument in instruments]

    block = allocate(layout.n_bytes)
    world = World(block, tuple(listings), tuple(populations))
    header = world.header
    for name, offset in offsets.items():
        header[f"off_{name}"] = offset if counts[name] else 0
    header["format_version"] = FORMAT_VERSION
    header["n_bytes"] = layout.n_bytes
    header["n_symbols"] = len(listings)
    header["n_populations"] = len(populations)
    header["n_agents"] = n_agents
    header["n_scheduled"] = len(entries)
    header["n_conditionals"], header["conditional_ns"] = len(conditionals), NEVER
    header["expiry_ns"] = NEVER
    header["off_wakes"], header["off_arrivals"] = wakes_at, arrivals_at
    header["n_slots"] = header["n_free_slots"] = max_in_flight
    header["open_ns"], header["close_ns"] = session.open_ns, session.close_ns
    header["time_ns"] = session.open_ns
    header["seed"] = seed
    init_heap(block[wakes_at:], wakes_capacity)
    init_heap(block[arrivals_at:], max_in_flight)
    # The last slot is handed out first, so a lightly loaded market stays in a few cache lines.
    world.table("slots", max_in_flight)["index"] = np.arange(max_in_flight)[::-1]
    _fill_schedule(world, entries, conditionals)
    floats = world.table("floats", counts["floats"])["value"]
    position = 0
    for s, (listing, instrument, grid) in enumerate(zip(listings, instruments, grids, strict=True)):
        _fill_symbol(world, s, listing, instrument, books_at[s], position, grid, session)
        floats[position : position + len(grid)] = grid
        position += len(grid)
    _fill_populations(world, blocks, memories, position, seed)
    start_agents(header)
    return world


def _with_agents(instrument: Instrument, populations: Sequence[Population]) -> Instrument:
    """The instrument with the groups of agents and the lead market makers that the populations are."""
    firms = list(dict.fromkeys(p.firm for p in populations if p.firm))
    groups, leads, first = [], [], 0
    for population in populations:
        end = first + population.count
        if population.firm:
            groups.append((first, end, 1 + firms.index(population.firm)))
        if population.lead_percent and population.symbol == instrument.symbol:
            leads += [(agent, population.lead_percent) for agent in range(first, end)]
        first = end
    if instrument.allocation is not None and leads:
        instrument = replace(instrument, allocation=replace(instrument.allocation, leads=tuple(leads)))
    return replace(instrument, groups=tuple(groups)) if groups else instrument


def _fill_schedule(world: World, entries: Sequence[Any], conditionals: Sequence[Conditional]) -> None:
    scheduled = world.table("scheduled", len(entries))
    for k, entry in enumerate(entries):
        scheduled[k] = (entry.time_ns, entry.kind, entry.symbol, entry.value)
    for row, conditional in zip(world.table("conditionals", len(conditionals)), conditionals, strict=True):
        for name in ("symbol", "condition", "kind", "lasts_ns", "ticks", "share", "value", "end_value"):
            row[name] = getattr(conditional, name)
        row["slice_ns"], row["times_left"] = -(-conditional.within_ns // N_SLICES), conditional.times
        row["stage"], row["due_ns"], row["slice"] = Stage.ARMED, NEVER, -1


def _fill_populations(
    world: World, blocks: Sequence[Floats], memories: Sequence[int], position: int, seed: int
) -> None:
    """Write populations and agents; their blocks and memories lie in the floats from `position` on."""
    floats = world.table("floats", position + sum(map(len, blocks)) + sum(memories))["value"]
    first = 0
    for p, (population, values, cells) in enumerate(zip(world.populations, blocks, memories, strict=True)):
        _fill_population(world, p, population, first, position, len(values))
        floats[position : position + len(values)] = values
        position += len(values)
        world.population_rows["first_memory"][p] = position
        world.population_rows["n_memory"][p] = cells // population.count
        position += cells
        reference_ticks = world.listings[population.symbol].instrument.reference_ticks
        _fill_agents(world.agents[first : first + population.count], population, p, seed, reference_ticks)
        first += population.count
    for symbol, row in enumerate(world.symbols):
        theirs = [_wakes_on(each) for each in world.populations if symbol in (each.symbol, each.watch)]
        row["wakes_on"] = functools.reduce(operator.or_, theirs, 0)


def _wakes_on(population: Population) -> int:
    if population.policy is not None:
        return int(population.policy.wakes_on)
    assert population.trader is not None
    return int(population.trader(0).wakes_on)


def _fill_symbol(
    world: World,
    s: int,
    listing: Listing,
    instrument: Instrument,
    book_at: int,
    first_value: int,
    grid: np.ndarray[Any, Any],
    session: Session,
) -> None:
    symbol = world.symbols[s]
    book = init_book(world.block[book_at : book_at + book_bytes(instrument)], instrument)
    book["phase"] = Phase.CLOSED
    symbol["off_book"] = book_at
    symbol["first_value"] = first_value
    symbol["n_values"] = len(grid)
    symbol["value_step_ns"] = listing.fundamental.step_ns
    symbol["value_start_ns"] = session.open_ns
    symbol["maker_fee_ppb"], symbol["taker_fee_ppb"] = listing.fees_ppb
    symbol["last_ticks"] = instrument.reference_ticks
    symbol["price_step_ticks"] = listing.price_step_ticks
    listing.venue.write(symbol)
    symbol["bid_ticks"] = symbol["ask_ticks"] = NO_PRICE


def _fill_population(world: World, p: int, population: Population, first: int, value: int, n: int) -> None:
    row = world.population_rows[p]
    row["symbol"] = population.symbol
    row["watch"] = -1 if population.watch is None else population.watch
    row["first"], row["count"] = first, population.count
    row["policy"] = p
    row["is_python"] = population.policy is None
    row["moves_timer"] = population.policy is not None and population.policy.moves_timer
    row["wakes_on"] = _wakes_on(population)
    needs = population.policy.needs if population.policy is not None else population.trader(0).needs  # type: ignore[misc]
    row["needs"] = int(needs)
    row["reaction_ns"] = max(1, population.reaction_ns)
    row["latency_kind"] = population.latency.kind
    row["latency_a"] = population.latency.a_ns
    row["latency_b"] = population.latency.sigma or population.latency.b_ns
    row["first_value"], row["n_values"] = value, n
    for name in ("max_order_lots", "max_notional", "max_position_lots", "max_open_orders", "max_messages_per_s",
                 "max_messages_per_fill"):  # fmt: skip
        row[name] = getattr(population.limits, name)


def _fill_agents(agents: np.ndarray[Any, Any], population: Population, p: int, seed: int, reference_ticks: int) -> None:
    keys = agent_keys(seed, population.name, population.count)
    agents["key"] = keys
    agents["population"] = p
    if population.settings is None:
        return
    whole = whole_fields(type(population.settings))
    for column, name in enumerate(number_fields(type(population.settings))):
        value = getattr(population.settings, name)
        if value is None:
            value = reference_ticks + population.settings.from_reference[name] * abs(reference_ticks)
        if isinstance(value, int | float):
            agents["params"][:, column] = value
        else:
            agents["params"][:, column] = [
                draw(value, int(draw_key(key, 0, 2)), column, is_whole=name in whole) for key in keys
            ]


def reseed_world(world: World, seed: int, session: Session) -> None:
    """Give every agent the key of another seed, and continue each fundamental from its value now on another path."""
    header = world.header
    header["seed"] = seed
    first = 0
    for population in world.populations:
        world.agents["key"][first : first + population.count] = agent_keys(seed, population.name, population.count)
        first += population.count
    n_floats = int((world.symbols["first_value"] + world.symbols["n_values"]).max())
    floats = world.table("floats", n_floats)["value"]
    for listing, symbol in zip(world.listings, world.symbols, strict=True):
        start, n = int(symbol["first_value"]), int(symbol["n_values"])
        fundamental, name = listing.fundamental, listing.instrument.name
        k = min(n - 1, (int(header["time_ns"]) - session.open_ns) // fundamental.step_ns)
        path = floats[start : start + n]
        fresh = as_grid(fundamental.grid(seed, name, session.open_ns, session.close_ns))
        # Two paths of a linear process with the same shocks differ by what the mean reversion has left of the gap.
        gap = (path[k] - fresh[k]) * fundamental.memory(np.arange(n - k))
        path[k:] = fresh[k:] + gap


def _check(
    listings: Sequence[Listing],
    populations: Sequence[Population],
    schedule: Sequence[Scheduled | Conditional],
    session: Session,
) -> None:
    if not listings:
        raise InputError("market: no instrument; at least one is needed")
    if len(populations) > MAX_POPULATIONS:
        raise InputError(f"market: {len(populations)} populations; allowed: at most {MAX_POPULATIONS}")
    names = [p.name for p in populations]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"population {name}: the name is used twice; names must be unique")
    for p in populations:
        if p.count < 1:
            raise InputError(f"population {p.name}: count = {p.count}; allowed: at least 1")
        if (p.policy is None) == (p.trader is None):
            raise InputError(f"population {p.name}: give either a policy or a trader")
        if not 0 <= p.symbol < len(listings):
            raise InputError(f"population {p.name}: symbol = {p.symbol}; allowed: 0 to {len(listings) - 1}")
        if p.watch is not None and (not 0 <= p.watch < len(listings) or p.watch == p.symbol):
            raise InputError(
                f"population {p.name}: watch = {p.watch}; allowed: another one than its own of {len(listings)}"
            )
    for entry in schedule:
        where = f"event at {entry.time_ns} ns" if isinstance(entry, Scheduled) else "conditional"
        if isinstance(entry, Scheduled) and not session.open_ns <= entry.time_ns < session.close_ns:
            raise InputError(f"{where}: outside the session")
        if not 0 <= entry.symbol < len(listings):
            raise InputError(f"{where}: symbol = {entry.symbol}; allowed: 0 to {len(listings) - 1}")
        values = {"value": entry.value}
        if isinstance(entry, Conditional) and entry.lasts_ns > 0:
            values["end_value"] = entry.end_value
        for name, value in values.items():
            # The kernel takes the value as an index of populations, or as a phase.
            n = {ScheduledKind.KILL: len(populations), ScheduledKind.PHASE: len(Phase)}.get(entry.kind)
            if n is not None and value not in range(n):
                raise InputError(f"{where}: {entry.kind.name} {name} = {value}; allowed: 0 to {n - 1}")
            if not math.isfinite(value):
                raise InputError(f"{where}: {entry.kind.name} {name} = {value}; allowed: finite numbers")


def new_runtime() -> tuple[Bytes, Any]:
    """Return the block and record of the scratch that a kernel call needs besides the world."""
    layout = _Layout()
    layout.take(RUNTIME.itemsize)
    offsets = {
        "off_view": layout.take(VIEW.itemsize),
        "off_out": layout.take(OUT.itemsize),
        "off_message": layout.take(MESSAGE.itemsize),
    }
    block = allocate(layout.n_bytes)
    runtime = header_of(block, RUNTIME)
    for name, offset in offsets.items():
        runtime[name] = offset
    return block, runtime
