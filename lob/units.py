"""Units of time in ns, the only unit that the engine knows."""

from __future__ import annotations

__all__ = ["DAY_NS", "HOUR_NS", "MICROSECOND_NS", "MILLISECOND_NS", "MINUTE_NS", "SECOND_NS"]

MICROSECOND_NS = 1_000
MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
