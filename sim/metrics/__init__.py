"""Statistics of a market: sinks that take a tape row by row in bounded memory, and moments of its order flow."""

from sim.metrics.counts import TapeCounts
from sim.metrics.flow import FlowKind, OrderFlow, flow_of_day, flow_of_tape
from sim.metrics.levels import DepthHistory
from sim.metrics.moments import MOMENTS, moment_distance, moments, noise_floor
from sim.metrics.series import MarketSeries, bin_width_ns

__all__ = [
    "MOMENTS",
    "DepthHistory",
    "FlowKind",
    "MarketSeries",
    "OrderFlow",
    "TapeCounts",
    "bin_width_ns",
    "flow_of_day",
    "flow_of_tape",
    "moment_distance",
    "moments",
    "noise_floor",
]
