"""The world: clock and event kernel, latency, randomness, fundamental value, accounts, risk gate, tape."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

__all__ = [
    "Ask",
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
]

# Loaded on first use: a command that only prints its help must not wait for the compiler.
_HOME = {
    "Ask": "sim.trader",
    "Bulletin": "sim.bulletins",
    "ConditionKind": "sim.records",
    "ConstantValue": "sim.fundamental",
    "DataFile": "sim.distributions",
    "Distribution": "sim.distributions",
    "Fundamental": "sim.fundamental",
    "Latency": "sim.settings",
    "LatencyKind": "sim.records",
    "Listing": "sim.settings",
    "Market": "sim.market",
    "Needs": "sim.records",
    "OrnsteinUhlenbeck": "sim.fundamental",
    "Panel": "sim.trader",
    "Policy": "sim.policy",
    "Population": "sim.settings",
    "RiskLimits": "sim.settings",
    "Scheduled": "sim.settings",
    "ScheduledKind": "sim.records",
    "Session": "sim.settings",
    "Settings": "sim.distributions",
    "Snapshot": "sim.market",
    "SparseMeanReverting": "sim.fundamental",
    "Trader": "sim.trader",
    "TraderView": "sim.trader",
    "Conditional": "sim.settings",
    "ValueFromFile": "sim.fundamental",
    "Wake": "sim.records",
    "WithJumps": "sim.fundamental",
    "decision": "sim.policy",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
