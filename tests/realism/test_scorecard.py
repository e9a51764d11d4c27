"""The scorecard ranks what is known to be better higher, and each kind of damage shows in the right rows."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import scenarios.realism.predictive
from lob.errors import InputError
from lob.units import HOUR_NS
from scenarios.build.market import build
from scenarios.data.flows import read_flows
from scenarios.realism import Scorecard, scorecard
from scenarios.realism.judge import judge
from scenarios.schema.load import find_scenario, load_scenario
from sim.metrics import OrderFlow, visible_flow_of_tape
from tests.replay.days import DATA

GOOG = DATA / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
needs_data = pytest.mark.skipif(not GOOG.is_file(), reason=f"no recorded days in {DATA}")


@cache
def goog() -> OrderFlow:
    """The recorded day."""
    return read_flows(GOOG, None, "GOOG").flow


def morning() -> OrderFlow:
    """Its part from 9:45 to 12:30."""
    return goog().window(int(9.75 * HOUR_NS), int(12.5 * HOUR_NS))


@cache
def simulated(name: str, seed: int = 1) -> OrderFlow:
    """The order flow of a library scenario's day, of a long one up to 12:30."""
    market = build(load_scenario(find_scenario(name))).market(seed)
    parts: list[Any] = []
    until_ns = min(market.session.close_ns, market.session.open_ns + 3 * HOUR_NS)
    market.run(until_ns, sinks=[lambda rows: parts.append(rows.copy())])
    return visible_flow_of_tape(np.concatenate(parts), 10)


def rows_of(card: Scorecard) -> dict[str, dict[str, Any]]:
    """All rows by name."""
    return {row["name"]: row for row in [*card.distances.rows(named=True), *card.facts.rows(named=True)]}


@needs_data
def test_real_afternoon_calibrated_population_and_zero_intelligence_rank_in_this_order() -> None:
    afternoon = goog().window(int(12.5 * HOUR_NS), int(15.75 * HOUR_NS))
    cards = [
        scorecard(flow, morning(), models=False)
        for flow in (afternoon, simulated("goog_2012"), simulated("first_market"))
    ]
    summary = [card.mean_l1_over_floor for card in cards]
    assert summary[0] < 1.2 and summary[0] + 0.5 < summary[1] and summary[1] + 0.5 < summary[2]
    far = [card.verdicts()["far"] for card in cards]
    assert far[0] == 0 and far[0] < far[1] < far[2]
    # The mean is not one row's doing: most rows agree on the order.
    ratios = [card.distances.filter(pl.col("group") == "LOB-Bench")["ratio"].to_numpy() for card in cards]
    assert (ratios[0] < ratios[1]).mean() > 0.8 and (ratios[1] < ratios[2]).mean() > 0.6


@needs_data
def test_a_flow_against_itself_has_no_distance_anywhere() -> None:
    card = scorecard(morning(), morning(), models=False)
    assert card.mean_l1 == 0 and card.verdicts()["inside"] == len(rows_of(card))
    assert card.distances["floor"].is_between(0, 1).all()


def shuffled_times(flow: OrderFlow, rng: np.random.Generator) -> OrderFlow:
    """The same times between events in another order: their distribution stays, their clusters go."""
    gaps = rng.permutation(np.diff(flow.time_ns))
    return replace(flow, time_ns=flow.time_ns[0] + np.concatenate([[0], np.cumsum(gaps)]))


def shuffled_sizes(flow: OrderFlow, rng: np.random.Generator) -> OrderFlow:
    """The same sizes on other events of the same kind; the book stays as it was."""
    sizes = flow.size_lots.copy()
    for kind in np.unique(flow.kind):
        at = np.flatnonzero(flow.kind == kind)
        sizes[at] = sizes[rng.permutation(at)]
    return replace(flow, size_lots=sizes)


def shuffled_signs(flow: OrderFlow, rng: np.random.Generator) -> OrderFlow:
    """The same sides on other events of the same kind."""
    side = flow.side.copy()
    for kind in np.unique(flow.kind):
        at = np.flatnonzero(flow.kind == kind)
        side[at] = side[rng.permutation(at)]
    return replace(flow, side=side)


