"""What a scenario file may say: frozen models, one per table, with the units in the names of the fields."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from lob.rules import MAX_ORDER_LOTS, MAX_PRICES

__all__ = [
    "Event",
    "FundamentalTable",
    "InstrumentTable",
    "LatencyTable",
    "LimitsTable",
    "PopulationTable",
    "RecordTable",
    "Scenario",
    "SessionTable",
    "TraderTable",
    "time_ns",
]

SCHEMA_VERSION = 1
Name = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
Ticks = Annotated[int, Field(ge=-(2**30), le=2**30)]
Fee = Annotated[float, Field(ge=-10_000, le=10_000, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
AtLeastZero = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]
WholeAtLeastZero = Annotated[int, Field(ge=0, le=2**62)]


def time_ns(time: dt.time) -> int:
    """Return a time of day in ns since midnight."""
    seconds = (time.hour * 60 + time.minute) * 60 + time.second
    return (seconds * 1_000_000 + time.microsecond) * 1000


class Table(BaseModel):
    """Base of all tables: frozen; a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def wrong(key: str, value: Any, allowed: str) -> PydanticCustomError:
    """Return an error about one key of a table, for a validator that looks at several."""
    return PydanticCustomError("wrong_key", "wrong value", {"key": key, "bad": value, "allowed": allowed})


# ---- session ----------------------------------------------------------------------------------------------------


class SessionTable(Table):
    """When the market is open."""

    date: dt.date | None = None
    """Day of the session; for titles and file names only."""
    open: dt.time = dt.time(9, 30)
    close: dt.time = dt.time(16)

    @model_validator(mode="after")
    def _in_order(self) -> SessionTable:
        if self.close <= self.open:
            raise wrong("close", self.close, f"a time after the open ({self.open})")
        return self


# ---- instruments ------------------------------------------------------------------------------------------------


class ConstantTable(Table):
    """A fundamental value that never moves."""

    kind: Literal["constant"]
    value_ticks: Finite | None = None
    """Default: the instrument's reference price."""


class MeanRevertingTable(Table):
    """Ornstein-Uhlenbeck: dV = kappa (mean - V) dt + sigma dW."""

    kind: Literal["ou"]
    mean_ticks: Finite | None = None
    """Long-run mean and start; default: the instrument's reference price."""
    kappa_per_s: AtLeastZero = 1e-3
    """Speed of mean reversion; 0: a Brownian motion."""
    sigma_ticks_per_sqrt_s: AtLeastZero = 0.5
    """Volatility: standard deviation of the change in one second."""


class SparseTable(Table):
    """An Ornstein-Uhlenbeck process with rare large jumps, as the oracle of ABIDES' rmsc configurations."""

    kind: Literal["sparse_mean_reverting"]
    mean_ticks: Finite | None = None
    """Long-run mean and start; default: the instrument's reference price."""
    kappa_per_s: AtLeastZero = 1.67e-7
    sigma_ticks_per_sqrt_s: AtLeastZero = 0.0
    jumps_per_s: Annotated[float, Field(ge=0, le=10)] = 2.77778e-9
    """Mean number of jumps a second."""
    jump_mean_ticks: Finite = 1000.0
    jump_sd_ticks: AtLeastZero = 223.6


class FileTable(Table):
    """Values from a CSV or Parquet file with the columns time_ns (since midnight, ascending) and value_ticks."""

    kind: Literal["file"]
    path: Name
    """Relative paths start at the scenario file's folder."""


FundamentalTable = Annotated[
    ConstantTable | MeanRevertingTable | SparseTable | FileTable, Field(discriminator="kind")
]


