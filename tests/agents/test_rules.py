"""What each rule policy does, seen on the tape of a small market."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from agents.makers import market_maker
from agents.rules import momentum, noise, value, zero_intelligence
from lob import NO_PRICE, EventKind, Instrument
from lob.units import SECOND_NS
from sim import ConstantValue, Listing, Market, OrnsteinUhlenbeck, Population, Session
from sim.checks import check_policy

HOUR = Session(0, 3_600 * SECOND_NS)
RANDOM = Population(
    "random",
    60,
    zero_intelligence.policy,
    zero_intelligence.ZeroIntelligence(interval_s=2.0, market_share=0.15, cancel_share=0.42, size_lots=5),
)


def run(*populations, fundamental=None, session=HOUR, seed=1):
    instrument = Instrument(n_prices=4096, min_price_ticks=8_000, reference_ticks=10_000, max_orders=8192)
    market = Market([Listing(instrument, fundamental or ConstantValue(10_000.0))], populations, session, seed=seed)
    market.run()
    return market


def rows(market, first, count, *kinds):
    """Tape rows of these kinds by the agents first .. first + count - 1."""
    tape = market.tape
    mine = (tape["agent"] >= first) & (tape["agent"] < first + count)
    return tape[mine & np.isin(tape["kind"], kinds)] if kinds else tape[mine]


@pytest.fixture(scope="module")
def random_market():
    return run(RANDOM)


@pytest.mark.parametrize("module", [zero_intelligence, noise, value, momentum, market_maker])
def test_every_policy_passes_the_checker_with_its_default_settings(module):
    check_policy(module.policy, module.policy.settings())


def test_zero_intelligence_decides_at_poisson_times():
    one = zero_intelligence.ZeroIntelligence(interval_s=1.0, market_share=0.0, cancel_share=0.0)
    adds = rows(run(Population("one", 1, zero_intelligence.policy, one)), 0, 1, EventKind.ADD, EventKind.EXECUTE)
    waits_s = np.diff(np.unique(adds["time_ns"])) / SECOND_NS
    assert len(waits_s) > 3_000
    assert stats.kstest(waits_s, stats.expon.cdf).pvalue > 0.01


def test_zero_intelligence_sends_the_shares_of_orders_that_it_is_told(random_market):
    accounts = random_market.world.accounts[:, 0]
    cancels = len(rows(random_market, 0, 60, EventKind.CANCEL))
    decisions = 60 * 3_600 / 2.0
    orders = int(accounts["n_orders"].sum())
    assert orders / decisions == pytest.approx(1 - 0.42, abs=0.01)
    # An agent without an order at rest cancels nothing.
    assert 0.2 < cancels / decisions <= 0.42 + 0.01


def test_zero_intelligence_places_limit_orders_up_to_the_distance_from_the_opposite_best(random_market):
    tape = random_market.tape
    bids = (tape["kind"] == EventKind.ADD) & (tape["side"] > 0) & (tape["ask_ticks"] != NO_PRICE)
    distance = tape["ask_ticks"][bids] - tape["price_ticks"][bids]
    assert distance.min() == 1
    assert np.quantile(distance, 0.95) <= 20 + 3  # the touch may have moved while the order was on its way


def test_a_noise_trader_that_wakes_once_sends_one_order_at_a_uniform_time():
    once = noise.Noise(once=True, size_lots=3)
    market = run(RANDOM, Population("noise", 400, noise.policy, once))
    accounts = market.world.accounts[60:, 0]
    assert (accounts["n_orders"] <= 1).all()
    assert accounts["n_orders"].sum() > 395
    mine = rows(market, 60, 400)
    first = np.array([mine["time_ns"][mine["agent"] == agent][0] for agent in np.unique(mine["agent"])])
    assert stats.kstest(first / HOUR.close_ns, "uniform").pvalue > 0.01
    bought = accounts["bought_lots"].sum()
    assert 0.4 < bought / (bought + accounts["sold_lots"].sum()) < 0.6


def test_a_noise_trader_that_withdraws_keeps_at_most_one_order_at_rest():
    again = noise.Noise(interval_s=5.0, size_lots=3, passive_ticks=10, max_age_wakes=1)
    market = run(RANDOM, Population("noise", 50, noise.policy, again))
    assert market.world.accounts["n_open"][60:].max() <= 1


def test_prices_among_value_traders_follow_the_fundamental():
    settings = value.Value(
        interval_s=5.0, mean_ticks=10_000, kappa_per_s=0.0, sigma_ticks_per_sqrt_s=3.0, noise_ticks=5.0,
        aggressive_share=0.3, size_lots=20,
    )  # fmt: skip
    process = OrnsteinUhlenbeck(10_000.0, 0.0, 3.0)
    market = run(RANDOM, Population("value", 60, value.policy, settings), fundamental=process)
    tape = market.tape[(market.tape["bid_lots"] > 0) & (market.tape["ask_lots"] > 0)]
    mid = (tape["bid_ticks"] + tape["ask_ticks"]) / 2
    grid = process.grid(1, "STOCK", 0, HOUR.close_ns)
    seconds = np.arange(300, 3_600)
    seen = mid[np.searchsorted(tape["time_ns"], seconds * SECOND_NS, side="right") - 1]
    assert np.corrcoef(seen, grid[seconds])[0, 1] > 0.8


@pytest.mark.parametrize("kappa", [1e-17, 1e-16])
def test_a_value_trader_who_believes_in_next_to_no_reversion_still_believes_in_the_volatility(kappa):
    """With a variance that were lost it would hold on to its first estimate, whatever it sees."""

    def tape(kappa_per_s):
        settings = value.Value(interval_s=20.0, kappa_per_s=kappa_per_s, sigma_ticks_per_sqrt_s=5.0, noise_ticks=5.0)
        traders = Population("value", 20, value.policy, settings)
        process = OrnsteinUhlenbeck(10_000.0, 0.0, 5.0)
        return run(RANDOM, traders, fundamental=process, session=Session(0, 600 * SECOND_NS)).tape

    assert tape(kappa).tobytes() == tape(0.0).tobytes()


def test_value_traders_gain_from_random_ones():
    settings = value.Value(interval_s=5.0, noise_ticks=3.0, aggressive_share=0.3, size_lots=5)
    process = OrnsteinUhlenbeck(10_000.0, 1e-3, 1.0)
    market = run(RANDOM, Population("value", 20, value.policy, settings), fundamental=process)
    accounts, last = market.world.accounts[:, 0], int(market.world.symbols["last_ticks"][0])
    wealth = accounts["cash_ticks"] + accounts["position_lots"] * last
    assert wealth[60:].sum() > 0 > wealth[:60].sum()


class Rising(ConstantValue):
    """A value that rises by 900 ticks over the hour."""

    def grid(self, seed, symbol, open_ns, close_ns):
        return np.linspace(10_000.0, 10_900.0, self.n_steps(open_ns, close_ns))


def test_momentum_traders_follow_a_trend_after_their_warm_up():
    settings = momentum.Momentum(interval_s=5.0, fast_looks=5, slow_looks=20, warm_up_looks=10, size_lots=1)
    informed = value.Value(
        interval_s=2.0, mean_ticks=10_450, kappa_per_s=0.0, sigma_ticks_per_sqrt_s=10.0, noise_ticks=2.0,
        aggressive_share=0.5, size_lots=10,
    )  # fmt: skip
    followers = Population("momentum", 10, momentum.policy, settings)
    market = run(RANDOM, Population("value", 40, value.policy, informed), followers, fundamental=Rising())
    mine = rows(market, 100, 10, EventKind.EXECUTE, EventKind.ADD)
    assert mine["time_ns"].min() > 10 * SECOND_NS
    assert (mine["side"] > 0).mean() > 0.8


def maker_settings(**changes):
    base = {
        "refresh_s": 30.0, "n_levels": 5, "level_spacing_ticks": 3, "first_spread_ticks": 6, "min_size_lots": 4,
        "participation": 0.0,
    }  # fmt: skip
    return market_maker.MarketMaker(**{**base, **changes})


def test_a_market_maker_quotes_a_ladder_of_evenly_spaced_levels_on_both_sides():
    maker = Population("maker", 1, market_maker.policy, maker_settings())
    market = run(maker, session=Session(0, 10 * SECOND_NS))
    adds = rows(market, 0, 1, EventKind.ADD)
    bids = np.sort(adds["price_ticks"][adds["side"] > 0])[::-1]
    asks = np.sort(adds["price_ticks"][adds["side"] < 0])
    assert bids.tolist() == [9_997 - 3 * k for k in range(5)]
    assert asks.tolist() == [10_003 + 3 * k for k in range(5)]
    assert (adds["qty_lots"] == 4).all()


def refreshes_ns(market, agent):
    cancels = rows(market, agent, 1, EventKind.CANCEL)
    return np.unique(cancels["time_ns"] // 1_000)


def test_a_market_maker_refreshes_early_only_if_asked_to_and_not_more_often_than_allowed():
    calm = run(RANDOM, Population("maker", 1, market_maker.policy, maker_settings(requote_ticks=0)))
    eager_settings = maker_settings(requote_ticks=1, requote_wait_s=2.0, refresh_s=300.0)
    eager = run(RANDOM, Population("maker", 1, market_maker.policy, eager_settings))
    assert len(refreshes_ns(calm, 60)) <= 3_600 / 30 + 1
    assert len(refreshes_ns(eager, 60)) > 3_600 / 300 * 5
    assert len(refreshes_ns(eager, 60)) <= 3_600 / 2 + 3_600 / 300 + 1


def test_a_market_maker_with_skew_keeps_its_inventory_smaller():
    def largest_position(skew):
        settings = maker_settings(skew_ticks_per_lot=skew, min_size_lots=10, refresh_s=5.0)
        market = run(RANDOM, Population("maker", 1, market_maker.policy, settings))
        fills = market.tape[market.tape["kind"] == EventKind.EXECUTE]
        signed = fills["side"].astype(np.int64) * fills["qty_lots"]
        mine = np.where(fills["agent"] == 60, signed, 0) - np.where(fills["contra_agent"] == 60, signed, 0)
        return np.abs(np.cumsum(mine)).mean()

    assert largest_position(0.1) < largest_position(0.0)
