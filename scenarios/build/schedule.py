"""From the events of a scenario to the schedule and the conditionals of its market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lob.types import Phase
from scenarios.schema.events import MOVES, HaltEvent
from scenarios.schema.scenario import Scenario, SessionTable
from sim.records import ConditionKind, ScheduledKind
from sim.settings import Conditional, Scheduled

__all__ = ["schedule_of"]

WINDOW_S = 300.0
"""Of a price condition that names none."""
_CONDITIONS = dict(
    zip(MOVES, (ConditionKind.FALL, ConditionKind.RISE, ConditionKind.MOVE, ConditionKind.SPREAD), strict=True)
)


def schedule_of(
    scenario: Scenario, symbols: Sequence[str], positions: Mapping[str, int]
) -> list[Scheduled | Conditional]:
    """Return what happens at set times, and when conditions hold.

    Args:
        scenario: whose events are meant.
        symbols: names of the instruments in their order.
        positions: index of each population and trader in the market, by name.
    """
    entries: list[Scheduled | Conditional] = []
    for event in scenario.event:
        if not event.enabled:
            continue
        if event.kind == "kill":
            entries.append(Scheduled(scenario.session.ns(event.at), ScheduledKind.KILL, positions[event.population]))
            continue
        symbol = symbols.index(event.symbol) if event.symbol is not None else 0
        if event.kind == "halt":
            entries += _halt(event, symbol, scenario.session)
        elif event.kind == "phase":
            entries.append(
                Scheduled(scenario.session.ns(event.at), ScheduledKind.PHASE, Phase[event.phase.upper()], symbol)
            )
        elif event.kind == "news" or event.public:
            entries.append(Scheduled(scenario.session.ns(event.at), ScheduledKind.NEWS, event.value, symbol))
    return entries


def _halt(event: HaltEvent, symbol: int, session: SessionTable) -> list[Scheduled | Conditional]:
    if event.when is not None and event.lasts_s is not None:
        move, unit, amount = event.when.condition
        breaker = Conditional(
            _CONDITIONS[move],
            ScheduledKind.PHASE,
            Phase.HALTED,
            ticks=amount if unit == "ticks" else 0.0,
            share=amount * 1e-4 if unit == "bp" else 0.0,
            within_ns=round((event.when.within_s or WINDOW_S) * 1e9),
            lasts_ns=round(event.lasts_s * 1e9),
            times=event.times,
            symbol=symbol,
        )
        return [breaker]
    assert event.at is not None and event.until is not None  # checked by the schema
    return [
        Scheduled(session.ns(event.at), ScheduledKind.PHASE, Phase.HALTED, symbol),
        Scheduled(session.ns(event.until), ScheduledKind.PHASE, Phase.CONTINUOUS, symbol),
    ]
