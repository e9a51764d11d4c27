"""Statistics of a market: sinks that take a tape row by row in bounded memory, and moments of its order flow."""

from sim.metrics.counts import TapeCounts
from sim.metrics.depth import DepthHistory
from sim.metrics.description import describe
from sim.metrics.distances import total_variation, wasserstein
from sim.metrics.facts import FACTS, facts
from sim.metrics.flow import FlowKind, OrderFlow, flow_of_day, flow_of_tape, visible_flow_of_tape
from sim.metrics.moments import MOMENTS, moment_distance, moments, noise_floor
from sim.metrics.scores import LOB_BENCH, SAMPLES
from sim.metrics.series import MarketSeries, bin_width_ns

__all__ = [
    "FACTS",
    "LOB_BENCH",
    "MOMENTS",
    "SAMPLES",
    "DepthHistory",
    "FlowKind",
    "MarketSeries",
    "OrderFlow",
    "TapeCounts",
    "bin_width_ns",
    "describe",
    "facts",
    "flow_of_day",
    "flow_of_tape",
    "moment_distance",
    "moments",
    "noise_floor",
    "total_variation",
    "visible_flow_of_tape",
    "wasserstein",
]
