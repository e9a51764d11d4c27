"""Pre-trade estimates: what was measured comes back, between two it agrees with a run there, far ones are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from agents.metaorder import Metaorder
from lob.errors import InputError
from scenarios.experiments import Execution, ImpactProtocol, ImpactResult, compare, estimate_costs
from tests.cli.inside import inside
from tests.scenarios.texts import written
from tests.studies import impact

START, HORIZON_S = "09:32:00", 240


def order(lots: int) -> Metaorder:
    return Metaorder("buy", lots, "twap", start_s=120, duration_s=HORIZON_S, settings={"n_slices": 12})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Experiments with three shares of the volume in 12 worlds, and one between two of them."""
    folder = tmp_path_factory.mktemp("pretrade")
    scenario = written(folder)
    impact(scenario, order(1), participation=(0.05, 0.1, 0.4), pairs=12, out=folder / "three")
    return folder


@pytest.fixture(scope="module")
def result(folder: Path) -> ImpactResult:
    return ImpactResult.load(folder / "three")


def test_at_a_measured_quantity_it_is_what_was_measured(result: ImpactResult) -> None:
    quantities = [result.paired("treated", level).quantity_lots for level in (1, 2, 3)]
    for level, found in zip((1, 2, 3), estimate_costs(result, quantities), strict=True):
        runs = result.runs.filter((pl.col("arm") == "treated") & (pl.col("level") == level))
        assert found.basis == "measured" and found.n_worlds == 12 and found.algorithm == "twap"
        timing = runs["arrival_slippage_bps"] - runs["paired_slippage_bps"]
        share = runs["executed_lots"] / runs["quantity_lots"]
        caused = (runs["shortfall_bps"] - timing * share).mean()
        assert found.cost.value == pytest.approx(caused)
        assert found.spread_bps + found.impact_bps + found.opportunity_bps == pytest.approx(found.cost.value)
        assert found.cost.low < found.cost.value < found.cost.high
        assert found.risk_bps == pytest.approx(runs["shortfall_bps"].std())


def test_between_two_quantities_the_interval_overlaps_that_of_an_experiment_there(
    folder: Path, result: ImpactResult
) -> None:
    two, three = (result.paired("treated", level).quantity_lots for level in (2, 3))
    quantity = round(np.sqrt(two * three))
    (guess,) = estimate_costs(result, [quantity])
    there = impact(written(folder), order(quantity), pairs=12)
    (measured,) = estimate_costs(there, [quantity])
    assert (guess.basis, measured.basis) == ("between measured quantities", "measured")
    assert max(guess.cost.low, measured.cost.low) < min(guess.cost.high, measured.cost.high)
    assert guess.participation == pytest.approx(measured.participation, rel=1e-6)


def test_beyond_them_impact_grows_with_the_root_and_the_spread_does_not(result: ImpactResult) -> None:
    most = result.paired("treated", 3).quantity_lots
    near, far = estimate_costs(result, [most, 4 * most])
    assert far.basis == "square-root law"
    assert far.impact_bps == pytest.approx(2 * near.impact_bps) and far.spread_bps == pytest.approx(near.spread_bps)
    with pytest.raises(InputError, match=r"quantity [\d,]+: twap was run with .* lots; allowed: from"):
        estimate_costs(result, [5 * most])


def test_a_comparison_gives_an_estimate_for_each_algorithm(tmp_path: Path) -> None:
    execution, when = Execution("serial"), ImpactProtocol(start=START, horizon_s=HORIZON_S)
    found = compare(written(tmp_path), {"even": order(80), "at once": Metaorder("buy", 80, settings={"n_slices": 1})},
                    worlds=6, protocol=when, execution=execution)  # fmt: skip
    even, at_once = estimate_costs(found, [80])
    assert (even.algorithm, at_once.algorithm) == ("even", "at once") and even.n_worlds == 6
    costs = found.table.filter(pl.col("measure") == "caused_bps")
    assert [even.cost.value, at_once.cost.value] == pytest.approx(costs["value"].to_list())
    settings = compare(written(tmp_path), {"as it is": "", "other": "seed = 3"}, worlds=2, execution=execution)
    with pytest.raises(InputError, match="worked no orders"):
        estimate_costs(settings, [10])


def test_the_command_says_the_cost_first(folder: Path, result: ImpactResult) -> None:
    quantity = str(result.paired("treated", 2).quantity_lots)
    status, out, err = inside(folder, "estimate", "three", "--quantity", quantity)
    assert status == 0, err
    assert out.startswith(f"{quantity} lots by twap (") and "will cost" in out and "in 9 of 10 worlds." in out
    status, out, _ = inside(folder, "estimate", "three", "--quantity", quantity, "--json")
    assert status == 0 and json.loads(out)["estimates"][0]["basis"] == "measured"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "--quantity", "5"), "nowhere: holds no study"),
        (("three", "--quantity", "2.5"), "whole numbers of lots"),
        (("three", "--quantity", "1e9"), "twap was run with"),
        (("three", "--quantity", "50", "--confidence", "2"), "from 0.5 to below 1"),
    ],
)
def test_bad_input_is_one_line(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = inside(folder, "estimate", *arguments)
    assert status == 2 and out == "" and err.count("\n") == 1 and words in err, err


def test_an_experiment_without_an_order_has_no_costs(tmp_path: Path) -> None:
    found = impact(written(tmp_path), "[[population]]\nname = 'zero'\ncount = 60\n", pairs=2)
    with pytest.raises(InputError, match="worked no order"):
        estimate_costs(found, [10])
