"""The Santa Fe zero-intelligence market as one agent (Daniels et al. 2003; Farmer, Patelli, Zovko, PNAS 102, 2005).

Limit orders arrive at rate alpha for each price and side, uniformly over a window behind the opposite best; market
orders at rate mu / 2 on each side; each live order is withdrawn at rate delta, wherever the price has moved. In the
continuum limit the mean spread is (mu / alpha) f(epsilon) with epsilon = delta sigma / mu, sigma the size of an order.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from agents.background._live import memory_cells
from agents.background._poisson import decide_poisson, poisson_block, slots_for
from sim.distributions import Settings
from sim.policy import Policy
from sim.records import Needs

__all__ = ["SantaFe", "policy"]

AboveZero = Annotated[float, Field(gt=0)]


class SantaFe(Settings):
    """Settings of the flow; a population of one agent. Rates are per second; orders are counted, not lots.

    Attributes:
        limit_rate: alpha: limit orders for each tick of price and side.
        market_rate: mu: market orders, both sides together.
        cancel_rate: delta: cancels of each live order.
        window_ticks: limit orders arrive up to this distance from the opposite best.
        size_lots: size of every order (sigma).
        seed_spread_ticks: spread of the book that is laid at the open.
        rate_scale: factor on all rates.
    """

    limit_rate: AboveZero = 0.2
    market_rate: AboveZero = 4.0
    cancel_rate: AboveZero = 0.1
    window_ticks: Annotated[int, Field(ge=2, le=20_000)] = 100
    size_lots: Annotated[int, Field(ge=1)] = 1
    seed_spread_ticks: Annotated[int, Field(ge=1)] = 10
    rate_scale: AboveZero = 1.0

    def rates(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return limit and cancel rates at distances 1 to window_ticks."""
        return np.full(self.window_ticks, self.limit_rate), np.full(self.window_ticks, self.cancel_rate)


def _slots(settings: SantaFe) -> int:
    return slots_for(*settings.rates())


def _block(settings: SantaFe) -> np.ndarray[Any, Any]:
    limit, cancel = settings.rates()
    return poisson_block(
        limit, cancel, settings.market_rate / 2, settings.size_lots, settings.seed_spread_ticks, settings.rate_scale,
        _slots(settings),
    )  # fmt: skip


policy = Policy(
    SantaFe,
    decide_poisson,
    needs=Needs.BOOK,
    block=_block,
    memory=lambda settings: memory_cells(_slots(settings)),
)
