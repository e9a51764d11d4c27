"""A study that is read back from its folder tells what it told before: all figures, what was asked, what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agents.metaorder import Metaorder
from lob.errors import InputError, RunError
from scenarios.experiments import Attribution, ImpactResult, StoppingRule, SweepResult, plot, report
from scenarios.experiments import pairs as pairs_module
from scenarios.experiments import variants as variants_module
from tests.scenarios.texts import SMALL, written
from tests.studies import attribute, impact, sweep

ORDER = Metaorder("buy", 120, "twap", start_s=120, duration_s=240, settings={"n_slices": 12})


def fail_for(monkeypatch: pytest.MonkeyPatch, task: Any, is_bad: Any) -> None:
    whole = task.__call__

    def sometimes(self: Any, job: Any) -> Any:
        if is_bad(job):
            raise RunError("capacity exceeded")
        return whole(self, job)

    monkeypatch.setattr(task, "__call__", sometimes)


def same(one: Any, other: Any) -> bool:
    return one.equals(other) if isinstance(one, pl.DataFrame) else bool(one == other)


def test_an_impact_study_comes_back_with_its_confidence_failures_and_stopping_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_for(monkeypatch, pairs_module.PairTask, lambda job: job[0] == 2)
    rule = StoppingRule("impact_end", 1000.0, batch=32)
    found = impact(
        written(tmp_path), ORDER, pairs=40, arms=("control", "treated", "placebo", "mirrored"), confidence=0.9,
        stop=rule, n_structure=3, out=tmp_path / "out",
    )  # fmt: skip
    loaded = ImpactResult.load(tmp_path / "out")
    assert loaded.confidence == 0.9 and loaded.stop == rule and loaded.budget == 40
    assert loaded.failures == {2: "capacity exceeded"} and loaded.n_pairs == 31
    for name in ("window", "participation", "identity", "confidence", "failures", "stop", "budget", "n_pairs", "arms",
                 "notes", "is_one_world", "placebo_identical"):  # fmt: skip
        assert getattr(loaded, name) == getattr(found, name), name
    for name in ("runs", "estimates", "paths", "structure"):
        assert same(getattr(loaded, name), getattr(found, name)), name
    assert plot(loaded) == plot(found)
    assert report(loaded, tmp_path / "again.html").read_text() == (tmp_path / "out" / "report.html").read_text()


def test_a_shorter_study_in_a_folder_with_more_pairs_comes_back_as_short_as_it_was(tmp_path: Path) -> None:
    path, out = written(tmp_path), tmp_path / "out"
    impact(path, ORDER, pairs=6, out=out)
    fewer = impact(path, ORDER, pairs=4, out=out, resume=True)
    assert ImpactResult.load(out).runs.equals(fewer.runs)
    assert ImpactResult.load(out).n_pairs == 4


def test_a_sweep_comes_back_with_its_grid_confidence_and_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_for(monkeypatch, variants_module._Task, lambda job: job.seed == 3 and job.number == 1)
    text = SMALL + '\n[[event]]\nname = "stop"\nkind = "halt"\nat = 09:35:00\nuntil = 09:36:00\n'
    import datetime as dt

    grid = {"event.stop.at": [dt.time(9, 34), dt.time(9, 35)], "population.zero.settings.market_share": [0.1, 0.25]}
    found = sweep(
        written(tmp_path, text), grid, [3, 1, 2], outcomes=["volume", "mean_spread"], confidence=0.8,
        out=tmp_path / "out",
    )  # fmt: skip
    loaded = SweepResult.load(tmp_path / "out")
    for name in ("runs", "cells", "outcomes", "confidence", "table", "failed", "notes"):
        assert same(getattr(loaded, name), getattr(found, name)), name
    assert len(loaded.failed) == 1 and loaded.confidence == 0.8
    assert plot(loaded) == plot(found)


@pytest.mark.parametrize("n_groups", [3, 9])
def test_an_attribution_comes_back_whole_with_all_subsets_and_with_sampled_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_groups: int
) -> None:
    fail_for(monkeypatch, variants_module._Task, lambda job: job.seed == 5)
    rows = "".join(
        f'\n[[population]]\nname = "p{k}"\nkind = "zero_intelligence"\ncount = {3 + k}\n'
        "settings = { interval_s = 5.0 }\n"
        for k in range(n_groups)
    )
    path = written(tmp_path, SMALL.split("[[population]]")[0].replace("09:40", "09:31") + rows)
    options: dict[str, Any] = {"n_orders": 1, "confidence": 0.8, "executor": "serial"}
    found = attribute(path, "volume", seeds=[4, 5, 1, 2], out=tmp_path / "out", **options)
    loaded = Attribution.load(tmp_path / "out")
    for name in ("outcome", "total", "none", "all", "groups", "seeds", "n_runs", "exact", "failures", "confidence",
                 "notes"):  # fmt: skip
        assert getattr(loaded, name) == getattr(found, name), name
    assert loaded.table.equals(found.table) and loaded.per_seed.tobytes() == found.per_seed.tobytes()
    assert loaded.seeds == (4, 1, 2) and {seed for _, seed in loaded.failures} == {5}
    # Worlds in another order, or only some of them, must find their own subsets again.
    monkeypatch.undo()
    fewer = attribute(path, "volume", seeds=[2, 1], out=tmp_path / "out", resume=True, **options)
    assert fewer.per_seed.tolist() == found.per_seed[[2, 1]].tolist()


def test_a_folder_with_another_study_or_none_is_told_in_one_line(tmp_path: Path) -> None:
    sweep(written(tmp_path), {}, [1, 2], outcomes=["volume"], out=tmp_path / "out")
    for result, folder in ((ImpactResult, "out"), (Attribution, "out"), (SweepResult, "nowhere")):
        with pytest.raises(InputError, match="holds no"):
            result.load(tmp_path / folder)
