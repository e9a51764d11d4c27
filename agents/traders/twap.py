"""A metaorder worked in equal slices over time (TWAP), as a Python trader."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sim.records import Wake
from sim.trader import Trader, TraderView

__all__ = ["TwapTrader", "trader"]


class TwapTrader(Trader):
    """Buys or sells a quantity in equal market orders, evenly over `duration_s` from `start_s` after the open.

    What a slice leaves unfilled is added to the next one; the last slice is repeated every `retry_s` until the quantity
    is complete, so a thin book delays the end but does not change the quantity.

    Args:
        side: "buy" or "sell".
        quantity_lots: to trade.
        n_slices: market orders, as even as whole lots can be.
        duration_s: from the first slice to the end, in seconds.
        start_s: beginning, in seconds after the open.
        retry_s: time between two attempts when something is left after the end, in seconds.
        parent_id: metaorder id that every child carries on the tape.
    """

    wakes_on = Wake.FILL

    def __init__(
        self,
        side: Literal["buy", "sell"] = "buy",
        quantity_lots: Annotated[int, Field(ge=1)] = 1000,
        n_slices: Annotated[int, Field(ge=1)] = 10,
        duration_s: Annotated[float, Field(ge=0)] = 600.0,
        start_s: Annotated[float, Field(ge=0)] = 60.0,
        retry_s: Annotated[float, Field(gt=0)] = 1.0,
        parent_id: int = 1,
    ) -> None:
        if side not in ("buy", "sell"):
            raise ValueError(f"side = {side!r}; allowed: 'buy', 'sell'")
        for name, value in (("quantity_lots", quantity_lots), ("n_slices", n_slices), ("retry_s", retry_s)):
            if value <= 0:
                raise ValueError(f"{name} = {value}; allowed: above 0")
        for name, value in (("duration_s", duration_s), ("start_s", start_s)):
            if value < 0:
                raise ValueError(f"{name} = {value}; allowed: 0 or more")
        self._order: tuple[Literal["buy", "sell"], int, int] = (side, quantity_lots, parent_id)
        self._plan = (n_slices, duration_s, start_s, retry_s)
        self._slices_sent = 0

    def on_wake(self, view: TraderView) -> float | None:
        """Send the slice that is due."""
        side, quantity, parent_id = self._order
        n_slices, duration_s, start_s, retry_s = self._plan
        if Wake.START in view.reason:
            return max(start_s, 1e-9)
        if Wake.TIMER not in view.reason:
            return None
        self._slices_sent = min(self._slices_sent + 1, n_slices)
        target = quantity * self._slices_sent // n_slices
        due = target - abs(view.position_lots)
        # With a slice still on its way the position is not up to date: wait for it.
        if due > 0 and view.n_in_flight == 0:
            view.market(side, due, parent_id=parent_id)
        if self._slices_sent < n_slices:
            return max(duration_s / max(1, n_slices - 1), 1e-9)
        return retry_s if abs(view.position_lots) < quantity else None

    def state(self) -> Any:
        """Return the number of slices sent."""
        return self._slices_sent

    def set_state(self, state: Any) -> None:
        """Take back the number of slices sent."""
        self._slices_sent = int(state)


trader = TwapTrader
