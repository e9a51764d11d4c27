"""Tapes and files that somebody else made, or that were damaged: one line with file, column and row."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lob.errors import InputError
from lob.types import EVENT, EventKind, Flag
from scenarios.data.flows import read_flows
from sim.formats import read_dbn, read_hftbacktest
from sim.formats.dbn import MBO
from sim.formats.hftbacktest import HFT_EVENT
from sim.formats.orders import EventFeed
from sim.hash import hash_tape
from sim.metrics import visible_flow_of_tape
from sim.writer import ParquetTape, read_tape, scan_tape


def some_rows(n: int = 50) -> Any:
    rows = np.zeros(n, EVENT)
    rows["kind"], rows["side"], rows["flags"] = EventKind.ADD, 1, Flag.FIRST
    rows["price_ticks"], rows["qty_lots"], rows["leaves_lots"] = 10_000, 5, 5
    rows["order_id"] = rows["sequence"] = np.arange(1, n + 1)
    rows["time_ns"] = 34_200 * 10**9 + np.arange(n)
    return rows


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    writer = ParquetTape(tmp_path)
    writer(some_rows())
    writer.close_part()
    return tmp_path / "part-00000.parquet"


def with_column(name: str, values: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda frame: frame.with_columns(pl.Series(name, values(len(frame))))


FOREIGN: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "text": (with_column("price_ticks", lambda n: ["100.0"] * n), "column price_ticks is of type String; allowed: wh"),
    "fractions": (with_column("qty_lots", lambda n: [1.5] * n), "column qty_lots is of type Float64; allowed: whole"),
    "lists": (with_column("kind", lambda n: [[1]] * n), "column kind is of type List"),
    "a hole": (with_column("side", lambda n: [1] * 7 + [None] + [1] * (n - 8)), "row 8: side is empty"),
    "more than 32 bits": (
        with_column("qty_lots", lambda n: [1] * 4 + [2**32 + 3] + [1] * (n - 5)),
        "row 5: qty_lots = 4294967299; allowed: -2147483648 to 2147483647",
    ),
    "less than a byte": (with_column("kind", lambda n: [-1] * n), "row 1: kind = -1; allowed: 0 to 255"),
    "beyond 64 bits": (
        with_column("time_ns", lambda n: pl.Series([2**64 - 1] * n, dtype=pl.UInt64)), "row 1: time_ns = 18446744073709"
    ),
    "no column": (lambda frame: frame.drop("order_id"), "no column order_id; a tape has the columns time_ns"),
}  # fmt: skip


@pytest.mark.parametrize("what", FOREIGN)
def test_a_tape_with_other_columns_is_told_by_all_readers(tape: Path, what: str) -> None:
    change, words = FOREIGN[what]
    change(pl.read_parquet(tape)).write_parquet(tape)
    for read in (read_tape, hash_tape, lambda folder: read_flows(folder, None, "SIMULATED")):
        with pytest.raises(InputError) as caught:
            read(tape.parent)
        assert words in str(caught.value) and str(tape) in str(caught.value) and "\n" not in str(caught.value)
    if "row" not in words:
        with pytest.raises(InputError, match="part-00000"):
            scan_tape(tape.parent)


def test_a_tape_with_narrower_whole_numbers_is_a_tape(tape: Path) -> None:
    frame = pl.read_parquet(tape)
    frame.with_columns(pl.col("qty_lots").cast(pl.Int64), pl.col("symbol").cast(pl.Int8)).write_parquet(tape)
    assert (read_tape(tape.parent) == some_rows()).all()


@pytest.mark.parametrize("damage", ["cut off", "no Parquet", "empty", "a folder", "scrambled"])
def test_a_damaged_part_is_one_line(tape: Path, damage: str) -> None:
    data = bytearray(tape.read_bytes())
    if damage == "a folder":
        tape.unlink()
        tape.mkdir()
    elif damage == "scrambled":
        data[4:1500] = bytes(255 - b for b in data[4:1500])
        tape.write_bytes(data)
    else:
        tape.write_bytes({"cut off": data[:-100], "no Parquet": b"PAR1 not really", "empty": b""}[damage])
    with pytest.raises(InputError, match="not a readable part of a tape") as caught:
        read_tape(tape.parent)
    assert "\n" not in str(caught.value)


def test_prices_beyond_the_instruments_range_never_reach_the_rebuilt_book() -> None:
    rows = some_rows()
    rows["price_ticks"][20] = 2**31 - 1
    with pytest.raises(InputError, match="prices from 10000 to 2147483647 ticks; allowed: 9000 to 10999"):
        EventFeed(9000, 2000)(rows)
    rows["price_ticks"][21] = -(2**31)
    with pytest.raises(InputError, match="allowed: 262144 prices"):
        visible_flow_of_tape(rows, 10)


def test_a_tape_that_does_not_begin_with_an_empty_book_is_refused() -> None:
    rows = some_rows()
    rows["kind"][10], rows["side"][10], rows["contra_order_id"][10] = EventKind.EXECUTE, -1, 10**6
    rows["qty_lots"][10] = 10**6
    with pytest.raises(InputError, match="takes more from a price than it put there"):
        visible_flow_of_tape(rows, 10)


def test_damaged_dbn_files_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.dbn"
    head = b"DBN\x03\x08\x00\x00\x00" + b"\0" * 8
    records = np.zeros(3, MBO)
    records["rtype"], records["length"] = 160, 14
    path.write_bytes(head + records.tobytes())
    assert len(read_dbn(path)) == 3
    records["rtype"][1] = 1
    for data, words in (
        (head[:12], "its header alone has 16; it was cut off"),
        (head + records.tobytes(), "record 2: rtype 1; allowed: market-by-order records"),
        (head + records.tobytes()[:-1], "allowed: whole records of 56 bytes"),
        (b"\x28\xb5\x2f\xfd" + b"\0" * 20, "not a "),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=words):
            read_dbn(path)
    with pytest.raises(InputError, match="is a folder"):
        read_dbn(tmp_path)


def npz(path: Path, data: bytes, name: str = "data.npy") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)


def test_damaged_hftbacktest_files_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, data=np.zeros(4, HFT_EVENT))
    assert len(read_hftbacktest(path)) == 4
    whole = path.read_bytes()
    header = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }"
    cases: list[Callable[[], Any]] = [
        lambda: path.write_bytes(whole[:-40]),
        lambda: path.write_bytes(b""),
        lambda: path.write_bytes(b"\x93NUMPY\x01\x00v\x00" + bytes(150)),
        lambda: np.savez(path, other=np.zeros(4, HFT_EVENT)),
        lambda: np.savez(path, data=np.array([{"a": 1}], dtype=object)),
        lambda: npz(path, header.ljust(128)),
        lambda: npz(path, b"0" * 80_000_000),
    ]
    for damage in cases:
        damage()
        with pytest.raises(InputError, match=r"not an hftbacktest npz file|unpack to more") as caught:
            read_hftbacktest(path)
        assert "\n" not in str(caught.value)
    np.savez(path, data=np.zeros((2, 2), HFT_EVENT))
    with pytest.raises(InputError, match="events of shape"):
        read_hftbacktest(path)
