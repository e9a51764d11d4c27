"""Times of day: the exchange's own clock, as text and in ns since midnight."""

from __future__ import annotations

import datetime as dt
import re

from lob.units import SECOND_NS

__all__ = ["clock", "clock_time_ns", "time_ns"]


def time_ns(time: dt.time) -> int:
    """Return a time of day in ns since midnight."""
    seconds = (time.hour * 60 + time.minute) * 60 + time.second
    return (seconds * 1_000_000 + time.microsecond) * 1000


def clock_time_ns(text: str) -> int:
    """Return a time of day such as "09:30" or "09:30:00.5" in ns since midnight.

    Raises:
        ValueError: if it is none, or has a UTC offset, which the exchange's own clock does not know.
    """
    if not re.fullmatch(r"[0-9:.]+", text):  # Python also reads other digits, offsets, and what follows a NUL
        raise ValueError(text)
    return time_ns(dt.time.fromisoformat(text))


def clock(time_ns: int) -> str:
    """Return a time of day as HH:MM:SS, with the fraction of a second if it has one: no two times look the same."""
    seconds, ns = divmod(time_ns, SECOND_NS)
    fraction = f".{ns:09d}".rstrip("0") if ns else ""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"
