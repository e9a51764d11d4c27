"""Statistics of a tape, computed row by row in bounded memory; each class is a sink for `Market.run`."""

from sim.metrics.counts import TapeCounts
from sim.metrics.levels import DepthHistory
from sim.metrics.series import MarketSeries, bin_width_ns

__all__ = ["DepthHistory", "MarketSeries", "TapeCounts", "bin_width_ns"]
