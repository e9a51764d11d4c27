"""Responses, imbalance regressions and propagators: against slow definitions, known answers and recorded days."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lob.lobster import read_day
from sim.metrics import FlowKind, OrderFlow, flow_of_day, flow_of_tape
from sim.metrics.imbalance import imbalance_regression, newey_west, order_flow_imbalance, trade_regression
from sim.metrics.propagator import decay_exponent, propagator, sign_statistics
from sim.metrics.response import EVENT_KINDS, best_events, responses
from tests.replay.days import DATA
from tests.sim.markets import market_of, zero_intelligence_traders


@pytest.fixture(scope="module")
def flow() -> OrderFlow:
    market = market_of([zero_intelligence_traders(60)], seed=5)
    market.run()
    return flow_of_tape(market.tape)


def test_events_at_the_best_are_those_of_a_plain_look_at_each_row(flow: OrderFlow) -> None:
    kind, sign, mid = best_events(flow)
    expected: list[tuple[int, int, float]] = []
    k = 1
    while k < len(flow):
        end = k
        if flow.kind[k] == FlowKind.EXECUTE:
            while (
                end + 1 < len(flow) and flow.kind[end + 1] == FlowKind.EXECUTE
                and flow.time_ns[end + 1] == flow.time_ns[k] and flow.side[end + 1] == flow.side[k]
            ):  # fmt: skip
                end += 1
        before, after = flow.mid_ticks[k - 1], flow.mid_ticks[end]
        best = flow.bid_ticks[k - 1] if flow.side[k] > 0 else flow.ask_ticks[k - 1]
        price, side = flow.price_ticks[k], int(flow.side[k])
        if np.isfinite(before) and np.isfinite(after):
            moved = int(before != after)
            if flow.kind[k] == FlowKind.EXECUTE:
                expected.append((moved, -side, before))
            elif flow.kind[k] == FlowKind.SUBMIT and (price >= best if side > 0 else price <= best):
                expected.append((2 + moved, side, before))
            elif flow.kind[k] in (FlowKind.DELETE, FlowKind.PARTIAL_CANCEL) and price == best:
                expected.append((4 + moved, -side, before))
        k = end + 1
    assert list(zip(kind, sign, mid[:-1], strict=True)) == expected
    assert set(kind) == set(range(6))


def test_responses_are_plain_means_and_signed_the_way_prices_move(flow: OrderFlow) -> None:
    kind, sign, mid = best_events(flow)
    found, counts = responses(flow, [1, 7, 10**7])
    for which in range(6):
        events = [t for t in range(len(kind)) if kind[t] == which]
        assert counts[which] == len(events)
        for column, lag in ((0, 1), (1, 7)):
            moves = [sign[t] * (mid[t + lag] - mid[t]) for t in events if t + lag <= len(kind)]
            assert found[which, column] == pytest.approx(np.mean(moves))
    assert np.isnan(found[:, 2]).all()
    # An event that moves the midpoint moves it in its own direction; the others do not move it at all at lag 1.
    assert (found[1::2, 0] > 0).all() and (found[0::2, 0] == 0).all()


def test_the_imbalance_is_that_of_the_definition_event_by_event(flow: OrderFlow) -> None:
    e = order_flow_imbalance(flow)
    for k in range(1, 400):
        pb, qb, pa, qa = (getattr(flow, n)[k] for n in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))
        pb0, qb0, pa0, qa0 = (getattr(flow, n)[k - 1] for n in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))
        if not np.isfinite([pb, pb0, pa, pa0]).all():
            assert e[k] == 0.0
            continue
        expected = (qb if pb >= pb0 else 0) - (qb0 if pb <= pb0 else 0)
        expected -= (qa if pa <= pa0 else 0) - (qa0 if pa >= pa0 else 0)
        assert e[k] == expected


def test_newey_west_is_that_of_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    generator = np.random.default_rng(1)
    x = generator.normal(size=400)
    noise = np.convolve(generator.normal(size=403), [1, 0.7, 0.4, 0.2], "valid") * (1 + np.abs(x))
    y = 0.3 + 2.0 * x + noise
    for lags in (0, 5, 12):
        ours = newey_west(y, x, lags)
        theirs = api.OLS(y, api.add_constant(x)).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
        assert (ours.alpha, ours.beta) == pytest.approx(tuple(theirs.params), abs=1e-10)
        assert (ours.alpha_error, ours.beta_error) == pytest.approx(tuple(theirs.bse), abs=1e-10)
        assert ours.r_squared == pytest.approx(theirs.rsquared, abs=1e-10)


def test_a_line_through_too_little_is_not_known_and_never_an_error() -> None:
    for y, x in (([], []), ([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0])):
        assert np.isnan(newey_west(y, x).beta)
    empty = OrderFlow(*[np.empty(0)] * 10)
    assert np.isnan(imbalance_regression(empty).beta) and np.isnan(trade_regression(empty).beta)
    assert np.isnan(responses(empty, [1])[0]).all() and np.isnan(sign_statistics(empty, 5)[0]).all()


def test_a_known_propagator_is_found_again() -> None:
    generator = np.random.default_rng(2)
    n, n_lags, beta = 400_000, 60, 0.3
    lags = np.arange(1, 2000)
    truth = lags**-beta
    # Signs with memory: each repeats an earlier one with a chance that falls with its age.
    signs = np.where(generator.random(n) < 0.5, 1.0, -1.0)
    ages = np.minimum((generator.pareto(1.0, n) + 1).astype(int), 200)
    copies = generator.random(n) < 0.8
    for t in range(200, n):
        if copies[t]:
            signs[t] = signs[t - ages[t]]
    mid = np.convolve(signs, np.concatenate([[0.0], truth]))[:n] + generator.normal(size=n).cumsum() * 0.01
    moves = np.diff(mid)
    size = len(moves)
    response = np.array([np.mean(moves[k:] * signs[: size - k]) for k in range(n_lags)])
    correlation = np.array([np.mean(signs[k:size] * signs[: size - k]) for k in range(n_lags)])
    found = propagator(response, correlation)
    assert correlation[5] > 0.02
    assert found[:30] == pytest.approx(truth[:30], abs=0.03)
    assert decay_exponent(found[:30]) == pytest.approx(beta, abs=0.05)
    # The response itself is no propagator: with correlated signs it hardly decays.
    assert np.cumsum(response)[29] > 1.3 * found[29]


def test_sign_statistics_come_from_the_midpoints_before_market_orders(flow: OrderFlow) -> None:
    response, correlation = sign_statistics(flow, 4)
    from sim.metrics.moments import market_orders

    at, signs = market_orders(flow)
    pairs = [(flow.mid_ticks[k - 1], s) for k, s in zip(at, signs, strict=True) if k > 0]
    pairs = [(m, s) for m, s in pairs if np.isfinite(m)]
    n = len(pairs) - 1
    for lag in range(4):
        steps = [(pairs[t + lag + 1][0] - pairs[t + lag][0]) * pairs[t][1] for t in range(n - lag)]
        assert response[lag] == pytest.approx(np.mean(steps))
        assert correlation[lag] == pytest.approx(np.mean([pairs[t][1] * pairs[t + lag][1] for t in range(n - lag)]))


@pytest.mark.parametrize("name", ["GOOG_2012-06-21_10", "AMZN_2012-06-21_5"])
def test_recorded_days_are_linear_in_the_imbalance_as_published(name: str) -> None:
    path = DATA / f"LOBSTER_SampleFile_{name}.zip"
    if not path.is_file():
        pytest.skip(f"no recorded days in {DATA}")
    flow: Any = flow_of_day(read_day(path))
    half_hours = [flow.window(int((9.5 + k / 2) * 3600e9), int((10 + k / 2) * 3600e9)) for k in range(13)]
    imbalance, trades = ([regress(part) for part in half_hours] for regress in (imbalance_regression, trade_regression))
    # Cont, Kukanov and Stoikov by half hours: R^2 about 65% over 50 stocks, trades alone half of that. These two stocks
    # have wider spreads than most of theirs.
    assert 0.35 < np.mean([found.r_squared for found in imbalance]) < 0.7
    assert np.mean([found.r_squared for found in trades]) < 0.85 * np.mean([found.r_squared for found in imbalance])
    assert sum(found.beta > 2.6 * found.beta_error for found in imbalance) >= 12
    found, counts = responses(flow, [1, 10, 100])
    assert (counts > 500).all()
    assert (found[EVENT_KINDS.index("MO0"), 1:] > 0).all()
