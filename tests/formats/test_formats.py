"""A tape in other formats: nothing is lost on the way, and each format's own rules hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lob.errors import InputError, RunError
from lob.lobster import EMPTY_PRICE, read_day
from lob.replay import replay
from lob.types import EventKind, Phase
from scenarios.build.market import build
from scenarios.schema.load import load_scenario
from sim.formats import DbnWriter, HftbacktestWriter, LobsterWriter, read_dbn, read_hftbacktest
from sim.formats.dbn import F_LAST
from sim.formats.orders import EventFeed
from sim.market import Market
from tests.sim.markets import market_of, zero_intelligence_traders

TEXT = """
[session]
open = 09:30:00
close = 09:40:00

[[instrument]]
name = "ABC"
reference_ticks = 10_000
n_prices = 4_096

[[population]]
name = "zero"
kind = "zero_intelligence"
count = 40
settings = { interval_s = 2.0, size_lots = { uniform = [1.0, 20.0] } }

[[population]]
name = "maker"
kind = "gueant_lehalle_tapia"
count = 1

[[population]]
name = "hbl"
kind = "hbl"
count = 4
settings = { side = 1, value_ticks = 10_050, n_units = 100 }

[[event]]
kind = "halt"
at = 09:33:00
until = 09:34:00
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    path = tmp_path_factory.mktemp("formats") / "market.toml"
    path.write_text(TEXT)
    found = build(load_scenario(str(path))).market(3)
    found.run()
    kinds = set(found.tape["kind"])
    assert {EventKind.ADD, EventKind.CANCEL, EventKind.EXECUTE, EventKind.REPLACE, EventKind.REJECT} <= kinds
    return found


def sizes(market: Market) -> tuple[int, int]:
    instrument = market.world.listings[0].instrument
    return instrument.min_price_ticks, instrument.n_prices


def fed(writer: Any, rows: Any, step: int = 1000) -> list[Path]:
    for k in range(0, len(rows), step):
        writer(rows[k : k + step])
    paths: list[Path] = writer.close()
    return paths


def lobster(market: Market, folder: Path, depth: int = 5, step: int = 1000) -> list[Path]:
    opens, closes = market.session.open_ns, market.session.close_ns
    return fed(
        LobsterWriter(folder, "ABC", "2024-01-02", opens, closes, *sizes(market), depth=depth), market.tape, step
    )


# ---- LOBSTER ------------------------------------------------------------------------------------------------------


def test_a_lobster_day_replays_through_the_engine_with_full_agreement(market: Market, tmp_path: Path) -> None:
    paths = lobster(market, tmp_path)
    assert [p.name for p in paths] == [
        "ABC_2024-01-02_34200000_34800000_message_5.csv", "ABC_2024-01-02_34200000_34800000_orderbook_5.csv"
    ]  # fmt: skip
    day = read_day(*paths)
    found = replay(day)
    # Ranks of orders that came into the five levels from below are not in such a file, as in the recorded ones.
    assert found.agreement == 1.0 and found.head_share > 0.99
    assert found.counts["crossed"] == 0
    deep = replay(read_day(*lobster(market, tmp_path / "deep", depth=150)))
    assert deep.agreement == 1.0 and deep.head_share == 1.0 and deep.counts["from_seed"] == 0


def test_lobster_rules_hold_line_by_line(market: Market, tmp_path: Path) -> None:
    messages, books = (path.read_text().splitlines() for path in lobster(market, tmp_path))
    assert len(messages) == len(books) > 1000
    last, halted, types = 0.0, 0, set()
    for message, book in zip(messages, books, strict=True):
        time, kind, order, size, price, direction = message.split(",")
        cells = [int(x) for x in book.split(",")]
        types.add(int(kind))
        assert len(cells) == 20 and float(time) >= last and len(time.partition(".")[2]) == 9
        last = float(time)
        assert int(direction) in (1, -1)
        if int(kind) == 7:
            halted += 1
            assert (int(order), int(size), int(price)) == (0, 0, -1 if halted == 1 else 1)
        else:
            assert int(size) > 0 and int(price) % 100 == 0 and int(order) > 0
        asks, bids = cells[0::4], cells[2::4]
        assert asks == sorted(asks) and bids == sorted(bids, reverse=True)
        assert asks[0] > bids[0]
        for p, q in [*zip(asks, cells[1::4], strict=True), *zip(bids, cells[3::4], strict=True)]:
            assert (q == 0) == (abs(p) == EMPTY_PRICE)
    assert types == {1, 2, 3, 4, 7} - ({2} if 2 not in types else set()) and halted == 2


