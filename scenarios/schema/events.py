"""What happens in a scenario: halts, news, changes of phase, kill switches; at a time, or when a condition holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scenarios.schema.bulletins import BulletinEvent
from scenarios.schema.tables import MAX_TICKS, ClockTime, EventBase, Name, Table, TickAmount, wrong

__all__ = ["MOVES", "Event", "HaltEvent", "WhenTable"]

Ticks = Annotated[float, Field(gt=0, le=MAX_TICKS, allow_inf_nan=False)]
BasisPoints = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
MOVES = ("falls", "rises", "moves", "spread")


class WhenTable(Table):
    """A condition: exactly one of the numbers that end in ticks or bp. Prices are those of trades."""

    falls_ticks: Ticks | None = None
    """A trade is so far below the highest one of the window."""
    falls_bp: BasisPoints | None = None
    rises_ticks: Ticks | None = None
    """A trade is so far above the lowest one of the window."""
    rises_bp: BasisPoints | None = None
    moves_ticks: Ticks | None = None
    """Either."""
    moves_bp: BasisPoints | None = None
    spread_ticks: Ticks | None = None
    """The bid-ask spread is so wide, with both sides quoted."""
    spread_bp: BasisPoints | None = None
    within_s: Annotated[float, Field(ge=1e-3, le=86_400)] | None = None
    """Length of the window of a price condition; default: 300."""

    @model_validator(mode="after")
    def _one_condition(self) -> WhenTable:
        names = [f"{move}_{unit}" for move in MOVES for unit in ("ticks", "bp")]
        given = [name for name in names if getattr(self, name) is not None]
        if not given:
            raise wrong("falls_bp", None, f"one of {', '.join(names)}")
        if len(given) > 1:
            raise wrong(given[1], getattr(self, given[1]), f"nothing: {given[0]} is the condition already")
        if self.within_s is not None and given[0].startswith("spread"):
            raise wrong("within_s", self.within_s, "nothing: a spread has no window")
        return self

    @property
    def condition(self) -> tuple[str, str, float]:
        """What is waited for (one of MOVES), its unit (ticks or bp), and how much of it."""
        for move in MOVES:
            for unit in ("ticks", "bp"):
                value = getattr(self, f"{move}_{unit}")
                if value is not None:
                    return move, unit, float(value)
        raise AssertionError("checked by _one_condition")


class HaltEvent(EventBase):
    """Trading stops and starts again; orders may be cancelled in between.

    Either from one time to another, or for some time when a condition holds: a circuit breaker.
    """

    kind: Literal["halt"]
    at: ClockTime | None = None
    """Time of day at which it begins."""
    until: ClockTime | None = None
    """Time of day at which it ends, with `at`."""
    when: WhenTable | None = None
    """Instead of `at`: the condition, such as { falls_bp = 100.0, within_s = 300.0 }."""
    lasts_s: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    """How long it lasts, with `when`."""
    times: Annotated[int, Field(ge=1, le=10**9)] = 1
    """How often it may come, with `when`."""
    symbol: Name | None = None
    """Name of the instrument; default: the first."""

    @model_validator(mode="after")
    def _timed_or_conditional(self) -> HaltEvent:
        if (self.at is None) == (self.when is None):
            raise wrong("at", self.at, "either `at` and `until`, or `when` and `lasts_s`")
        if self.when is not None:
            if self.lasts_s is None:
                raise wrong("lasts_s", None, "above 0, since there is `when`")
            if self.until is not None:
                raise wrong("until", self.until, "nothing: with `when` it ends after `lasts_s`")
            return self
        assert self.at is not None
        if self.lasts_s is not None:
            raise wrong("lasts_s", self.lasts_s, "nothing: with `at` it ends at `until`")
        if self.times != 1:
            raise wrong("times", self.times, "1: with `at` it comes once")
        if self.until is None or self.until <= self.at:
            raise wrong("until", self.until, f"a time after `at` ({self.at})")
        return self


class NewsEvent(EventBase):
    """News with a number, seen by the populations that subscribe to news."""

    kind: Literal["news"]
    at: ClockTime
    """Time of day."""
    value: TickAmount
    """What is told, in ticks: how much more the instrument is worth."""
    symbol: Name | None = None
    """Name of the instrument; default: the first."""
    moves_value: bool = False
    """The news is true: from then on the fundamental value is `value` ticks higher."""


class PhaseEvent(EventBase):
    """A change of the trading phase."""

    kind: Literal["phase"]
    at: ClockTime
    """Time of day."""
    phase: Literal["continuous", "halted", "closed"]
    """The phase from then on."""
    symbol: Name | None = None
    """Name of the instrument; default: the first."""


class KillEvent(EventBase):
    """The kill switch of a population: no new orders from then on, and all resting ones withdrawn."""

    kind: Literal["kill"]
    at: ClockTime
    """Time of day."""
    population: Name
    """Name of the population or trader."""


Event = Annotated[HaltEvent | NewsEvent | BulletinEvent | PhaseEvent | KillEvent, Field(discriminator="kind")]
