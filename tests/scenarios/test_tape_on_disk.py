"""The tape on disk: what went in comes out, whatever the parts; a disk that fails leaves no half-written part."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lob.errors import InputError, RunError
from lob.types import EVENT, NO_PRICE, EventKind, Reject
from sim.files import atomic
from sim.hash import TapeHash, hash_tape
from sim.writer import ParquetTape, read_tape, remove_parts, scan_tape

Rows = np.ndarray[Any, Any]


def some_rows(n: int) -> Rows:
    rng = np.random.default_rng(7)
    rows = np.frombuffer(rng.bytes(n * EVENT.itemsize), EVENT).copy()
    rows["kind"] = rng.integers(1, 10, n)
    rows["reason"] = np.where(rows["kind"] == EventKind.REJECT, Reject.COLLAR, 0)
    rows["phase"], rows["side"] = rng.integers(0, 3, n), rng.choice([-1, 1], n)
    rows["bid_ticks"][::3] = NO_PRICE
    return rows


def feed(sink: Any, rows: Rows, *pieces: int) -> None:
    for piece in np.split(rows, np.cumsum(pieces)):
        sink(piece)


@pytest.mark.parametrize("rows_per_part", [1, 7, 100, 1000])
def test_every_row_comes_back_whatever_the_size_of_parts(tmp_path: Path, rows_per_part: int) -> None:
    rows = some_rows(100)
    tape = ParquetTape(tmp_path, rows_per_part)
    feed(tape, rows, 3, 40, 0, 1)
    tape.close_part()
    assert np.array_equal(read_tape(tmp_path), rows)
    assert len(list(tmp_path.iterdir())) == tape.n_parts == -(-100 // rows_per_part)


def test_the_hash_depends_on_rows_and_their_order_but_not_on_buffers_or_parts(tmp_path: Path) -> None:
    rows = some_rows(100)
    whole, pieces = TapeHash(), TapeHash()
    whole(rows)
    feed(pieces, rows, 1, 50, 13)
    for size in (9, 64):
        tape = ParquetTape(tmp_path / str(size), size)
        tape(rows)
        tape.close_part()
        assert hash_tape(tmp_path / str(size)) == whole.hexdigest() == pieces.hexdigest()
    other = TapeHash()
    other(rows[::-1])
    assert other.hexdigest() != whole.hexdigest()


def test_a_scanned_tape_has_words_for_codes_and_nulls_for_empty_prices(tmp_path: Path) -> None:
    rows = some_rows(50)
    tape = ParquetTape(tmp_path)
    tape(rows)
    tape.close_part()
    table = scan_tape(tmp_path).collect()
    assert table["bid_ticks"].null_count() == len(rows[::3])
    assert table["kind"].to_list() == [EventKind(k).name.lower() for k in rows["kind"]]
    assert set(table["side"]) == {"buy", "sell"}
    assert set(table["reason"]) <= {None, "collar"}
    assert table.schema["time_ns"] == pl.Int64


def test_an_empty_tape_can_be_read(tmp_path: Path) -> None:
    assert len(read_tape(tmp_path)) == 0
    assert scan_tape(tmp_path).collect().columns == list(EVENT.names or ())


def test_parts_after_a_checkpoint_are_removed_with_what_an_interrupted_write_left(tmp_path: Path) -> None:
    rows = some_rows(40)
    tape = ParquetTape(tmp_path, 10)
    tape(rows)
    atomic.temporary_name(tmp_path / "part-00009.parquet").write_bytes(b"half")
    remove_parts(tmp_path, 2)
    assert np.array_equal(read_tape(tmp_path), rows[:20])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_ends_in_one_line_and_leaves_no_half_written_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = ParquetTape(tmp_path, 10)
    tape(some_rows(10))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"part-00001\.parquet: the disk is full"):
        tape(some_rows(10))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["part-00000.parquet"]
    assert len(read_tape(tmp_path)) == 10


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_that_is_really_full_is_reported_as_such(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="x: the disk is full"), atomic.whole_file(tmp_path / "x") as file:
        os.dup2(os.open("/dev/full", os.O_WRONLY), file.fileno())
        file.write(b"data")
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "tape").write_text("")
    with pytest.raises(InputError, match=r"tape: cannot be written \(file exists\)"):
        ParquetTape(tmp_path / "tape")


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match=r"part-00000\.parquet: not a readable part of a tape"):
        read_tape(tmp_path)


def test_a_missing_tape_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        read_tape(tmp_path / "nowhere")
