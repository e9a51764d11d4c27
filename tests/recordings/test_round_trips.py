"""A simulated day goes out in every format and comes back the same: at any tick, at any lot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lob.recording import HALT
from lob.replay import replay
from sim.formats import DbnWriter, HftbacktestWriter, ItchWriter, LobsterWriter, ReadOptions, read_recording, with_book
from sim.formats.orders import Action, EventFeed
from sim.market import Market
from tests.sim.markets import market_of, zero_intelligence_traders

pytest.importorskip("databento_dbn")

TICKS = [0.0001, 0.005, 0.01, 0.05, 0.25, 1.0]
LOTS = [1e-8, 0.001, 0.5, 1.0, 10.0, 100.0]
DEPTH = 60


@pytest.fixture(scope="module")
def markets() -> dict[int, Market]:
    made = {}
    for seed in (3, 4):
        made[seed] = market_of([zero_intelligence_traders(15)], seconds=60, seed=seed)
        made[seed].run()
    return made


def expected(market: Market, symbol: int = 0) -> list[tuple[int, ...]]:
    """(time, type, order, side, price, lots) of every event of the tape."""
    rows = market.tape[market.tape["symbol"] == symbol]
    instrument = market.world.listings[symbol].instrument
    feed = EventFeed(instrument.min_price_ticks, instrument.n_prices, DEPTH)
    events = np.concatenate([feed(rows)[0], feed.finish()[0]])
    events = events[events["action"] != Action.PHASE]
    names = ("time_ns", "action", "order_id", "side", "price_ticks", "qty_lots")
    return [tuple(int(e[name]) for name in names) for e in events]


def found(recording: Any) -> list[tuple[int, ...]]:
    rows = recording.messages[recording.messages["type"] != HALT]
    price = rows["price"] // recording.tick_units
    return [
        (int(r["time_ns"]), int(r["type"]), int(r["order_id"]), int(r["direction"]), int(p), int(r["size"]))
        for r, p in zip(rows, price, strict=True)
    ]


def written(market: Market, form: str, folder: Path, tick: float, lot: float) -> Path:
    instrument = market.world.listings[0].instrument
    prices = (instrument.min_price_ticks, instrument.n_prices)
    writer: Any = {
        "lobster": lambda: LobsterWriter(
            folder, "ABC", "2024-01-02", 0, 10**9, *prices, tick_size=tick, depth=DEPTH, lot_size=lot
        ),
        "dbn": lambda: DbnWriter(folder / "a.dbn", "ABC", "2024-01-02", *prices, tick, 0, lot),
        "itch": lambda: ItchWriter(folder / "a.itch", "ABC", 0, *prices, tick, 0, lot),
        "hftbacktest": lambda: HftbacktestWriter(folder / "a.npz", *prices, tick, 0, 0, lot),
    }[form]()
    for first in range(0, len(market.tape), 1000):
        writer(market.tape[first : first + 1000])
    path: Path = writer.close()[0]
    return path


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(["lobster", "dbn", "itch", "hftbacktest"]),
    tick=st.sampled_from(TICKS),
    lot=st.sampled_from(LOTS),
    seed=st.sampled_from([3, 4]),
)
def test_every_event_comes_back(
    markets: dict[int, Market], tmp_path_factory: pytest.TempPathFactory, form: str, tick: float, lot: float, seed: int
) -> None:
    path = written(markets[seed], form, tmp_path_factory.mktemp("day"), tick, lot)
    # Files with whole sizes count lots where a lot is less than one of their units.
    own = lot if form == "hftbacktest" or lot >= 1 else None
    day = read_recording(path, ReadOptions(tick_size=tick, lot_size=own))
    assert day.format == form and day.tick_size == pytest.approx(tick)
    assert found(day) == expected(markets[seed])
    # The tick is seen in the prices.
    assert read_recording(path, ReadOptions(lot_size=own)).tick_size == pytest.approx(tick)


@pytest.mark.parametrize("form", ["dbn", "itch", "hftbacktest"])
def test_the_book_that_is_built_is_the_book_that_was_recorded(
    markets: dict[int, Market], tmp_path: Path, form: str
) -> None:
    market = markets[3]
    recorded = read_recording(written(market, "lobster", tmp_path / "lobster", 0.01, 1.0))
    built = with_book(read_recording(written(market, form, tmp_path, 0.01, 1.0)), DEPTH)
    assert (built.messages["order_id"] == recorded.messages["order_id"]).all()
    assert (built.book == recorded.book).all()
    assert replay(built).agreement == 1.0 and replay(built).head_share == 1.0


def test_a_packed_file_reads_as_a_plain_one(markets: dict[int, Market], tmp_path: Path) -> None:
    import gzip

    import zstandard

    for form in ("dbn", "itch"):
        path = written(markets[3], form, tmp_path, 0.01, 1.0)
        plain = read_recording(path)
        for name, packed in (
            (f"b.{form}.gz", gzip.compress(path.read_bytes())),
            (f"c.{form}.zst", zstandard.compress(path.read_bytes())),
        ):
            (tmp_path / name).write_bytes(packed)
            assert found(read_recording(tmp_path / name)) == found(plain)


def test_a_lobster_day_in_a_7z_reads_as_its_two_files(markets: dict[int, Market], tmp_path: Path) -> None:
    py7zr = pytest.importorskip("py7zr")
    message = written(markets[3], "lobster", tmp_path / "day", 0.01, 1.0)
    with py7zr.SevenZipFile(tmp_path / "day.7z", "w") as archive:
        for path in sorted((tmp_path / "day").iterdir()):
            archive.write(path, path.name)
    one, other = read_recording(message), read_recording(tmp_path / "day.7z")
    assert (one.messages == other.messages).all() and (one.book == other.book).all() and other.levels == DEPTH


def test_compressed_lobster_files_are_the_same_days_and_the_same_bytes(tmp_path: Path) -> None:
    from scenarios import Execution, generate
    from scenarios.data import FileOptions, read_flows

    days = []
    for name, compress in (("plain", False), ("packed", True), ("again", True)):
        generate(
            "first_market", tmp_path / name, formats=["lobster"], execution=Execution("serial"),
            files=FileOptions(labels=False, compress=compress), overrides=["session.close=09:32:00"],
        )  # fmt: skip
        days.append(read_flows(tmp_path / name, None, name).flow)
    assert (days[0].time_ns == days[1].time_ns).all() and days[0].book is not None and days[1].book is not None
    assert np.array_equal(days[0].book, days[1].book, equal_nan=True) and len(days[0]) > 100
    packed, again = (sorted((tmp_path / name).rglob("*.csv.gz")) for name in ("packed", "again"))
    assert len(packed) == 2 and [p.read_bytes() for p in packed] == [p.read_bytes() for p in again]


def test_a_format_that_cannot_hold_a_name_leaves_nothing_of_the_others(tmp_path: Path) -> None:
    from lob.errors import InputError
    from scenarios.build.market import build
    from scenarios.data.day_writers import day_writers
    from scenarios.schema.load import load_scenario

    built = build(load_scenario("first_market", ['instrument.0.name="TOO LONG A NAME"']))
    with pytest.raises(InputError, match="allowed in ITCH files: 1 to 8"):
        day_writers(built, ["parquet", "lobster", "itch"], 5, tmp_path, 1, "2024-01-02")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
