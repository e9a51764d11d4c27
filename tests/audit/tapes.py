"""A short tape with every kind of row in two instruments, and what an audit of it needs to know."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from lob.rules import Instrument
from lob.types import EventKind, Phase
from lob.units import SECOND_NS
from sim.audit import Finding, Group, TapeAudit
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.records import ScheduledKind
from sim.settings import Latency, Listing, Population, RiskLimits, Scheduled, Session
from tests.sim.markets import MID_TICKS, OPEN_NS, Fidget, zero_intelligence_traders

Rows = np.ndarray[Any, Any]
RULES = Instrument(n_prices=2048, max_orders=4096, reference_ticks=MID_TICKS, max_order_lots=20, collar_ticks=60)
BOOKS = (RULES, replace(RULES, symbol=1, replace_keeps_priority=False))
KILLED_NS = OPEN_NS + 14 * SECOND_NS


def _populations() -> list[Population]:
    limited = RiskLimits(max_position_lots=40, max_open_orders=12, max_order_lots=11, max_notional=12_000)
    fidgets = [
        Population(f"fidget {s}", 3, trader=lambda k: Fidget(0.05 + 0.01 * k), latency=Latency(a_ns=2e5), symbol=s)
        for s in (0, 1)
    ]
    return [
        *(replace(zero_intelligence_traders(12, name=f"zero {s}"), symbol=s) for s in (0, 1)),
        *(replace(group, limits=limited if group.symbol else RiskLimits()) for group in fidgets),
        replace(zero_intelligence_traders(4, name="killed"), limits=RiskLimits(max_messages_per_s=2)),
    ]


def groups() -> list[Group]:
    """The agents of the tape as an audit is told of them."""
    first, found = 0, []
    for population in _populations():
        killed = KILLED_NS if population.name == "killed" else None
        found.append(Group(population.name, first, population.count, (population.symbol,), population.limits, killed))
        first += population.count
    return found


@cache
def good_tape() -> Rows:
    """About 4,000 rows: 20 seconds with a halt, news and a kill switch."""
    phase, killed = ScheduledKind.PHASE, len(_populations()) - 1
    schedule = [
        Scheduled(OPEN_NS + 8 * SECOND_NS, phase, Phase.HALTED, 0),
        Scheduled(OPEN_NS + 10 * SECOND_NS, phase, Phase.CONTINUOUS, 0),
        Scheduled(OPEN_NS + 5 * SECOND_NS, ScheduledKind.NEWS, 1.0, 1),
        Scheduled(KILLED_NS, ScheduledKind.KILL, killed),
    ]
    listings = [Listing(book, ConstantValue(float(MID_TICKS))) for book in BOOKS]
    session = Session(OPEN_NS, OPEN_NS + 20 * SECOND_NS)
    market = Market(listings, _populations(), session, schedule, seed=3)
    market.run()
    rows = market.tape
    assert set(rows["kind"]) == {k for k in EventKind if k <= EventKind.NEWS} and set(rows["symbol"]) == {0, 1}
    rows.flags.writeable = False
    return rows


def audited(rows: Rows, books: Any = BOOKS, agents: list[Group] | None = None) -> list[Finding]:
    """What the audit finds in some rows."""
    audit = TapeAudit(books, groups() if agents is None else agents)
    audit(rows)
    return audit.finish()
