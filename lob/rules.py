"""The rules of one instrument: price range, sizes, collar, priority. Limits of participants: sim's risk gate."""

from __future__ import annotations

from dataclasses import dataclass

from lob.fields import truth, whole

__all__ = ["Instrument"]

MAX_PRICES = 64**3
"""Three levels of 64-bit words address this many ticks."""
MAX_ORDER_LOTS = 2**30


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
        }
        for field, (low, high) in bounds.items():
            object.__setattr__(self, field, whole(field, getattr(self, field), low, high, where))
        truth("replace_keeps_priority", self.replace_keeps_priority)
