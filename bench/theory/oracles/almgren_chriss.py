"""Optimal execution of Almgren and Chriss (Journal of Risk 3, 2000): schedule, expected cost and variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["PAPER", "AlmgrenChriss"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class AlmgrenChriss:
    """A sale of X shares over T days in N equal periods.

    Attributes:
        shares: X.
        horizon: T, in days.
        n_periods: N.
        volatility: sigma, currency per share and square root of a day.
        fixed_cost: epsilon, half the spread and fees, currency per share.
        permanent: gamma, currency per share and share.
        temporary: eta, currency per share, per share a day.
    """

    shares: float
    horizon: float
    n_periods: int
    volatility: float
    fixed_cost: float
    permanent: float
    temporary: float

    @property
    def period(self) -> float:
        """Length tau of a period, in days."""
        return self.horizon / self.n_periods

    def kappa(self, risk_aversion: float) -> float:
        """Return kappa of equation (16): 2 / tau^2 (cosh(kappa tau) - 1) = lambda sigma^2 / eta~."""
        tilde = self.temporary - self.permanent * self.period / 2
        squared = risk_aversion * self.volatility**2 / tilde
        return float(2 * np.arcsinh(self.period * np.sqrt(squared) / 2) / self.period)

    def holdings(self, risk_aversion: float) -> Floats:
        """Return the optimal holdings after 0 .. N periods (equation 17); risk aversion 0: the straight line."""
        times = self.period * np.arange(self.n_periods + 1)
        if risk_aversion == 0:
            return np.asarray(self.shares * (1 - times / self.horizon), np.float64)
        kappa = self.kappa(risk_aversion)
        return np.asarray(self.shares * np.sinh(kappa * (self.horizon - times)) / np.sinh(kappa * self.horizon))

    def expected_cost(self, holdings: Floats) -> float:
        """Return the expected implementation shortfall of a trajectory (equation 4)."""
        sold = -np.diff(holdings)
        permanent = self.permanent * float((sold * holdings[1:]).sum())
        temporary = float((np.abs(sold) * self.fixed_cost + self.temporary / self.period * sold**2).sum())
        return permanent + temporary

    def variance(self, holdings: Floats) -> float:
        """Return the variance of the shortfall of a trajectory (equation 5)."""
        return float(self.volatility**2 * self.period * (holdings[1:] ** 2).sum())


PAPER = AlmgrenChriss(1e6, 5.0, 5, 0.95, 0.0625, 2.5e-7, 2.5e-6)
"""The example of the paper's section 4 (Table 1), S0 = 50."""
