"""Bulletins: news as text, and when a population learns of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bulletin"]


@dataclass(frozen=True)
class Bulletin:
    """A piece of text that the traders of a population come to know at a set time.

    Whether it is true stands nowhere in it: nobody in the market can tell.

    Attributes:
        time_ns: when this population learns of it, in ns since midnight.
        text: what it says.
        topic: what kind of source it has, such as "earnings" or "rumour".
    """

    time_ns: int
    text: str
    topic: str = "news"
