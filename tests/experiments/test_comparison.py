"""A comparison finds a difference that is there, none between two copies, and splits costs into parts that add up."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from agents.metaorder import Metaorder
from lob.errors import InputError
from scenarios.experiments import ComparisonResult, Execution, ImpactProtocol, compare
from scenarios.experiments.comparison_result import PARTS, with_cost_parts
from tests.cli.inside import inside

WHEN = ImpactProtocol(start="09:40:00", horizon_s=600.0, after_s=60.0)
SERIAL = Execution("serial")


@pytest.fixture(scope="module")
def algorithms(tmp_path_factory: pytest.TempPathFactory) -> ComparisonResult:
    """A schedule, its copy, and one that sends everything at once."""
    candidates = {
        "even": Metaorder("buy", 400),
        "copy": Metaorder("buy", 400),
        "at once": Metaorder("buy", 400, settings={"n_slices": 1}),
    }
    out = tmp_path_factory.mktemp("compare") / "study"
    return compare("first_market", candidates, worlds=24, protocol=WHEN, execution=Execution("process", out=out))


def test_a_planted_difference_is_found_and_a_copy_is_not_told_apart(algorithms: ComparisonResult) -> None:
    planted = algorithms.difference("at once", "even")
    assert planted.low > 0
    copied = algorithms.difference("copy", "even")
    assert (copied.value, copied.low, copied.high) == (0.0, 0.0, 0.0)
    assert "at once costs" in algorithms.answer and "copy is the same to the last trade" in algorithms.answer
    assert algorithms.notes == ["copy: every world is identical to even's."]


def test_parts_of_the_cost_add_up_to_the_shortfall(algorithms: ComparisonResult) -> None:
    rows = with_cost_parts(algorithms.runs.filter(pl.col("arm") != "control"))
    total = sum(rows[part].to_numpy() for part in PARTS)
    assert total == pytest.approx(rows["shortfall_bps"].to_numpy(), abs=1e-9)
    assert rows["caused_bps"].to_numpy() == pytest.approx((rows["shortfall_bps"] - rows["timing_bps"]).to_numpy())
    assert rows.filter(pl.col("arm") == "at once")["spread_bps"].mean() > 0


def test_what_the_order_causes_is_known_better_than_the_shortfall(algorithms: ComparisonResult) -> None:
    def width(measure: str) -> float:
        row = algorithms.table.filter((pl.col("measure") == measure) & (pl.col("candidate") == "even")).row(
            0, named=True
        )
        return float(row["high"] - row["low"])

    assert width("caused_bps") < width("shortfall_bps")


def test_a_study_leaves_its_files_and_is_read_back(algorithms: ComparisonResult, tmp_path: Path) -> None:
    candidates = {"one": Metaorder("buy", 50), "two": Metaorder("buy", 50, "vwap")}
    found = compare(
        "first_market", candidates, worlds=4, protocol=WHEN, execution=Execution("serial", out=tmp_path / "s")
    )
    assert {path.name for path in (tmp_path / "s").iterdir()} >= {"table.parquet", "compare.png", "report.html"}
    page = (tmp_path / "s" / "report.html").read_text()
    assert page.index(found.answer.split(";")[0]) < page.index("<img") < page.index("<details>")
    loaded = ComparisonResult.load(tmp_path / "s")
    assert loaded.answer == found.answer and loaded.table.equals(found.table)


def test_changes_of_the_market_are_compared_by_their_outcomes() -> None:
    thin = {"population": [{"name": "maker", "settings": {"n_levels": 1}}]}
    candidates = {"as it is": "", "thin makers": thin}
    outcomes = ["mean_depth", "volume"]
    found = compare("first_market", candidates, worlds=6, outcomes=outcomes, execution=SERIAL)
    assert found.measures == ("mean_depth_lots", "volume_lots") and not found.has_costs
    assert found.difference("thin makers", "as it is").high < 0 and found.notes == []
    assert found.answer.startswith("mean_depth_lots is ") and "lower" in found.answer
    same = compare("first_market", {"as it is": "", "nothing": "seed = 1"}, worlds=3, execution=SERIAL)
    assert same.notes == ["nothing: every world is identical to the one without it: it changed nothing."]


@pytest.mark.parametrize(
    ("candidates", "words"),
    [
        ({"one": Metaorder("buy", 5)}, "1; allowed: 2 to 20"),
        ({"control": "", "b": ""}, "the market without any of them"),
        ({"a": Metaorder("buy", 5), "b": ""}, "allowed: all of one kind"),
        ({"a": "", "b": "seed ="}, "not valid TOML"),
    ],
)
def test_what_cannot_be_compared_is_one_line(candidates: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        compare("first_market", candidates, worlds=2, execution=SERIAL)


def test_the_command_answers_first_and_refuses_in_one_line(tmp_path: Path) -> None:
    options = ("--worlds", "4", "--executor", "serial")
    status, out, err = inside(
        tmp_path,
        "compare",
        "first_market",
        "--variant",
        "four=population.maker.count=4",
        "--outcome",
        "mean_spread",
        *options,
    )
    assert status == 0, err
    lines = [line for line in out.splitlines() if line]
    assert lines[0].startswith("mean_spread_ticks is ") and "four" in lines[0] and "…" not in out
    for wrong, words in (
        (("--algo", "twap,twap", "--quantity", "5"), "given twice"),
        (("--algo", "twap,vwap"), "needs either --quantity"),
        (("--variant", "x"), "allowed: NAME=A.B=C"),
        ((), "either --algo or --variant"),
    ):
        status, _, err = inside(tmp_path, "compare", "first_market", *wrong, *options)
        assert status == 2 and words in err and err.count("\n") == 1
