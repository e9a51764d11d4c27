"""Almgren and Chriss 2000 through the engine: their example, sold in a book with linear impact."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from scipy import stats

from agents.makers import linear_book
from agents.metaorder import Metaorder
from bench.theory.markets import MID_TICKS, theory_market
from bench.theory.oracles.almgren_chriss import PAPER
from bench.theory.oracles.intervals import mean_interval
from bench.theory.rows import Row, covers, exactly
from lob.types import EventKind
from lob.units import SECOND_NS
from sim.fundamental import OrnsteinUhlenbeck
from sim.market import Market
from sim.settings import Population

__all__ = ["measure"]

TICK = 0.0025
"""Currency per tick; the paper's fixed cost of 0.0625 is then 25 ticks."""
DAY_S = 100
STEP_TICKS = 30
RISK_AVERSION = 1e-6


def _sale(risk_aversion: float, seed: int, volatility: float) -> Market:
    """Return a market in which the paper's million shares have been sold over five days."""
    # A sale of n in a day moves the price by n / (2 density): density = 1 / (2 eta), in ticks.
    level_lots = round(STEP_TICKS * TICK / (2 * PAPER.temporary))
    book = linear_book.LinearBook(
        refresh_s=10.0, half_spread_ticks=PAPER.fixed_cost / TICK + STEP_TICKS / 2, step_ticks=STEP_TICKS,
        level_lots=level_lots, permanent_ticks_per_lot=PAPER.permanent / TICK,
    )  # fmt: skip
    order = Metaorder(
        "sell", int(PAPER.shares), "almgren_chriss", start_s=1.0, duration_s=PAPER.horizon * DAY_S,
        settings={
            "n_slices": PAPER.n_periods, "risk_aversion": risk_aversion * TICK,
            "sigma_ticks_per_sqrt_s": PAPER.volatility / TICK / DAY_S**0.5,
            "temporary_ticks": PAPER.temporary / TICK * DAY_S, "permanent_ticks_per_lot": PAPER.permanent / TICK,
            "finish_before_close_s": 0.0,
        },
    )  # fmt: skip
    # The value stands still for a day and moves overnight, as in the paper's discrete model.
    per_sqrt_s = volatility / TICK / DAY_S**0.5
    value = OrnsteinUhlenbeck(float(MID_TICKS), 0.0, per_sqrt_s, step_ns=DAY_S * SECOND_NS)
    populations = [Population("book", 1, linear_book.policy, book), order.population()]
    market = theory_market(populations, PAPER.horizon * DAY_S + 50, seed, value=value, n_prices=120_001)
    market.run()
    return market


def holdings(market: Market) -> list[int]:
    """Return the shares left after each slice, from the tape."""
    fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    slices = np.round(fills["time_ns"] / SECOND_NS / DAY_S).astype(int)
    return [int(PAPER.shares - fills["qty_lots"][slices <= k].sum()) for k in range(PAPER.n_periods)]


def _cost(risk_aversion: float, seed: int, volatility: float = PAPER.volatility) -> float:
    market = _sale(risk_aversion, seed, volatility)
    received = int(market.world.accounts["cash_ticks"][1, 0])
    assert market.world.accounts["position_lots"][1, 0] == -PAPER.shares
    return (PAPER.shares * MID_TICKS - received) * TICK


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield the schedule, the costs without noise, and their means and deviations with noise."""
    n = 100 if quick else 2_000
    for k, (found, target) in enumerate(
        zip(holdings(_sale(RISK_AVERSION, 1, 0.0)), np.rint(PAPER.holdings(RISK_AVERSION)[1:]), strict=True), 1
    ):
        yield exactly(
            f"ac-holdings-{k}", f"Almgren-Chriss holdings after trade {k} of 5 [shares]", found, float(target)
        )
    with ProcessPoolExecutor(2) as pool:
        for name, risk_aversion in (("even", 0.0), ("optimal", RISK_AVERSION)):
            path = PAPER.holdings(risk_aversion)
            target = PAPER.expected_cost(path)
            still = _cost(risk_aversion, 1, 0.0)
            what = f"Almgren-Chriss cost of the {name} schedule"
            yield exactly(
                f"ac-still-{name}", f"{what}, price at rest", still, target, 1e-3 * target, "0.1% for whole lots"
            )
            costs = np.array(list(pool.map(partial(_cost, risk_aversion), range(n), chunksize=50)))
            yield covers(f"ac-cost-{name}", f"{what}, mean", mean_interval(costs), target, f"{n:,} sales")
            sd = float(costs.std(ddof=1))
            low, high = (sd * np.sqrt((n - 1) / stats.chi2.ppf(q, n - 1)) for q in (0.995, 0.005))
            yield covers(
                f"ac-sd-{name}", f"{what}, standard deviation", (sd, float(low), float(high)),
                PAPER.variance(path) ** 0.5, f"{n:,} sales",
            )  # fmt: skip
