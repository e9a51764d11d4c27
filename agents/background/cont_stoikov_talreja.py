"""Poisson order flow of Cont, Stoikov and Talreja (Operations Research 58(3), 2010): a whole market as one agent.

Limit orders arrive at distance i from the opposite best at rate lambda(i), market orders at rate mu on each side, and
each live order at distance i is withdrawn at rate theta(i). The default rates are those of the paper's section 4.1 for
orders of unit size; beyond the fifth tick lambda follows the paper's power law 1.92 / i^0.52 and theta stays at its
last value.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from agents.background._live import memory_cells
from agents.background._poisson import decide_poisson, poisson_block, slots_for
from sim.distributions import Settings
from sim.policy import Policy
from sim.records import Needs

__all__ = ["ContStoikovTalreja", "policy"]

Rate = Annotated[float, Field(ge=0)]
POWER_LAW = (1.92, 0.52)


class ContStoikovTalreja(Settings):
    """Settings of the flow; a population of one agent. All rates are per second.

    Attributes:
        limit_rates: limit orders on each side at distance 1, 2, ... ticks from the opposite best.
        cancel_rates: cancels of each live order at these distances; the last holds beyond.
        market_rate: market orders on each side.
        n_levels: limit orders arrive up to this distance, beyond the table by the power law.
        size_lots: size of every order.
        seed_spread_ticks: spread of the book that is laid at the open, one order at each price.
        rate_scale: factor on all rates.
    """

    limit_rates: tuple[Rate, ...] = (1.85, 1.51, 1.09, 0.88, 0.77)
    cancel_rates: tuple[Annotated[float, Field(gt=0)], ...] = (0.71, 0.81, 0.68, 0.56, 0.47)
    market_rate: Rate = 0.94
    n_levels: Annotated[int, Field(ge=1, le=1000)] = 30
    size_lots: Annotated[int, Field(ge=1)] = 1
    seed_spread_ticks: Annotated[int, Field(ge=1)] = 2
    rate_scale: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _tables_fit(self) -> ContStoikovTalreja:
        if not self.limit_rates or len(self.limit_rates) != len(self.cancel_rates):
            raise ValueError("limit_rates and cancel_rates must have the same number of entries, at least one")
        if len(self.limit_rates) > self.n_levels:
            raise ValueError(f"{len(self.limit_rates)} limit_rates; allowed: at most n_levels = {self.n_levels}")
        return self

    def rates(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return limit and cancel rates at distances 1 to n_levels."""
        distance = np.arange(1, self.n_levels + 1)
        scale, exponent = POWER_LAW
        limit, cancel = scale / distance**exponent, np.full(self.n_levels, self.cancel_rates[-1])
        limit[: len(self.limit_rates)], cancel[: len(self.cancel_rates)] = self.limit_rates, self.cancel_rates
        return limit, cancel


def _slots(settings: ContStoikovTalreja) -> int:
    return slots_for(*settings.rates())


def _block(settings: ContStoikovTalreja) -> np.ndarray[Any, Any]:
    limit, cancel = settings.rates()
    return poisson_block(
        limit, cancel, settings.market_rate, settings.size_lots, settings.seed_spread_ticks, settings.rate_scale,
        _slots(settings),
    )  # fmt: skip


policy = Policy(
    ContStoikovTalreja,
    decide_poisson,
    needs=Needs.BOOK,
    block=_block,
    memory=lambda settings: memory_cells(_slots(settings)),
)
