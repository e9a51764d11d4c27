"""The TWAP trader: exact quantity, equal slices, its mark on every child order."""

from __future__ import annotations

import numpy as np
import pytest

from agents.rules import zero_intelligence
from agents.traders.twap import TwapTrader
from lob import EventKind, Instrument
from lob.units import SECOND_NS
from sim import ConstantValue, Listing, Market, Population, Session
from sim.checks import check_trader


def market_with(trader, interval_s=0.5):
    settings = zero_intelligence.ZeroIntelligence(interval_s=interval_s, size_lots=5)
    populations = [
        Population("random", 40, zero_intelligence.policy, settings),
        Population("buyer", 1, trader=trader),
    ]
    instrument = Instrument(n_prices=4096, min_price_ticks=8_000, reference_ticks=10_000, max_orders=8192)
    return Market([Listing(instrument, ConstantValue(10_000.0))], populations, Session(0, 900 * SECOND_NS), seed=3)


def twap(**changes):
    settings = {"quantity_lots": 100, "n_slices": 10, "duration_s": 300.0, "start_s": 60.0, "parent_id": 7}
    return TwapTrader(**{**settings, **changes})


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_the_finished_quantity_is_exact_and_every_child_carries_the_metaorder(side):
    market = market_with(lambda k: twap(side=side))
    market.run()
    sign = 1 if side == "buy" else -1
    assert market.world.accounts["position_lots"][40, 0] == sign * 100
    mine = market.tape[(market.tape["kind"] == EventKind.EXECUTE) & (market.tape["agent"] == 40)]
    assert mine["qty_lots"].sum() == 100
    assert set(mine["parent_id"]) == {7}


def test_slices_are_equal_and_evenly_spaced():
    market = market_with(lambda k: twap())
    market.run()
    mine = market.tape[(market.tape["kind"] == EventKind.EXECUTE) & (market.tape["agent"] == 40)]
    times = np.unique(mine["time_ns"])
    sizes = [mine["qty_lots"][mine["time_ns"] == t].sum() for t in times]
    assert sizes == [10] * 10
    assert np.diff(times) / SECOND_NS == pytest.approx(300 / 9, rel=1e-6)


def test_a_thin_book_delays_the_end_but_does_not_change_the_quantity():
    market = market_with(lambda k: twap(quantity_lots=300, duration_s=30.0, n_slices=3), interval_s=10.0)
    market.run()
    assert market.world.accounts["position_lots"][40, 0] == 300


def test_it_is_deterministic_and_survives_a_snapshot():
    check_trader(lambda k: twap())
    whole, cut = market_with(lambda k: twap()), market_with(lambda k: twap())
    whole.run()
    cut.run(200 * SECOND_NS)
    rest = cut.fork()
    rest.run()
    assert np.array_equal(whole.tape, np.concatenate([cut.tape, rest.tape]))


@pytest.mark.parametrize(
    ("field", "bad"), [("side", "hold"), ("quantity_lots", 0), ("n_slices", 0), ("retry_s", 0.0), ("start_s", -1.0)]
)
def test_bad_settings_are_named(field, bad):
    with pytest.raises(ValueError, match=field):
        twap(**{field: bad})