def test_every_execution_of_the_tape_is_in_the_file_and_the_touch_is_the_tapes(market: Market, tmp_path: Path) -> None:
    day = read_day(*lobster(market, tmp_path))
    traded = market.tape[market.tape["kind"] == EventKind.EXECUTE]
    rows = day.messages[day.messages["type"] == 4]
    assert (rows["size"] == traded["qty_lots"]).all() and (rows["order_id"] == traded["contra_order_id"]).all()
    assert (rows["direction"] == -traded["side"]).all() and (rows["price"] == traded["price_ticks"] * 100).all()
    assert (rows["time_ns"] == traded["time_ns"]).all()
    adds = market.tape[market.tape["kind"] == EventKind.ADD]
    _, mine, theirs = np.intersect1d(day.messages["order_id"][day.messages["type"] == 1], adds["order_id"],
                                     return_indices=True)  # fmt: skip
    assert len(mine) > 500
    assert (day.messages["size"][day.messages["type"] == 1][mine] > 0).all() and len(theirs) == len(mine)


@given(step=st.integers(1, 400), depth=st.integers(1, 12))
@settings(deadline=None, max_examples=12)
def test_files_do_not_depend_on_how_the_tape_was_cut(step: int, depth: int) -> None:
    market = market_of([zero_intelligence_traders(10)], seconds=120, seed=4)
    market.run()
    whole, parts = EventFeed(*sizes(market), depth), EventFeed(*sizes(market), depth)
    one = [np.concatenate(pair) for pair in zip(whole(market.tape), whole.finish(), strict=True)]
    pieces = [parts(market.tape[k : k + step]) for k in range(0, len(market.tape), step)] + [parts.finish()]
    other = [np.concatenate([piece[k] for piece in pieces]) for k in range(2)]
    assert one[1].tobytes() == other[1].tobytes()
    for name in ("time_ns", "order_id", "action", "qty_lots", "leaves_lots", "is_last"):
        assert (one[0][name] == other[0][name]).all(), name


def test_the_book_after_each_event_is_that_of_a_plain_dictionary(market: Market) -> None:
    events, books = EventFeed(*sizes(market), 4)(market.tape)
    levels: dict[int, dict[int, int]] = {1: {}, -1: {}}
    for event, book in list(zip(events, books, strict=True))[:3000]:
        side, price, lots = int(event["side"]), int(event["price_ticks"]) - sizes(market)[0], int(event["qty_lots"])
        if event["action"] == 7:
            assert lots in tuple(Phase)
        else:
            change = lots if event["action"] == 1 else -lots
            levels[side][price] = levels[side].get(price, 0) + change
            if levels[side][price] == 0:
                del levels[side][price]
        asks, bids = sorted(levels[-1].items())[:4], sorted(levels[1].items(), reverse=True)[:4]
        for k in range(4):
            assert tuple(book[k, :2]) == (asks[k] if k < len(asks) else (-1, 0))
            assert tuple(book[k, 2:]) == (bids[k] if k < len(bids) else (-1, 0))


# ---- DBN ----------------------------------------------------------------------------------------------------------


def test_dbn_records_are_read_back_by_databentos_own_package(market: Market, tmp_path: Path) -> None:
    dbn = pytest.importorskip("databento_dbn")
    writer = DbnWriter(tmp_path / "day.mbo.dbn", "ABC", "2024-01-02", *sizes(market))
    (path,) = fed(writer, market.tape)
    records = read_dbn(path)
    decoder = dbn.DBNDecoder()
    decoder.write(path.read_bytes())
    metadata, *theirs = decoder.decode()
    assert metadata.symbols == ["ABC"] and str(metadata.schema) == "mbo" and len(theirs) == len(records)
    for ours, one in list(zip(records, theirs, strict=True))[:500]:
        assert (one.order_id, one.price, one.size, one.ts_event) == (
            ours["order_id"], ours["price"], ours["size"], ours["ts_event"]
        )  # fmt: skip
        assert str(one.action) == ours["action"].decode() and str(one.side) == ours["side"].decode()


