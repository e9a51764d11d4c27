"""Forecasts are futures of one state, likelihoods those of the training's validation, and gaps are filled to fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents import Metaorder
from agents.flow.codes import DELETE, MARKET, N_LOCAL, PARTIAL
from agents.flow.training import validation_nats
from agents.flow.uses import event_nats, fill_gap, forecast, gap_nats
from lob.errors import InputError
from lob.units import SECOND_NS
from scenarios.build.market import build
from scenarios.schema.load import load_scenario
from sim.market import Market
from tests.flow.small import market_flow, small_tokenizer, small_weights


def now(order: Metaorder) -> Market:
    parts = build(load_scenario("first_market"))
    compiled = [group for group in parts.populations if group.trader is None]
    market = Market(parts.listings, [*compiled, order.population()], parts.session, seed=3)
    market.run(market.session.open_ns + 100 * SECOND_NS)
    return market


def test_a_forecast_is_futures_of_one_state_and_pairs_with_a_what_if() -> None:
    order = Metaorder("buy", 400, algo="twap", start_s=101, duration_s=20)
    market = now(order.placebo())
    found = forecast(market, 30.0, 12, points=6)
    assert market.time_ns == market.session.open_ns + 100 * SECOND_NS
    assert found.time_s.tolist() == [0, 5, 10, 15, 20, 25, 30] and found.moves_ticks.shape == (12, 7)
    assert (found.moves_ticks[:, 0] == 0).all() and len(np.unique(found.moves_ticks[:, -1])) > 3
    again = forecast(market, 30.0, 12, points=3)
    assert (again.moves_ticks[:, -1] == found.moves_ticks[:, -1]).all()
    bought = forecast(now(order), 30.0, 12, points=6)
    assert (bought.volumes_lots - found.volumes_lots).mean() > 200
    assert (bought.moves_ticks - found.moves_ticks)[:, -1].mean() > 0
    with pytest.raises(InputError, match="beyond the close; allowed: up to 3500"):
        forecast(market, 1e6)
    with pytest.raises(InputError, match="futures = 0"):
        forecast(market, 1.0, 0)


def test_likelihoods_of_events_are_those_of_the_validation() -> None:
    weights, tokens = small_weights(), small_tokenizer().encode(market_flow(1), "ONE")
    part = tokens.window(int(tokens.time_ns[0]), int(tokens.time_ns[256]))
    found = event_nats(weights, part)
    assert np.isnan(found[:64]).all() and np.isfinite(found[64:240]).all()
    whole = validation_nats(weights.model(), [part], weights.config["block"])
    # The validation's blocks reach to the end of the stretch, so the common part is compared through its sum.
    assert np.nanmean(found) == pytest.approx(whole["total"], abs=0.2)
    other = replace(part, order=(part.order + N_LOCAL) % (2 * N_LOCAL))
    assert not np.allclose(event_nats(weights, other)[64:240], found[64:240])


def test_a_gap_is_filled_with_possible_orders_that_depend_on_both_sides() -> None:
    weights, tokens = small_weights(), small_tokenizer().encode(market_flow(1), "ONE")
    found = fill_gap(weights, tokens, 300, 2, 400, seed=1)
    assert found.shape == (400, 2, 3) and (fill_gap(weights, tokens, 300, 2, 400, seed=1) == found).all()
    n_sizes = small_tokenizer().n_sizes
    for order, detail, _ in found.reshape(-1, 3):
        local = order % N_LOCAL
        if DELETE <= local < PARTIAL:
            assert detail > n_sizes
        elif local == PARTIAL:
            assert detail == 0
        else:
            assert detail < n_sizes or (local == MARKET and detail == n_sizes)
    # What is missing is not looked at; what comes after it is.
    order = tokens.order.copy()
    order[300:302] = 0
    assert (fill_gap(weights, replace(tokens, order=order), 300, 2, 400, seed=1) == found).all()
    order[302:304] = (order[302:304] + 7) % (2 * N_LOCAL)
    assert not (fill_gap(weights, replace(tokens, order=order), 300, 2, 400, seed=1) == found).all()
    alone, between = gap_nats(weights, tokens, 1)
    assert np.isfinite([alone, between]).all() and alone != between
    with pytest.raises(InputError, match="at = 3; allowed: 64 to"):
        fill_gap(weights, tokens, 3, 2, 1)
    with pytest.raises(InputError, match="n_missing = 4; allowed: 1 to 3"):
        fill_gap(weights, tokens, 300, 4, 1)
