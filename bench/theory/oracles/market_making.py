"""The model world of Avellaneda and Stoikov (2008), simulated directly: what the engine must reproduce.

Time in steps dt; in each, a quote at distance d is filled with probability A exp(-k d) dt, then the value moves by a
normal step. Currency and time units of the paper.
"""

from __future__ import annotations

import numpy as np

__all__ = ["simulate"]


def simulate(
    inventory_strategy: bool,
    n: int = 200_000,
    *,
    sigma: float = 2.0,
    gamma: float = 0.1,
    k: float = 1.5,
    fill_rate: float = 140.0,
    dt: float = 0.005,
    half_spread: float = 0.745,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return mean and standard deviation of the profit after one unit of time, and that of the final inventory.

    With `inventory_strategy` quotes follow equations 29 and 30, otherwise they lie at `half_spread` on both sides of
    the value. The other defaults are the parameters of section 3.3; `n` is the number of runs.
    """
    generator = np.random.default_rng(seed)
    value, inventory, cash = np.zeros((3, n))
    for step in range(round(1 / dt)):
        risk = gamma * sigma**2 * (1 - step * dt) if inventory_strategy else 0.0
        half = 0.5 * risk + np.log(1 + gamma / k) / gamma if inventory_strategy else half_spread
        centre = value - inventory * risk
        bid, ask = centre - half, centre + half
        bought = generator.random(n) < fill_rate * np.exp(-k * (value - bid)) * dt
        sold = generator.random(n) < fill_rate * np.exp(-k * (ask - value)) * dt
        cash += sold * ask - bought * bid
        inventory += bought.astype(float) - sold
        value += sigma * np.sqrt(dt) * generator.standard_normal(n)
    profit = cash + inventory * value
    return float(profit.mean()), float(profit.std()), float(inventory.std())
