"""How a user writes times of day, windows of a day and durations; what is none of them is told in one line."""

from __future__ import annotations

import re

from lob.errors import Argument, InputError
from lob.units import DAY_NS
from sim.times import clock, clock_time_ns, time_ns

__all__ = ["clock", "clock_time_ns", "duration_s", "short", "time_ns", "time_of_day_ns", "window_ns"]

MOST_S = 86_400
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def time_of_day_ns(text: str, what: str | Argument, told: str = "allowed: a time of day, as in 14:00") -> int:
    """Return a time of day in ns since midnight.

    Args:
        text: as a user wrote it.
        what: what the message of an error begins with.
        told: how it ends.

    Raises:
        InputError: if it is none, or has a UTC offset, which the exchange's own clock does not know.
    """
    try:
        return clock_time_ns(text)
    except ValueError:
        raise InputError(what, f": {told}") from None


def window_ns(text: str, what: str | Argument, within: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """Return the two times of a window such as "09:45-12:30" in ns since midnight.

    Args:
        text: as a user wrote it.
        what: what the message of an error begins with.
        within: first and last time that there is, in ns; where that goes on over midnight, times before the first are
            of the next day.

    Raises:
        InputError: if it is none, or ends before it begins.
    """
    try:
        first, last = (clock_time_ns(part) for part in text.split("-"))
    except ValueError:
        raise InputError(what, f" {text}: allowed: two times, as in 09:45-12:30") from None
    if within[1] >= DAY_NS:
        first, last = (time + DAY_NS if time < within[0] else time for time in (first, last))
    if first >= last:
        raise InputError(what, f" {text}: the second time must be later than the first")
    return first, last


def duration_s(text: str, what: str | Argument) -> float:
    """Return seconds from "90", "90s", "30m" or "1.5h".

    Raises:
        InputError: if it is none of these, or longer than a day.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", text.strip())
    if found is None or found[2] not in _UNITS:
        raise InputError(what, f" {short(text)}: not a duration; allowed: a number with s, m or h, as in 30m")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > MOST_S:
        raise InputError(what, f" {short(text)}: longer than a day; allowed: a time within the session, as in 30m")
    return seconds


def short(text: str) -> str:
    """Return what a user typed, cut off if it would not stand in one line."""
    return text if len(text) <= 60 else f"{text[:57]}..."
