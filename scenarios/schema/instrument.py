"""The [[instrument]] table: a book's rules, its fees, and its fundamental value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lob.rules import MAX_ORDER_LOTS, MAX_PRICES
from scenarios.schema.market_rules import RulesTable
from scenarios.schema.tables import MAX_TICKS, ClockTime, FilePath, Name, Table, TickAmount, wrong

__all__ = ["FundamentalTable", "InstrumentTable"]

Ticks = Annotated[int, Field(ge=-MAX_TICKS, le=MAX_TICKS)]
Rate = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Spread = Annotated[float, Field(ge=0, le=MAX_TICKS, allow_inf_nan=False)]
Fee = Annotated[float, Field(ge=-10_000, le=10_000, allow_inf_nan=False)]


class ConstantTable(Table):
    """A fundamental value that never moves."""

    kind: Literal["constant"]
    value_ticks: TickAmount | None = None
    """Default: the instrument's reference price."""


class MeanRevertingTable(Table):
    """Ornstein-Uhlenbeck: dV = kappa (mean - V) dt + sigma dW."""

    kind: Literal["ou"]
    mean_ticks: TickAmount | None = None
    """Long-run mean and start; default: the instrument's reference price."""
    kappa_per_s: Rate = 1e-3
    """Speed of mean reversion; 0: a Brownian motion."""
    sigma_ticks_per_sqrt_s: Spread = 0.5
    """Volatility: standard deviation of the change in one second."""


class SparseTable(Table):
    """An Ornstein-Uhlenbeck process with rare large jumps, as the oracle of ABIDES' rmsc configurations."""

    kind: Literal["sparse_mean_reverting"]
    mean_ticks: TickAmount | None = None
    """Long-run mean and start; default: the instrument's reference price."""
    kappa_per_s: Rate = 1.67e-7
    sigma_ticks_per_sqrt_s: Spread = 0.0
    jumps_per_s: Annotated[float, Field(ge=0, le=10)] = 2.77778e-9
    """Mean number of jumps a second."""
    jump_mean_ticks: TickAmount = 1000.0
    jump_sd_ticks: Spread = 223.6


class FileTable(Table):
    """Values from a CSV or Parquet file with the columns time_ns (since midnight, ascending) and value_ticks."""

    kind: Literal["file"]
    path: FilePath
    """Relative paths start at the scenario file's folder."""


FundamentalTable = Annotated[ConstantTable | MeanRevertingTable | SparseTable | FileTable, Field(discriminator="kind")]


class OpeningTable(Table):
    """The book of a recording at one moment, order by order; an agent named "opening_" and the instrument owns it.

    What the scenario leaves out, tick_size, lot_size and reference_ticks, is taken from the recording.
    """

    recording: FilePath
    """Of any format (docs/recordings.md); relative paths start at the scenario file's folder."""
    at: ClockTime | None = None
    """Time of the recording; default: the session's open."""
    lives: Literal["rest", "recorded"] = "rest"
    """How long its orders stay: until they are executed, or until the record withdrew or executed them."""
    book: FilePath | None = None
    """LOBSTER's orderbook file; default: the one beside the message file."""
    symbol: Name | None = None
    """The instrument, where the recording holds several."""
    mapping: FilePath | None = None
    """File that says what the columns of a CSV or Parquet file mean."""
    zone: Name | None = None
    """Time zone of the exchange, for recordings in UTC."""


class InstrumentTable(RulesTable):
    """One instrument and the rules of its book."""

    name: Name = "STOCK"
    tick_size: Annotated[float, Field(ge=1e-12, le=1e9, allow_inf_nan=False)] = 0.01
    """One tick in money, for one share."""
    lot_size: Annotated[float, Field(ge=1e-12, le=1e9, allow_inf_nan=False)] = 1.0
    """One lot, the unit of all quantities, in shares, contracts or coins."""
    price_step_ticks: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Limit prices are multiples of so many ticks, a buy rounded down, a sell up: a coarser grid for agents that count
    in ticks, where `tick_size` only says what a tick is worth."""
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
    opening: OpeningTable | None = None
    """The book that the market opens with, from a recording."""

    @property
    def tick_value(self) -> float:
        """What one lot is worth more when its price is a tick higher, in money."""
        return self.tick_size * self.lot_size

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
        if high > MAX_TICKS:
            raise wrong("n_prices", self.n_prices, f"at most {MAX_TICKS - low + 1}: prices end at {MAX_TICKS} ticks")
        if not low <= self.reference_ticks <= high:
            raise wrong("reference_ticks", self.reference_ticks, inside)
        if self.max_order_lots < self.min_order_lots:
            raise wrong("max_order_lots", self.max_order_lots, f"at least min_order_lots ({self.min_order_lots})")
        starts = [band.from_ticks for band in self.tick_table]
        if starts != sorted(set(starts)) or any(band.from_ticks % band.tick for band in self.tick_table):
            raise wrong("tick_table", starts, "ascending prices, each a multiple of its tick size")
        for key in ("maker_fee_bps", "taker_fee_bps"):
            fee = getattr(self, key)
            if abs(1e5 * fee - round(1e5 * fee)) > 1e-6:
                raise wrong(key, fee, "steps of 0.00001, which is what fees are charged in")
        for key in ("value_ticks", "mean_ticks"):
            value = getattr(self.fundamental, key, None)
            if value is not None and not low <= value <= high:
                raise wrong(f"fundamental.{key}", value, inside)
        return self
