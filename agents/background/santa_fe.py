"""The Santa Fe zero-intelligence market (Daniels et al. 2003; Farmer, Patelli, Zovko 2005) as one agent.

Limit orders arrive at rate alpha for each price and side, uniformly over a window behind the opposite best; market
orders at rate mu on each side; each live order is withdrawn at rate delta, wherever the price has moved. Daniels,
Farmer, Gillemot, Iori, Smith (Phys. Rev. Lett. 90, 2003); Farmer, Patelli, Zovko (PNAS 102, 2005). As the tick goes to
0 and the window to infinity, the mean spread is (mu / alpha) f(epsilon), epsilon = delta sigma / mu, sigma the size of
an order; rates in orders take the place of rates in shares if sigma is left out. (Daniels et al. write mu for both
sides together, hence mu / 2 in their units.)
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from agents.background._live import memory_cells
from agents.background._poisson import decide_poisson, first_book, poisson_block, slots_for
from sim.distributions import Settings
from sim.policy import Policy
from sim.records import Needs

__all__ = ["SantaFe", "policy"]

AboveZero = Annotated[float, Field(gt=0)]
MAX_FIRST = 5_000
"""Orders of the first book on one side."""


class SantaFe(Settings):
    """Settings of the flow; a population of one agent. Rates are per second; orders are counted, not lots.

    The book that is laid at the open has the mean depth that limit orders and cancels alone would give it:
    alpha / delta orders at each price of the window.

    Attributes:
        limit_rate: alpha: limit orders for each tick of price and side.
        market_rate: mu: market orders on each side.
        cancel_rate: delta: cancels of each live order.
        window_ticks: limit orders arrive up to this distance from the opposite best.
        size_lots: size of every order (sigma).
        rate_scale: factor on all rates.
        first_spread_ticks: spread of the book that is laid at the open around the last price.
    """

    limit_rate: AboveZero = 0.2
    market_rate: AboveZero = 2.0
    cancel_rate: AboveZero = 0.1
    window_ticks: Annotated[int, Field(ge=2, le=20_000)] = 100
    size_lots: Annotated[int, Field(ge=1)] = 1
    rate_scale: AboveZero = 1.0
    first_spread_ticks: Annotated[int, Field(ge=1)] = 10

    @model_validator(mode="after")
    def _fits(self) -> SantaFe:
        _slots(self)
        return self

    def rates(self) -> tuple[list[float], list[float]]:
        """Return limit and cancel rates at distances 1 to window_ticks."""
        return [self.limit_rate] * self.window_ticks, [self.cancel_rate] * self.window_ticks

    def first_book(self) -> np.ndarray[Any, Any]:
        """Return the orders of the first book: side, offset in ticks from the last price."""
        n_levels = max(1, self.window_ticks - self.first_spread_ticks)
        depth = min(self.limit_rate / self.cancel_rate, MAX_FIRST / n_levels)
        queue = np.diff(np.floor(depth * np.arange(n_levels + 1) + 0.5)).astype(int).tolist()
        return first_book(self.first_spread_ticks, queue, queue)


def _slots(settings: SantaFe) -> int:
    return slots_for(*settings.rates(), n_first=0)


def _block(settings: SantaFe) -> np.ndarray[Any, Any]:
    limit, cancel = settings.rates()
    return poisson_block(
        limit, cancel, settings.market_rate, settings.size_lots, settings.rate_scale, _slots(settings),
        settings.first_book(),
    )  # fmt: skip


policy = Policy(
    SantaFe,
    decide_poisson,
    needs=Needs.BOOK,
    block=_block,
    memory=lambda settings: memory_cells(_slots(settings)),
)
