"""Kyle 1985 through the engine: a maker that learns and an informed trader that reads the book find his lambda."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agents.makers import kyle_maker
from agents.rules import gaussian_noise, informed
from bench.theory.markets import MID_TICKS, one_agent, theory_market
from bench.theory.oracles.intervals import mean_interval
from bench.theory.rows import Row, covers
from lob.units import SECOND_NS
from sim.fundamental import Fundamental

__all__ = ["measure"]

PERIOD_S = 10.0
VALUE_SD_TICKS = 1_000.0
NOISE_SD_LOTS = 1_000.0
LAMBDA = VALUE_SD_TICKS / (2 * NOISE_SD_LOTS)
STEP_TICKS = 190
"""31 levels of 190 ticks on each side reach four standard deviations of the total flow."""


@dataclass(frozen=True)
class NewValueEachPeriod(Fundamental):
    """A value that is drawn anew, independently, for each period."""

    step_ns: int = int(PERIOD_S * SECOND_NS)

    def grid(self, seed: int, symbol: str, open_ns: int, close_ns: int) -> np.ndarray:
        """Return one value for each period."""
        n = (close_ns - open_ns) // self.step_ns + 1
        return MID_TICKS + VALUE_SD_TICKS * np.random.default_rng([seed, 1985]).standard_normal(n)


def learned(first_lambda: float, seed: int, n_periods: int) -> tuple[float, float]:
    """Return lambda and the unrevealed share of the variance after some periods."""
    maker = kyle_maker.KyleMaker(
        period_s=PERIOD_S, price_ticks=float(MID_TICKS), first_lambda_ticks_per_lot=first_lambda,
        memory_periods=n_periods // 2, level_step_ticks=STEP_TICKS,
    )  # fmt: skip
    insider = informed.Informed(
        period_s=PERIOD_S, price_ticks=float(MID_TICKS), max_lots=1_000_000, max_position_lots=10**9
    )
    noise = gaussian_noise.GaussianNoise(period_s=PERIOD_S, sd_lots=NOISE_SD_LOTS)
    populations = [
        one_agent("maker", kyle_maker.policy, maker),
        one_agent("informed", informed.policy, insider),
        one_agent("noise", gaussian_noise.policy, noise),
    ]
    seconds = n_periods * PERIOD_S
    market = theory_market(populations, seconds, seed, value=NewValueEachPeriod(), n_prices=120_001)
    market.run(None, [lambda rows: None])
    state = market.world.agents["state"][0]
    return state[kyle_maker.S.lambda_], state[kyle_maker.S.rest_variance] / state[kyle_maker.S.value_variance]


def measure(quick: bool = False) -> Iterator[Row]:
    """Yield the learned lambda from two wrong beginnings, and the share of the variance that stays hidden."""
    n_seeds, n_periods = (10, 1_000) if quick else (60, 8_000)
    shares = []
    for name, factor in (("high", 3.0), ("low", 1 / 3)):
        found = np.array([learned(factor * LAMBDA, seed, n_periods) for seed in range(n_seeds)])
        shares += list(found[:, 1])
        what = f"Kyle's lambda learned from one {factor:.2g} times as large [ticks a lot]"
        detail = f"{n_seeds} markets of {n_periods:,} periods"
        yield covers(f"kyle-lambda-{name}", what, mean_interval(found[:, 0]), LAMBDA, detail)
    what = "Kyle: share of the value's variance that the flow does not reveal"
    yield covers("kyle-revealed", what, mean_interval(shares[:n_seeds]), 0.5, f"{n_seeds} markets")
