"""A trader of your own in plain Python, as RL and LLM agents are written.

Run: python examples/own_trader.py

It buys 500 lots with patient limit orders at the best bid, and follows the bid when it moves. In a scenario file such a
trader is named `kind = "own_trader:trader"`.
"""

from __future__ import annotations

from typing import Any

from agents.rules import zero_intelligence
from lob import Instrument
from lob.units import SECOND_NS
from sim import ConstantValue, Latency, Listing, Market, Needs, Population, Session, Trader, TraderView, Wake
from sim.checks import check_trader


class PatientBuyer(Trader):
    """Keeps one buy order at the best bid until `quantity_lots` are bought."""

    wakes_on = Wake.FILL | Wake.TOUCH
    needs = Needs.OWN

    def __init__(self, quantity_lots: int = 500, slice_lots: int = 20) -> None:
        self.quantity_lots, self.slice_lots = quantity_lots, slice_lots
        self.n_requotes = 0

    def on_wake(self, view: TraderView) -> float | None:
        """Follow the best bid; return the seconds until the next look even if nothing happens."""
        left = self.quantity_lots - view.position_lots
        if left <= 0 or view.n_in_flight > 0:
            return 1.0
        bid = view.best_bid_ticks
        if bid is None:
            return 1.0
        own = view.own_orders
        if not own:
            # A place of its own within the spread would be quicker; this one waits in the queue.
            view.limit("buy", bid, min(left, self.slice_lots), post_only=True, parent_id=1)
        elif own[0].price_ticks < bid:
            self.n_requotes += 1
            view.replace(own[0].order_id, bid, own[0].qty_lots, post_only=True)
        return 1.0

    def state(self) -> Any:
        """Return all that it remembers, so that snapshots and forks work."""
        return {"n_requotes": self.n_requotes}

    def set_state(self, state: Any) -> None:
        """Take it back."""
        self.n_requotes = state["n_requotes"]


trader = PatientBuyer


def main() -> None:
    """Check the trader, then let it trade for five minutes."""
    check_trader(lambda index: PatientBuyer())
    print("check_trader: nothing to complain about")

    crowd = zero_intelligence.policy
    populations = [
        Population("crowd", 100, crowd, crowd.settings(interval_s=5.0, size_lots=5)),
        Population("buyer", 1, trader=lambda index: PatientBuyer(), latency=Latency(a_ns=1e6)),
    ]
    stock = Listing(Instrument(n_prices=20_000, reference_ticks=10_000), ConstantValue(10_000.0))
    session = Session(34_200 * SECOND_NS, 34_500 * SECOND_NS)
    market = Market([stock], populations, session, seed=2)
    market.run()

    account = market.world.accounts[-1, 0]
    bought = int(account["position_lots"])
    buyer = market.traders[100]
    assert isinstance(buyer, PatientBuyer)
    print(
        f"bought {bought} lots in {int(account['n_fills'])} fills at {-int(account['cash_ticks']) / bought:.1f} ticks"
    )
    volume = int(market.world.symbols["volume_lots"][0])
    print(f"followed the bid {buyer.n_requotes} times; the market traded {volume} lots")


if __name__ == "__main__":
    main()
