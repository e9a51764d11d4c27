"""The description of a recorded day is the published one, number by number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lob.lobster import read_day
from lob.units import HOUR_NS
from sim.metrics import SAMPLES, OrderFlow, describe, flow_of_day, total_variation
from tests.replay.days import DATA

DAYS = {"GOOG_10": "GOOG_2012-06-21_10", "AMZN_5": "AMZN_2012-06-21_5"}
RENAMED = {"p_up_by_decile": "p_up_by_tenth", "level_gap_ticks_mean": "ask_gap_ticks_mean"}
ELSEWHERE = (  # what a file is, not what its flow is like; and an exponent fitted in a way that is not stated
    "t0", "t1", "levels", "within_day_TV_morning_vs_afternoon", "deletes_of_preopen_or_unseen_orders",
    "delete_eq_full_size_note", "sign_acf_decay_exponent_1_50",
)  # fmt: skip
FLOORS = {"ask_vol_total": "ask_volume", "bid_vol_total": "bid_volume"}


@pytest.fixture(scope="module", params=DAYS)
def day(request: Any) -> tuple[OrderFlow, dict[str, Any]]:
    """A recorded day's flow and its published facts."""
    if not (DATA / "facts.json").is_file():
        pytest.skip(f"no recorded days in {DATA}")
    facts = json.loads((DATA / "facts.json").read_text())[request.param]
    return flow_of_day(read_day(DATA / f"LOBSTER_SampleFile_{DAYS[request.param]}.zip")), facts


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a nested table with its path."""
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            if key not in ELSEWHERE:
                yield from leaves(value, f"{path}/{RENAMED.get(key, key)}")
    else:
        yield path, tree


def test_every_published_fact_of_a_recorded_day_is_found_again(day: tuple[OrderFlow, dict[str, Any]]) -> None:
    flow, published = day
    mine = dict(leaves(describe(flow)))
    theirs = dict(leaves(published))
    assert len(theirs) > 200
    wrong = {}
    for name, value in theirs.items():
        last_digit = 10.0 ** -max(len(f"{value:.8f}".rstrip("0").split(".")[1]), 1)
        # Responses: the published ones leave out one more market order at the day's end.
        if mine[name] != pytest.approx(value, abs=0.51 * last_digit, rel=1e-3 if "response" in name else 1e-9):
            wrong[name] = (value, mine[name])
    assert wrong == {}


def test_noise_floors_between_morning_and_afternoon_are_the_published_ones(
    day: tuple[OrderFlow, dict[str, Any]],
) -> None:
    flow, published = day
    morning = flow.window(int(9.75 * HOUR_NS), int(12.5 * HOUR_NS))
    afternoon = flow.window(int(12.5 * HOUR_NS), int(15.75 * HOUR_NS))
    with np.errstate(all="ignore"):
        for name, value in published["within_day_TV_morning_vs_afternoon"].items():
            sample = SAMPLES[FLOORS.get(name, name)]
            assert total_variation(sample.of(morning), sample.of(afternoon)) == pytest.approx(value, abs=1e-4)
