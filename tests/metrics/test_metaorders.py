"""Proxy metaorders: the runs are those of a plain look, and a planted law of impact is found."""

from __future__ import annotations

import numpy as np
import pytest

from lob.units import SECOND_NS
from sim.metrics import FlowKind, OrderFlow
from sim.metrics.metaorders import ProxyMetaorders, fit_impact_law, market_order_ends, proxy_metaorders


def trades(sign: np.ndarray, lots: np.ndarray, mid: np.ndarray, apart_s: float = 1.0) -> OrderFlow:
    """A market order at each step, after which the midpoint is this."""
    n = len(sign)
    ones = np.ones(n)
    return OrderFlow(
        (np.arange(n) * apart_s * SECOND_NS).astype(np.int64), np.full(n, FlowKind.EXECUTE), -sign, mid, lots,
        np.arange(n) + 1, mid - 0.5, mid + 0.5, ones, ones,
    )  # fmt: skip


def planted(exponent: float, y: float, n: int = 40_000, noise: float = 0.1) -> ProxyMetaorders:
    rng = np.random.default_rng(1)
    share = np.exp(rng.normal(-7, 1, n))
    impact = y * share**exponent + noise * rng.normal(size=n)
    return ProxyMetaorders(share, impact, 0.7 * impact, np.arange(n) * 40 // n, 20)


@pytest.mark.parametrize("exponent", [0.4, 0.5, 1.0])
def test_a_planted_exponent_is_found(exponent: float) -> None:
    law = fit_impact_law(planted(exponent, 1.7 * 1e3 ** (exponent - 0.5)))
    value, low, high = law.exponent
    assert low <= exponent <= high < low + 0.25
    assert value == pytest.approx(exponent, abs=0.05)
    assert law.late == pytest.approx((0.7, 0.7, 0.7))
    assert law.n == 2000 and law.n_blocks == 40


def test_the_prefactor_is_that_of_the_square_root() -> None:
    law = fit_impact_law(planted(0.5, 1.76))
    assert law.y[1] < 1.76 < law.y[2] and law.y[0] == pytest.approx(1.76, rel=0.03)


def test_blocks_that_move_together_widen_the_interval() -> None:
    alone = planted(0.5, 1.7)
    rng = np.random.default_rng(2)
    common = rng.normal(0, 0.02, 40)[alone.block]
    together = ProxyMetaorders(alone.share, alone.impact + common, alone.late, alone.block, 20)
    widths = [law.y[2] - law.y[1] for law in map(fit_impact_law, (alone, together))]
    assert widths[1] > 2 * widths[0]


def test_runs_of_one_sign_of_one_trader_are_the_metaorders() -> None:
    sign = np.array([1, 1, 1, -1, 1, 1, -1, -1, -1, 1])
    lots = np.arange(1, 11)
    mid = 1000.0 + np.cumsum(sign)
    found = proxy_metaorders([trades(sign, lots, mid, apart_s=60)], n_traders=1, n_draws=1)
    # The first market order has no midpoint before it: of the runs 1 1 | -1 | 1 1 | -1 -1 -1 | 1 one has three.
    assert found.share.tolist() == [(7 + 8 + 9) / 55]
    sigma = np.sqrt((np.diff(np.log(mid)) ** 2).sum())  # of 10 s returns, most of them 0
    assert found.impact == pytest.approx([-np.log((mid[8]) / mid[5]) / sigma])
    assert np.isnan(found.late).all()  # two minutes after the end there is no record


def test_records_of_less_than_five_minutes_or_without_a_move_have_no_volatility_to_measure_by() -> None:
    sign, lots = np.ones(500, np.int64), np.ones(500, np.int64)
    moving = 1000 + np.arange(500) % 7
    assert len(proxy_metaorders([trades(sign, lots, moving, apart_s=1.0)], 1)) > 0
    assert len(proxy_metaorders([trades(sign, lots, moving, apart_s=0.5)], 1)) == 0
    assert len(proxy_metaorders([trades(sign, lots, np.full(500, 1000.0))], 1)) == 0


def test_draws_of_a_seed_are_the_same_and_those_of_another_are_not() -> None:
    rng = np.random.default_rng(3)
    flow = trades(rng.choice([-1, 1], 3000), rng.integers(1, 100, 3000), 1000 + np.cumsum(rng.normal(size=3000)))
    one, same, other = (proxy_metaorders([flow], seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.share, same.share) and not np.array_equal(one.share, other.share)
    assert len(proxy_metaorders([flow, flow])) > 1.8 * len(one)


def test_executions_of_one_moment_and_sign_are_one_market_order() -> None:
    flow = trades(np.array([1, 1, -1, 1]), np.array([2, 3, 4, 5]), np.full(4, 100.0))
    object.__setattr__(flow, "time_ns", np.array([0, 0, 0, 9]))
    first, last, sign, lots = market_order_ends(flow)
    assert (first.tolist(), last.tolist(), sign.tolist(), lots.tolist()) == (
        [0, 2, 3], [1, 2, 3], [1, -1, 1], [5, 4, 5]
    )  # fmt: skip


def test_without_trades_there_are_no_metaorders() -> None:
    flow = trades(np.ones(1, np.int64), np.ones(1, np.int64), np.full(1, 100.0))
    assert len(proxy_metaorders([flow])) == 0
