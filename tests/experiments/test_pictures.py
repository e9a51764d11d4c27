"""Pictures and pages of studies in which little is known: they are drawn with what there is, never a traceback."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from agents.metaorder import Metaorder
from scenarios.calibration.plot_moments import draw_moments
from scenarios.experiments import Attribution, SweepResult, plot, report
from sim.metrics import MOMENTS
from tests.scenarios.texts import SMALL, written
from tests.studies import attribute, impact, sweep

PNG = b"\x89PNG"
ORDER = Metaorder("buy", 120, "twap", start_s=120, duration_s=240, settings={"n_slices": 12})
WORTHLESS = [float("nan"), float("inf"), float("-inf"), None]


def drawn(result: Any, tmp_path: Path) -> None:
    """Everything that a result can show."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plot(result).startswith(PNG)
        assert report(result, tmp_path / "page.html").read_text().endswith("</html>\n")


def test_methods_of_results_do_what_the_functions_do_and_say_so(tmp_path: Path) -> None:
    found = impact(written(tmp_path), ORDER, pairs=2)
    with pytest.warns(DeprecationWarning, match=r"is now scenarios\.experiments\.plot\(result, \.\.\.\)"):
        assert found.plot() == plot(found)
    with pytest.warns(DeprecationWarning, match="the method goes in 0.3"):
        assert found.report(tmp_path / "page.html") == tmp_path / "page.html"
    (tmp_path / "saved").mkdir()
    with pytest.warns(DeprecationWarning):
        found.save(tmp_path / "saved")
    assert {"estimates.parquet", "impact.png", "report.html"} <= {path.name for path in (tmp_path / "saved").iterdir()}
    swept = sweep(written(tmp_path), {}, [1, 2], outcomes=["volume"])
    with pytest.warns(DeprecationWarning, match="SweepResult"):
        assert swept.plot(tmp_path / "sweep.png") == (tmp_path / "sweep.png").read_bytes()
    with pytest.raises(TypeError, match="a DataFrame has no report; allowed: ImpactResult"):
        report(swept.runs, tmp_path / "page.html")  # type: ignore[arg-type]


@pytest.mark.parametrize("pairs", [1, 2])
def test_a_few_pairs_at_four_quantities_have_a_picture_and_no_interval(tmp_path: Path, pairs: int) -> None:
    found = impact(
        written(tmp_path), ORDER, participation=(0.02, 0.05, 0.1, 0.3), pairs=pairs,
        out=tmp_path / "out",
    )  # fmt: skip
    drawn(found, tmp_path)
    assert found.value("impact_end", level=4)["low"] is None
    assert (tmp_path / "out" / "impact.png").read_bytes().startswith(PNG)


def test_a_price_that_falls_at_every_quantity_has_no_exponent_and_a_picture(tmp_path: Path) -> None:
    found = impact(written(tmp_path), ORDER, participation=(0.05, 0.3), pairs=4)
    treated = pl.col("arm") == "treated"
    falling = pl.when(treated).then(pl.lit(-1)).otherwise(pl.lit(1)).alias("side")
    other = replace(found, runs=found.runs.with_columns(falling))
    assert other.value("impact_end", level=2)["value"] < 0 and other.value("exponent")["value"] is None
    drawn(other, tmp_path)


def test_a_metaorder_that_nothing_was_executed_of_has_costs_that_are_not_known(tmp_path: Path) -> None:
    never = SMALL.split("[[population]]")[0]
    found = impact(written(tmp_path, never), ORDER, pairs=3)
    known = set(found.estimates.filter(pl.col("group") == "cost")["estimate"])
    assert "paired_slippage_bps" not in known and "opportunity_cost_bps" in known
    drawn(found, tmp_path)


