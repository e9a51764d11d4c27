"""Events that publish text: what is said, whether it is true, and who learns of it when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenarios.schema.tables import ClockTime, EventBase, Name, Seconds, Table, Text, TickAmount

__all__ = ["BulletinEvent", "HeardTable"]


class HeardTable(Table):
    """When one group of traders learns of a text."""

    trader: Name
    """Name of the [[trader]]."""
    delay_s: Seconds = 0.0
    """Seconds after the event's time."""


class BulletinEvent(EventBase):
    """A text that traders read: earnings, a rate decision, a regulator, a rumour."""

    kind: Literal["bulletin"]
    at: ClockTime
    """Time of day at which it is published."""
    text: Annotated[Text, Field(min_length=1, max_length=300)]
    """What is said."""
    topic: Literal["news", "earnings", "rate_decision", "regulation", "rumour"] = "news"
    """The kind of source; shown with the text."""
    value: TickAmount = 0.0
    """What the text says the instrument is worth more, in ticks; compiled populations that subscribe to news are told
    this number."""
    is_true: bool = True
    """From then on the fundamental value is `value` ticks higher. Nobody is shown whether a text is true."""
    symbol: Name | None = None
    """Name of the instrument; default: the first."""
    public: bool = True
    """All traders who are not named in `heard_by` learn of it at once, and compiled populations that subscribe to news
    are woken. Otherwise only those who are named."""
    heard_by: tuple[HeardTable, ...] = ()
    """Who learns of it at a time of their own."""
