"""Whole experiments on a small market: arms, executors, resuming, branches, stopping, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from agents.metaorder import Metaorder
from lob.errors import InputError, RunError
from scenarios.build import variant as variant_module
from scenarios.experiments import ImpactResult, StoppingRule, plot, report
from scenarios.experiments import pairs as pairs_module
from tests import studies
from tests.scenarios.texts import SMALL, built, written
from tests.studies import impact

ORDER = Metaorder("buy", 120, "twap", start_s=120, duration_s=240, settings={"n_slices": 12})
ALL = ("control", "treated", "placebo", "mirrored")
WITH_TRADER = '\n[[trader]]\nname = "watcher"\nkind = "twap"\nsettings = { side = "buy", quantity_lots = 10 }\n'


def run(tmp_path: Path, treatment: Any = ORDER, text: str = SMALL, **options: Any) -> ImpactResult:
    options = {"pairs": 6, "executor": "serial", "n_structure": 3, **options}
    return impact(written(tmp_path, text), treatment, **options)


def same(one: ImpactResult, other: ImpactResult) -> None:
    assert one.runs.equals(other.runs)
    assert one.estimates.equals(other.estimates)
    assert one.paths.equals(other.paths)
    assert one.structure.equals(other.structure)


def test_the_control_of_a_pair_is_the_scenario_run_with_its_seed(tmp_path: Path) -> None:
    found = run(tmp_path, first_seed=40)
    market = built(tmp_path).market(43)
    market.run(found.window.until_ns)
    control = found.runs.filter((pl.col("arm") == "control") & (pl.col("pair") == 3)).row(0, named=True)
    assert control["seed"] == 43 and control["n_rows"] == len(market.tape)
    at = np.searchsorted(market.tape["time_ns"], found.window.looks_ns, side="right") - 1
    assert control["mid_ticks"] == list((market.tape["bid_ticks"][at] + market.tape["ask_ticks"][at]) / 2)


def test_placebos_leave_tapes_as_they_are_and_the_others_do_not(tmp_path: Path) -> None:
    found = run(tmp_path, arms=ALL)
    assert found.placebo_identical is True
    rows = found.runs
    assert rows.filter(pl.col("arm") == "placebo")["same_tape"].all()
    assert not rows.filter(pl.col("arm").is_in(["treated", "mirrored"]))["same_tape"].any()
    assert found.arms == [("mirrored", 1), ("placebo", 1), ("treated", 1)]
    assert set(rows.filter(pl.col("arm") == "mirrored")["side"]) == {-1}
    assert run(tmp_path).placebo_identical is None


def test_up_to_the_start_both_worlds_are_one_and_a_buyer_raises_the_price(tmp_path: Path) -> None:
    found = run(tmp_path, arms=ALL, pairs=12)
    buying, selling = found.paired("treated"), found.paired("mirrored")
    assert (buying.m1[:, 0] == buying.m0[:, 0]).all()
    assert found.value("impact_end")["value"] > 0 and found.value("impact_end", arm="mirrored")["value"] > 0
    assert buying.impact_bps[:, 20].mean() == pytest.approx(found.value("impact_end")["value"])
    assert (buying.m1[:, 20] > buying.m0[:, 20]).mean() > 0.7 and (selling.m1[:, 20] < selling.m0[:, 20]).mean() > 0.7
    executed = found.runs.filter(pl.col("arm") == "treated")["executed_lots"]
    assert (executed == 120).all()


def test_a_process_builds_each_arm_once_whatever_the_number_of_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_built = 0
    build = variant_module.build

    def counted(source: Any) -> Any:
        nonlocal n_built
        n_built += 1
        return build(source)

    monkeypatch.setattr(variant_module, "build", counted)
    run(tmp_path, participation=(0.05, 0.2), arms=("control", "treated", "placebo"), pairs=3)
    assert n_built == 4
    made = studies.sweep(written(tmp_path), {"population.zero.count": [20, 30]}, [1, 2, 3], outcomes=["volume"])
    assert len(made.runs) == 6 and n_built == 4 + 3


@pytest.mark.parametrize("executor", ["process", "ray"])
def test_the_numbers_do_not_depend_on_the_executor(tmp_path: Path, executor: str) -> None:
    if executor == "ray":
        pytest.importorskip("ray")
    one = run(tmp_path, participation=(0.05, 0.2), arms=ALL)
    other = run(tmp_path, participation=(0.05, 0.2), arms=ALL, executor=executor, workers=2)
    same(one, other)


def test_participations_are_shares_of_the_volume_and_share_their_control(tmp_path: Path) -> None:
    found = run(tmp_path, participation=(0.05, 0.1, 0.4), pairs=8)
    rows = found.runs
    assert len(rows.filter(pl.col("arm") == "control")) == 8 and len(rows) == 32
    volume = found.identity["volume_lots"]
    sizes = [found.paired("treated", level).quantity_lots for level in (1, 2, 3)]
    assert sizes == [round(share * volume) for share in (0.05, 0.1, 0.4)]
    exponent = found.value("exponent")
    impacts = np.array([found.value("impact_end", level=k)["value"] for k in (1, 2, 3)])
    if (impacts > 0).all():
        slope = np.polyfit(np.log(sizes), np.log(impacts), 1)[0]
        assert exponent["value"] == pytest.approx(slope)
    else:
        assert exponent["value"] is None


def test_an_experiment_goes_on_where_it_was_and_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path, out=tmp_path / "whole", pairs=9)
    run(tmp_path, out=tmp_path / "parts", pairs=4)
    made: list[int] = []
    task = pairs_module.PairTask.__call__

    def counted(self: Any, job: Any) -> Any:
        made.append(job[0])
        return task(self, job)

    monkeypatch.setattr(pairs_module.PairTask, "__call__", counted)
    rest = run(tmp_path, out=tmp_path / "parts", pairs=9, resume=True)
    assert sorted(made) == [4, 5, 6, 7, 8]
    same(rest, whole)
    loaded = ImpactResult.load(tmp_path / "parts")
    assert loaded.estimates.equals(whole.estimates) and loaded.paths.equals(whole.paths)
    fewer = run(tmp_path, out=tmp_path / "parts", pairs=4, resume=True)
    assert fewer.n_pairs == 4
    with pytest.raises(InputError, match="another study"):
        run(tmp_path, Metaorder("sell", 120, start_s=120, duration_s=240), out=tmp_path / "parts", resume=True)


def test_a_pair_that_fails_is_reported_and_the_others_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = pairs_module.PairTask.__call__

    def sometimes(self: Any, job: Any) -> Any:
        if job[0] == 2:
            raise RunError("capacity exceeded")
        return task(self, job)

    monkeypatch.setattr(pairs_module.PairTask, "__call__", sometimes)
    found = run(tmp_path, out=tmp_path / "out")
    assert found.failures == {2: "capacity exceeded"} and found.n_pairs == 5
    assert "capacity exceeded" in (tmp_path / "out" / "report.html").read_text()
    monkeypatch.undo()
    again = run(tmp_path, out=tmp_path / "out", resume=True)
    assert again.failures == {} and again.n_pairs == 6
    monkeypatch.setattr(pairs_module.PairTask, "__call__", lambda self, job: 1 / 0)
    with pytest.raises(RunError, match="none of 6 pairs could be run; the first failed: ZeroDivisionError"):
        run(tmp_path)


def test_with_a_branch_all_pairs_share_the_history_and_have_a_future_each(tmp_path: Path) -> None:
    found = run(tmp_path, branch="09:31:30", history_seed=5, arms=("control", "treated", "placebo"))
    control = np.array(found.runs.filter(pl.col("arm") == "control")["mid_ticks"].to_list())
    assert len(np.unique(control[:, -1])) > 1 and found.placebo_identical
    earlier = run(tmp_path, branch="09:32:00", history_seed=5)
    start = np.array(earlier.runs.filter(pl.col("arm") == "control")["mid_ticks"].to_list())[:, 0]
    assert len(np.unique(start)) == 1
    market = built(tmp_path).market(5)
    market.run(earlier.window.start_ns)
    assert start[0] == (market.tape["bid_ticks"][-1] + market.tape["ask_ticks"][-1]) / 2
    same(found, run(tmp_path, branch="09:31:30", history_seed=5, arms=("control", "treated", "placebo"),
                    executor="process", workers=2))  # fmt: skip


def test_a_shared_stream_is_shared_in_the_futures_of_a_branch_too(tmp_path: Path) -> None:
    """One more order then shifts what everybody draws, as it does without a branch."""
    options: dict[str, Any] = {"branch": "09:31:30", "history_seed": 5, "arms": ("control", "treated", "placebo")}
    own = run(tmp_path, **options)
    shared = run(tmp_path, shared_stream=True, **options)
    assert own.placebo_identical and not shared.placebo_identical
    assert not own.runs["mid_ticks"].equals(shared.runs["mid_ticks"])


def test_without_a_start_a_change_of_the_scenario_is_watched_from_the_open(tmp_path: Path) -> None:
    window = run(tmp_path, {"population": [{"name": "zero", "count": 40}]}, pairs=1).window
    opens = 34_200 * 10**9
    assert (window.start_ns, window.end_ns, window.until_ns) == (opens, opens + 300 * 10**9, opens + 600 * 10**9)


def test_a_function_or_a_fragment_is_a_treatment_too(tmp_path: Path) -> None:
    def fewer(tables: dict[str, Any]) -> dict[str, Any]:
        tables["population"][0]["count"] = 25
        return tables

    found = run(tmp_path, fewer, executor="process", workers=2)
    volume = found.value("volume_lots")
    assert volume["value"] < 0 and volume["control"] > 0
    halt = run(tmp_path, '[[event]]\nkind = "halt"\nat = 09:35:00\nuntil = 09:36:00\n')
    assert (halt.paired().impact_bps[:, 0] == 0).all() and halt.value("volume_lots")["value"] < 0
    with pytest.raises(InputError, match="no estimate 'prefactor'"):
        halt.value("prefactor")


def test_a_stopping_rule_ends_early_whatever_the_executor_and_gives_a_wider_interval(tmp_path: Path) -> None:
    rule = StoppingRule("impact_end", 12.0, batch=10)
    found = run(tmp_path, pairs=200, stop=rule)
    assert 30 <= found.n_pairs < 200 and found.n_pairs % 10 == 0
    same(found, run(tmp_path, pairs=200, stop=rule, executor="process", workers=2))
    row = found.estimates.filter(pl.col("group") == "stopping").row(0, named=True)
    plain = found.value("impact_end")
    assert row["high"] - row["value"] <= 12.0 and row["high"] - row["low"] > plain["high"] - plain["low"]
    never = run(tmp_path, pairs=40, stop=StoppingRule("impact_end", 1e-6))
    assert never.n_pairs == 40


def test_the_page_holds_everything_and_loads_nothing(tmp_path: Path) -> None:
    found = run(tmp_path, arms=ALL, participation=(0.1, 0.2))
    html = report(found, tmp_path / "report.html").read_text()
    for word in ("byte-identical", "Cost of the metaorder", "Who paid", "Order flow of the control", "config_hash"):
        assert word in html
    assert html.count("data:image/png;base64,") == 1
    assert 'src="http' not in html and "href=" not in html
    assert plot(found, tmp_path / "impact.png") == (tmp_path / "impact.png").read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pairs": 0}, "at least 1"),
        ({"arms": ("control", "sham")}, "'sham'; allowed: control, treated, placebo, mirrored"),
        ({"participation": (0.0,)}, "above 0 and below 1"),
        ({"treatment": {}, "participation": (0.1,)}, "only a Metaorder"),
        ({"treatment": {"seed": 3}, "arms": ("control", "placebo")}, "needs a treatment with a population"),
        ({"start": "9 am"}, "not a time"),
        ({"start": "12:00:00"}, "outside the session"),
        ({"horizon_s": 0.2}, "at least 1 s"),
        ({"horizon_s": 1000.0}, "before the close"),
        ({"after_s": 1000.0}, "beyond the close"),
        ({"branch": "09:33:00"}, "not after the treatment's start"),
        ({"history_seed": 3}, "only with branch"),
        ({"confidence": 1.5}, "below 1"),
        ({"confidence": 0.0}, "confidence = 0; allowed: from 0.5"),
        ({"confidence": float("nan")}, "confidence = nan"),
        ({"pairs": 10**12}, "at most 1,000,000"),
        ({"first_seed": -1}, "first_seed = -1"),
        ({"first_seed": 2**63 - 3, "pairs": 6}, "below 2^63 in all pairs"),
        ({"branch": "09:31:00", "history_seed": 2**63}, "history_seed"),
        ({"participation": (0.1, float("nan"))}, "above 0 and below 1"),
        ({"participation": (0.1, 0.1)}, "none twice"),
        ({"participation": tuple(k / 100 for k in range(1, 90))}, "at most 50"),
        ({"horizon_s": float("nan")}, "horizon = nan s"),
        ({"horizon_s": 1e300}, "horizon = 1e+300 s"),
        ({"after_s": float("inf")}, "after = inf s"),
        ({"start": "09:31:00+02:00"}, "without an offset"),
        ({"workers": 10**9}, "at most 10,000"),
        ({"text": SMALL + WITH_TRADER, "branch": "09:31:00"}, "traders in Python (watcher)"),
        ({"executor": "slurm"}, "process, ray, serial"),
        ({"overrides": ("population.zreo.count=3",)}, "did you mean zero?"),
        ({"treatment": {"population": [{"name": "x", "kind": "nosie"}]}}, "did you mean noise?"),
        ({"treatment": {"instrument": [{"name": "SECOND"}]}}, "another session or other instruments"),
        ({"stop": StoppingRule("impact", 1.0)}, "allowed: impact_half"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_run_or_written(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as error:
        run(tmp_path, out=tmp_path / "out", **options)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