class InstrumentTable(Table):
    """One instrument and the rules of its book."""

    name: Name = "STOCK"
    tick_size: AboveZero = 0.01
    """One tick in money; one lot is one share."""
    reference_ticks: Ticks = 10_000
    """Price before the first trade."""
    min_price_ticks: Ticks | None = None
    """Lowest price; default: half the range below the reference, but at least 1."""
    n_prices: Annotated[int, Field(ge=1, le=MAX_PRICES)] = 65_536
    """Number of prices from the lowest upwards; orders beyond are rejected."""
    max_orders: Annotated[int, Field(ge=1, le=2**26)] | None = None
    """Resting orders that the book can hold; default: 8 for each agent, at least 65,536."""
    min_order_lots: Annotated[int, Field(ge=1, le=MAX_ORDER_LOTS)] = 1
    max_order_lots: Annotated[int, Field(ge=1, le=MAX_ORDER_LOTS)] = 1_000_000
    collar_ticks: Annotated[int, Field(ge=0, le=2**30)] = 0
    """A buy may not be priced above the last trade by more than this, a sell below; 0: no collar."""
    replace_keeps_priority: bool = True
    """A replacement that only lowers the quantity keeps its place in the queue."""
    maker_fee_bps: Fee = 0.0
    """Fee of the resting side in basis points of the traded value; negative: a rebate."""
    taker_fee_bps: Fee = 0.0
    """Fee of the aggressive side."""
    fundamental: FundamentalTable = ConstantTable(kind="constant")

    @property
    def first_price_ticks(self) -> int:
        """Lowest price, given or by default."""
        if self.min_price_ticks is not None:
            return self.min_price_ticks
        return max(1, self.reference_ticks - self.n_prices // 2)

    @model_validator(mode="after")
    def _fits(self) -> InstrumentTable:
        low, high = self.first_price_ticks, self.first_price_ticks + self.n_prices - 1
        inside = f"{low} to {high} ticks, the price range that min_price_ticks and n_prices give"
        if not low <= self.reference_ticks <= high:
            raise wrong("reference_ticks", self.reference_ticks, inside)
        if self.max_order_lots < self.min_order_lots:
            raise wrong("max_order_lots", self.max_order_lots, f"at least min_order_lots ({self.min_order_lots})")
        for key in ("value_ticks", "mean_ticks"):
            value = getattr(self.fundamental, key, None)
            if value is not None and not low <= value <= high:
                raise wrong(f"fundamental.{key}", value, inside)
        return self


# ---- who trades -------------------------------------------------------------------------------------------------

_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6}


def _one_unit(table: Any, stem: str) -> float:
    """Return a duration in ns that was given in exactly one of ns, us and ms."""
    names = [f"{stem}_{unit}" for unit in _NS]
    given = [name for name in names if getattr(table, name) is not None]
    if len(given) != 1:
        raise wrong(names[0], ", ".join(given) or "nothing", f"exactly one of {', '.join(names)}")
    return float(getattr(table, given[0])) * _NS[given[0].rsplit("_", 1)[1]]


class ConstantLatency(Table):
    """The same time for every message."""

    kind: Literal["constant"]
    delay_ns: AtLeastZero | None = None
    delay_us: AtLeastZero | None = None
    delay_ms: AtLeastZero | None = None

    @model_validator(mode="after")
    def _units(self) -> ConstantLatency:
        _one_unit(self, "delay")
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
        low, high = _one_unit(self, "low"), _one_unit(self, "high")
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
        _one_unit(self, "median")
        return self


LatencyTable = Annotated[
    ConstantLatency | UniformLatency | LognormalLatency, Field(discriminator="kind")
]


class LimitsTable(Table):
    """Pre-trade limits of each agent; 0: no limit."""

    max_order_lots: WholeAtLeastZero = 0
    max_notional: WholeAtLeastZero = 0
    """Largest price x quantity of one order, in ticks x lots."""
    max_position_lots: WholeAtLeastZero = 0
    max_open_orders: WholeAtLeastZero = 0
    max_messages_per_s: WholeAtLeastZero = 0


