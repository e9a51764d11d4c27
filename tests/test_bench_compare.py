"""Figures of benches are kept by commit and host, and compared within one host only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench.kept
import bench.yardstick
from bench.compare import compare, last_two, medians, table


def record(commit: str, rate: int, host: str = "one", bench: str = "engine") -> dict[str, object]:
    return {"commit": commit, "host": host, "bench": bench, "messages_per_s": rate, "pass": True}


def test_the_newest_two_commits_of_one_host_are_compared(
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
    assert "engine: a -> c" in out and "env: no two commits kept on one host" in out


def test_of_several_measurements_the_median_counts() -> None:
    runs = [{"bench": "engine", "messages_per_s": rate, "pass": rate > 1} for rate in (1, 9, 3)]
    assert medians(runs) == {"bench": "engine", "messages_per_s": 3, "pass": False}


def test_two_commits_need_the_names_of_benches_and_a_base_too(capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (["a", "--only", "engine"], "--only goes with two commits"),
        (["--base", "a"], "--base needs the names"),
        (["a", "b", "--only", "nothing"], "no such bench: nothing"),
    ):
        with pytest.raises(SystemExit) as ended:
            compare(words, ["engine"])
        assert ended.value.code == 2 and told in capsys.readouterr().err


def test_bounds_are_scaled_by_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.yardstick, "machine", lambda: 0.5)
    assert bench.yardstick.at_least(51.0, 100.0) and not bench.yardstick.at_least(49.0, 100.0)
    assert bench.yardstick.at_most(1.9, 1.0) and not bench.yardstick.at_most(2.1, 1.0)


def test_the_walk_through_memory_visits_all_of_it() -> None:
    assert 1.0 < bench.yardstick.latency_ns(1) < 10_000.0


def test_the_kept_figures_can_be_read() -> None:
    assert {line["bench"] for line in bench.kept.kept()} and all("host" in line for line in bench.kept.kept())
