"""What the library's scenarios about rules and order kinds claim, in worlds that differ in one setting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lob.types import EventKind, Flag
from tests.scenarios.test_library_claims import World, world

SEEDS = range(1, 6)
pytestmark = pytest.mark.slow


def executions(one: World) -> np.ndarray[Any, Any]:
    rows = one.market.tape
    return rows[rows["kind"] == EventKind.EXECUTE]


def agents(one: World, population: str) -> np.ndarray[Any, Any]:
    names = [group.name for group in one.built.populations]
    return np.flatnonzero(one.market.world.agents["population"] == names.index(population))


def resting_fills(one: World, population: str) -> int:
    """Lots that a population's resting orders traded."""
    rows = executions(one)
    return int(rows["qty_lots"][np.isin(rows["contra_agent"], agents(one, population))].sum())


def profit_per_lot(one: World, population: str) -> float:
    """Profit of a population in ticks for each lot that it traded."""
    rows, own = executions(one), agents(one, population)
    lots = sum(int(rows["qty_lots"][np.isin(rows[side], own)].sum()) for side in ("agent", "contra_agent"))
    return one.profit(population) / lots


def test_by_time_the_patient_makers_get_twice_what_they_get_in_proportion_and_time_pro_rata_lies_between() -> None:
    def patient_share(rules: str, seed: int) -> float:
        one = world("pro_rata_futures", seed, f"instrument.STIR.rules={rules}")
        patient, restless = resting_fills(one, "patient"), resting_fills(one, "restless")
        return patient / (patient + restless)

    for seed in SEEDS:
        by_time, between, by_size = (patient_share(r, seed) for r in ("cme_f", "eurex_money_market", "cme_c"))
        assert by_time > 1.5 * by_size
        assert by_time > between > 1.05 * by_size


def test_an_iceberg_that_is_found_costs_its_owner_more_and_one_under_new_numbers_is_not_found() -> None:
    def cost(seed: int, *overrides: str) -> float:
        one = world("iceberg", seed, *overrides)
        rows, own = executions(one), agents(one, "buyer")
        mine = rows[np.isin(rows["agent"], own) | np.isin(rows["contra_agent"], own)]
        assert mine["qty_lots"].sum() == 4_000
        return float((mine["price_ticks"] * mine["qty_lots"].astype(float)).sum() / 4_000 - one.mid(300)[0])

    nobody = "population.hunters.settings.max_position_lots=1"
    found = np.array([cost(seed) for seed in SEEDS])
    unfound = np.array([cost(seed, nobody) for seed in SEEDS])
    extra = found - unfound
    assert (extra > 0).all() and extra.mean() > 0.5
    for seed in SEEDS:
        reloading = world("iceberg", seed, "population.buyer.settings.native=false")
        assert not np.isin(executions(reloading)["agent"], agents(reloading, "hunters")).any()


def test_who_waits_at_the_midpoint_pays_next_to_nothing_and_the_makers_earn_less() -> None:
    for seed in SEEDS:
        waiting = world("midpoint_pegs", seed)
        crossing = world("midpoint_pegs", seed, "population.peggers.settings.patience_s=0")
        assert abs(profit_per_lot(waiting, "peggers")) < 0.3
        assert profit_per_lot(waiting, "takers") < -2
        assert profit_per_lot(crossing, "peggers") < -3
        assert waiting.profit("makers") < 0.4 * crossing.profit("makers")
        hidden = executions(waiting)["flags"] & Flag.HIDDEN > 0
        assert 0.4 < hidden.mean() < 0.8
        assert not (executions(crossing)["flags"] & Flag.HIDDEN).any()
    halves = [(executions(world("midpoint_pegs", seed))["flags"] & Flag.HALF_TICK > 0).mean() for seed in SEEDS]
    assert np.mean(halves) > 0.1


def test_stops_set_off_stops_within_a_nanosecond_and_a_breaker_comes_too_late() -> None:
    few = "population.holders.settings.position_lots=1"

    def fall(seed: int, *overrides: str) -> float:
        return world("stop_cascade", seed, *overrides).between(0, 1800)["max_drawdown_bps"]

    for seed in SEEDS:
        rows = world("stop_cascade", seed).market.tape
        triggered = rows["time_ns"][rows["kind"] == EventKind.TRIGGER]
        assert np.unique(triggered, return_counts=True)[1].max() > 100
        assert fall(seed) > 1.6 * fall(seed, few)
    halted = np.array([fall(seed, "event.breaker.enabled=true") for seed in SEEDS])
    assert halted.mean() > 0.8 * np.mean([fall(seed) for seed in SEEDS])


def test_a_coarser_tick_ends_in_a_spread_of_one_step_and_long_queues() -> None:
    for seed in SEEDS:
        found = {}
        for step in (1, 5, 20, 40):
            part = world("tick_size", seed, f"instrument.ABC.price_step_ticks={step}").between(300, 1800)
            found[step] = (part["mean_spread_ticks"] / step, part["mean_depth_lots"])
        assert found[1][0] > 3 and found[20][0] < 1.15 and found[40][0] < 1.03
        depths = [found[step][1] for step in (1, 5, 20, 40)]
        assert depths == sorted(depths) and depths[-1] > 10 * depths[0]


def test_a_speed_bump_for_takers_gives_the_snipers_gains_back_to_the_makers() -> None:
    for seed in SEEDS:
        none, bump = world("speed_bump", seed), world("speed_bump", seed, "instrument.ABC.taker_delay_us=10000")
        assert none.profit("snipers") > 0
        assert bump.profit("snipers") == 0
        assert bump.profit("makers") > none.profit("makers")
        # For the investors nothing changes: they are no part of the race.
        assert bump.profit("investors") == pytest.approx(none.profit("investors"), rel=0.02)