def test_a_book_made_of_dbn_adds_and_cancels_alone_is_the_markets(market: Market, tmp_path: Path) -> None:
    pytest.importorskip("databento_dbn")
    (path,) = fed(DbnWriter(tmp_path / "day.mbo.dbn", "ABC", "2024-01-02", *sizes(market)), market.tape)
    records = read_dbn(path)
    orders: dict[int, list[int]] = {}
    for r in records:
        if r["action"] == b"A":
            orders[int(r["order_id"])] = [int(r["price"]), int(r["size"]), 1 if r["side"] == b"B" else -1]
        elif r["action"] == b"C":
            order = orders[int(r["order_id"])]
            assert order[0] == r["price"] and order[1] >= r["size"]
            order[1] -= int(r["size"])
            if order[1] == 0:
                del orders[int(r["order_id"])]
    last = market.tape[-1]
    best = max(price for price, _, side in orders.values() if side > 0)
    assert best == int(last["bid_ticks"]) * 10**7
    assert sum(lots for price, lots, side in orders.values() if side > 0 and price == best) == last["bid_lots"]
    trades, fills = records[records["action"] == b"T"], records[records["action"] == b"F"]
    assert len(trades) == len(fills) == (market.tape["kind"] == EventKind.EXECUTE).sum()
    assert (trades["side"] != fills["side"]).all()
    assert records["flags"][-1] == F_LAST and 0 < (records["flags"] == F_LAST).mean() < 1
    assert (np.diff(records["sequence"].astype(np.int64)) == 1).all()


# ---- hftbacktest --------------------------------------------------------------------------------------------------


def test_hftbacktest_events_rebuild_the_same_book(market: Market, tmp_path: Path) -> None:
    (path,) = fed(HftbacktestWriter(tmp_path / "day.npz", *sizes(market), feed_latency_ns=1000), market.tape)
    events = read_hftbacktest(path)
    assert (events["local_ts"] - events["exch_ts"] == 1000).all() and (np.diff(events["exch_ts"]) >= 0).all()
    assert ((events["ev"] >> 30) & 3 == 3).all()
    kind, buys = events["ev"] & 0xFF, (events["ev"] >> 29) & 1
    orders: dict[int, tuple[float, float, int]] = {}
    for k, e, b in zip(kind, events, buys, strict=True):
        if k == 10:
            orders[int(e["order_id"])] = (float(e["px"]), float(e["qty"]), int(b))
        elif k == 12:
            assert 0 < e["qty"] < orders[int(e["order_id"])][1]
            orders[int(e["order_id"])] = (float(e["px"]), float(e["qty"]), int(b))
        elif k == 11:
            del orders[int(e["order_id"])]
    last = market.tape[-1]
    best = max(px for px, _, b in orders.values() if b)
    assert best == pytest.approx(int(last["bid_ticks"]) / 100)
    assert sum(q for px, q, b in orders.values() if b and px == best) == last["bid_lots"]
    assert (kind == 2).sum() == (kind == 13).sum() == (market.tape["kind"] == EventKind.EXECUTE).sum()


# ---- what is refused ----------------------------------------------------------------------------------------------


def test_what_cannot_be_written_or_read_is_one_line_and_leaves_nothing(market: Market, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tick_size = 1e-05: LOBSTER prices are multiples of 0.0001"):
        LobsterWriter(tmp_path, "ABC", "2024-01-02", 0, 1, 1, 100, tick_size=1e-5)
    for data, words in ((b"", "does not begin with DBN"), (b"DBN\x03\x00\x00\x00\x00abc", "whole records")):
        (tmp_path / "bad.dbn").write_bytes(data)
        with pytest.raises(InputError, match=words):
            read_dbn(tmp_path / "bad.dbn")
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not an hftbacktest"):
        read_hftbacktest(tmp_path / "bad.npz")
    writer = LobsterWriter(tmp_path / "new", "ABC", "2024-01-02", 0, 10**9, *sizes(market))
    writer(market.tape)
    writer.discard()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_full_disk_leaves_no_half_file(market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    writer = LobsterWriter(tmp_path, "ABC", "2024-01-02", 0, 10**9, *sizes(market))

    class Full:
        def write(self, data: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            pass

    writer._book._file.close()
    monkeypatch.setattr(writer._book, "_file", Full())
    with pytest.raises(RunError, match="the disk is full"):
        writer(market.tape)
    writer.discard()
    assert list(tmp_path.iterdir()) == []
