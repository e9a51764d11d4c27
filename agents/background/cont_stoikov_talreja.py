"""Poisson order flow of Cont, Stoikov and Talreja (Operations Research 58(3), 2010): a whole market as one agent.

Limit orders arrive at distance i from the opposite best at rate lambda(i), market orders at rate mu on each side, and
each live order at distance i is withdrawn at rate theta(i); only its own orders, not those of others at the same
price. The default rates are those of the paper's section 4.1 for orders of unit size; beyond the fifth tick lambda
follows the paper's power law 1.92 / i^0.52 and theta stays at its last value.
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
from sim.rng import exp_portable, log_portable

__all__ = ["ContStoikovTalreja", "policy"]

Rate = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=1000)]


class ContStoikovTalreja(Settings):
    """Settings of the flow; a population of one agent. All rates are per second.

    Attributes:
        limit_rates: limit orders on each side at distance 1, 2, ... ticks from the opposite best.
        cancel_rates: cancels of each live order at these distances; the last holds beyond.
        market_rate: market orders on each side.
        n_levels: limit orders arrive up to this distance.
        tail_scale, tail_exponent: beyond the table, limit orders arrive at distance i at tail_scale / i^tail_exponent.
        size_lots: size of every order.
        rate_scale: factor on all rates.
        first_spread_ticks: spread of the book that is placed at the open around the last price.
        first_levels: prices on each side of it, from the best outwards.
        first_orders: orders at each of these prices.
        first_bid_orders, first_ask_orders: orders at the best bid and the best ask; 0: as many as elsewhere.
    """

    limit_rates: tuple[Rate, ...] = (1.85, 1.51, 1.09, 0.88, 0.77)
    cancel_rates: tuple[Annotated[float, Field(gt=0)], ...] = (0.71, 0.81, 0.68, 0.56, 0.47)
    market_rate: Rate = 0.94
    n_levels: Annotated[int, Field(ge=1, le=1000)] = 30
    tail_scale: Rate = 1.92
    tail_exponent: Rate = 0.52
    size_lots: Annotated[int, Field(ge=1)] = 1
    rate_scale: Annotated[float, Field(gt=0)] = 1.0
    first_spread_ticks: Annotated[int, Field(ge=1)] = 1
    first_levels: Count = 20
    first_orders: Count = 2
    first_bid_orders: Count = 0
    first_ask_orders: Count = 0

    @model_validator(mode="after")
    def _tables_fit(self) -> ContStoikovTalreja:
        if not self.limit_rates or len(self.limit_rates) != len(self.cancel_rates):
            raise ValueError("limit_rates and cancel_rates must have the same number of entries, at least one")
        if len(self.limit_rates) > self.n_levels:
            raise ValueError(f"{len(self.limit_rates)} limit_rates; allowed: at most n_levels = {self.n_levels}")
        _slots(self)
        return self

    def rates(self) -> tuple[list[float], list[float]]:
        """Return limit and cancel rates at distances 1 to n_levels."""
        limit, cancel = list(self.limit_rates), list(self.cancel_rates)
        for i in range(len(limit) + 1, self.n_levels + 1):
            limit.append(self.tail_scale * float(exp_portable(-self.tail_exponent * float(log_portable(float(i))))))
            cancel.append(self.cancel_rates[-1])
        return limit, cancel

    def first_book(self) -> np.ndarray[Any, Any]:
        """Return the orders of the first book: side, offset in ticks from the last price."""
        queues = [[self.first_orders] * self.first_levels for _ in range(2)]
        for queue, best in zip(queues, (self.first_bid_orders, self.first_ask_orders), strict=True):
            if best > 0:
                queue[:1] = [best]
        return first_book(self.first_spread_ticks, *queues)


def _slots(settings: ContStoikovTalreja) -> int:
    return slots_for(*settings.rates(), n_first=len(settings.first_book()))


def _block(settings: ContStoikovTalreja) -> np.ndarray[Any, Any]:
    limit, cancel = settings.rates()
    return poisson_block(
        limit, cancel, settings.market_rate, settings.size_lots, settings.rate_scale, _slots(settings),
        settings.first_book(),
    )  # fmt: skip


policy = Policy(
    ContStoikovTalreja,
    decide_poisson,
    needs=Needs.BOOK,
    block=_block,
    memory=lambda settings: memory_cells(_slots(settings)),
)
