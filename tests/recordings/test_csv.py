"""Order events in CSV and Parquet: an exchange's own dialect, and any other by a mapping file."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lob.errors import InputError
from lob.recording import DELETE, EXECUTE, HIDDEN, NEW, REDUCE, RESTATED
from lob.replay import replay
from sim.formats import ReadOptions, read_recording
from sim.formats.readers import bitstamp

HEADER = "id,timestamp,exchange_timestamp,price,volume,action,direction\n"
DAY = 1_777_689_380_000  # ms; 2026-05-02 02:36:20 UTC


def orders(path: Path, *rows: tuple[Any, ...], header: str = HEADER) -> Path:
    """Write rows of (id, ms, price, volume, action, direction)."""
    lines = [
        f"{i},{DAY + at},{DAY + at},{price},{volume},{action},{side}" for i, at, price, volume, action, side in rows
    ]
    path.write_text(header + "\n".join(lines) + "\n")
    return path


def told(path: Path, **options: Any) -> list[tuple[int, int, int, float]]:
    day = read_recording(path, ReadOptions(**options))
    return [(int(m["type"]), int(m["order_id"]), int(m["size"]), m["price"] / day.price_units) for m in day.messages]


TRADE = (
    (1, 0, "100.5", "2", "created", "ask"),
    (2, 5, "101.0", "1.5", "created", "ask"),
    # 3 takes all of 1 and 2, and rests with what is left of it.
    (3, 9, "101.0", "4", "created", "bid"),
    (3, 9, "100.5", "2", "changed", "bid"),
    (1, 9, "100.5", "0", "deleted", "ask"),
    (3, 9, "101.0", "0.5", "changed", "bid"),
    (2, 9, "101.0", "0", "deleted", "ask"),
    (4, 12, "102.0", "7", "created", "ask"),
)
EXPECTED = [
    (NEW, 1, 20, 100.5), (NEW, 2, 15, 101.0), (EXECUTE, 1, 20, 100.5), (EXECUTE, 2, 15, 101.0), (NEW, 3, 5, 101.0),
    (NEW, 4, 70, 102.0),
]  # fmt: skip


def test_the_order_that_takes_comes_into_the_book_with_its_rest(tmp_path: Path) -> None:
    path = orders(tmp_path / "orders.csv", *TRADE)
    assert told(path, lot_size=0.1) == EXPECTED
    day = read_recording(path, ReadOptions(lot_size=0.1))
    assert day.date == "2026-05-02" and day.tick_size == 0.5 and day.messages["time_ns"][0] == 9380 * 10**9
    assert any("2 executions by 1 orders that took, as volumes lost" in note for note in day.notes)
    found = replay(day)
    assert found.counts["executions"] == found.counts["executions_at_head"] == 2 and found.counts["crossed"] == 0


def test_a_file_of_trades_beside_it_says_who_took(tmp_path: Path) -> None:
    path = orders(tmp_path / "orders.csv", *TRADE)
    header = "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n"
    at = DAY + 9
    (tmp_path / "trades.csv").write_text(f"{header}1,{at},{at},100.5,2,3,1,buy\n2,{at},{at},101.0,1.5,3,2,buy\n")
    day = read_recording(path)
    assert any("as its trades.csv says" in note for note in day.notes)
    assert told(path, lot_size=0.1) == EXPECTED
    (tmp_path / "trades.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"trades.csv: columns a, b; allowed: with buy_order_id"):
        read_recording(path)


def test_an_order_refused_at_once_never_rested(tmp_path: Path) -> None:
    path = orders(
        tmp_path / "a.csv", (1, 0, "100", "2", "created", "ask"), (2, 5, "101", "3", "created", "bid"),
        (2, 5, "101", "3", "deleted", "bid"), (3, 6, "99", "1", "created", "bid"),
    )  # fmt: skip
    assert [order for _, order, _, _ in told(path)] == [1, 3]
    assert any("1 orders that were withdrawn in the instant" in note for note in read_recording(path).notes)


def test_sizes_of_many_decimals_are_whole_lots_and_huge_ones_are_told(tmp_path: Path) -> None:
    many = [(k, k, "100", f"0.{k:08d}", "created", "bid") for k in range(1, 2000)]
    path = orders(tmp_path / "a.csv", *many, (9999, 3000, "1", "138800", "created", "bid"))
    day = read_recording(path)
    assert day.lot_size == pytest.approx(1e-8) and day.messages["size"][:5].tolist() == [1, 2, 3, 4, 5]
    assert day.messages["size"][-1] == 2**30 and any("sizes above" in note for note in day.notes)
    with pytest.raises(InputError, match="allowed: a larger lot"):
        read_recording(path, ReadOptions(lot_size=1e-8))


def test_the_state_at_the_beginning_and_the_end_of_a_capture_is_no_flow(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(bitstamp, "SNAPSHOT_ORDERS", 2)
    rows = [(1, 0, "99", "1", "created", "bid"), (2, 0, "101", "1", "created", "ask"),
            (3, 5, "98", "1", "created", "bid"), *((k, 9, "99", "1", "deleted", "bid") for k in (1, 2, 3))]  # fmt: skip
    flags = read_recording(orders(tmp_path / "a.csv", *rows)).messages["flags"]
    assert flags.tolist() == [RESTATED, RESTATED, 0, RESTATED, RESTATED, RESTATED]


def test_other_spellings_and_packed_files_are_the_same(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.csv", *TRADE, header=HEADER.replace("_", ".").upper())
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")))
    assert told(path) == told(tmp_path / "b.csv.gz")


BAD_ORDERS = {
    "action": ("1,{t},{t},5,1,gone,bid", "line 2: action = 'gone'; allowed: created, changed, deleted"),
    "direction": ("1,{t},{t},5,1,created,buy", "direction = 'buy'; allowed: bid, ask"),
    "price": ("1,{t},{t},five,1,created,bid", "price = 'five'; allowed: a decimal number"),
    "volume": ("1,{t},{t},5,-1,created,bid", "volume = -1; allowed: 0 or more"),
    "nan": ("1,{t},{t},5,nan,created,bid", "volume = 'nan'; allowed: a decimal number"),
    "id": ("1.5,{t},{t},5,1,created,bid", "id = '1.5'; allowed: a whole number"),
    "huge id": (f"{10**30},{{t}},{{t}},5,1,created,bid", "allowed: a whole number of at most 64 bits"),
    "time": ("1,{t},-5,5,1,created,bid", "exchange_timestamp = -5; allowed: milliseconds since 1970"),
    "decimals": ("1,{t},{t},5,0.0000000000000001,created,bid", "allowed: at most 12 decimals"),
}


@pytest.mark.parametrize("what", BAD_ORDERS)
def test_a_bad_row_is_one_line_with_its_place(tmp_path: Path, what: str) -> None:
    row, words = BAD_ORDERS[what]
    path = tmp_path / "a.csv"
    path.write_text(HEADER + row.format(t=DAY) + "\n")
    with pytest.raises(InputError, match=words):
        read_recording(path)


MAPPING = """
time_unit = "us"
[columns]
time = "ts"
id = "oid"
side = "s"
price = "px"
size = "qty"
action = "what"
symbol = "sym"
[actions]
new = ["A", "add"]
cancel = "X"
delete = "D"
modify = "M"
execute = "E"
trade = "T"
ignore = "?"
[sides]
bid = "B"
ask = ["S", "sell"]
"""
ROWS = [
    (1, 1, "B", "9.99", "10", "A", "ABC"), (2, 2, "sell", "10.01", "5", "add", "ABC"),
    (3, 1, "B", "9.99", "4", "X", "ABC"), (4, 2, "S", "10.01", "2", "E", "ABC"), (5, 2, "S", "10.02", "3", "M", "ABC"),
    (6, 0, "B", "10.0", "1", "T", "ABC"), (7, 1, "B", "0", "0", "?", "ABC"), (8, 1, "B", "9.99", "0", "D", "ABC"),
]  # fmt: skip
MAPPED = [
    (NEW, 1, 10, 9.99), (NEW, 2, 5, 10.01), (REDUCE, 1, 4, 9.99), (EXECUTE, 2, 2, 10.01), (DELETE, 2, 3, 10.01),
    (NEW, 2, 3, 10.02), (HIDDEN, 0, 1, 10.0), (DELETE, 1, 6, 9.99),
]  # fmt: skip


def mapped(tmp_path: Path, rows: Any = ROWS, mapping: str = MAPPING, ending: str = "csv") -> tuple[Path, Path]:
    table = pl.DataFrame(rows, orient="row", schema=["ts", "oid", "s", "px", "qty", "what", "sym"], strict=False)
    path, says = tmp_path / f"my.{ending}", tmp_path / "mapping.toml"
    table.write_parquet(path) if ending == "parquet" else table.write_csv(path)
    says.write_text(mapping)
    return path, says


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_any_table_is_read_by_a_mapping_file(tmp_path: Path, ending: str) -> None:
    path, says = mapped(tmp_path, ending=ending)
    assert told(path, mapping=says) == MAPPED
    assert read_recording(path, ReadOptions(mapping=says)).messages["time_ns"].tolist()[0] == 1000


def test_sizes_may_tell_what_is_left_and_times_may_be_dates(tmp_path: Path) -> None:
    rows = [("2026-05-02T10:00:00.5Z", 1, "B", "9.99", "10", "A", "ABC"),
            ("2026-05-02T10:00:01Z", 1, "B", "9.99", "4", "E", "ABC"),
            ("2026-05-02T10:00:02Z", 1, "B", "9.99", "1", "X", "ABC")]  # fmt: skip
    says = MAPPING.replace('"us"', '"iso"\nsize_is = "left"')
    path, mapping = mapped(tmp_path, rows, says)
    assert told(path, mapping=mapping) == [(NEW, 1, 10, 9.99), (EXECUTE, 1, 6, 9.99), (REDUCE, 1, 3, 9.99)]
    day = read_recording(path, ReadOptions(mapping=mapping))
    assert day.date == "2026-05-02" and day.messages["time_ns"][0] == 36_000_500_000_000


@pytest.mark.parametrize(("change", "words"), [
    (("time_unit", "tim_unit"), "tim_unit: no such key; allowed: columns, actions"),
    (('size = "qty"', 'size = "volume"'), r"no column volume \(columns.size\); allowed: ts, oid"),
    (('new = ["A", "add"]', 'add = "A"'), "actions.add: no such key; allowed: new, cancel"),
    (('delete = "D"', ""), "row 8: action = 'D'; allowed: A, add, X"),
    (('bid = "B"', 'bid = "b"'), "row 1: side = 'B'; allowed: b, S, sell"),
    (('"us"', '"days"'), "time_unit = 'days'; allowed: ns, us, ms, s, iso"),
    (('price = "px"\n', ""), "columns.price is missing"),
    (("[sides]", "[side"), "not a readable TOML file"),
])  # fmt: skip
def test_a_mapping_that_does_not_fit_is_one_line(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    path, says = mapped(tmp_path, mapping=MAPPING.replace(*change))
    with pytest.raises(InputError, match=words):
        read_recording(path, ReadOptions(mapping=says))


def test_several_instruments_in_a_table_are_told_apart(tmp_path: Path) -> None:
    path, says = mapped(tmp_path, [*ROWS, (9, 7, "B", "5", "1", "A", "XYZ")])
    assert told(path, mapping=says, symbol="ABC") == MAPPED
    with pytest.raises(InputError, match="holds 2 instruments; allowed: one as symbol: ABC, XYZ"):
        read_recording(path, ReadOptions(mapping=says))


def test_an_order_that_took_is_taken_from_later(tmp_path: Path) -> None:
    later = ((5, 20, "100.9", "0.2", "created", "ask"), (5, 20, "101.0", "0", "deleted", "ask"),
             (3, 20, "101.0", "0.3", "changed", "bid"))  # fmt: skip
    path = orders(tmp_path / "orders.csv", *TRADE, *later)
    expected = [*EXPECTED, (EXECUTE, 3, 2, 101.0)]
    assert told(path, lot_size=0.1) == expected
    header = "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n"
    at, then = DAY + 9, DAY + 20
    rows = [f"1,{at},{at},100.5,2,3,1,buy", f"2,{at},{at},101.0,1.5,3,2,buy", f"3,{then},{then},101.0,0.2,3,5,sell"]
    (tmp_path / "trades.csv").write_text(header + "\n".join(rows) + "\n")
    assert told(path, lot_size=0.1) == expected
