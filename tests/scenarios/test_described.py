"""Every kind is described by its own code, and the text to paste is one that a market takes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lob.errors import InputError
from scenarios.build.described import Described, describe, described, unit_of
from scenarios.build.market import build
from scenarios.schema.load import find_scenario, read_tables, source_of

EVERYTHING = described()
# What a market of one instrument, without files and models, cannot have.
NOT_HERE = {"latency_arbitrageur", "opening", "replay", "rl_directional", "rl_execution", "rl_maker", "rl", "llm",
            "learned_flow"}  # fmt: skip
OWN = """
from agents.execution.twap import policy as twap
from sim.policy import Policy

mine = Policy(twap.settings, twap.decide, needs=twap.needs, wakes_on=twap.wakes_on, block=twap.block)
other = 3
"""


def named(one: Described) -> str:
    return f"{one.group} {one.name}"


@pytest.mark.parametrize("one", EVERYTHING, ids=named)
def test_a_kind_says_what_it_is_for_and_what_each_setting_means(one: Described) -> None:
    assert 10 < len(one.purpose) < 160 and "\n" not in one.purpose
    assert [setting.name for setting in one.settings if not setting.meaning or not setting.allowed] == []


@pytest.mark.parametrize("one", [one for one in EVERYTHING if one.name not in NOT_HERE], ids=named)
def test_a_text_to_paste_fits_into_a_first_market(one: Described) -> None:
    path = find_scenario("first_market")
    tables: dict[str, Any] = read_tables(path)
    pasted = tomllib.loads(one.snippet.replace('"NAME"', '"maker"'))
    for group, rows in pasted.items():
        for row in rows:
            row["name"] = "pasted"
        tables[group] = [*tables.get(group, []), *rows]
    # That every kind's defaults make a market is tested in test_defaults.py; building it checks every setting.
    built = build(source_of(tables, path))
    assert one.group == "event" or built.group("pasted").kind == one.name


def test_defaults_and_bounds_are_those_of_the_settings() -> None:
    (one,) = describe("zero_intelligence")
    found = {setting.name: setting for setting in one.settings}
    assert (found["interval_s"].unit, found["interval_s"].default) == ("s", "10.0")
    assert found["interval_s"].allowed == "number above 0 or a distribution"
    assert found["market_share"].allowed == "number from 0 to 1"
    assert describe("opening")[0].settings[0].default == "required"


def test_units_are_the_ends_of_names() -> None:
    names = ("interval_s", "skew_ticks_per_lot", "sigma_ticks_per_sqrt_s", "kappa_per_s", "side", "cost_bps", "steps")
    assert [unit_of(name) for name in names] == ["s", "ticks/lot", "ticks/sqrt(s)", "1/s", "", "bp", ""]


def test_a_name_of_two_things_shows_both_and_an_unknown_one_is_told() -> None:
    assert [one.group for one in describe("twap")] == ["algorithm", "trader"]
    with pytest.raises(InputError, match=r"momentumm: no such kind \(did you mean momentum\?\); allowed: almgren"):
        describe("momentumm")


def test_a_users_own_kind_is_described_too(tmp_path: Path) -> None:
    (tmp_path / "described_policy.py").write_text(OWN)
    (one,) = describe("described_policy:mine", tmp_path)
    assert re.search(r'kind = "described_policy:mine"', one.snippet) and one.settings[0].name == "side"
    with pytest.raises(InputError, match="allowed: a Policy or a subclass of Trader"):
        describe("described_policy:other", tmp_path)
