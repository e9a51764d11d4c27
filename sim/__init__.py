"""The world: clock and event kernel, latency, randomness, fundamental value, accounts, risk gate, tape."""

from typing import TYPE_CHECKING

from lob.lazy import lazy_names

if TYPE_CHECKING:
    from sim.beside import Beside
    from sim.bulletins import Bulletin
    from sim.distributions import DataFile, Distribution, Settings
    from sim.fundamental import (
        ConstantValue,
        Fundamental,
        OrnsteinUhlenbeck,
        SparseMeanReverting,
        ValueFromFile,
        WithJumps,
    )
    from sim.market import Market, Snapshot
    from sim.policy import Policy, decision
    from sim.records import ConditionKind, LatencyKind, Needs, ScheduledKind, Wake
    from sim.settings import Conditional, Latency, Listing, Population, RiskLimits, Scheduled, Session
    from sim.trader import Ask, Panel, Trader, TraderView
    from sim.words import frame_of, in_words
    from sim.writer import read_tape, scan_tape

__all__ = [
    "Ask",
    "Beside",
    "Bulletin",
    "ConditionKind",
    "Conditional",
    "ConstantValue",
    "DataFile",
    "Distribution",
    "Fundamental",
    "Latency",
    "LatencyKind",
    "Listing",
    "Market",
    "Needs",
    "OrnsteinUhlenbeck",
    "Panel",
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
    "WithJumps",
    "decision",
    "frame_of",
    "in_words",
    "read_tape",
    "scan_tape",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "beside": "Beside",
        "bulletins": "Bulletin",
        "distributions": "DataFile Distribution Settings",
        "fundamental": "ConstantValue Fundamental OrnsteinUhlenbeck SparseMeanReverting ValueFromFile WithJumps",
        "market": "Market Snapshot",
        "policy": "Policy decision",
        "records": "ConditionKind LatencyKind Needs ScheduledKind Wake",
        "settings": "Conditional Latency Listing Population RiskLimits Scheduled Session",
        "trader": "Ask Panel Trader TraderView",
        "words": "frame_of in_words",
        "writer": "read_tape scan_tape",
    },
)
