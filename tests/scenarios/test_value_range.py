"""A fundamental value beyond the prices of its instrument is told, not only seen in a count of rejects."""

from __future__ import annotations

import json
from pathlib import Path

from scenarios.build.value_range import value_notes
from scenarios.run.scenario import run_scenario
from tests.cli.test_commands import outcry
from tests.scenarios.texts import SMALL, built, written

WANDERING = SMALL.replace(
    "reference_ticks = 10_000",
    'reference_ticks = 10_000\nn_prices = 201\nfundamental = { kind = "ou", kappa_per_s = 0.0, '
    "sigma_ticks_per_sqrt_s = 30.0 }",
)
JUMPING = SMALL.replace("reference_ticks = 10_000", "reference_ticks = 10_000\nn_prices = 201") + (
    '\n[[event]]\nkind = "news"\nat = 09:35:00\nvalue = 500.0\nmoves_value = true\n'
)


def test_the_note_names_the_instrument_its_range_and_the_first_time_beyond_it(tmp_path: Path) -> None:
    parts = built(tmp_path, JUMPING)
    (note,) = value_notes(parts, parts.market(1))
    assert note.startswith("The fundamental value of ABC leaves the price range of 9900 to 10100 ticks at 09:35:00 ")
    assert "(10000 to 10500 ticks)" in note and "\n" not in note
    inside = built(tmp_path)
    assert value_notes(inside, inside.market(1)) == []


def test_a_run_says_so_at_its_end_and_keeps_it_in_its_summary(tmp_path: Path) -> None:
    parts = built(tmp_path, WANDERING)
    outcome = run_scenario(parts, tmp_path / "out", seed=2)
    assert len(outcome.notes) == 1 and "leaves the price range of 9900 to 10100" in outcome.notes[0]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["warnings"] == outcome.notes
    assert run_scenario(parts, tmp_path / "out", seed=2).notes == outcome.notes
    quiet = run_scenario(built(tmp_path), tmp_path / "quiet", seed=2)
    assert quiet.notes == [] and "warnings" not in quiet.summary


def test_the_command_prints_it(tmp_path: Path) -> None:
    written(tmp_path, WANDERING)
    out, _ = outcry(tmp_path, "run", "small.toml", "--out", "out")
    assert "leaves the price range of 9900 to 10100" in " ".join(out.split())
