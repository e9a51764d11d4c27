"""A tape as a table: the same words and the same columns behind every door."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lob.recording import RECORDED, Recording
from lob.types import EVENT, NO_PRICE, EventKind
from sim import in_words, scan_tape
from sim.words import WORDS, frame_of
from sim.writer import ParquetTape, read_tape
from tests.sim.markets import market_of, zero_intelligence_traders


def test_every_door_shows_the_same_table(tmp_path: Path) -> None:
    market = market_of([zero_intelligence_traders(10)], seconds=20, seed=4)
    market.run()
    tape = ParquetTape(tmp_path / "tape", rows_per_part=500)
    tape(market.tape)
    tape.close_part()
    table = market.frame()
    assert table.equals(scan_tape(tmp_path).collect())
    assert table.equals(in_words(pl.scan_parquet(tmp_path / "tape")).collect())
    assert table.equals(in_words(in_words(pl.read_parquet(tmp_path / "tape"))))
    assert table.equals(frame_of(read_tape(tmp_path)))
    codes = market.frame(words=False)
    assert codes.equals(scan_tape(tmp_path, words=False).collect()) and codes["kind"].dtype == pl.UInt8
    assert (codes["kind"].to_numpy() == market.tape["kind"]).all()
    executed = table.filter(kind="execute")
    assert len(executed) == (market.tape["kind"] == EventKind.EXECUTE).sum() > 0
    assert set(executed["side"].unique()) <= {"buy", "sell"}
    assert table["reason"].drop_nulls().len() == (market.tape["kind"] == EventKind.REJECT).sum()


def test_empty_sides_and_codes_without_a_word_are_null() -> None:
    rows = np.zeros(2, EVENT)
    rows["bid_ticks"], rows["ask_ticks"], rows["kind"], rows["side"] = NO_PRICE, 5, (1, 99), (1, 0)
    table = frame_of(rows)
    assert table["bid_ticks"].null_count() == 2 and table["ask_ticks"].to_list() == [5, 5]
    assert table["kind"].to_list() == ["add", None] and table["side"].to_list() == ["buy", None]


def test_words_are_the_names_of_the_enumerations() -> None:
    assert WORDS["kind"] == {int(k): k.name.lower() for k in EventKind}


def test_a_recording_is_a_table_of_the_same_words() -> None:
    rows = np.zeros(3, RECORDED)
    rows["type"], rows["direction"], rows["price"], rows["size"] = (1, 5, 7), (1, -1, -1), (1005, 1010, -1), (3, 4, 0)
    day = Recording("x", rows, np.zeros((3, 0, 4), np.int32), tick_units=5, price_units=100, lot_size=0.5)
    table = day.frame()
    assert table["type"].to_list() == ["new", "hidden", "halt"] and table["side"].to_list()[:2] == ["buy", "sell"]
    assert table["price"].to_list() == [10.05, 10.1, None] and table["price_ticks"].to_list() == [201, 202, None]
    assert table["size"].to_list() == [1.5, 2.0, 0.0]
    assert day.frame(words=False)["type"].to_list() == [1, 5, 7]


def test_tables_go_to_pandas_and_arrow() -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    rows = np.zeros(1, EVENT)
    rows["kind"] = 1
    table = frame_of(rows)
    assert table.to_pandas()["kind"].tolist() == ["add"] and table.to_arrow().column("kind").to_pylist() == ["add"]