@pytest.mark.parametrize("worthless", WORTHLESS)
@pytest.mark.parametrize("rows", [slice(0, 1), slice(0, None)])
def test_midpoints_and_costs_that_are_no_numbers_are_left_out(tmp_path: Path, worthless: Any, rows: slice) -> None:
    found = impact(written(tmp_path), ORDER, participation=(0.05, 0.1), pairs=4)
    n = len(found.runs)
    hit = pl.Series(np.isin(np.arange(n), np.arange(n)[rows]))
    columns = [
        name for name in found.runs.columns if name.endswith(("_bps", "_lots", "_ticks")) and name != "mid_ticks"
    ]
    columns = [name for name in columns if name != "quantity_lots"]
    spoilt = found.runs.with_columns(
        pl.when(hit).then(pl.lit(worthless, pl.Float64)).otherwise(pl.col(name)).alias(name) for name in columns
    ).with_columns(
        pl.when(hit).then(pl.col("mid_ticks").list.eval(pl.lit(worthless, pl.Float64))).otherwise("mid_ticks")
        .alias("mid_ticks")
    )  # fmt: skip
    other = replace(found, runs=spoilt)
    numbers = other.estimates.select(pl.col("value", "low", "high", "control").drop_nulls().is_finite().all())
    assert numbers.row(0) == (True,) * 4
    assert any("left out" in note for note in other.notes)
    drawn(other, tmp_path)


def test_prices_that_are_not_above_zero_have_no_relative_impact(tmp_path: Path) -> None:
    low = SMALL.replace(
        "reference_ticks = 10_000", "reference_ticks = -1_000\nmin_price_ticks = -2_000\nn_prices = 1_900"
    )
    found = impact(written(tmp_path, low), ORDER, pairs=3)
    assert "3 pairs are left out" in found.notes[-1]
    assert not (found.estimates["group"] == "impact").any()
    drawn(found, tmp_path)


@pytest.mark.parametrize("worthless", WORTHLESS)
def test_a_sweep_draws_what_it_knows(tmp_path: Path, worthless: Any) -> None:
    found = sweep(
        written(tmp_path), {"population.zero.count": [20, 30], "instrument.ABC.name": ["ABC"]}, [1, 2],
        outcomes=["volume", "n_trades"],
    )  # fmt: skip
    drawn(found, tmp_path)
    for everywhere in (False, True):
        hit = pl.lit(True) if everywhere else pl.col("variant") == 0
        runs = found.runs.with_columns(
            pl.when(hit).then(pl.lit(worthless, pl.Float64)).otherwise(pl.col(name)).alias(name)
            for name in ("volume_lots", "n_trades")
        )
        drawn(SweepResult(runs, found.cells, found.outcomes), tmp_path)


def test_an_outcome_that_is_always_zero_has_no_shares(tmp_path: Path) -> None:
    quiet = SMALL.replace("interval_s = 2.0", "interval_s = 60.0, market_share = 0.0, max_distance_ticks = 400.0")
    found = attribute(written(tmp_path, quiet.replace("count = 50", "count = 1")), "volume", seeds=[1, 2, 3])
    assert found.total == (0.0, 0.0, 0.0) and found.table["share"].to_list() == [None]
    drawn(found, tmp_path)


def test_names_with_dollar_signs_are_names_and_no_formulas(tmp_path: Path) -> None:
    text = SMALL.replace('name = "zero"', 'name = "$\\\\frac$"')
    found = attribute(written(tmp_path, text), "volume", seeds=[1, 2])
    assert isinstance(found, Attribution) and found.groups == ("$\\frac$",)
    drawn(found, tmp_path)
    drawn(sweep(written(tmp_path, text), {"population.0.name": ["$a$b$", "$\\frac$"]}, [1]), tmp_path)


@pytest.mark.parametrize("worthless", [float("nan"), float("inf")])
def test_moments_that_are_not_known_have_no_point(worthless: float) -> None:
    good = dict.fromkeys(MOMENTS, 1.0)
    bad = good | dict.fromkeys(list(MOMENTS)[::2], worthless)
    for fitted, other in ((bad, None), (good, bad), (bad, bad)):
        assert draw_moments("$\\frac$", fitted, good, good, other, [3.0, worthless, 1.0]).startswith(PNG)