class Group(Table):
    """What populations and Python traders have in common."""

    name: Name
    """Unique; each agent's random draws are keyed by it."""
    kind: Name
    count: Count = 1
    symbol: Name | None = None
    """Name of the instrument; default: the first."""
    latency: LatencyTable = ConstantLatency(kind="constant", delay_ns=1)
    """Time from decision to arrival at the exchange."""
    reaction_ns: Annotated[int, Field(ge=1, le=10**15)] = 1
    """Time from a market event to the wake-up that it triggers."""
    limits: LimitsTable = LimitsTable()
    settings: dict[str, Any] = Field(default_factory=dict)


class PopulationTable(Group):
    """Agents that share a compiled policy: one of the library's kinds, or "my_module:MY_POLICY"."""


class TraderTable(Group):
    """Python traders: one of the library's kinds, or "my_module:MyTrader"; settings go to its constructor."""


# ---- what happens -----------------------------------------------------------------------------------------------


class HaltEvent(Table):
    """Trading stops and starts again; orders may be cancelled in between."""

    kind: Literal["halt"]
    at: dt.time
    until: dt.time
    symbol: Name | None = None

    @model_validator(mode="after")
    def _in_order(self) -> HaltEvent:
        if self.until <= self.at:
            raise wrong("until", self.until, f"a time after `at` ({self.at})")
        return self


class NewsEvent(Table):
    """News with a number, seen by the populations that subscribe to news."""

    kind: Literal["news"]
    at: dt.time
    value: Finite
    symbol: Name | None = None


class PhaseEvent(Table):
    """A change of the trading phase."""

    kind: Literal["phase"]
    at: dt.time
    phase: Literal["continuous", "halted", "closed"]
    symbol: Name | None = None


Event = Annotated[HaltEvent | NewsEvent | PhaseEvent, Field(discriminator="kind")]


class RecordTable(Table):
    """What a run keeps."""

    tape: bool = True
    """Write the tape; without it a run cannot be resumed."""
    picture: bool = True
    checkpoint_s: AboveZero = 10.0
    """Wall time between two snapshots from which a killed run can be resumed."""


class Scenario(Table):
    """A whole scenario."""

    schema_version: Literal[1] = 1
    description: str = ""
    """One line for `outcry scenarios`."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Used unless `--seed` is given."""
    max_in_flight: Annotated[int, Field(ge=1, le=2**26)] | None = None
    """Messages that can be on their way at once; default: enough for most markets."""
    session: SessionTable = SessionTable()
    instrument: Annotated[tuple[InstrumentTable, ...], Field(min_length=1)] = (InstrumentTable(),)
    population: tuple[PopulationTable, ...] = ()
    trader: tuple[TraderTable, ...] = ()
    event: tuple[Event, ...] = ()
    record: RecordTable = RecordTable()

    @model_validator(mode="after")
    def _parts_fit(self) -> Scenario:
        symbols = [instrument.name for instrument in self.instrument]
        groups = [("population", self.population), ("trader", self.trader)]
        _unique([(f"instrument[{k}].name", name) for k, name in enumerate(symbols)])
        _unique([(f"{table}[{k}].name", g.name) for table, rows in groups for k, g in enumerate(rows)])
        for table, rows in [*groups, ("event", self.event)]:
            for k, row in enumerate(rows):
                if row.symbol is not None and row.symbol not in symbols:
                    raise wrong(f"{table}[{k}].symbol", row.symbol, f"one of {', '.join(symbols)}")
        session = self.session
        for k, event in enumerate(self.event):
            for key in ("at", "until"):
                time = getattr(event, key, None)
                if time is not None and not session.open <= time < session.close:
                    allowed = f"a time within the session ({session.open} to {session.close})"
                    raise wrong(f"event[{k}].{key}", time, allowed)
        return self


def _unique(names: list[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for path, name in names:
        if name in seen:
            raise wrong(path, name, f"a name that {seen[name]} does not have already")
        seen[name] = path.rsplit(".", 1)[0]
