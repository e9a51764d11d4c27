"""Traders with private values: they never trade at a loss or too much, and double auctions of them are efficient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agents.rules import hbl, zi_c, zip_trader
from lob.types import EventKind
from sim.market import Market
from sim.settings import Latency, Population
from tests.sim.markets import STOCK, market_of

BASE = 0
"""Prices lie between 0 and 200, as in the papers: the margins of ZIP are shares of a price."""
N_TRADERS, N_UNITS, STEP = 10, 3, 12
FIRST = np.linspace(185, 85, N_TRADERS).round()
KINDS = {"zi_c": zi_c, "zip": zip_trader, "hbl": hbl}


def build(kind: str, seed: int = 1, **settings: Any) -> Market:
    """Buyers and sellers with mirrored values around 100; three units each."""
    policy = KINDS[kind].policy  # type: ignore[attr-defined]
    if kind != "zip":
        settings = {"low_ticks": float(BASE), "high_ticks": float(BASE + 200), **settings}
    populations = []
    for k, first in enumerate(FIRST):
        for side, value in ((1, BASE + first), (-1, BASE + 200 - first)):
            own = policy.settings(
                side=side, value_ticks=value, value_step_ticks=STEP, n_units=N_UNITS, interval_s=1.0, **settings
            )
            populations.append(Population(f"{side} {k}", 1, policy, own, latency=Latency(a_ns=1e6)))
    return market_of(populations, seconds=400, seed=seed, instrument=replace(STOCK, reference_ticks=100))


def surplus(market: Market) -> tuple[float, float]:
    """Realised and largest possible surplus; checks that no unit was traded at a loss or too many."""
    tape = market.tape
    fills = tape[tape["kind"] == EventKind.EXECUTE]
    realised = 0.0
    values, costs = [], []
    for k, first in enumerate(FIRST):
        for at, side in ((2 * k, 1), (2 * k + 1, -1)):
            units = [(BASE + first if side > 0 else BASE + 200 - first) - side * STEP * u for u in range(N_UNITS)]
            (values if side > 0 else costs).extend(units)
            own = fills[(fills["agent"] == at) | (fills["contra_agent"] == at)]
            assert own["qty_lots"].sum() <= N_UNITS
            for unit, price in zip(units, own["price_ticks"], strict=False):
                realised += side * (unit - price)
    n = min(len(values), len(costs))
    gains = np.sort(values)[::-1][:n] - np.sort(costs)[:n]
    return realised, float(gains[gains > 0].sum())


def efficiencies(kind: str, n: int, **settings: Any) -> np.ndarray[Any, Any]:
    found = []
    for seed in range(n):
        market = build(kind, seed, **settings)
        market.run()
        realised, largest = surplus(market)
        found.append(realised / largest)
    return np.array(found)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_trades_at_a_loss(kind: str) -> None:
    market = build(kind)
    market.run()
    fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    assert len(fills) > 10
    traded = np.zeros(2 * N_TRADERS, int)
    for row in fills:
        for at in (int(row["agent"]), int(row["contra_agent"])):
            first, side = FIRST[at // 2], 1 if at % 2 == 0 else -1
            unit = (BASE + first if side > 0 else BASE + 200 - first) - side * STEP * traded[at]
            assert side * (unit - row["price_ticks"]) >= 0
            traded[at] += 1


def test_budget_constraints_alone_make_the_market_efficient() -> None:
    constrained, free = efficiencies("zi_c", 12), efficiencies("zi_c", 12, constrained=False)
    assert constrained.mean() - 2.6 * constrained.std(ddof=1) / 12**0.5 > 0.95
    assert free.mean() < constrained.mean() - 0.1


@pytest.mark.parametrize(("kind", "least"), [("zip", 0.95), ("hbl", 0.97)])
def test_markets_of_learning_traders_are_efficient(kind: str, least: float) -> None:
    assert efficiencies(kind, 10).mean() > least


def price_errors(kind: str, n: int) -> np.ndarray[Any, Any]:
    """Root mean square distance of prices from the competitive equilibrium (100) in the first and second half."""
    errors = []
    for seed in range(n):
        market = build(kind, seed)
        market.run()
        prices = market.tape["price_ticks"][market.tape["kind"] == EventKind.EXECUTE].astype(float)
        half = len(prices) // 2
        errors.append([np.sqrt(np.mean((part - 100) ** 2)) for part in (prices[:half], prices[half:])])
    return np.array(errors)


def test_learning_traders_find_the_equilibrium_price_better_than_random_ones() -> None:
    random, zips, beliefs = (price_errors(kind, 10).mean() for kind in ("zi_c", "zip", "hbl"))
    assert zips < random
    assert beliefs < random


@pytest.mark.parametrize("kind", ["zip", "hbl"])
def test_prices_of_learning_traders_come_nearer_to_the_equilibrium(kind: str) -> None:
    first, second = price_errors(kind, 10).mean(axis=0)
    assert second < 0.7 * first
