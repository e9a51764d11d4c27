"""The model world of Avellaneda and Stoikov (2008), simulated directly: what the engine must reproduce.

Time in steps dt; in each, a quote at distance d is filled with probability A exp(-k d) dt, then the value moves by a
normal step. Currency and time units of the paper.
"""

from __future__ import annotations

import numpy as np

__all__ = ["simulate"]

# Section 3.3 of the paper.
SIGMA, GAMMA, K, FILL_RATE, DT = 2.0, 0.1, 1.5, 140.0, 0.005
HALF_SPREAD = 0.745
"""Of the symmetric strategy."""


def simulate(inventory_strategy: bool, n: int = 200_000, seed: int = 0) -> tuple[float, float, float]:
    """Return mean and standard deviation of the profit after one unit of time, and that of the final inventory.

    With `inventory_strategy` quotes follow equations 29 and 30, otherwise they lie at HALF_SPREAD on both sides of the
    value; `n` is the number of runs.
    """
    generator = np.random.default_rng(seed)
    value, inventory, cash = np.zeros((3, n))
    for step in range(round(1 / DT)):
        risk = GAMMA * SIGMA**2 * (1 - step * DT) if inventory_strategy else 0.0
        half = 0.5 * risk + np.log(1 + GAMMA / K) / GAMMA if inventory_strategy else HALF_SPREAD
        centre = value - inventory * risk
        bid, ask = centre - half, centre + half
        bought = generator.random(n) < FILL_RATE * np.exp(-K * (value - bid)) * DT
        sold = generator.random(n) < FILL_RATE * np.exp(-K * (ask - value)) * DT
        cash += sold * ask - bought * bid
        inventory += bought.astype(float) - sold
        value += SIGMA * np.sqrt(DT) * generator.standard_normal(n)
    profit = cash + inventory * value
    return float(profit.mean()), float(profit.std()), float(inventory.std())
