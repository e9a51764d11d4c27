"""What one order of a Python trader costs: kernel to Python, the view, one order, and back."""

from __future__ import annotations

import time
from typing import Any

from agents.rules.zero_intelligence import ZeroIntelligence
from agents.rules.zero_intelligence import policy as zero_intelligence
from bench.yardstick import at_most
from lob.rules import Instrument
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue
from sim.market import Market
from sim.settings import Listing, Population, Session
from sim.trader import Trader, TraderView

__all__ = ["run"]

N_ORDERS = 200_000


class Joiner(Trader):
    """Joins the best bid with one lot and withdraws what it had, a thousand times a second."""

    def on_wake(self, view: TraderView) -> float | None:
        """Send one order at the touch."""
        bid = view.best_bid_ticks
        view.limit("sell" if view.position_lots > 0 else "buy", 10_000 if bid is None else bid, 1)
        return 0.001


def _seconds(with_trader: bool) -> tuple[float, int]:
    listing = Listing(Instrument(reference_ticks=10_000, max_orders=2**19), ConstantValue(10_000.0))
    background = Population("background", 100, zero_intelligence, ZeroIntelligence(interval_s=1.0))
    trader = [Population("trader", 1, trader=lambda k: Joiner())] if with_trader else []
    session = Session(0, N_ORDERS // 1000 * SECOND_NS)
    market = Market([listing], [background, *trader], session, tape_rows=2**20)
    start = time.perf_counter()
    market.run(sinks=[lambda rows: None])
    spent = time.perf_counter() - start
    return spent, int(market.world.accounts["n_messages"][100:].sum()) if with_trader else 0


def run() -> dict[str, Any]:
    """Return the figures of this bench: the time with the trader less that without it, over its orders."""
    _seconds(True)
    best, orders = 1e9, 0
    for _ in range(3):
        spent, orders = _seconds(True)
        best = min(best, (spent - _seconds(False)[0]) / orders * 1e6)
    return {"us_per_order": round(best, 2), "orders": orders, "pass": at_most(best, 5.0)}
