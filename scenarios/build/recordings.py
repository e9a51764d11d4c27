"""A market with a recorded day: its prices are in the instrument's ticks, and it halts when the record does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from agents.background.replay import Replay, recorded_halts
from lob.types import Phase
from sim.distributions import Settings
from sim.records import ScheduledKind
from sim.settings import Population, Scheduled, Session

__all__ = ["halts_of_recordings", "in_ticks_of"]

AnySettings = TypeVar("AnySettings", bound=Settings)


def in_ticks_of(settings: AnySettings, tick_size: float) -> AnySettings:
    """Return the settings of a recorded day with the instrument's tick unless they name one; others as they are."""
    if isinstance(settings, Replay) and "tick_size" not in settings.model_fields_set:
        return settings.model_copy(update={"tick_size": tick_size})
    return settings


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
        if not isinstance(group.settings, Replay):
            continue
        for begins, ends in recorded_halts(group.settings, session.open_ns, session.close_ns):
            entries.append(Scheduled(begins, ScheduledKind.PHASE, Phase.HALTED, group.symbol))
            if ends < session.close_ns:
                entries.append(Scheduled(ends, ScheduledKind.PHASE, Phase.CONTINUOUS, group.symbol))
    return entries
