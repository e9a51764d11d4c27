"""The judge cannot tell one law from itself, finds what is planted, and names it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lob.units import SECOND_NS
from scenarios.realism.judge import judge, sequence, trees
from scenarios.realism.judge.channels import CHANNELS, channels, usual_lots
from scenarios.realism.judge.trees import Clock, auc_of
from scenarios.realism.windows import Scale
from sim.metrics import OrderFlow
from sim.metrics.metaorders import fit_impact_law, proxy_metaorders
from tests.flow.small import market_flow


@pytest.fixture(autouse=True)
def _fewer_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge by some hundred windows, for time."""
    monkeypatch.setattr(trees, "MOST", 400)
    monkeypatch.setattr(sequence, "MOST", 400)


@cache
def flow(seed: int) -> OrderFlow:
    """A quarter of an hour of first_market."""
    return market_flow(seed).visible()


def small_flow(rows: list[tuple[int, int, int, int, int]]) -> OrderFlow:
    """A flow of (time_us, kind, side, price, lots), each of an order of its own, between 90 and 110."""
    time, kind, side, price, lots = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    book = np.tile([[[110.0, 5, 90, 5], [112, 5, 88, 5]]], (n, 1, 1))
    return OrderFlow(time * 1_000, kind, side, price.astype(float), lots, np.arange(n) + 1, np.full(n, 90.0),
                     np.full(n, 110.0), np.full(n, 5.0), np.full(n, 5.0), book)  # fmt: skip


def test_channels_say_what_a_plain_look_says() -> None:
    made = small_flow([(0, 1, 1, 90, 10), (1, 1, 1, 90, 10), (5, 3, 1, 85, 7), (5, 1, 1, 85, 7), (9, 3, 1, 85, 7),
                       (10, 1, -1, 112, 7), (20, 4, -1, 110, 3), (20, 4, -1, 110, 2), (30, 1, 1, 95, 7)])  # fmt: skip
    table = channels(made, Scale.of(made), 10).table
    column = {name: table[:, k] for k, name in enumerate(CHANNELS)}
    nan = np.nan
    assert column["replacement"] == pytest.approx([0, 0, nan, 1, nan, 0, nan, nan, 1], nan_ok=True)
    assert column["replacement at the same price"] == pytest.approx([0, 0, nan, 1, nan, 0, nan, nan, 0], nan_ok=True)
    assert column["executions of market order"] == pytest.approx([nan] * 6 + [2, nan, nan], nan_ok=True)
    assert column["at_once"].tolist() == [1, 1, 0, 1, 0, 1, 0, 1, 0]
    assert column["depth"] == pytest.approx([0, 0, 0.25, 0.25, 0.25, 0.1, nan, nan, -0.25], nan_ok=True)
    assert column["usual size"].sum() == 2 and usual_lots(made) in (7, 10)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_the_area_is_the_share_of_pairs_that_are_in_order(rows: list[tuple[int, bool]]) -> None:
    score, label = np.array([float(s) for s, _ in rows]), np.array([int(x) for _, x in rows])
    pairs = [(a > b) + (a == b) / 2 for a in score[label == 1] for b in score[label == 0]]
    assert auc_of(score, label) == pytest.approx(np.mean(pairs) if pairs else np.nan, nan_ok=True)


def test_one_law_is_not_told_from_itself_and_what_is_planted_is_found_and_named() -> None:
    real, same = flow(1), flow(2)
    alike = judge([same], real, lengths=(20, 100))
    assert alike.apart["judge"].to_list() == ["trees", "trees", "network"]
    assert (alike.apart["low"] < 0.62).all() and (alike.apart["floor_low"] < 0.62).all()
    rng = np.random.default_rng(0)
    lots = np.where((same.kind == 1) & (rng.random(len(same)) < 0.15), same.size_lots + 1000, same.size_lots)
    found = judge([replace(same, size_lots=lots)], real, lengths=(20, 100))
    assert found.auc(100) > 0.95 and found.auc(100, "network") > 0.9 and found.auc(100) > found.auc(20) > 0.8
    assert "size" in found.giveaways.filter(found.giveaways["length"] == 100)["name"][0]
    assert np.isnan(found.auc(500))
    law = fit_impact_law(proxy_metaorders([real], 5))
    row = found.proxies.row(by_predicate=(pl.col("traders") == 5) & (pl.col("flow") == "real"), named=True)
    assert (row["exponent"], row["y"], row["late"]) == (law.exponent[0], law.y[0], law.late[0])


def test_a_flow_of_other_hours_is_judged_as_if_it_were_of_the_same() -> None:
    real, same = flow(1), flow(2)
    later = replace(same, time_ns=same.time_ns + 7_200 * SECOND_NS)
    one, other = (judge([x], real, lengths=(100,), network=False) for x in (same, later))
    assert one.auc(100) == pytest.approx(other.auc(100), abs=0.05)
    clock = Clock.of(real.time_ns)
    assert clock.block(real.time_ns[[0, -1]]).tolist() == [0, 11] and clock.block_ns < 1200 * SECOND_NS
