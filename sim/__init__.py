"""The world: clock and event kernel, latency, randomness, fundamental value, accounts, risk gate, tape."""

from sim.distributions import Distribution, Settings
from sim.fundamental import ConstantValue, Fundamental, OrnsteinUhlenbeck, SparseMeanReverting, ValueFromFile
from sim.market import Market, Snapshot
from sim.policy import Policy, decision
from sim.records import LatencyKind, Needs, ScheduledKind, Wake
from sim.settings import Latency, Listing, Population, RiskLimits, Scheduled, Session
from sim.trader import Trader, TraderView

__all__ = [
    "ConstantValue",
    "Distribution",
    "Fundamental",
    "Latency",
    "LatencyKind",
    "Listing",
    "Market",
    "Needs",
    "OrnsteinUhlenbeck",
    "Policy",
    "Population",
    "RiskLimits",
    "Scheduled",
    "ScheduledKind",
    "Session",
    "Settings",
    "Snapshot",
    "SparseMeanReverting",
    "Trader",
    "TraderView",
    "ValueFromFile",
    "Wake",
    "decision",
]
