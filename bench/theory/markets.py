"""Small markets in which a theory is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lob.rules import Instrument
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue, Fundamental
from sim.market import Market
from sim.settings import Latency, Listing, Population, Session

__all__ = ["MID_TICKS", "OPEN_NS", "SECOND_NS", "one_agent", "theory_market"]

OPEN_NS = 0
MID_TICKS = 100_000
DAY_S = 39 * 3600 - 600
"""Longest session in seconds: the clock of a market counts 39 hours."""

Rows = np.ndarray[Any, Any]


def theory_market(
    populations: Sequence[Population],
    seconds: float,
    seed: int,
    *,
    value: Fundamental | None = None,
    n_prices: int = 200_001,
    max_orders: int = 65_536,
) -> Market:
    """Return a market in one stock around MID_TICKS that opens at time 0."""
    stock = Instrument(n_prices=n_prices, max_orders=max_orders, reference_ticks=MID_TICKS, max_order_lots=2**30)
    listing = Listing(stock, value or ConstantValue(float(MID_TICKS)))
    session = Session(OPEN_NS, OPEN_NS + int(seconds * SECOND_NS))
    return Market([listing], populations, session, seed=seed)


def one_agent(name: str, policy: Any, settings: Any, latency_ns: float = 1.0) -> Population:
    """Return a population of one."""
    return Population(name, 1, policy, settings, latency=Latency(a_ns=latency_ns))
