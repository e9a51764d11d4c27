"""What a scenario promises about its tape: the rules of each book, who the agents are, what the venue does when.

Read from the tables of scenario.toml alone: nothing is built, and no code that a scenario names is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lob.rules import Instrument
from lob.types import EventKind, Phase
from scenarios.schema.scenario import Scenario
from sim.audit import Group
from sim.settings import RiskLimits

__all__ = ["VenueRow", "books_of", "groups_of", "has_breaker", "venue_rows"]

FOREVER_NS = 2**62
MAX_ORDERS = 2**26
"""The most that any book may hold."""


@dataclass(frozen=True, order=True)
class VenueRow:
    """A change of phase or news that must stand on the tape."""

    symbol: int
    time_ns: int
    kind: int
    phase: int = 0


def books_of(scenario: Scenario) -> list[Instrument]:
    """Return the rules of each instrument; without `max_orders` its number of orders is not checked."""
    return [
        Instrument(
            name=table.name,
            symbol=k,
            min_price_ticks=table.first_price_ticks,
            n_prices=table.n_prices,
            max_orders=table.max_orders or MAX_ORDERS,
            min_order_lots=table.min_order_lots,
            max_order_lots=table.max_order_lots,
            collar_ticks=table.collar_ticks,
            reference_ticks=table.reference_ticks,
            replace_keeps_priority=table.replace_keeps_priority,
            **table.book_rules(0),
        )
        for k, table in enumerate(scenario.instrument)
    ]


def groups_of(scenario: Scenario) -> list[Group]:
    """Return the groups of agents in the order of their ids: Python traders first, then populations."""
    symbols = [table.name for table in scenario.instrument]
    killed: dict[str, int] = {}
    for event in scenario.event:
        if event.kind == "kill" and event.enabled:
            killed[event.population] = min(scenario.session.ns(event.at), killed.get(event.population, FOREVER_NS))
    groups: list[Group] = []
    first = 0
    for row in (*scenario.trader, *scenario.population):
        traded = [symbols.index(name) for name in (row.symbol or symbols[0], row.watch) if name is not None]
        limits = RiskLimits(**row.limits.model_dump())
        groups.append(Group(row.name, first, row.count, tuple(traded), limits, killed.get(row.name)))
        first += row.count
    return groups


def venue_rows(scenario: Scenario) -> list[VenueRow]:
    """Return the phases and the news that come at set times."""
    symbols = [table.name for table in scenario.instrument]
    session = scenario.session
    rows = []
    for symbol in range(len(symbols)):
        rows.append(VenueRow(symbol, session.open_ns, EventKind.PHASE, Phase.CONTINUOUS))
        rows.append(VenueRow(symbol, session.close_ns, EventKind.PHASE, Phase.CLOSED))
    for event in scenario.event:
        if not event.enabled or event.kind == "kill":
            continue
        symbol = symbols.index(event.symbol) if event.symbol is not None else 0
        if event.kind == "phase":
            rows.append(VenueRow(symbol, session.ns(event.at), EventKind.PHASE, Phase[event.phase.upper()]))
        elif event.kind == "halt":
            if event.at is not None and event.until is not None:
                rows.append(VenueRow(symbol, session.ns(event.at), EventKind.PHASE, Phase.HALTED))
                rows.append(VenueRow(symbol, session.ns(event.until), EventKind.PHASE, Phase.CONTINUOUS))
        elif event.kind == "news" or event.public:
            rows.append(VenueRow(symbol, session.ns(event.at), EventKind.NEWS))
    return rows


def has_breaker(scenario: Scenario, symbol: int) -> bool:
    """Whether an instrument may also halt when a condition holds."""
    names: Sequence[str] = [table.name for table in scenario.instrument]
    return any(
        event.kind == "halt"
        and event.enabled
        and event.when is not None
        and (event.symbol or names[0]) == names[symbol]
        for event in scenario.event
    )
