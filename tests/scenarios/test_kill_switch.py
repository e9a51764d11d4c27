"""The kill switch of a population, from a scenario file."""

from __future__ import annotations

import pytest

from lob import EventKind, Reject
from lob.errors import InputError
from scenarios.build.market import build_market

SCENARIO = """
[session]
open = 09:30:00
close = 09:40:00

[[population]]
name = "killed"
kind = "zero_intelligence"
count = 5
settings = { interval_s = 1.0 }

[[population]]
name = "others"
kind = "zero_intelligence"
count = 5
settings = { interval_s = 1.0 }

[[event]]
kind = "kill"
at = 09:35:00
population = "NAME"
"""


def market(tmp_path, name="killed"):
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO.replace("NAME", name))
    return build_market(path)


def test_a_killed_population_has_no_order_left_and_sends_none(tmp_path):
    run = market(tmp_path)
    run.run()
    tape = run.tape
    at_ns = (9 * 3600 + 35 * 60) * 10**9
    mine_after = tape[(tape["agent"] >= 0) & (tape["agent"] < 5) & (tape["time_ns"] > at_ns + 1)]
    assert set(mine_after["kind"]) <= {EventKind.CANCEL, EventKind.REJECT}
    refused = mine_after[mine_after["kind"] == EventKind.REJECT]
    assert (refused["reason"] == Reject.RISK_KILL_SWITCH).sum() > 100
    assert (run.world.accounts["n_open"][:5] == 0).all()
    others = tape[(tape["agent"] >= 5) & (tape["time_ns"] > at_ns)]
    assert (others["kind"] == EventKind.ADD).any()


def test_an_unknown_population_is_named(tmp_path):
    with pytest.raises(InputError, match=r"event\[0\].population"):
        market(tmp_path, "nobody")
