"""The [[population]] and [[trader]] tables: who trades, how fast, within which limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from scenarios.schema.tables import Name, Table, WholeAtLeastZero, wrong

__all__ = ["Group", "LatencyHolder", "LatencyTable", "LimitsTable", "PopulationTable", "TraderTable", "duration_ns"]

Count = Annotated[int, Field(ge=1, le=10_000_000)]
MAX_DELAY_NS = 1e15
AtLeastZero = Annotated[float, Field(ge=0, le=MAX_DELAY_NS, allow_inf_nan=False)]
AboveZero = Annotated[float, Field(gt=0, le=MAX_DELAY_NS, allow_inf_nan=False)]
_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6}


def duration_ns(table: Any, stem: str) -> float:
    """Return a duration in ns that was given in exactly one of ns, us and ms."""
    names = [f"{stem}_{unit}" for unit in _NS]
    given = [name for name in names if getattr(table, name) is not None]
    if len(given) != 1:
        raise wrong(names[0], ", ".join(given) or "nothing", f"exactly one of {', '.join(names)}")
    unit = _NS[given[0].rsplit("_", 1)[1]]
    delay = float(getattr(table, given[0]))
    if delay * unit > MAX_DELAY_NS:
        raise wrong(given[0], delay, f"at most {MAX_DELAY_NS / unit:g}, eleven days")
    return delay * unit


class ConstantLatency(Table):
    """The same time for every message."""

    kind: Literal["constant"]
    delay_ns: AtLeastZero | None = None
    delay_us: AtLeastZero | None = None
    delay_ms: AtLeastZero | None = None

    @model_validator(mode="after")
    def _units(self) -> ConstantLatency:
        duration_ns(self, "delay")
        return self


class UniformLatency(Table):
    """Anything between two times, drawn for each message."""

    kind: Literal["uniform"]
    low_ns: AtLeastZero | None = None
    low_us: AtLeastZero | None = None
    low_ms: AtLeastZero | None = None
    high_ns: AtLeastZero | None = None
    high_us: AtLeastZero | None = None
    high_ms: AtLeastZero | None = None

    @model_validator(mode="after")
    def _units(self) -> UniformLatency:
        low, high = duration_ns(self, "low"), duration_ns(self, "high")
        if high < low:
            raise wrong("high", f"{high:g} ns", f"at least the lower bound ({low:g} ns)")
        return self


class LognormalLatency(Table):
    """A lognormal time, drawn for each message."""

    kind: Literal["lognormal"]
    median_ns: AboveZero | None = None
    median_us: AboveZero | None = None
    median_ms: AboveZero | None = None
    sigma: Annotated[float, Field(gt=0, le=10)]
    """Standard deviation of the logarithm."""

    @model_validator(mode="after")
    def _units(self) -> LognormalLatency:
        duration_ns(self, "median")
        return self


LatencyTable = Annotated[ConstantLatency | UniformLatency | LognormalLatency, Field(discriminator="kind")]


class LimitsTable(Table):
    """Pre-trade limits of each agent; 0: no limit."""

    max_order_lots: WholeAtLeastZero = 0
    max_notional: WholeAtLeastZero = 0
    """Largest price x quantity of one order, in ticks x lots."""
    max_position_lots: WholeAtLeastZero = 0
    max_open_orders: WholeAtLeastZero = 0
    max_messages_per_s: WholeAtLeastZero = 0
    max_messages_per_fill: WholeAtLeastZero = 0
    """Order-to-trade limit: most messages to an instrument for each fill there, and one more; cancels pass."""


class LatencyHolder(Table):
    """A latency alone, for agents that do not come from a scenario file."""

    latency: LatencyTable


class Group(Table):
    """What populations and Python traders have in common."""

    name: Name
    """Unique; each agent's random draws are keyed by it."""
    kind: Name
    count: Count = 1
    symbol: Name | None = None
    """Name of the instrument; default: the first."""
    watch: Name | None = None
    """Name of a second instrument that the agents see, that wakes them, and to which some kinds also send orders."""
    latency: LatencyTable = ConstantLatency(kind="constant", delay_ns=1)
    """Time from decision to arrival at the exchange."""
    reaction_ns: Annotated[int, Field(ge=1, le=10**15)] = 1
    """Time from a market event to the wake-up that it triggers."""
    limits: LimitsTable = LimitsTable()
    firm: Name | None = None
    """Agents of one firm count as one for the instrument's `self_trade`; default: each agent for itself."""
    lead_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share of each agent as lead market maker, in percent of what the TOP order leaves; needs an `allocation`."""
    settings: dict[str, Any] = Field(default_factory=dict)


class PopulationTable(Group):
    """Agents that share a compiled policy: one of the library's kinds, or "my_module:MY_POLICY"."""


class TraderTable(Group):
    """Python traders: one of the library's kinds, or "my_module:MyTrader"; settings are its constructor's arguments."""
