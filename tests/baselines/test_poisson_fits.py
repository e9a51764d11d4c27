"""The Poisson fits find the rates that a flow was simulated with, also where few levels are recorded."""

from __future__ import annotations

import numpy as np
import pytest

from agents.background import cont_stoikov_talreja, santa_fe
from agents.background.cont_stoikov_talreja import ContStoikovTalreja
from agents.background.santa_fe import SantaFe
from scenarios.baselines import BASELINES
from tests.baselines.flows import simulated

SECONDS = 6_000


def test_zero_intelligence_has_its_rates_and_window_back() -> None:
    true = SantaFe(limit_rate=0.1, market_rate=0.5, cancel_rate=0.2, window_ticks=40, size_lots=7)
    fitted = BASELINES["santa_fe"].fit(simulated(santa_fe.policy, true, SECONDS, levels=60), "known").settings
    assert isinstance(fitted, SantaFe)
    n_limit, n_market = 2 * 0.1 * 40 * SECONDS, 2 * 0.5 * SECONDS
    assert fitted.window_ticks == pytest.approx(40, abs=1)
    total = fitted.limit_rate * fitted.window_ticks
    assert total == pytest.approx(4.0, rel=4 / np.sqrt(n_limit) + 0.005)
    # A market order that meets an empty side leaves no trace; with this book none does.
    assert fitted.market_rate == pytest.approx(0.5, rel=4 / np.sqrt(n_market))
    assert fitted.cancel_rate == pytest.approx(0.2, rel=4 / np.sqrt(n_limit) + 0.005)
    assert fitted.size_lots == 7


@pytest.mark.parametrize("levels", [4, 30])
def test_rates_by_distance_are_found_whether_few_or_all_levels_are_recorded(levels: int) -> None:
    true = ContStoikovTalreja(size_lots=3)
    flow = simulated(cont_stoikov_talreja.policy, true, SECONDS, levels)
    fitted = BASELINES["cont_stoikov_talreja"].fit(flow, "known").settings
    assert isinstance(fitted, ContStoikovTalreja)
    limit, cancel = (np.array(rates) for rates in true.rates())
    for i in range(4):
        n = limit[i] * 2 * SECONDS
        assert fitted.limit_rates[i] == pytest.approx(limit[i], rel=4 / np.sqrt(n) + 0.01), i
        assert fitted.cancel_rates[i] == pytest.approx(cancel[i], rel=6 / np.sqrt(n) + 0.01), i
    assert fitted.market_rate == pytest.approx(0.94, rel=0.04)
    assert fitted.size_lots == 3


def test_the_fitted_model_has_the_spread_and_the_rate_of_events_it_was_fitted_to() -> None:
    true = ContStoikovTalreja(
        limit_rates=(0.01,) * 10 + (0.05,) * 40, cancel_rates=(0.1,) * 50, n_levels=50, tail_scale=0.0, market_rate=0.1,
        first_spread_ticks=15,
    )  # fmt: skip
    flow = simulated(cont_stoikov_talreja.policy, true, 4_000, levels=10)
    fitted = BASELINES["cont_stoikov_talreja"].fit(flow, "known")
    again = fitted.market(5, 0, 4_000 * 10**9, 10_000)
    again.run()
    mine = fitted.flow(again.tape, 10).window(60 * 10**9, 4_000 * 10**9)
    spreads = [float(np.nanmean(f.ask_ticks - f.bid_ticks)) for f in (mine, flow)]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.05)
    assert len(mine) / 3_940 == pytest.approx(len(flow) / 4_000, rel=0.05)
