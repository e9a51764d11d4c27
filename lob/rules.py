"""The rules of one instrument: price range, sizes, collar, priority. Limits of participants: sim's risk gate."""

from __future__ import annotations

from dataclasses import dataclass

from lob.errors import FieldError
from lob.fields import truth, whole
from lob.types import SelfTrade

__all__ = ["Allocation", "Instrument"]

MAX_PRICES = 64**3
"""Three levels of 64-bit words address this many ticks."""
MAX_ORDER_LOTS = 2**30
MAX_DETAILED_ORDERS = 2**16 - 1
MAX_TICK_BANDS = 16


@dataclass(frozen=True)
class Allocation:
    """How an incoming order is shared out among the displayed orders of a price when it cannot take them all.

    Steps in this order, each on what the one before has left and on what the orders still have open; fractions are cut:
    the TOP order; the lead market makers' shares; a share by time; the rest pro rata; one lot each to those that got
    none (leveling); what remains by time. The steps are those that CME Group publishes for its algorithms A, C, K, O,
    Q, S and T; `time_power` 2 and more is the time pro-rata of Eurex.

    Attributes:
        top_max_lots: largest fill of the TOP order, the one that bettered the side's price last; 0: no TOP.
        fifo_percent: share of what TOP and lead market makers leave that goes by time.
        minimum_lots: a pro-rata share below this is none.
        leveling: whether one lot each goes to those that have got none so far.
        time_power: 1 shares in proportion to size; k > 1 to Q_j^k - Q_(j+1)^k, where Q_j is the quantity of order j
            and of all younger ones.
        leads: (agent, percent) of lead market makers; percents of what TOP leaves, together at most 100.
    """

    top_max_lots: int = 0
    fifo_percent: int = 0
    minimum_lots: int = 1
    leveling: bool = False
    time_power: int = 1
    leads: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        """Check every field; raise FieldError."""
        bounds = {
            "top_max_lots": (0, MAX_ORDER_LOTS),
            "fifo_percent": (0, 100),
            "minimum_lots": (1, MAX_ORDER_LOTS),
            "time_power": (1, 8),
        }
        for field, (low, high) in bounds.items():
            object.__setattr__(self, field, whole(field, getattr(self, field), low, high, "allocation: "))
        truth("leveling", self.leveling)
        for agent, percent in self.leads:
            whole("leads: agent", agent, 0)
            whole("leads: percent", percent, 1, 100)
        if sum(percent for _, percent in self.leads) > 100 or len({agent for agent, _ in self.leads}) < len(self.leads):
            raise FieldError(
                f"allocation: leads = {self.leads}; allowed: each agent once, together at most 100 percent"
            )


@dataclass(frozen=True)
class Instrument:
    """What the exchange needs to know to run one book.

    Attributes:
        name: the ticker.
        symbol: index of the instrument in its market, 0 for a single one.
        min_price_ticks: lowest valid price.
        n_prices: number of valid prices from `min_price_ticks` upwards, at most 262,144.
        max_orders: resting orders that the book can hold.
        n_agents: owners are numbered 0 to n_agents - 1; needed by tracked orders only.
        min_order_lots: smallest order.
        max_order_lots: largest order.
        collar_ticks: a buy may not be priced above (a sell below) the reference by more than this; 0: no collar.
            Market orders trade up to the collar and the rest expires.
        reference_ticks: collar reference until the first execution; afterwards the last execution price.
        replace_keeps_priority: a REPLACE at the same price that does not raise the quantity keeps its place.
        allocation: how orders of one price share an incoming one; None: by time (FIFO).
        self_trade: what happens instead of a trade between orders of one agent, unless an order says otherwise.
        groups: (first agent, end, number): agents from first to before end count as one for self-trade prevention.
        tick_table: (from price, tick size), ascending; below the first one every tick is allowed. Prices of the table
            and of orders are multiples of the tick size.
        round_lot: quantities are multiples of this many lots.
        static_band_ticks: limits lie within `reference_ticks` plus and minus this, and nothing trades outside; 0: no
            band. `collar_ticks` is the dynamic one, around the last trade.
        max_detailed_orders: room for orders that are more than a limit order until cancelled: icebergs, hidden, pegged
            and timed orders, stops.
    """

    name: str = "STOCK"
    symbol: int = 0
    min_price_ticks: int = 0
    n_prices: int = 65_536
    max_orders: int = 65_536
    n_agents: int = 0
    min_order_lots: int = 1
    max_order_lots: int = 1_000_000
    collar_ticks: int = 0
    reference_ticks: int = 0
    replace_keeps_priority: bool = True
    allocation: Allocation | None = None
    self_trade: SelfTrade = SelfTrade.NONE
    groups: tuple[tuple[int, int, int], ...] = ()
    tick_table: tuple[tuple[int, int], ...] = ()
    round_lot: int = 1
    static_band_ticks: int = 0
    max_detailed_orders: int = 8_192

    @property
    def is_plain(self) -> bool:
        """Whether the rules are those of price and time alone."""
        return (
            self.allocation is None
            and self.self_trade == SelfTrade.NONE
            and not self.tick_table
            and self.round_lot == 1
            and self.static_band_ticks == 0
        )

    def __post_init__(self) -> None:
        """Check every field; raise FieldError (a ValueError) with the field, its value and what is allowed."""
        where = f"instrument {self.name}: "
        object.__setattr__(self, "min_order_lots", whole("min_order_lots", self.min_order_lots, where=where))
        bounds = {
            "symbol": (0, 32_767),
            "n_prices": (1, MAX_PRICES),
            "min_price_ticks": (-(2**30), 2**30),
            "max_orders": (1, 2**26),
            "n_agents": (0, 2**30),
            "min_order_lots": (1, MAX_ORDER_LOTS),
            "max_order_lots": (self.min_order_lots, MAX_ORDER_LOTS),
            "collar_ticks": (0, 2**30),
            "reference_ticks": (-(2**30), 2**30),
            "round_lot": (1, MAX_ORDER_LOTS),
            "static_band_ticks": (0, 2**30),
            "max_detailed_orders": (1, MAX_DETAILED_ORDERS),
        }
        for field, (low, high) in bounds.items():
            object.__setattr__(self, field, whole(field, getattr(self, field), low, high, where))
        truth("replace_keeps_priority", self.replace_keeps_priority)
        object.__setattr__(self, "self_trade", SelfTrade(self.self_trade))
        self._check_ticks(where)
        for first, end, number in self.groups:
            whole("groups: first agent", first, 0, self.n_agents, where)
            whole("groups: end", end, first, self.n_agents, where)
            whole("groups: number", number, 1, 2**30, where)
        if self.allocation is not None:
            for agent, _ in self.allocation.leads:
                whole("leads: agent", agent, 0, max(0, self.n_agents - 1), where)

    def _check_ticks(self, where: str) -> None:
        if len(self.tick_table) > MAX_TICK_BANDS:
            raise FieldError(f"{where}tick_table has {len(self.tick_table)} bands; allowed: at most {MAX_TICK_BANDS}")
        before: int | None = None
        for start, step in self.tick_table:
            whole("tick_table: from", start, -(2**30), 2**30, where)
            whole("tick_table: tick size", step, 1, 2**20, where)
            if start % step or (before is not None and start <= before):
                raise FieldError(
                    f"{where}tick_table: from {start} with tick size {step}; allowed: ascending, multiples of the size"
                )
            before = start
