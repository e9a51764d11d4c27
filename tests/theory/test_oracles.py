"""The exact targets agree with what the papers print, and with brute force."""

from __future__ import annotations

import numpy as np
import pytest

from bench.theory.oracles.almgren_chriss import PAPER
from bench.theory.oracles.cont_de_larrard import probability_up, probability_up_within
from bench.theory.oracles.cont_stoikov_talreja import (
    CstRates,
    probability_both_filled,
    probability_mid_up,
    probability_queue_grows,
)
from bench.theory.oracles.gode_sunder import efficiency, maximum_surplus
from bench.theory.oracles.intervals import mean_interval, proportion_interval, sidak_level
from bench.theory.rows import at_least, covers, exactly

TABLE_3 = """.500 .336 .259 .216 .188
.664 .500 .407 .348 .307
.741 .593 .500 .437 .391
.784 .652 .563 .500 .452
.812 .693 .609 .548 .500"""
TABLE_5 = """.266 .308 .309 .300 .288
.308 .386 .406 .406 .400
.309 .406 .441 .452 .452
.300 .406 .452 .471 .479
.288 .400 .452 .479 .491"""


def printed(text: str) -> np.ndarray:
    return np.array([[float(cell) for cell in line.split()] for line in text.splitlines()])


def test_cont_stoikov_talreja_tables_3_and_5() -> None:
    assert np.abs(probability_mid_up(CstRates())[1:6, 1:6] - printed(TABLE_3)).max() < 0.0021
    assert np.abs(probability_both_filled(CstRates())[1:, 1:] - printed(TABLE_5)).max() < 0.0011


def test_cutting_off_the_grid_does_not_matter() -> None:
    small, large = probability_mid_up(CstRates(), 30)[1:6, 1:6], probability_mid_up(CstRates(), 45)[1:6, 1:6]
    assert np.abs(small - large).max() < 1e-9
    assert np.abs(probability_both_filled(CstRates(), n_max=20) - probability_both_filled(CstRates())).max() < 1e-6


def test_making_the_spread_agrees_with_a_simulation_of_both_whole_queues() -> None:
    rates, n = CstRates(), 20_000
    generator = np.random.default_rng(0)
    bid, ask, hits = 3, 2, 0
    for _ in range(n):
        ahead, behind, filled = [bid, ask], [0, 0], [False, False]
        while True:
            ends = []
            for k in range(2):
                front = ahead[k] - 1 if not filled[k] else 0
                market = rates.market if ahead[k] + behind[k] > 0 else 0.0
                ends += [market, front * rates.cancel, rates.limit, behind[k] * rates.cancel]
            event = int(generator.choice(8, p=np.array(ends) / sum(ends)))
            k, what = divmod(event, 4)
            if what == 0 and not filled[k]:
                ahead[k] -= 1
                filled[k] = ahead[k] == 0
            elif what == 0:
                behind[k] -= 1
            elif what == 1:
                ahead[k] -= 1
            else:
                behind[k] += 1 if what == 2 else -1
            if all(filled):
                hits += 1
                break
            if filled[k] and behind[k] == 0:
                break
    target = probability_both_filled(rates)[bid, ask]
    assert abs(hits / n - target) < 3.5 * np.sqrt(target * (1 - target) / n)


def test_a_queue_grows_at_the_ratio_of_the_rates() -> None:
    assert probability_queue_grows(2, CstRates()) == pytest.approx(1.85 / (1.85 + 0.94 + 2 * 0.71))


def test_cont_de_larrard_cells() -> None:
    for (bid, ask), value in {(2, 1): 0.6977, (3, 1): 0.7906, (5, 2): 0.7560}.items():
        assert probability_up(bid, ask) == pytest.approx(value, abs=1e-4)
        up, left = probability_up_within(bid, ask, 2_000, n_max=200)
        assert up < value < up + left + 1e-4


def test_almgren_chriss_example() -> None:
    holdings = PAPER.holdings(1e-6)
    assert list(np.rint(holdings)) == [1_000_000, 541_956, 289_854, 147_897, 62_142, 0]
    assert PAPER.kappa(1e-6) == pytest.approx(0.6071, abs=1e-4)
    even = PAPER.holdings(0)
    assert PAPER.expected_cost(even) == pytest.approx(662_500)
    assert PAPER.variance(even) ** 0.5 == pytest.approx(1.041e6, rel=1e-3)
    objective = [PAPER.expected_cost(path) + 1e-6 * PAPER.variance(path) for path in (holdings, even)]
    assert objective[0] < objective[1]


def test_surplus_is_largest_in_the_competitive_allocation() -> None:
    values, costs = np.array([10, 8, 6, 4]), np.array([3, 5, 7, 9])
    assert maximum_surplus(values, costs) == 10  # 10 - 3 and 8 - 5
    assert efficiency(np.array([10, 8]), np.array([3, 5]), 10) == 1
    assert efficiency(np.array([10, 6]), np.array([3, 7]), 10) == 0.6


def test_intervals_cover_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1)
    n = 2_000
    covered = [low <= 0.3 <= high for low, high in (proportion_interval(k, 50) for k in generator.binomial(50, 0.3, n))]
    assert np.mean(covered) > 0.985
    found = [mean_interval(generator.normal(0, 1, 10)) for _ in range(n)]
    assert abs(np.mean([low <= 0 <= high for _, low, high in found]) - 0.99) < 3.5 * np.sqrt(0.99 * 0.01 / n)
    assert sidak_level(50) ** 50 == pytest.approx(0.99)


def test_rows_pass_and_fail_as_their_rules_say() -> None:
    assert covers("a", "", (1.0, 0.9, 1.1), 1.05).passed
    assert not covers("a", "", (1.0, 0.9, 1.1), 1.2).passed
    assert exactly("b", "", 5.0, 5.0).passed
    assert not exactly("b", "", 5.0, 5.1, 0.05).passed
    assert at_least("c", "", (0.98, 0.975, 0.985), 0.97).passed
    assert not at_least("c", "", (0.98, 0.96, 0.99), 0.97).passed
