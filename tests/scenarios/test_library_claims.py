"""What each scenario of the library claims about its market, over several seeds, in worlds that differ in one thing."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from agents.metaorder import Metaorder
from lob.units import SECOND_NS
from scenarios.build.market import Built, build
from scenarios.experiments.outcomes import FinishedRun, outcomes_of
from scenarios.schema.load import library, load_scenario
from sim.market import Market
from tests.studies import impact

SEEDS = range(1, 6)
COLLAR = "instrument.ABC.collar_ticks=50"
pytestmark = pytest.mark.slow


class World:
    """One finished run of a library scenario."""

    def __init__(self, built: Built, market: Market) -> None:
        self.built, self.market = built, market
        self.open_ns = market.session.open_ns
        self.run = FinishedRun(market.tape, market, built, self.open_ns, market.session.close_ns)

    def mid(self, *seconds: float) -> np.ndarray[Any, Any]:
        """Midpoints at times in seconds after the open."""
        return self.run.touch.mid_at([self.open_ns + int(s * SECOND_NS) for s in seconds])

    def between(self, first_s: float, last_s: float) -> dict[str, float]:
        """Outcomes of a part of the session."""
        start, end = (self.open_ns + int(s * SECOND_NS) for s in (first_s, last_s))
        return outcomes_of(FinishedRun(self.market.tape, self.market, self.built, start, end))

    def profit(self, population: str) -> float:
        """Profit of a population in ticks x lots, positions at the last midpoint."""
        accounts = self.market.world.accounts[:, 0]
        names = [group.name for group in self.built.populations]
        mine = self.market.world.agents["population"] == names.index(population)
        last = self.run.touch.mid_ticks[-1]
        return float((accounts["cash_ticks"] + accounts["position_lots"] * last)[mine].sum())


@cache
def world(name: str, seed: int, *overrides: str) -> World:
    built = build(load_scenario(name, overrides))
    market = built.market(seed)
    market.run()
    return World(built, market)


def test_a_flash_crash_is_the_stops_and_the_seller_and_comes_back_and_a_halt_softens_it() -> None:
    no_halt = "event.halt.enabled=false"
    seeds = range(1, 9)

    def falls(*overrides: str) -> np.ndarray[Any, Any]:
        worlds = [world("flash_crash", seed, *overrides) for seed in seeds]
        return np.array([w.between(0, 3600)["max_drawdown_bps"] for w in worlds])

    crash, halted = falls(no_halt), falls()
    no_stops = falls(no_halt, "population.holders.settings.position_lots=1")
    no_seller = falls(no_halt, "population.seller.settings.quantity_lots=0")
    assert crash.mean() > 2 * no_stops.mean() > 4 * no_seller.mean()
    assert (crash > no_stops).all()
    assert halted.mean() < 0.9 * crash.mean()
    assert falls(no_halt, "event.breaker.enabled=true").mean() < 0.9 * crash.mean()
    # Forty minutes later most of the fall is made good.
    for seed in seeds:
        one = world("flash_crash", seed, no_halt)
        start, end = one.mid(590, 3599)
        lowest = np.nanmin(one.run.grid_mid_ticks)
        assert start - end < 0.35 * (start - lowest)


def test_liquidity_vanishes_in_the_crash() -> None:
    for seed in SEEDS:
        one = world("flash_crash", seed, "event.halt.enabled=false")
        calm, crash = one.between(0, 590), one.between(800, 960)
        assert crash["mean_depth_lots"] < 0.4 * calm["mean_depth_lots"]
        assert crash["mean_spread_ticks"] > 1.5 * calm["mean_spread_ticks"]


def test_news_moves_the_price_by_its_value_with_a_burst_of_volume_and_pays_the_fast() -> None:
    for seed in SEEDS:
        shock, calm = world("news_shock", seed), world("news_shock", seed, "event.news.enabled=false")
        assert (shock.mid(10, 600, 1199) == calm.mid(10, 600, 1199)).all()
        moved = shock.mid(1320)[0] - calm.mid(1320)[0]
        assert 65 < moved < 95
        assert shock.between(1200, 1260)["volume_lots"] > 3 * shock.between(1140, 1200)["volume_lots"]
        assert shock.between(1200, 1290)["mean_spread_ticks"] > 1.1 * calm.between(1200, 1290)["mean_spread_ticks"]
        later = shock.between(1800, 2400)["mean_spread_ticks"] / calm.between(1800, 2400)["mean_spread_ticks"]
        assert 0.85 < later < 1.15
        assert shock.profit("fast") > shock.profit("slow") > 0
        assert shock.profit("maker") < calm.profit("maker")


def test_a_rumour_moves_the_price_and_the_value_brings_it_back() -> None:
    rumours = [world("news_shock", seed, "event.news.moves_value=false") for seed in SEEDS]
    peaks = [one.mid(1225)[0] - one.mid(1199)[0] for one in rumours]
    ends = [one.mid(3000)[0] - one.mid(1199)[0] for one in rumours]
    assert np.mean(peaks) > 15 and abs(np.mean(ends)) < 0.5 * np.mean(peaks)


def test_before_a_scheduled_decision_depth_falls_and_afterwards_the_fast_earn_less() -> None:
    for seed in SEEDS:
        scheduled = world("rate_change", seed)
        surprise = world("rate_change", seed, "population.maker.settings.away_until_s=0")
        before, calm = scheduled.between(920, 1199), scheduled.between(300, 880)
        assert before["mean_depth_lots"] < 0.7 * calm["mean_depth_lots"]
        assert surprise.between(920, 1199)["mean_depth_lots"] > 0.8 * surprise.between(300, 880)["mean_depth_lots"]
        assert scheduled.profit("fast") < 0.6 * surprise.profit("fast")
        assert scheduled.profit("maker") > surprise.profit("maker")
        # The first minute costs those who must trade more, on less volume.
        first, other = scheduled.between(1200, 1230), surprise.between(1200, 1230)
        assert first["mean_spread_ticks"] > 2 * other["mean_spread_ticks"]
        assert first["volume_lots"] < 0.8 * other["volume_lots"]


def test_without_market_makers_the_same_order_moves_the_price_several_times_as_far() -> None:
    def moves(one: World) -> tuple[float, float]:
        tape, probe = one.market.tape, len(one.market.world.agents) - 1
        times = np.unique(tape["time_ns"][(tape["agent"] == probe) & (tape["kind"] == 5)])
        moved = one.run.touch.mid_at(times) - one.run.touch.mid_at(times - 1)
        away = (times >= one.open_ns + 1200 * SECOND_NS) & (times < one.open_ns + 1800 * SECOND_NS)
        return float(moved[away].mean()), float(moved[~away].mean())

    stay = "population.maker.settings.away_until_s=0"
    away, there = zip(*[moves(world("liquidity_withdrawal", seed)) for seed in SEEDS], strict=True)
    stayed = [moves(world("liquidity_withdrawal", seed, stay))[0] for seed in SEEDS]
    assert np.mean(away) > 2 * np.mean(there) and np.mean(away) > 2 * np.mean(stayed)
    for seed in SEEDS:
        one = world("liquidity_withdrawal", seed)
        assert one.between(1210, 1800)["mean_spread_ticks"] > 1.25 * one.between(600, 1190)["mean_spread_ticks"]
        assert one.between(1210, 1800)["mean_depth_lots"] < 0.6 * one.between(600, 1190)["mean_depth_lots"]


def test_spoofing_pays_because_others_listen() -> None:
    shows = [300 + 120 * k for k in range(27)]

    def displacement(one: World) -> float:
        return float(np.mean([np.diff(one.mid(start, start + 39.9))[0] for start in shows]))

    deaf, silent = "population.listeners.settings.threshold=0.99", "population.spoofer.settings.layer_lots=0"
    gains = [world("spoofing", s).profit("spoofer") - world("spoofing", s, silent).profit("spoofer") for s in SEEDS]
    idle = [
        world("spoofing", s, deaf).profit("spoofer") - world("spoofing", s, silent).profit("spoofer") for s in SEEDS
    ]
    assert min(gains) > 0
    assert np.max(np.abs(idle)) < 0.2 * np.mean(gains)
    assert np.mean([displacement(world("spoofing", s)) for s in SEEDS]) > 2
    assert abs(np.mean([displacement(world("spoofing", s, deaf)) for s in SEEDS])) < 1
    # What the spoofer wins the listeners lose, among others.
    lost = [world("spoofing", s).profit("listeners") for s in SEEDS]
    assert np.mean(lost) < 0


def test_a_fat_finger_dislocates_the_price_for_minutes_and_a_collar_bounds_it() -> None:
    for seed in SEEDS:
        wrong, collar, right = (
            world("fat_finger", seed, *overrides)
            for overrides in ((), (COLLAR,), ("population.finger.settings.quantity_lots=30",))
        )

        def lowest(one: World) -> int:
            tape = one.market.tape
            at = (tape["kind"] == 5) & (tape["time_ns"] >= one.open_ns + 1200 * SECOND_NS)
            return int(tape["price_ticks"][at & (tape["time_ns"] < one.open_ns + 1201 * SECOND_NS)].min())

        before = wrong.mid(1199)[0]
        assert before - lowest(wrong) > 65
        assert lowest(wrong) < lowest(collar) - 15
        assert before - lowest(collar) < 60
        assert before - lowest(right) < 15
        assert abs(wrong.mid(1500)[0] - right.mid(1500)[0]) < 5
    costs = [[world("fat_finger", s, *more).profit("finger") for s in SEEDS] for more in ((), (COLLAR,))]
    assert np.mean(costs[0]) < 1.5 * np.mean(costs[1]) < 0


def test_impact_of_a_metaorder_is_concave_where_liquidity_is_latent() -> None:
    order = Metaorder("buy", 1, "twap", start_s=1800, duration_s=600, settings={"n_slices": 60})
    found = impact(
        "metaorder", order, participation=(0.1, 0.8), pairs=6, arms=("control", "treated", "placebo"), after_s=600,
        n_structure=0,
    )  # fmt: skip
    small, large = (found.value("impact_end", level=level) for level in (1, 2))
    # Eight times the quantity; in proportion it would be eight times the impact, by the square root 2.8 times.
    assert 2 < large["value"] / small["value"] < 5.5
    assert small["low"] > 0
    assert found.value("concavity", level=2)["value"] > 0.5
    assert found.placebo_identical


SHORTER_S = {"megapop": 5.0, "goog_2012": 120.0, "learned_impact": 140.0, "llm_investors": 140.0, "rumour": 140.0}


@pytest.mark.parametrize("name", sorted(library()))
def test_a_placebo_leaves_the_tape_of_every_scenario_as_it_is(name: str) -> None:
    short = SHORTER_S.get(name, 400.0)
    session = build(load_scenario(name)).session
    start = 60.0 if short > 60 else 1.0
    order = Metaorder("buy", 500, "pov", start_s=start, duration_s=(short - start) / 2)
    found = impact(
        name, order, pairs=1, arms=("control", "treated", "placebo"), after_s=(short - start) / 2, n_structure=0,
    )  # fmt: skip
    assert session.close_ns > session.open_ns
    assert found.placebo_identical is True
    treated = found.runs.filter(found.runs["arm"] == "treated").row(0, named=True)
    assert not treated["same_tape"] and treated["executed_lots"] > 0
