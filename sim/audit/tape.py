"""`TapeAudit`: a sink that checks every row of a tape, and says what it found in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lob.rules import Instrument
from lob.types import EVENT, EventKind
from sim.audit.book import grown
from sim.audit.faults import CHECKS, FAULTS
from sim.audit.rows import audit_rows, finish_rows
from sim.audit.state import KEEP, Group, new_state

__all__ = ["Finding", "TapeAudit"]

STRETCH = 65_536
_VENUE = (int(EventKind.PHASE), int(EventKind.NEWS))


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be.

    Attributes:
        check: the check that found it.
        what: what was compared.
        expected, found: the two values in words.
        row: number of the row on the tape from 1; None if it is not about one row.
        time_ns: of the row.
        symbol: index of the instrument.
    """

    check: str
    what: str
    expected: str
    found: str
    row: int | None = None
    time_ns: int | None = None
    symbol: int | None = None


class TapeAudit:
    """Rebuilds the books from tape rows alone and holds each row against them; a sink for `Market.run`.

    Nothing of the engine is used but the layout of a row: what it matches, books and refuses is told a second time.
    A violation never stops the audit, but what follows it in the same book may be a consequence: read the first one.

    Args:
        instruments: rules of each book, by symbol.
        groups: the agents; ids from 0 without a gap.

    Example:
        >>> from sim import ConstantValue, Listing, Market, Population, RiskLimits, Session, Trader
        >>> class Quoter(Trader):
        ...     def on_wake(self, view):
        ...         view.limit("buy", 9_998, 5)
        >>> stock = Instrument(reference_ticks=10_000)
        >>> quoters = Population("quoters", 2, trader=lambda index: Quoter())
        >>> market = Market([Listing(stock, ConstantValue(10_000.0))], [quoters], Session(0, 60_000_000_000), seed=1)
        >>> audit = TapeAudit([stock], [Group("quoters", 0, 2, (0,), RiskLimits(), None)])
        >>> market.run(sinks=[audit])
        True
        >>> audit.finish()
        []
    """

    def __init__(self, instruments: Sequence[Instrument], groups: Sequence[Group]) -> None:
        self.state = new_state(instruments, groups)
        self.venue_rows: list[np.ndarray[Any, Any]] = []

    def __call__(self, rows: np.ndarray[Any, Any]) -> None:
        """Take a stretch of EVENT rows."""
        if rows.dtype != EVENT:
            raise TypeError(f"rows have dtype {rows.dtype}; needed: lob.types.EVENT")
        for start in range(0, len(rows), STRETCH):
            part = np.ascontiguousarray(rows[start : start + STRETCH])
            self.state = grown(self.state, len(part))
            audit_rows(self.state, part)
            venue = part[np.isin(part["kind"], _VENUE)]
            if len(venue):
                self.venue_rows.append(venue)

    def finish(self) -> list[Finding]:
        """Check that the last message is whole; return the first findings of each kind, in the order of the checks."""
        finish_rows(self.state)
        order = list(CHECKS)
        found = []
        for k in sorted(range(len(FAULTS)), key=lambda k: (order.index(FAULTS[k].check), k)):
            for row in self.state.findings[k][: min(KEEP, int(self.state.n_found[k]))]:
                found.append(
                    Finding(
                        FAULTS[k].check,
                        FAULTS[k].what,
                        str(int(row["expected"])),
                        str(int(row["found"])),
                        int(row["row"]),
                        int(row["time_ns"]),
                        int(row["symbol"]),
                    )
                )
        return found

    @property
    def n_found(self) -> dict[str, int]:
        """Number of faults of each check."""
        totals = dict.fromkeys(CHECKS, 0)
        for fault, n in zip(FAULTS, self.state.n_found, strict=True):
            totals[fault.check] += int(n)
        return totals
