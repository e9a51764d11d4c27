"""The world of Almgren and Chriss (2000): a quantity is sold in N steps against temporary and permanent impact.

In each step what is held moves with the price, then n lots are sold at the price less epsilon + eta n / tau, and the
price falls by gamma n for good. The action is the share of what is left, -1..1 for nothing..all; the last step sells
all. With the reward `inventory_penalised`, phi = lambda sigma^2 X^2 in reward units, the best policy is theirs:
holdings sinh(kappa (T - t)) / sinh(kappa T) X, whatever the price does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.rl._stepping import FACT
from agents.rl.models._batch import ModelBatch, ModelSizes
from agents.rl.rewards import RewardSettings
from lob.errors import InputError
from sim.rng import normal_quantile, raw_uniform

__all__ = ["ExecutionModel", "ExecutionModelBatch"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class ExecutionModel:
    """Numbers of the model; the defaults are those of Almgren and Chriss's section 3.4 (time in days, price in money).

    Attributes:
        start_price: price at the beginning.
        quantity: X.
        n_steps, step: N and tau.
        sigma: volatility, price per root unit of time.
        epsilon, eta, gamma: fixed cost, temporary and permanent impact.
        risk_aversion: lambda.
    """

    start_price: float = 50.0
    quantity: float = 1e6
    n_steps: int = 5
    step: float = 1.0
    sigma: float = 0.95
    epsilon: float = 0.0625
    eta: float = 2.5e-6
    gamma: float = 2.5e-7
    risk_aversion: float = 1e-6

    def __post_init__(self) -> None:
        """Check all numbers; raise InputError."""
        if self.n_steps < 1 or not self.quantity > 0.0 or not self.step > 0.0:
            raise InputError("model: n_steps, quantity and step; allowed: above 0")
        if not self.eta > 0.5 * self.gamma * self.step:
            raise InputError(f"model eta = {self.eta}; allowed: above gamma step / 2 = {0.5 * self.gamma * self.step}")

    @property
    def scale(self) -> float:
        """Price scale: the cost per lot of selling evenly, without its fixed and permanent parts."""
        return self.eta * self.quantity / (self.n_steps * self.step)

    def reward_settings(self) -> RewardSettings:
        """Return the penalty that makes the expected reward -(cost + lambda variance) / (scale X)."""
        unit = self.scale * self.quantity
        return RewardSettings(phi_per_s=self.risk_aversion * (self.sigma * self.quantity) ** 2 / unit, alpha=0.0)

    def best_holdings(self) -> Floats:
        """Return the optimal holdings x_0 .. x_N (their equations 15 to 18)."""
        eta = self.eta - 0.5 * self.gamma * self.step
        squared = self.risk_aversion * self.sigma**2 / eta
        if squared == 0.0:
            return np.linspace(self.quantity, 0.0, self.n_steps + 1)
        # cosh x - 1 = 2 sinh^2(x / 2); the arccosh of 1 + something small would be 0.
        kappa = 2.0 * np.arcsinh(0.5 * self.step * np.sqrt(squared)) / self.step
        left = self.step * np.arange(self.n_steps, -1.0, -1.0)
        return np.asarray(self.quantity * np.sinh(kappa * left) / np.sinh(kappa * self.n_steps * self.step))

    def value_of(self, holdings: Any) -> float:
        """Return the expected sum of rewards of holdings x_0 .. x_N, exactly."""
        x = np.asarray(holdings, np.float64)
        sold = -np.diff(x)
        cost = 0.5 * self.gamma * self.quantity**2 + self.epsilon * np.abs(sold).sum()
        cost += (self.eta - 0.5 * self.gamma * self.step) / self.step * (sold**2).sum()
        risk = self.risk_aversion * self.sigma**2 * self.step * (x[:-1] ** 2).sum()
        return float(-(cost + risk) / (self.scale * self.quantity))


class ExecutionModelBatch(ModelBatch):
    """n runs of the model.

    Args:
        n: runs.
        model: its numbers.
    """

    def __init__(self, n: int = 1, model: ExecutionModel | None = None) -> None:
        self.model = model or ExecutionModel()
        sizes = ModelSizes(
            self.model.scale, self.model.quantity, self.model.n_steps * self.model.step, self.model.step, n_continuous=1
        )
        penalty = self.model.reward_settings()
        super().__init__(n, "execution", ("time_left", "remaining"), "inventory_penalised", penalty, sizes)

    def _begin(self, m: int) -> None:
        self.facts[m, 0, FACT.mid_ticks] = self.facts[m, 0, FACT.start_mid_ticks] = self.model.start_price
        self.facts[m, 0, FACT.position_lots] = self.model.quantity

    def _move(self) -> None:
        model, facts = self.model, self.facts[:, 0]
        keys: Any = self._keys  # compiled code takes a plain int for a signed one, and a key has 64 bits
        draws = [float(normal_quantile(raw_uniform(keys[m], int(self._steps[m])))) for m in range(self.n)]
        facts[:, FACT.mid_ticks] += model.sigma * np.sqrt(model.step) * np.array(draws)
        share = 0.5 * (self.actions[:, 0, 0] + 1.0)
        share[self._steps == model.n_steps - 1] = 1.0
        sold = share * facts[:, FACT.position_lots]
        facts[:, FACT.cash_ticks] += sold * (facts[:, FACT.mid_ticks] - model.epsilon - model.eta * sold / model.step)
        facts[:, FACT.mid_ticks] -= model.gamma * sold
        facts[:, FACT.position_lots] -= sold
        facts[:, FACT.executed_lots] += sold

    def _observe(self) -> None:
        self.observations[:, 0, 0] = 1.0 - self._steps / self.n_steps
        self.observations[:, 0, 1] = self.facts[:, 0, FACT.position_lots] / self.model.quantity
