"""Double auctions of traders with private values that the tests share: mirrored supply and demand around 100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from agents.rules import hbl, zi_c, zip_trader
from lob.types import EventKind
from lob.units import SECOND_NS
from sim.market import Market
from sim.metrics.welfare import agent_values, allocative_efficiency, competitive_equilibrium, smith_alpha
from sim.settings import Latency, Population, Scheduled
from tests.sim.markets import OPEN_NS, STOCK, Rows, market_of

KINDS: dict[str, Any] = {"zi_c": zi_c, "zip": zip_trader, "hbl": hbl}
BOUND_TICKS = 200
"""Prices lie between 0 and 200, as in the papers: the margins of ZIP are shares of a price."""
N_UNITS, STEP_TICKS = 3, 12
FIRST_TICKS = np.linspace(185, 85, 10).round()
PERIOD_S = 60.0


def settings_of(kind: str, **fields: Any) -> Any:
    """Settings of a kind, with the market's bounds where it has them."""
    bounds = {} if kind == "zip" else {"low_ticks": 0.0, "high_ticks": float(BOUND_TICKS)}
    return KINDS[kind].policy.settings(**{**bounds, **fields})


def auction(
    kind: str, seed: int = 1, n_periods: int = 1, shift_ticks: float = 0.0, schedule: Sequence[Scheduled] = (), **s: Any
) -> Market:
    """Ten buyers and ten sellers of three units each; equilibrium at 100."""
    populations = []
    for k, first in enumerate(FIRST_TICKS):
        for side, value in ((1, first - shift_ticks), (-1, BOUND_TICKS - first + shift_ticks)):
            own = settings_of(
                kind, side=side, value_ticks=value, value_step_ticks=STEP_TICKS, n_units=N_UNITS, period_s=PERIOD_S, **s
            )
            populations.append(Population(f"{side} {k}", 1, KINDS[kind].policy, own, latency=Latency(a_ns=1e6)))
    stock = replace(STOCK, reference_ticks=BOUND_TICKS // 2)
    return market_of(populations, seconds=int(n_periods * PERIOD_S), seed=seed, instrument=stock, schedule=schedule)


def trades(market: Market) -> Rows:
    return market.tape[market.tape["kind"] == EventKind.EXECUTE]


@dataclass(frozen=True)
class Outcome:
    """Efficiency and Smith's alpha, each of shape (n_seeds, n_periods)."""

    efficiency: np.ndarray[Any, Any]
    alpha: np.ndarray[Any, Any]


def outcome(kind: str, n_seeds: int, n_periods: int = 1, **fields: Any) -> Outcome:
    """Run auctions period by period."""
    efficiency, alpha = np.zeros((2, n_seeds, n_periods))
    for seed in range(n_seeds):
        market = auction(kind, seed, n_periods, **fields)
        units, sides = agent_values(market.world.agents["params"], KINDS[kind].policy.settings)
        price = competitive_equilibrium(units, sides).price_ticks
        before = market.world.accounts[:, 0].copy()
        n_before = 0
        for period in range(n_periods):
            market.run(OPEN_NS + round((period + 1) * PERIOD_S * SECOND_NS) - 1)
            now, prices = market.world.accounts[:, 0].copy(), trades(market)["price_ticks"]
            position = now["position_lots"] - before["position_lots"]
            cash = now["cash_ticks"] - before["cash_ticks"]
            efficiency[seed, period] = allocative_efficiency(units, sides, position, cash)
            alpha[seed, period] = smith_alpha(prices[n_before:], price)
            before, n_before = now, len(prices)
    return Outcome(efficiency, alpha)


def lower_bound(x: Any, confidence: float = 0.995) -> float:
    """One-sided lower bound of a mean, by Student's t over independent seeds."""
    n = len(x)
    return float(np.mean(x) - stats.t.ppf(confidence, n - 1) * np.std(x, ddof=1) / n**0.5)
