"""Databento's market-by-order files as their documentation says they may be."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lob.errors import InputError
from lob.recording import CROSS, DELETE, EXECUTE, HIDDEN, NEW, REDUCE, RESTATED
from sim.formats import ReadOptions, read_recording
from sim.formats.dbn import MBO
from sim.formats.readers.dbn import UNDEFINED_PRICE

dbn = pytest.importorskip("databento_dbn")

MIDNIGHT = 1_703_376_000 * 10**9  # 2023-12-24, UTC
LAST, TOB, SNAPSHOT, BAD_TIME, MBP = 128, 64, 32, 8, 16


def record(
    action: str, side: str, order: int, price: float | None, size: int, flags: int = LAST, at: int = 0, **more: Any
) -> Any:
    """One record; the price in the currency, None for an undefined one."""
    row = np.zeros(1, MBO)[0]
    row["length"], row["rtype"], row["publisher_id"], row["instrument_id"] = 14, 160, 1, more.get("instrument", 7)
    row["ts_event"] = row["ts_recv"] = MIDNIGHT + at
    row["order_id"], row["size"], row["flags"], row["action"], row["side"] = order, size, flags, action, side
    row["price"] = UNDEFINED_PRICE if price is None else round(price * 10**9)
    for name in ("ts_event", "ts_recv", "publisher_id"):
        if name in more:
            row[name] = more[name]
    return row


def write(path: Path, rows: list[Any], names: dict[int, str] | None = None, version: int = 3) -> Path:
    import datetime as dt

    day = dt.date(2023, 12, 24)
    named = (names or {7: "ESH4"}).items()
    mappings = [
        SimpleNamespace(raw_symbol=name, intervals=[SimpleNamespace(
            start_date=day, end_date=day + dt.timedelta(days=1), symbol=str(number))])
        for number, name in named
    ]  # fmt: skip
    metadata = dbn.Metadata(
        dataset="GLBX.MDP3", start=MIDNIGHT, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.MBO, symbols=[name for _, name in named], mappings=mappings, version=version,
    )  # fmt: skip
    path.write_bytes(metadata.encode() + b"".join(row.tobytes() for row in rows))
    return path


def read(tmp_path: Path, *rows: Any, **options: Any) -> list[tuple[int, int, int, float]]:
    """(type, order, lots, price) of the messages."""
    day = read_recording(write(tmp_path / "a.dbn", list(rows)), ReadOptions(**options))
    return [(int(m["type"]), int(m["order_id"]), int(m["size"]), m["price"] / day.price_units) for m in day.messages]


def test_a_partial_cancel_a_cancel_and_a_modify_of_each_kind(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        record("A", "B", 1, 10.0, 9), record("C", "B", 1, 10.0, 4), record("C", "B", 1, 10.0, 5),
        record("A", "A", 2, 11.0, 9), record("M", "A", 2, 11.0, 6), record("M", "A", 2, 11.25, 6),
        record("M", "B", 3, 9.75, 2),
    )  # fmt: skip
    assert found == [
        (NEW, 1, 9, 10.0), (REDUCE, 1, 4, 10.0), (DELETE, 1, 5, 10.0),
        (NEW, 2, 9, 11.0), (REDUCE, 2, 3, 11.0), (DELETE, 2, 6, 11.0), (NEW, 2, 6, 11.25),
        (NEW, 3, 2, 9.75),
    ]  # fmt: skip


def test_trades_and_fills_change_nothing_until_the_cancel_that_comes_with_them(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        record("A", "A", 1, 10.0, 5), record("A", "A", 2, 10.0, 5),
        # One aggressor takes all of 1, part of 2 and one more that is not shown; CME tells the part as a modify.
        record("T", "B", 0, 10.0, 8, 0), record("F", "A", 1, 10.0, 5, 0), record("F", "A", 2, 10.0, 2, 0),
        record("C", "A", 1, 10.0, 5, 0), record("M", "A", 2, 10.0, 3, LAST),
        record("N", "N", 0, None, 0), record("T", "N", 0, 10.0, 1),
    )  # fmt: skip
    assert found[2:] == [
        (EXECUTE, 1, 5, 10.0), (EXECUTE, 2, 2, 10.0), (HIDDEN, 0, 1, 10.0), (CROSS, 0, 1, 10.0),
    ]  # fmt: skip


def test_a_snapshot_restates_the_book_at_its_own_time_and_a_clear_empties_it(tmp_path: Path) -> None:
    rows = [
        record("R", "N", 0, None, 0, SNAPSHOT | BAD_TIME, at=5, ts_recv=MIDNIGHT + 100),
        record("A", "B", 1, 10.0, 3, SNAPSHOT | BAD_TIME, at=1, ts_recv=MIDNIGHT + 100),
        record("A", "A", 2, 10.5, 3, SNAPSHOT | BAD_TIME | LAST, at=3, ts_recv=MIDNIGHT + 100),
        record("A", "B", 4, 10.0, 1, at=200), record("R", "N", 0, None, 0, at=300), record("A", "B", 5, 9.0, 1, at=301),
    ]  # fmt: skip
    day = read_recording(write(tmp_path / "a.dbn", rows))
    assert [(int(m["type"]), int(m["order_id"]), int(m["time_ns"])) for m in day.messages[:3]] == [
        (NEW, 1, 100), (NEW, 2, 100), (NEW, 4, 200),
    ]  # fmt: skip
    assert (day.messages["flags"][:2] == RESTATED).all() and day.messages["flags"][2] == 0
    assert sorted(day.messages["order_id"][3:6]) == [1, 2, 4] and set(day.messages["type"][3:6]) == {DELETE}


def test_a_record_of_the_top_of_the_book_stands_for_its_whole_side(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        record("A", "B", 0, 10.0, 3, LAST | TOB), record("A", "A", 0, 10.5, 3, LAST | TOB),
        record("A", "B", 0, 10.25, 4, LAST | TOB), record("A", "A", 0, None, 0, LAST | TOB),
    )  # fmt: skip
    assert [(kind, lots, price) for kind, _, lots, price in found] == [
        (NEW, 3, 10.0), (NEW, 3, 10.5), (DELETE, 3, 10.0), (NEW, 4, 10.25), (DELETE, 3, 10.5),
    ]  # fmt: skip


def test_several_instruments_and_venues_are_told_apart_by_name(tmp_path: Path) -> None:
    rows = [record("A", "B", 1, 10.0, 1), record("A", "B", 1, 99.0, 2, instrument=8)]
    path = write(tmp_path / "a.dbn", rows, {7: "GOOG", 8: "GOOGL"})
    assert read_recording(path, ReadOptions(symbol="GOOGL")).messages["size"].tolist() == [2]
    assert read_recording(path, ReadOptions(symbol="7")).messages["size"].tolist() == [1]
    with pytest.raises(InputError, match=r"holds 2 instruments; allowed: one as symbol: GOOG, GOOGL"):
        read_recording(path)
    with pytest.raises(InputError, match=r"symbol AMZN: .* allowed: GOOG, GOOGL"):
        read_recording(path, ReadOptions(symbol="AMZN"))
    rows = [record("A", "B", 1, 10.0, 1), record("A", "B", 1, 10.0, 5, publisher_id=2)]
    path = write(tmp_path / "b.dbn", rows)
    assert read_recording(path, ReadOptions(symbol="ESH4@2")).messages["size"].tolist() == [5]


@pytest.mark.parametrize(("zone", "clock", "date"), [
    (None, "00:30", "2023-12-24"), ("America/Chicago", "18:30", "2023-12-23"), ("Asia/Kolkata", "06:00", "2023-12-24"),
])  # fmt: skip
def test_times_are_of_the_zone_that_is_asked_for(tmp_path: Path, zone: str | None, clock: str, date: str) -> None:
    path = write(tmp_path / "a.dbn", [record("A", "B", 1, 10.0, 1, at=1800 * 10**9)])
    day = read_recording(path, ReadOptions(zone=zone))
    hours, minutes = map(int, clock.split(":"))
    assert day.messages["time_ns"][0] == (hours * 3600 + minutes * 60) * 10**9 and day.date == date
    with pytest.raises(InputError, match="zone Mars: no such time zone"):
        read_recording(path, ReadOptions(zone="Mars"))


def test_times_go_on_where_the_clock_is_changed_and_over_midnight(tmp_path: Path) -> None:
    change = 1_698_541_200 * 10**9 - MIDNIGHT  # 2023-10-29 01:00 UTC, when summer time ends in Paris
    rows = [
        record("A", "B", 1, 10.0, 1, at=change - 10**9),
        record("A", "B", 2, 10.0, 1, at=change + 23 * 3600 * 10**9),
    ]
    day = read_recording(write(tmp_path / "a.dbn", rows), ReadOptions(zone="Europe/Paris"))
    assert (day.messages["time_ns"] // 10**9).tolist() == [3 * 3600 - 1, 26 * 3600]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_format_is_read(tmp_path: Path, version: int) -> None:
    path = write(tmp_path / "a.dbn", [record("A", "B", 1, 10.0, 1)], version=version)
    day = read_recording(path)
    assert day.name == "ESH4 2023-12-24" and len(day.messages) == 1


BAD = {
    "action": (record("Z", "B", 1, 10.0, 1), "record 2: action = Z; allowed: A, C, M, R, T, F, N"),
    "side": (record("A", "Q", 1, 10.0, 1), "record 2: side = Q; allowed: B, A, N"),
    "an order without side": (record("A", "N", 1, 10.0, 1), "allowed: B or A of an order"),
    "an order without size": (record("A", "B", 1, 10.0, 0), "record 2: size = 0; allowed: above 0"),
    "an order without price": (record("A", "B", 1, None, 1), "allowed: a price"),
    "price levels": (record("A", "B", 1, 10.0, 1, LAST | MBP), "allowed: orders, not price levels"),
    "no time": (record("A", "B", 1, 10.0, 1, ts_event=2**64 - 1), "allowed: a time"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_record_that_cannot_be_is_one_line_with_its_number(tmp_path: Path, what: str) -> None:
    row, words = BAD[what]
    with pytest.raises(InputError, match=words):
        read(tmp_path, record("A", "A", 9, 11.0, 1), row)


def test_other_records_of_a_live_file_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dbn", [record("A", "B", 1, 10.0, 1)])
    system = bytes([20, 23]) + bytes(78)  # 80 bytes of another type
    path.write_bytes(path.read_bytes() + system + record("A", "A", 2, 11.0, 1).tobytes() + system)
    assert read_recording(path).messages["order_id"].tolist() == [1, 2]


def test_a_file_of_another_schema_or_cut_off_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dbn", [record("A", "B", 1, 10.0, 1), record("A", "B", 2, 10.0, 1)])
    data = path.read_bytes()
    for cut, words in (
        (len(data) - 5, "record 2: 51 of 56 bytes"),
        (40, "it was cut off"),
        (6, "not a DBN file|known"),
    ):
        path.write_bytes(data[:cut])
        with pytest.raises(InputError, match=words):
            read_recording(path)
    with pytest.raises(InputError, match="book: dbn files have no use for it"):
        read_recording(write(path, [record("A", "B", 1, 10.0, 1)]), ReadOptions(book=path))
