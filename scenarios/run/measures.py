"""All that a run measures on its way: hash, counts, and per instrument the series and the depth."""

from __future__ import annotations

from typing import Any

from scenarios.schema.scenario import Scenario
from sim.hash import TapeHash
from sim.metrics import DepthHistory, MarketSeries, TapeCounts, bin_width_ns

__all__ = ["Measures"]


class Measures:
    """A sink that feeds every statistic of the summary and the picture; a stored tape gives the same as a live run.

    Args:
        scenario: for the session and the price ranges.
        with_depth: keep the depth for the picture.
    """

    def __init__(self, scenario: Scenario, with_depth: bool = True) -> None:
        open_ns, close_ns = scenario.session.open_ns, scenario.session.close_ns
        width = bin_width_ns(open_ns, close_ns)
        self.hash = TapeHash()
        self.counts = TapeCounts()
        self.series = [MarketSeries(open_ns, close_ns, width, s) for s in range(len(scenario.instrument))]
        self.depth = [
            DepthHistory(open_ns, close_ns, width, table.first_price_ticks, table.n_prices, s)
            for s, table in enumerate(scenario.instrument if with_depth else ())
        ]

    def __call__(self, rows: Any) -> None:
        """Take a stretch of rows."""
        self.hash(rows)
        self.counts(rows)
        for series in self.series:
            series(rows)
        for depth in self.depth:
            depth(rows)

    def finish(self) -> None:
        """Close the last bin."""
        for depth in self.depth:
            depth.finish()
