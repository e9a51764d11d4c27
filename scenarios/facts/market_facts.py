"""All facts of one source, and the topics that they come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lob.errors import InputError
from lob.units import SECOND_NS
from scenarios.data.flows import FlowSource, read_flows
from scenarios.facts import book, day, impact, memory, orders, returns
from scenarios.facts.values import Curve, Fact, Value
from sim.metrics.flow import FlowKind, OrderFlow
from sim.times import clock

__all__ = ["FACTS", "TOPICS", "MarketFacts", "facts_of"]

TOPICS: dict[str, ModuleType] = {
    "The session": day,
    "Returns and their tails": returns,
    "Memory": memory,
    "The book": book,
    "Orders": orders,
    "Impact": impact,
}
"""What the table and the page go through, in order."""

FACTS: dict[str, Fact] = {name: fact for topic in TOPICS.values() for name, fact in topic.FACTS.items()}
"""All facts by name."""


@dataclass(frozen=True)
class MarketFacts:
    """The facts of one source.

    Attributes:
        name: of the source.
        days: of each day: from, until (times of day) and number of events.
        values: by name, all of FACTS.
        curves: by name.
        tick_size: one tick in the currency; None if it is not known.
        notes: what the reader of a recording told, a line each.
    """

    name: str
    days: tuple[dict[str, Any], ...]
    values: dict[str, Value]
    curves: dict[str, Curve]
    tick_size: float | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float | None:
        """Return the number of a fact; None if the data does not give it."""
        return self.values[name].value

    def record(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "name": self.name,
            "tick_size": self.tick_size,
            "notes": list(self.notes),
            "days": list(self.days),
            "facts": {name: found.record() for name, found in self.values.items()},
            "curves": {name: found.record() for name, found in self.curves.items()},
        }


def facts_of(
    data: str | Path | FlowSource | OrderFlow | Sequence[OrderFlow], name: str | None = None, *, seed: int = 0
) -> MarketFacts:
    """Return the stylised facts of one source.

    Args:
        data: a place as `outcry facts` takes it, a source that was read, or one or more days of order flow.
        name: what to call it; default: the name of the place.
        seed: of the draws that make proxy metaorders; the same seed, the same numbers.

    Raises:
        InputError: if the place cannot be read, or there is no order flow.
    """
    if isinstance(data, str | Path):
        data = read_flows(Path(data), None, "facts_of")
    tick_size: float | None = None
    notes: tuple[str, ...] = ()
    if isinstance(data, FlowSource):
        tick_size, notes = (data.tick_size if data.tick_size > 0 else None), data.notes
        name, data = data.name if name is None else name, data.flows
    flows = [data] if isinstance(data, OrderFlow) else list(data)
    visible = [flow.visible() if (flow.kind == FlowKind.HIDDEN).any() else flow for flow in flows]
    if not flows or any(len(flow) == 0 for flow in visible):
        raise InputError("facts_of: a day without events; allowed: one day of order flow or more")
    values: dict[str, Value] = {}
    curves: dict[str, Curve] = {}
    for topic in TOPICS.values():
        # Hidden executions are in the mix of events and nowhere else.
        given = flows if topic is orders else visible
        found = impact.measure(given, seed) if topic is impact else topic.measure(given)
        values |= {key: found.values[key] for key in topic.FACTS}
        curves |= found.curves
    return MarketFacts(name or "flow", tuple(map(_day, flows)), values, curves, tick_size, notes)


def _day(flow: OrderFlow) -> dict[str, Any]:
    first, last = (clock(int(flow.time_ns[k]) // SECOND_NS * SECOND_NS) for k in (0, -1))
    return {"from": first, "until": last, "events": len(flow)}
