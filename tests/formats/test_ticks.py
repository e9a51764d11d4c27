"""Prices in money go out and come back at every tick size, and at the ends of what a format can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from lob.errors import InputError
from lob.lobster import read_day
from lob.replay import replay
from lob.rules import Instrument
from lob.types import EventKind
from sim.formats import DbnWriter, HftbacktestWriter, LobsterWriter, read_dbn, read_hftbacktest
from sim.market import Market
from tests.sim.markets import market_of, zero_intelligence_traders

TICKS = [0.0001, 0.005, 0.01, 0.05, 0.25, 1.0]


@pytest.fixture(scope="module")
def market() -> Market:
    made = market_of([zero_intelligence_traders(20)], seconds=120, seed=5)
    made.run()
    return made


def sizes(market: Market) -> tuple[int, int]:
    instrument = market.world.listings[0].instrument
    return instrument.min_price_ticks, instrument.n_prices


def written(writer: Any, rows: Any) -> list[Path]:
    writer(rows)
    paths: list[Path] = writer.close()
    return paths


@pytest.mark.parametrize("tick", TICKS)
def test_a_lobster_day_of_any_tick_is_read_back_and_replays(market: Market, tmp_path: Path, tick: float) -> None:
    writer = LobsterWriter(tmp_path, "ABC", "2024-01-02", 0, 10**9, *sizes(market), tick_size=tick, depth=40)
    day = read_day(written(writer, market.tape)[0])
    assert day.tick_size == pytest.approx(tick)
    traded = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    executed = day.messages[day.messages["type"] == 4]
    assert (executed["price"] // day.tick_units == traded["price_ticks"]).all()
    found = replay(day)
    assert found.agreement == 1.0 and found.head_share == 1.0 and found.counts["executions"] == len(traded)
    with pytest.raises(InputError, match="is between ticks of 7"):
        read_day(next(tmp_path.glob("*_message_*")), tick_size=7.0)


@pytest.mark.parametrize("tick", [*TICKS, 1e-9, 1e-8])
def test_dbn_and_hftbacktest_prices_are_exact_at_any_tick(market: Market, tmp_path: Path, tick: float) -> None:
    traded = market.tape[market.tape["kind"] == EventKind.EXECUTE]["price_ticks"].astype(np.int64)
    events = read_hftbacktest(written(HftbacktestWriter(tmp_path / "a.npz", *sizes(market), tick), market.tape)[0])
    prices = events["px"][(events["ev"] & 0xFF) == 2]
    assert prices.tolist() == [float(f"{price * tick:.9f}") for price in traded]
    pytest.importorskip("databento_dbn")
    records = read_dbn(written(DbnWriter(tmp_path / "a.dbn", "A", "2024-01-02", *sizes(market), tick), market.tape)[0])
    assert (records["price"][records["action"] == b"T"] == traded * round(tick * 1e9)).all()


def dear(market: Market, by: int) -> Any:
    """The same tape at prices that are higher by so many ticks."""
    rows = market.tape.copy()
    rows["price_ticks"] += by
    return rows


def test_lobster_prices_above_a_million_are_prices_and_no_empty_levels(market: Market, tmp_path: Path) -> None:
    by, (low, n) = 250_000_000, sizes(market)
    rows = dear(market, by)
    writer = LobsterWriter(tmp_path, "BTC", "2024-01-02", 0, 10**9, low + by, n, depth=40)
    day = read_day(written(writer, rows)[0], tick_size=0.01)
    assert day.book[:, 0, 0].max() < 9_999_999_999 * 3 and day.messages["price"].max() > 9_999_999_999
    found = replay(day)
    assert found.agreement == 1.0 and found.counts["cells"] > 1000 and found.counts["unknown"] == 0


REFUSED_BY_LOBSTER = {
    "negative prices": (-5, 100, 0.01, "prices from -5 to 94 ticks of 0.01: LOBSTER prices are above 0"),
    "beyond 64 bits": (2**30, 100, 1e8, "LOBSTER prices are above 0, of 64 bits"),
    "a tick between units": (1, 100, 0.00015, "multiples of 0.0001"),
    "a tick of no number": (1, 100, float("nan"), "multiples of 0.0001"),
    "a huge tick": (1, 100, 1e308, "multiples of 0.0001"),
}


@pytest.mark.parametrize("what", REFUSED_BY_LOBSTER)
def test_what_lobster_cannot_hold_is_refused_before_a_file_is_begun(tmp_path: Path, what: str) -> None:
    low, n, tick, words = REFUSED_BY_LOBSTER[what]
    with pytest.raises(InputError, match=words):
        LobsterWriter(tmp_path, "ABC", "2024-01-02", 0, 1, low, n, tick_size=tick)
    assert not list(tmp_path.iterdir())


def test_a_price_of_nothing_is_not_written_to_lobster_files(tmp_path: Path) -> None:
    stock = Instrument(min_price_ticks=0, n_prices=2048, max_orders=2048, reference_ticks=1000)
    made = market_of([zero_intelligence_traders(5)], seconds=10, instrument=stock)
    made.run()
    writer = LobsterWriter(tmp_path, "ABC", "2024-01-02", 0, 1, 0, 2048)
    first = made.tape[made.tape["kind"] == EventKind.ADD][:1].copy()
    first["price_ticks"] = 0
    with pytest.raises(InputError, match="a price of 0 ticks; allowed in LOBSTER files: above 0"):
        writer(first)
        writer.close()
    writer.discard()
    assert not list(tmp_path.iterdir())


REFUSED_BY_DBN = {
    "prices that do not fit": (2**30, 100, 100.0, "2024-01-02", "A", "DBN prices are below 9223372036"),
    "negative ones that do not fit": (-(2**30), 100, 100.0, "2024-01-02", "A", "DBN prices are below"),
    "a tick between units": (1, 100, 1.5e-9, "2024-01-02", "A", "multiples of 1e-9"),
    "a third of a cent": (1, 100, 0.01 / 3, "2024-01-02", "A", "multiples of 1e-9"),
    "a tick below units": (1, 100, 1e-10, "2024-01-02", "A", "multiples of 1e-9"),
    "a huge tick": (1, 100, 1e308, "2024-01-02", "A", "multiples of 1e-9"),
    "a day before 1970": (1, 100, 0.01, "1969-12-31", "A", "1970 to 2261"),
    "a long name": (1, 100, 0.01, "2024-01-02", "x" * 71, "71 characters in ASCII; allowed in DBN files: 1 to 70"),
    "a long name in ASCII": (1, 100, 0.01, "2024-01-02", "株" * 8, "72 characters"),
}


@pytest.mark.parametrize("what", REFUSED_BY_DBN)
def test_what_dbn_cannot_hold_is_refused_before_a_file_is_begun(tmp_path: Path, what: str) -> None:
    pytest.importorskip("databento_dbn")
    low, n, tick, date, name, words = REFUSED_BY_DBN[what]
    with pytest.raises(InputError, match=words):
        DbnWriter(tmp_path / "a.dbn", name, date, low, n, tick)
    assert not list(tmp_path.iterdir())


def test_the_largest_price_of_dbn_is_kept_and_negative_prices_are_prices(market: Market, tmp_path: Path) -> None:
    pytest.importorskip("databento_dbn")
    tick = 8.0
    by = (2**63 - 2) // (8 * 10**9) - 2048 - sizes(market)[0]
    for shift in (by, -1500):
        low = sizes(market)[0] + shift
        records = read_dbn(
            written(DbnWriter(tmp_path / "a.dbn", "A", "2024-01-02", low, 2048, tick), dear(market, shift))[0]
        )
        rows = dear(market, shift)
        traded = rows[rows["kind"] == EventKind.EXECUTE]["price_ticks"].astype(object) * 8 * 10**9
        assert records["price"][records["action"] == b"T"].tolist() == list(traded)


@pytest.mark.parametrize("name", ["Ünï", "株価", "BTC/USDT", "50%"])
def test_a_symbol_of_any_script_is_percent_encoded_in_dbn(market: Market, tmp_path: Path, name: str) -> None:
    dbn = pytest.importorskip("databento_dbn")
    (path,) = written(DbnWriter(tmp_path / "a.dbn", name, "2024-01-02", *sizes(market)), market.tape)
    decoder = dbn.DBNDecoder()
    decoder.write(path.read_bytes())
    (symbol,) = decoder.decode()[0].symbols
    assert symbol.isascii() and unquote(symbol) == name
