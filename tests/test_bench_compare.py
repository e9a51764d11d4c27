"""Figures of benches are kept by commit and machine, and compared within one machine only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench.kept
from bench.compare import better, compare, last_two, table


def record(commit: str, rate: int, machine: str = "one", bench: str = "engine") -> dict[str, object]:
    return {"commit": commit, "machine": machine, "bench": bench, "messages_per_s": rate, "pass": True}


def test_the_newest_two_commits_of_one_machine_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [record("a", 90), record("a", 100), record("b", 300, "two"), record("c", 120), record("c", 1, bench="env")]
    file = tmp_path / "figures.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.setattr(bench.kept, "FILE", file)
    pair = last_two("engine")
    assert pair is not None and [one["messages_per_s"] for one in pair] == [100, 120]
    assert "1.200" in table(*pair)[1]
    assert compare([], ["engine", "env"]) == 0
    out = capsys.readouterr().out
    assert "engine: a -> c" in out and "env: no two commits kept on one machine" in out


def test_of_several_measurements_the_better_counts() -> None:
    assert better("messages_per_s", [1, 3, 2]) == better("ratio_to_bourse", [3, 1]) == 3
    assert better("warm_run_s", [1, 3, 2]) == 1


def test_the_kept_figures_can_be_read() -> None:
    assert {line["bench"] for line in bench.kept.kept()} and all("machine" in line for line in bench.kept.kept())
