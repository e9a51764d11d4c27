"""Comparisons of worlds that are the same: they are named as such, and nobody is shown an interval of no width."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from agents.metaorder import Metaorder
from scenarios.experiments.sameness import is_one_world, market_hash
from tests.cli.test_commands import outcry
from tests.replay.days import MESSAGES, ROWS, write_day
from tests.scenarios.texts import SMALL, built, written
from tests.studies import attribute, impact, sweep

RECORDED = """
[session]
open = 09:30:00
close = 09:31:00

[[instrument]]
name = "TEST"
reference_ticks = 10_000
n_prices = 4_096

[[population]]
name = "day"
kind = "replay"
settings = {{ message = "{0}", book = "{1}", start = "09:30:00" }}
"""
MUTE = '\n[[population]]\nname = "mute"\nkind = "noise"\ncount = 3\nsettings = { interval_s = 1e8 }\n'
"""Somebody who is there and never wakes up within the session."""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return written(tmp_path, RECORDED.format(*write_day(tmp_path, MESSAGES, ROWS)), "day.toml")


def test_the_same_market_has_the_same_hash_whoever_is_numbered_how(tmp_path: Path) -> None:
    plain = built(tmp_path).market(4)
    plain.run()
    first, last = SMALL.split("[[population]]")
    shifted = built(tmp_path, f"{first}{MUTE}\n[[population]]{last}").market(4)
    shifted.run()
    assert plain.tape.tobytes() != shifted.tape.tobytes()
    assert market_hash(plain.tape) == market_hash(shifted.tape)
    other = plain.tape.copy()
    other["qty_lots"][-1] += 1
    assert market_hash(other) != market_hash(plain.tape)


def test_one_world_is_two_runs_or_more_that_agree_in_everything_that_is_compared() -> None:
    assert is_one_world(["a", "a"]) and is_one_world(["a", "a"], [float("nan")] * 2)
    assert not is_one_world(["a", "b"]) and not is_one_world(["a"]) and not is_one_world([])
    assert not is_one_world(["a", "a"], [1.0, 2.0])
    assert not is_one_world([None, None])


def test_impact_on_a_recorded_day_is_one_world_without_intervals_and_says_that_replay_does_not_answer(
    recorded: Path, tmp_path: Path
) -> None:
    order = Metaorder("buy", 20, start_s=5, duration_s=10, settings={"n_slices": 2, "finish_before_close_s": 1.0})
    found = impact(recorded, order, pairs=4, out=tmp_path / "out")
    assert found.is_one_world and found.n_pairs == 4
    estimates = found.estimates
    assert estimates["low"].is_null().all() and estimates["high"].is_null().all()
    assert set(estimates["n_pairs"]) == {1}
    assert found.value("impact_end")["value"] >= 0
    alone, answer = found.notes[:2]
    assert alone.startswith("All 4 pairs are the same world") and "no intervals" in alone
    assert answer.startswith("Recorded orders (day) do not answer")
    html = (tmp_path / "out" / "report.html").read_text()
    assert alone in html and answer in html
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["study"]["notes"] == found.notes


def test_a_market_that_draws_at_random_has_nothing_to_say_about_it(tmp_path: Path) -> None:
    found = impact(written(tmp_path), Metaorder("buy", 90, start_s=60, duration_s=60), pairs=4)
    assert not found.is_one_world and found.notes == []
    assert found.value("impact_end")["low"] is not None


def test_a_treatment_that_changes_nothing_is_named_and_one_that_changes_some_worlds_is_counted(tmp_path: Path) -> None:
    nothing = impact(written(tmp_path), {"instrument": [{"name": "ABC", "tick_size": 0.05}]}, pairs=3)
    assert nothing.notes == ["Arm treated: every world is identical to its control: the treatment changed nothing."]
    halts = '[[event]]\nkind = "halt"\nwhen = { moves_ticks = 24, within_s = 600 }\nlasts_s = 60.0\n'
    some = impact(written(tmp_path), halts, pairs=12)
    same = int(some.runs.filter(pl.col("arm") == "treated")["same_tape"].sum())
    assert 0 < same < 12
    assert some.notes == [f"Arm treated: {same} of 12 worlds are identical to their control."]


def test_a_sweep_that_only_rescales_money_says_that_the_worlds_are_identical(tmp_path: Path) -> None:
    grid = {"instrument.ABC.tick_size": [0.01, 0.02], "population.zero.count": [50, 60]}
    found = sweep(written(tmp_path), grid, range(1, 5), outcomes=["volume"], out=tmp_path / "out")
    assert found.table["n_identical"].to_list() == [4, 0, 4, 0]
    assert found.notes[0].startswith("Settings 2: each world is identical to the first setting's")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["study"]["notes"] == found.notes
    out, _ = outcry(
        tmp_path, "sweep", "small.toml", "--grid", "instrument.ABC.tick_size=0.01,0.02", "--seeds", "1..3",
        "--outcome", "volume", "--executor", "serial",
    )  # fmt: skip
    assert "identical worlds" in out and "Every other setting" in out and "+0" not in out


def test_seeds_that_change_nothing_have_no_intervals(recorded: Path) -> None:
    found = sweep(recorded, {}, range(1, 6))
    assert found.notes[0].startswith("All 5 seeds of a setting are the same world")
    known = found.table.filter(pl.col("mean").is_finite())
    assert len(known) > 5 and known["low"].is_nan().all() and known["difference_low"].is_nan().all()
    assert set(known["n_runs"]) == {5}


def test_a_figure_that_differs_between_equal_tapes_keeps_its_interval(recorded: Path) -> None:
    """The value of the recorded stock moves at random, and nobody looks at it: only the pricing error knows."""
    changes = ("instrument.TEST.fundamental.kind=ou", "instrument.TEST.fundamental.sigma_ticks_per_sqrt_s=3.0")
    found = sweep(recorded, {}, range(1, 6), outcomes=["pricing_error", "volume"], overrides=changes)
    error, volume = found.table.rows(named=True)
    assert error["low"] < error["mean"] < error["high"]
    assert np.isnan(volume["low"])


def test_a_group_that_does_nothing_is_named_in_an_attribution(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL + MUTE)
    found = attribute(path, "n_messages", seeds=[1, 2, 3], out=tmp_path / "out")
    idle = dict(found.table.select("group", "is_idle").rows())
    assert idle == {"zero": False, "mute": True}
    assert found.notes == ("mute: every world is identical without it; it changes nothing in the market.",)
    out, _ = outcry(tmp_path, "attribute", "small.toml", "--outcome", "n_messages", "--seeds", "1..2",
                    "--executor", "serial")  # fmt: skip
    assert "identical worlds" in out


def test_an_attribution_without_chance_has_no_intervals(recorded: Path) -> None:
    found = attribute(recorded, "n_messages", seeds=[1, 2, 3, 4])
    assert found.notes[0].startswith("All 4 seeds are the same world")
    assert found.table["low"].is_null().all() and np.isnan(found.total[1])
    assert found.table["value"][0] == found.all > 0


NARROW = (
    "instrument.ABC.n_prices=101",
    "instrument.ABC.fundamental.kind=ou",
    "instrument.ABC.fundamental.kappa_per_s=0.0",
    "instrument.ABC.fundamental.sigma_ticks_per_sqrt_s=10.0",
)


def test_a_value_beyond_the_prices_is_told_in_every_study(tmp_path: Path) -> None:
    path = written(tmp_path)
    found = impact(path, Metaorder("buy", 20, start_s=60, duration_s=60), overrides=NARROW, pairs=3)
    words = "The fundamental value of ABC leaves the price range of 9950 to 10050 ticks at 09:30:"
    assert f"In 3 of 3 pairs, as in pair 0: {words}" in found.notes[-1]
    swept = sweep(path, {}, [1, 2], overrides=NARROW)
    assert f"In 2 runs, as in setting 0, seed 1: {words}" in swept.notes[-1]
    shared = attribute(path, "volume", seeds=[1, 2], overrides=NARROW)
    assert f"In 2 of 2 worlds, as in seed 1: {words}" in shared.notes[-1]
