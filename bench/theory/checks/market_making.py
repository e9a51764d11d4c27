"""Avellaneda-Stoikov and Gueant-Lehalle-Fernandez-Tapia through the engine, in the world their formulas assume.

The value is a Brownian motion, and quotes at distance d from it are filled at rate A exp(-k d). Parameters are those of
Avellaneda and Stoikov 2008, section 3.3, with one currency unit = 1,000 ticks and one unit of time = 1,000 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from agents.background import model_flow
from agents.makers import avellaneda_stoikov, gueant_lehalle_tapia, inventory_skewed
from bench.theory.markets import MID_TICKS, one_agent, theory_market
from bench.theory.oracles.intervals import mean_interval
from bench.theory.oracles.market_making import simulate
from bench.theory.rows import Row, covers, exactly
from lob.types import EventKind
from lob.units import SECOND_NS
from sim.fundamental import OrnsteinUhlenbeck
from sim.market import Market

__all__ = ["measure"]

UNIT, TIME_S = 1_000.0, 1_000.0
SIGMA, GAMMA, K, A, STEP_S = 2.0 * UNIT / TIME_S**0.5, 0.1 / UNIT, 1.5 / UNIT, 140.0 / TIME_S, 5.0
HALF_SPREAD = 0.5 * 1.49 * UNIT
"""Half of the mean spread that the paper reports; the symmetric strategy quotes it always."""
MAKERS = {
    "as": (avellaneda_stoikov.policy, avellaneda_stoikov.AvellanedaStoikov(
        gamma_per_tick=GAMMA, k_per_tick=K, sigma_ticks_per_sqrt_s=SIGMA, horizon_s=0.0, refresh_s=STEP_S,
        size_lots=1, max_quotes=1000, use_signal=True, requote_on_fill=False, post_only=False)),
    "glft": (gueant_lehalle_tapia.policy, gueant_lehalle_tapia.GueantLehalleTapia(
        gamma_per_tick=GAMMA, k_per_tick=K, fill_rate_per_s=A, sigma_ticks_per_sqrt_s=SIGMA, refresh_s=STEP_S,
        size_lots=1, max_quotes=1000, use_signal=True, requote_on_fill=False, post_only=False)),
    "symmetric": (inventory_skewed.policy, inventory_skewed.InventorySkewed(
        refresh_s=STEP_S, half_spread_ticks=HALF_SPREAD, skew_ticks_per_lot=0.0, size_lots=1,
        max_position_lots=1000, use_signal=True, requote_on_fill=False, post_only=False)),
}  # fmt: skip


def run(name: str, seed: int) -> tuple[Market, np.ndarray[Any, Any]]:
    """Return a market that has run for the paper's unit of time with one maker, and the value on its grid."""
    policy, settings = MAKERS[name]
    value = OrnsteinUhlenbeck(float(MID_TICKS), 0.0, SIGMA, step_ns=int(STEP_S * SECOND_NS))
    flow = model_flow.ModelFlow(fill_rate_per_s=A, k_per_tick=K, size_lots=1, step_s=STEP_S)
    populations = [one_agent("maker", policy, settings), one_agent("flow", model_flow.policy, flow)]
    market = theory_market(populations, TIME_S, seed, value=value, n_prices=2 * MID_TICKS)
    market.run()
    return market, value.grid(seed, market.world.listings[0].instrument.name, 0, int(TIME_S * SECOND_NS))


def outcome(name: str, seed: int) -> tuple[float, float]:
    """Return final profit in currency units and final inventory."""
    market, value = run(name, seed)
    account = market.world.accounts[0, 0]
    position = int(account["position_lots"])
    return (int(account["cash_ticks"]) + position * value[-1]) / UNIT, float(position)


def worst_quote(name: str, seed: int) -> tuple[float, int]:
    """Return the largest distance of a quote from its formula, in ticks, and the number of quotes."""
    market, value = run(name, seed)
    tape = market.tape
    position, largest, count = 0, 0.0, 0
    for row in tape:
        if row["kind"] == EventKind.EXECUTE and row["contra_agent"] == 0:
            position -= int(row["side"]) * int(row["qty_lots"])
        if row["kind"] != EventKind.ADD or row["agent"] != 0:
            continue
        step = int(row["time_ns"]) // int(STEP_S * SECOND_NS)
        q, s, side = position, value[step], int(row["side"])
        if name == "as":
            risk = GAMMA * SIGMA**2 * (TIME_S - row["time_ns"] / SECOND_NS)
            wanted = s - q * risk - side * (0.5 * risk + np.log(1 + GAMMA / K) / GAMMA)
        else:
            skew = np.sqrt(SIGMA**2 * GAMMA / (2 * K * A) * (1 + GAMMA / K) ** (1 + K / GAMMA))
            wanted = s - side * np.log(1 + GAMMA / K) / GAMMA - side * (2 * side * q + 1) / 2 * skew
        largest, count = max(largest, abs(int(row["price_ticks"]) - wanted)), count + 1
    return largest, count


def _sd_row(name: str, what: str, values: np.ndarray[Any, Any], target: float, paper: float) -> Row:
    # Profits have heavier tails than a normal: the error of their deviation follows from the fourth moment.
    n, sd = len(values), float(values.std(ddof=1))
    kurtosis = float(stats.kurtosis(values, fisher=False))
    reach = float(stats.norm.ppf(0.995)) * sd * np.sqrt((kurtosis - 1) / (4 * n))
    return covers(name, what, (sd, sd - reach, sd + reach), target, f"{n:,} runs; the paper's Table 1 says {paper}")


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield the quotes against their formulas, the rate of fills, and the paper's Table 1."""
    for name, words in (("as", "Avellaneda-Stoikov"), ("glft", "Gueant-Lehalle-Fernandez-Tapia")):
        largest, count = worst_quote(name, 1)
        what = f"{words}: largest distance of a quote from its formula [ticks]"
        yield exactly(f"{name}-quotes", what, largest, 0.0, 0.5 + 1e-6, f"{count:,} quotes; prices are whole ticks")
    n = 100 if quick else 4_000
    paper = {"as": (62.94, 5.89, 2.80), "symmetric": (67.21, 13.43, 8.66)}
    with ProcessPoolExecutor(2) as pool:
        for name, (profit, profit_sd, inventory_sd) in paper.items():
            found = np.array(list(pool.map(partial(outcome, name), range(n), chunksize=25)))
            target = simulate(name == "as")
            words = "inventory strategy" if name == "as" else "symmetric strategy"
            what = f"Avellaneda-Stoikov: mean profit, {words}, against the model simulated directly"
            detail = f"{n:,} runs; the paper's Table 1 says {profit}"
            yield covers(f"{name}-profit", what, mean_interval(found[:, 0]), target[0], detail)
            what = f"Avellaneda-Stoikov: standard deviation of the profit, {words}"
            yield _sd_row(f"{name}-profit-sd", what, found[:, 0], target[1], profit_sd)
            what = f"Avellaneda-Stoikov: standard deviation of the final inventory, {words}"
            yield _sd_row(f"{name}-inventory-sd", what, found[:, 1], target[2], inventory_sd)
