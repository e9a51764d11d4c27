"""A market with a recorded day halts when the record does."""

from __future__ import annotations

from collections.abc import Iterable

from agents.background.replay import Replay, recorded_halts
from lob.types import Phase
from sim.records import ScheduledKind
from sim.settings import Population, Scheduled, Session

__all__ = ["halts_of_recordings"]


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
