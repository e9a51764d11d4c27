"""What-ifs that change nothing say so and name the setting that does the job; that setting does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lob.types import EventKind
from scenarios.build.value_range import value_notes
from scenarios.experiments import Execution, compare
from tests.cli.inside import inside
from tests.scenarios.texts import SMALL, built, written
from tests.studies import sweep

INFORMED = """
[[population]]
name = "insider"
kind = "informed"
count = 2
"""


def test_a_larger_tick_in_money_changes_no_market_and_the_note_says_what_does(tmp_path: Path) -> None:
    path = written(tmp_path)
    found = sweep(path, {"instrument.ABC.tick_size": [0.01, 0.05]}, [1, 2], outcomes=["mean_spread"])
    assert "these values change nothing in the market" in found.notes[0]
    assert "a coarser price grid is price_step_ticks" in found.notes[1]
    status, out, _ = inside(tmp_path, "run", "small.toml", "--set", "instrument.ABC.tick_size=0.05", "--out", "run")
    assert status == 0 and "a coarser price grid is price_step_ticks" in out
    fees = compare(path, {"free": "", "dear": "[[instrument]]\nname = 'ABC'\ntaker_fee_bps = 3.0\n"}, worlds=2,
                   execution=Execution("serial"))  # fmt: skip
    assert any("no shipped population trades by its fees" in note for note in fees.notes)


def test_a_coarser_price_grid_is_a_wider_spread_with_more_at_each_price(tmp_path: Path) -> None:
    grid = {"instrument.ABC.price_step_ticks": [1, 10]}
    found = sweep(written(tmp_path), grid, list(range(1, 7)), outcomes=["mean_spread", "mean_depth"])
    assert found.notes == []
    coarse = {row["outcome"]: row for row in found.table.rows(named=True) if row["variant"] == 1}
    assert coarse["mean_spread"]["mean"] >= 10 and coarse["mean_spread"]["difference_low"] > 0
    assert coarse["mean_depth"]["difference_low"] > 0
    market = built(tmp_path, SMALL, "instrument.ABC.price_step_ticks=10").market(1)
    market.run()
    added = market.tape[market.tape["kind"] == EventKind.ADD]
    assert len(added) > 100 and (added["price_ticks"] % 10 == 0).all()
    assert not np.isin(market.tape["kind"], EventKind.REJECT).all()


def test_an_informed_trader_without_information_is_named(tmp_path: Path) -> None:
    still = built(tmp_path, SMALL + INFORMED)
    (note,) = value_notes(still, still.market(1))
    assert note.startswith("insider knows nothing that others do not") and "fundamental" in note
    value = '[instrument.fundamental]\nkind = "ou"\n\n[[population]]'
    moving = built(tmp_path, SMALL.replace("[[population]]", value, 1) + INFORMED)
    assert value_notes(moving, moving.market(1)) == []
    status, out, _ = inside(tmp_path, "run", str(written(tmp_path, SMALL + INFORMED)), "--out", "still")
    assert status == 0 and "knows nothing that others do not" in out
