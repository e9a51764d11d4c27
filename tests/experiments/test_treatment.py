"""Treatments as metaorders, fragments and functions; placebo and mirror image; nothing given is changed."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from agents.metaorder import Metaorder
from lob.errors import InputError
from scenarios.experiments.treatment import (
    apply_treatment,
    at_participation,
    mirrored,
    placebo,
    without_metaorder,
)
from tests.scenarios.texts import SMALL

BASE: dict[str, Any] = tomllib.loads(SMALL)
ORDER = Metaorder("sell", 300, "pov", start_s=30, duration_s=120, settings={"participation_rate": 0.2})
FRAGMENT = """
[session]
close = 09:35:00

[[population]]
name = "zero"
count = 7

[[population]]
name = "more"
kind = "noise"
"""


@pytest.mark.parametrize("treatment", [ORDER, FRAGMENT, tomllib.loads(FRAGMENT), lambda tables: {**tables, "seed": 9}])
def test_what_is_given_stays_as_it_is(treatment: Any) -> None:
    before, given = copy.deepcopy(BASE), copy.deepcopy(treatment)
    changed = apply_treatment(BASE, treatment)
    assert before == BASE != changed
    if isinstance(treatment, dict):
        changed["population"][1]["kind"] = "other"
        assert treatment == given


def test_a_fragment_changes_rows_of_the_same_name_and_adds_others() -> None:
    changed = apply_treatment(BASE, FRAGMENT)
    assert [row["name"] for row in changed["population"]] == ["zero", "more"]
    assert changed["population"][0] == {**BASE["population"][0], "count": 7}
    assert changed["session"]["close"].minute == 35 and changed["session"]["open"] == BASE["session"]["open"]
    both = apply_treatment(BASE, {"event": [{"kind": "news"}, {"kind": "news"}]})
    assert len(both["event"]) == 2


def test_a_metaorder_is_a_population_that_comes_last_and_replaces_one_of_its_name() -> None:
    changed = apply_treatment(BASE, ORDER)
    row = changed["population"][-1]
    assert (row["name"], row["kind"], row["count"]) == ("metaorder", "pov", 1)
    assert row["settings"]["side"] == -1 and row["settings"]["participation_rate"] == 0.2
    assert without_metaorder(changed) == BASE


def test_a_placebo_has_no_quantity_and_a_mirror_image_the_other_side() -> None:
    treated = apply_treatment(BASE, ORDER)
    nothing, other = placebo(BASE, treated), mirrored(BASE, treated)
    assert nothing is not None and other is not None
    assert nothing["population"][-1]["settings"] == {**treated["population"][-1]["settings"], "quantity_lots": 0}
    assert other["population"][-1]["settings"] == {**treated["population"][-1]["settings"], "side": 1}
    assert treated["population"][-1]["settings"]["side"] == -1
    assert placebo(BASE, apply_treatment(BASE, FRAGMENT)) is None
    assert mirrored(BASE, apply_treatment(BASE, FRAGMENT)) is None


def test_a_participation_is_a_share_of_the_volume_and_the_rate_of_algorithms_that_have_one() -> None:
    assert at_participation(Metaorder("buy", 1), 0.05, 1010).quantity_lots == 50
    assert at_participation(Metaorder("buy", 1), 0.05, 3).quantity_lots == 1
    found = at_participation(ORDER, 0.1, 1000)
    assert found.quantity_lots == 100 and found.settings["participation_rate"] == 0.1
    assert ORDER.settings["participation_rate"] == 0.2


@pytest.mark.parametrize(
    ("treatment", "words"), [("[[population]\n", "not valid TOML"), (lambda tables: None, "returned NoneType")]
)
def test_what_is_no_treatment_is_one_line(treatment: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        apply_treatment(BASE, treatment)
