"""`outcry check`: its exit status and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_commands import outcry
from tests.scenarios.texts import SMALL, written


def test_a_sound_run_ends_with_0_a_damaged_one_with_1_and_what_is_no_run_with_2(tmp_path: Path) -> None:
    written(tmp_path, SMALL + "[record]\npicture = false\n")
    outcry(tmp_path, "run", "small.toml", "--out", "run")
    shown, _ = outcry(tmp_path, "check", "run")
    assert "nothing wrong" in shown and "priority" in shown
    found = json.loads(outcry(tmp_path, "check", "run", "run", "--json")[0])
    assert [run["sound"] for run in found["runs"]] == [True, True]

    summary = json.loads((tmp_path / "run/summary.json").read_text())
    (tmp_path / "run/summary.json").write_text(json.dumps({**summary, "tape_hash": "f" * 64}))
    shown, _ = outcry(tmp_path, "check", "run", status=1)
    assert "1 fault\n" in shown and "f" * 12 in shown and "tape_hash" in shown

    _, error = outcry(tmp_path, "check", "run", "nowhere", status=2)
    assert error == "outcry: nowhere: not a run folder; allowed: a folder that `outcry run` wrote\n"
