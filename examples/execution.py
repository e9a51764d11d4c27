"""Work a metaorder in a market, and read from the tape what it cost beside its mirror image and its placebo."""

from __future__ import annotations

from agents import Metaorder, execution_report
from agents.rules import zero_intelligence
from lob import Instrument
from lob.units import SECOND_NS
from sim import ConstantValue, Listing, Market, Population, Session

HOUR = Session(0, 3600 * SECOND_NS)


def market_with(order: Metaorder) -> Market:
    """Return an hour of a small market in which the metaorder has been worked."""
    stock = Instrument(n_prices=4096, reference_ticks=2000, max_orders=8192)
    settings = zero_intelligence.ZeroIntelligence(interval_s=2.0, size_lots=5)
    crowd = Population("crowd", 60, zero_intelligence.policy, settings)
    market = Market([Listing(stock, ConstantValue(2000.0))], [crowd, order.population()], HOUR, seed=3)
    market.run()
    return market


def main() -> None:
    """Compare buying at once with waiting in the queue first."""
    for passive in (False, True):
        order = Metaorder(
            "buy", 300, "twap", start_s=600, duration_s=1800, settings={"n_slices": 30, "passive": passive}
        )
        for each in (order, order.mirrored()):
            report = execution_report(market_with(each).tape, each.parent_id)
            print(
                f"{each.side:4} passive={passive!s:5} {report.executed_lots} lots, shortfall "
                f"{report.shortfall_ticks:6.2f} ticks, against VWAP {report.slippage_to_vwap_ticks:5.2f}, "
                f"{report.participation_rate:.0%} of the volume, {report.passive_lots} lots by waiting"
            )
    silent = market_with(order.placebo())
    print("placebo: ", int((silent.tape["parent_id"] == order.parent_id).sum()), "rows of its own")


if __name__ == "__main__":
    main()