@needs_data
@pytest.mark.parametrize(
    ("damage", "caught", "untouched"),
    [
        (
            shuffled_times,
            {"log_dt_acf_10", "fano_1s", "fano_60s"},
            {"spread", "imbalance", "log_dt", "ofi", "submit_depth", "submit_sign_acf_1", "log_submit_size"},
        ),
        (
            shuffled_sizes,
            {"size_acf_1", "size_acf_10", "size_kept_share"},
            {
                "spread",
                "log_dt",
                "ask_touch",
                "log_submit_size",
                "log_cancel_size",
                "market_sign_acf_1",
                "log_dt_acf_1",
            },
        ),
        (
            shuffled_signs,
            {"market_sign_acf_1", "submit_sign_acf_1", "log_sign_run", "submit_depth", "response_MO1"},
            {"spread", "log_dt", "ask_touch", "log_submit_size", "size_acf_1", "fano_1s", "return_1s"},
        ),
    ],
    ids=["times", "sizes", "signs"],
)
def test_a_broken_copy_of_the_very_flow_is_caught_by_the_right_rows(
    damage: Any, caught: set[str], untouched: set[str]
) -> None:
    card = scorecard(damage(morning(), np.random.default_rng(0)), morning(), models=False)
    rows = rows_of(card)
    assert {name for name in caught if rows[name]["verdict"] != "far"} == set()
    assert {name for name in untouched if rows[name]["ratio"] > 1e-9} == set()


def test_sessions_are_judged_together_and_the_other_real_flow_gives_the_floor() -> None:
    flow = simulated("first_market")
    split = int(flow.time_ns[0] + flow.time_ns[-1]) // 2
    one, two = flow.window(0, split), flow.window(split, 2**62)
    card = scorecard([one, two], two, one, models=False)
    own = rows_of(scorecard(one, two, one, models=False))
    assert all(row["ratio"] == pytest.approx(1) for row in own.values() if row.get("group") == "LOB-Bench")
    spread = rows_of(card)["spread"]
    assert spread["n"] == own["spread"]["n"] + len(two.visible()) and spread["l1"] < own["spread"]["l1"]
    assert card.horizon["until_s"].is_sorted() and len(card.horizon) == 8


def test_trained_judges_tell_other_markets_apart_but_not_seeds_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios.realism.predictive, "SEEDS", (0,))  # one network in place of several, for time
    real, same, other = simulated("first_market"), simulated("first_market", 2), simulated("flash_crash")
    alike = scorecard(same, real)
    # Two sessions of one law differ too: trends and the state of the book do not repeat.
    assert alike.judgement is not None and alike.judgement.auc(100) < 0.8
    assert judge([other.visible()], real.visible(), lengths=(100,), network=False).auc(100) > 0.95
    predictive = alike.models["predictive"]
    assert predictive["simulated"] == pytest.approx(predictive["real"], rel=0.1)


def test_trained_judges_judge_the_same_twice() -> None:
    real, same = (simulated("first_market", seed).take(slice(0, 6000)) for seed in (1, 2))
    cards = [json.dumps(scorecard(same, real).record()) for _ in range(2)]  # as text: nan is not equal to itself
    assert cards[0] == cards[1]


def test_a_flow_that_is_too_short_or_without_a_book_is_refused() -> None:
    flow = simulated("first_market")
    with pytest.raises(InputError, match="simulated flow has 100 events; allowed: at least 5000"):
        scorecard(flow.take(slice(0, 100)), flow)
    with pytest.raises(InputError, match="real flow comes without its book"):
        scorecard(flow, replace(flow, book=None))


def test_the_command_leaves_tables_json_and_one_page(tmp_path: Path) -> None:
    from tests.cli.test_commands import outcry

    for seed in ("1", "2"):
        outcry(tmp_path, "run", "first_market", "--seed", seed, "--out", f"run{seed}")
    out, _ = outcry(tmp_path, "realism", "run1", "--against", "run2", "--no-models", "--out", "out")
    for word in ("spread", "log_dt_acf_1", "response_MO1", "noise floors", "inside"):
        assert word in out
    record = json.loads((tmp_path / "out/realism.json").read_text())
    assert record["mean_l1_over_floor"] < 2 and record["versions"]
    assert len(pl.read_parquet(tmp_path / "out/distances.parquet")) == len(record["distances"]) > 40
    html = (tmp_path / "out/realism.html").read_text()
    assert html.count("data:image/png;base64,") == 3 and "LOB-Bench" in html
