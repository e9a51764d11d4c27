"""A market at a glance: the tables say what a run's summary says, the picture is one, and a notebook shows both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lob.errors import InputError
from scenarios.build.market import build_market
from scenarios.run.scenario import run_scenario
from sim.market import Market
from tests.scenarios.texts import SMALL, built, written


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    found = build_market(written(tmp_path_factory.mktemp("market")), seed=3)
    found.run()
    return found


def test_the_tables_are_those_of_a_run(market: Market, tmp_path: Path) -> None:
    summary = run_scenario(built(tmp_path, SMALL, "record.picture=false"), tmp_path / "run", seed=3).summary
    (row,) = market.summary().rows(named=True)
    assert row == summary["instruments"][0]
    (population,) = market.populations().rows(named=True)
    expected = summary["populations"][0]
    for name in ("name", "n_agents", "n_orders", "n_fills", "n_rejects", "position_lots"):
        assert population[name] == expected[name]
    assert population["pnl"] == pytest.approx(expected["pnl"], abs=1e-6)


def test_a_frame_has_words_and_null_for_what_is_missing(market: Market) -> None:
    frame = market.frame()
    first = frame.filter(pl.col("kind") == "add")[0]
    assert first["side"][0] in ("buy", "sell") and (first["bid_ticks"][0] is None) != (first["ask_ticks"][0] is None)


def test_a_picture_is_shown_and_saved(market: Market, tmp_path: Path) -> None:
    picture = market.plot()
    assert picture._repr_png_().startswith(b"\x89PNG") and picture.save(tmp_path / "a.png").stat().st_size > 20_000
    with pytest.raises(InputError, match="symbol = 3; allowed: 0 to 0"):
        market.plot(3)


def test_a_notebook_shows_tables_and_picture(market: Market) -> None:
    html = market._repr_html_()
    assert "Market in ABC" in html and "data:image/png;base64," in html and html.count("<table") == 2


def test_a_market_whose_rows_went_elsewhere_says_so(tmp_path: Path) -> None:
    market = build_market(written(tmp_path))
    assert "09:30:00" in market._repr_html_()
    market.run(market.session.open_ns + 10**10, [lambda rows: None])
    with pytest.raises(InputError, match="went to sinks"):
        market.summary()
    assert "<img" not in market._repr_html_() and np.isfinite(market.populations()["pnl"].to_numpy()).all()
