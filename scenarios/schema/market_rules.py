"""Rules of an instrument beyond price and time: allocation, self-trades, ticks, bands, fees, delays; and venues.

`rules = "cme_k"` and the like set several at once; what the file says beside it goes first. docs/market-rules.md says
what each means and where the settings of the venues are from.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from lob.rules import MAX_DETAILED_ORDERS, MAX_ORDER_LOTS, MAX_TICK_BANDS, Allocation
from lob.types import SelfTrade
from scenarios.schema.tables import MAX_TICKS, Table
from sim.venue import VenueRules

__all__ = ["VENUES", "AllocationTable", "RulesTable", "TickBand"]

Lots = Annotated[int, Field(ge=0, le=MAX_ORDER_LOTS)]
Percent = Annotated[int, Field(ge=0, le=100)]
DelayUs = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
LotFee = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
SelfTradeName = Literal["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]

VENUES: dict[str, dict[str, Any]] = {
    # Price, then displayed before hidden, then time (Nasdaq rule 4757); $0.0030 a share for who takes, the cap of
    # Regulation NMS (rule 610), of which $0.0020 go to who rests, as in its price list; in ticks of a cent.
    "nasdaq": {"maker_fee_per_lot_ticks": -0.2, "taker_fee_per_lot_ticks": 0.3},
    # Speed bump of 350 us on everything that comes in (IEX Rule Book, 11.510); pegged orders rest undisplayed.
    "iex": {"order_delay_us": 350.0, "cancel_delay_us": 350.0},
    # Time pro-rata of Eurex's money market futures (Eurex, "Matching principles").
    "eurex_money_market": {"allocation": {"time_power": 2}},
    # Passive liquidity protection: orders that would trade at once wait (Eurex, from 2019 on in single options; 1 ms).
    "eurex_plp": {"taker_delay_us": 1000.0},
    # CME Globex's algorithms by letter (CME Group, "Matching Algorithm Steps"): F by time; C pro rata; A, O, Q with a
    # TOP order; K with everything; T and S lead market makers, then time.
    "cme_f": {},
    "cme_a": {"allocation": {"top_max_lots": MAX_ORDER_LOTS, "minimum_lots": 2}},
    "cme_c": {"allocation": {"minimum_lots": 1}},
    "cme_k": {"allocation": {"top_max_lots": MAX_ORDER_LOTS, "fifo_percent": 40, "minimum_lots": 1, "leveling": True}},
    "cme_o": {"allocation": {"top_max_lots": 100, "minimum_lots": 1}},
    "cme_q": {"allocation": {"top_max_lots": 250, "minimum_lots": 1}},
    "cme_s": {"allocation": {"top_max_lots": MAX_ORDER_LOTS, "fifo_percent": 100}},
    "cme_t": {"allocation": {"fifo_percent": 100}},
}
"""Settings of named venues."""


class AllocationTable(Table):
    """How the displayed orders of a price share an incoming order that cannot take them all; see lob.Allocation."""

    top_max_lots: Lots = 0
    """Largest fill of the order that bettered the price of its side last; 0: no such privilege."""
    fifo_percent: Percent = 0
    """Share that goes by time, of what TOP order and lead market makers leave."""
    minimum_lots: Annotated[int, Field(ge=1, le=MAX_ORDER_LOTS)] = 1
    """A pro-rata share below this is none."""
    leveling: bool = False
    """One lot each to the orders that have got none, before the rest goes by time."""
    time_power: Annotated[int, Field(ge=1, le=8)] = 1
    """1: in proportion to size; 2 and more: time pro-rata."""


class TickBand(Table):
    """The tick size from a price upwards."""

    from_ticks: Annotated[int, Field(ge=-MAX_TICKS, le=MAX_TICKS)]
    tick: Annotated[int, Field(ge=1, le=2**20)]


class RulesTable(Table):
    """What an [[instrument]] may say of its rules beyond price and time."""

    rules: Literal[tuple(VENUES)] | None = None  # type: ignore[valid-type]
    """Rules of a named venue; single settings beside it go first."""
    allocation: AllocationTable | None = None
    """How orders of one price share an incoming one; default: by time."""
    self_trade: SelfTradeName = "none"
    """What happens instead of a trade between orders of one agent, or of one `firm`."""
    tick_table: Annotated[tuple[TickBand, ...], Field(max_length=MAX_TICK_BANDS)] = ()
    """Tick sizes by price, ascending; other limit prices are refused. Agents that do not know them are helped by
    `price_step_ticks`, which rounds."""
    round_lot: Annotated[int, Field(ge=1, le=MAX_ORDER_LOTS)] = 1
    """Quantities are multiples of this."""
    static_band_ticks: Annotated[int, Field(ge=0, le=2**30)] = 0
    """No limit, and no trade, further from the reference price than this; 0: no band. See also `collar_ticks`."""
    max_detailed_orders: Annotated[int, Field(ge=1, le=MAX_DETAILED_ORDERS)] | None = None
    """Icebergs, hidden, pegged and timed orders and stops that the book can hold; default: 2 for each agent, from 8,192
    up to 65,535."""
    maker_fee_per_lot_ticks: LotFee = 0.0
    """Fee of the resting side for each lot, in ticks; negative: a rebate."""
    taker_fee_per_lot_ticks: LotFee = 0.0
    order_fee_ticks: Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)] = 0.0
    """Fee for each order that is accepted, in ticks x lots."""
    short_selling: Literal["allowed", "uptick", "forbidden"] = "allowed"
    """uptick: what an agent does not hold it may sell by limit orders above the best bid only."""
    order_delay_us: DelayUs = 0.0
    """Speed bump: new orders and replacements reach the book so much later."""
    cancel_delay_us: DelayUs = 0.0
    """The same for cancels and reductions."""
    taker_delay_us: DelayUs = 0.0
    """Orders that would trade at once wait so long before they may."""

    @model_validator(mode="after")
    def _of_venue(self) -> RulesTable:
        """Fill in what a named venue says and the file does not."""
        for name, value in VENUES.get(self.rules or "", {}).items():
            given = getattr(self, name)
            if name == "allocation":
                said = {key: getattr(given, key) for key in given.model_fields_set} if given is not None else {}
                given = AllocationTable(**{**value, **said})
            elif name not in self.model_fields_set:
                given = value
            # The table is frozen for its users; nobody has seen it yet.
            object.__setattr__(self, name, given)
        return self

    def book_rules(self, n_agents: int) -> dict[str, Any]:
        """Return the arguments of lob.Instrument that these rules are; `n_agents` decides how much room there is."""
        allocation = self.allocation
        return {
            "allocation": Allocation(**allocation.model_dump()) if allocation is not None else None,
            "self_trade": SelfTrade[self.self_trade.upper()],
            "tick_table": tuple((band.from_ticks, band.tick) for band in self.tick_table),
            "round_lot": self.round_lot,
            "static_band_ticks": self.static_band_ticks,
            "max_detailed_orders": self.max_detailed_orders or min(MAX_DETAILED_ORDERS, max(8_192, 2 * n_agents)),
        }

    def venue_rules(self) -> VenueRules:
        """Return the rules that are none of the book's."""
        return VenueRules(
            maker_fee_per_lot_ticks=round(self.maker_fee_per_lot_ticks, 9),
            taker_fee_per_lot_ticks=round(self.taker_fee_per_lot_ticks, 9),
            order_fee_ticks=round(self.order_fee_ticks, 9),
            short_selling=self.short_selling,
            order_delay_ns=round(1000 * self.order_delay_us),
            cancel_delay_ns=round(1000 * self.cancel_delay_us),
            taker_delay_ns=round(1000 * self.taker_delay_us),
        )
