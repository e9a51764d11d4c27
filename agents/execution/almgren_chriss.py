"""Optimal execution of Almgren and Chriss (Journal of Risk 3, 2000): faster at first, the more risk is feared.

The holdings after k of N trades are X sinh(kappa (T - t_k)) / sinh(kappa T) (their equation 17), with kappa from
2 / tau^2 (cosh(kappa tau) - 1) = lambda sigma^2 / (eta - gamma tau / 2) (equation 16).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from agents.execution._working import NEEDS, WAKES_ON, MetaorderSettings, follow_schedule
from sim.policy import Policy

__all__ = ["AlmgrenChriss", "policy"]

AtLeastZero = Annotated[float, Field(ge=0)]


class AlmgrenChriss(MetaorderSettings):
    """Settings, with those of MetaorderSettings; `duration_s` is T. Units: ticks, lots, seconds.

    Attributes:
        n_slices: N, number of trades; the first is due at the start, the last one slice before the end.
        risk_aversion: lambda, per tick and lot; 0: even slices.
        sigma_ticks_per_sqrt_s: volatility of the price.
        temporary_ticks: eta, temporary impact of trading one lot a second.
        permanent_ticks_per_lot: gamma, permanent impact.
    """

    n_slices: Annotated[int, Field(ge=1, le=100_000)] = 30
    risk_aversion: AtLeastZero = 1e-4
    sigma_ticks_per_sqrt_s: AtLeastZero = 1.0
    temporary_ticks: Annotated[float, Field(gt=0)] = 1.0
    permanent_ticks_per_lot: AtLeastZero = 0.0

    @model_validator(mode="after")
    def _has_a_solution(self) -> AlmgrenChriss:
        if self.temporary_ticks <= self.permanent_ticks_per_lot * self.duration_s / self.n_slices / 2:
            raise ValueError("temporary_ticks must be above permanent_ticks_per_lot x duration_s / n_slices / 2")
        return self


def holdings_lots(settings: AlmgrenChriss) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the whole lots held after 0 .. N trades."""
    n, quantity = settings.n_slices, settings.quantity_lots
    tau = settings.duration_s / n
    tilde = settings.temporary_ticks - settings.permanent_ticks_per_lot * tau / 2
    squared = settings.risk_aversion * settings.sigma_ticks_per_sqrt_s**2 / tilde
    # cosh x - 1 = 2 sinh^2(x / 2); the arccosh of 1 + something small has lost its digits.
    kappa_tau = 2 * float(np.arcsinh(tau * np.sqrt(squared) / 2))
    left = np.arange(n, -1, -1)
    # Beyond 700 the sinh overflows, and all but the first few holdings are 0 anyway.
    if kappa_tau * n > 700:
        return np.rint(quantity * np.exp(-kappa_tau * np.arange(n + 1)) * (left > 0))
    share = left / n if kappa_tau == 0 else np.sinh(kappa_tau * left) / np.sinh(kappa_tau * n)
    return np.rint(quantity * share)


def _block(settings: AlmgrenChriss) -> np.ndarray[Any, Any]:
    """Return the quantity due at the beginning of each slice."""
    return np.asarray(settings.quantity_lots - holdings_lots(settings)[1:], np.float64)


policy = Policy(AlmgrenChriss, follow_schedule, needs=NEEDS, wakes_on=WAKES_ON, block=_block)
