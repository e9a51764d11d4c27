"""LOBSTER files: exact times, and each way in which a file can be bad is told in one line."""

from __future__ import annotations

import zipfile

import pytest

from lob.errors import InputError
from lob.lobster import read_day
from tests.replay.days import MESSAGES, ROWS, message_row, write_day


def read(tmp_path, messages=MESSAGES, rows=ROWS):
    return read_day(*write_day(tmp_path, messages, rows))


def test_times_are_exact_to_the_nanosecond(tmp_path):
    times = read(tmp_path).messages["time_ns"]
    assert times[0] == 34_200_000_000_001
    assert times[2] == 34_200_200_000_000


def test_a_zip_reads_like_its_two_files(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as archive:
        archive.write(message, message.name)
        archive.write(book, book.name)
    zipped = read_day(tmp_path / "day.zip")
    assert (zipped.messages == read_day(message, book).messages).all()
    assert zipped.name == "TEST 2020-01-02"


BAD_MESSAGES = {
    "unknown type": (message_row("34203", 9, 1, 1, 9999, 1), "type = 9; allowed: 1 to 7"),
    "negative size": (message_row("34203", 1, 1, -5, 9999, 1), "size = -5; allowed: above 0"),
    "bad direction": (message_row("34203", 1, 1, 5, 9999, 0), "direction = 0; allowed: 1, -1"),
    "time backwards": (message_row("34199", 1, 1, 5, 9999, 1), "time goes backwards"),
    "time that is no number": (message_row("noon", 1, 1, 5, 9999, 1), "time 'noon'"),
    "price that is no number": ("34203,1,1,5,cheap,1", "price = 'cheap'; allowed: a whole number"),
    "truncated row": ("34203,1,1", "line 9: size = None"),
    "row with too many columns": ("34203,1,1,5,999900,1,2,3", "line 9: 8 columns; expected 6"),
    "blank row": ("", "line 9"),
    "quote": ('34203,1,1,"5,999900,1', "line 9: size = '\"5'"),
    "fraction of a share": ("34203,1,1,5.5,999900,1", "size = '5.5'; allowed: a whole number"),
    "size beyond any order": (message_row("34203", 1, 1, 2_000_000_000, 9999, 1), "size = 2000000000; allowed: up to"),
    "price of nothing": (message_row("34203", 1, 1, 5, 0, 1), "price = 0; allowed: above 0"),
}


@pytest.mark.parametrize("what", BAD_MESSAGES)
def test_a_bad_message_row_is_named_with_its_file_and_line(tmp_path, what):
    row, expected = BAD_MESSAGES[what]
    with pytest.raises(InputError, match=expected) as caught:
        read(tmp_path, [*MESSAGES, row], [*ROWS, ROWS[-1]])
    assert "message_2.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_of_different_length_do_not_belong_together(tmp_path):
    with pytest.raises(InputError, match=r"7 rows, but .* has 8"):
        read(tmp_path, rows=ROWS[:-1])


def test_a_book_of_another_stock_is_refused(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    other = book.rename(tmp_path / book.name.replace("TEST", "OTHER"))
    with pytest.raises(InputError, match="is of OTHER, the messages are of TEST"):
        read_day(message, other)


def test_a_book_needs_four_columns_for_each_level(tmp_path):
    with pytest.raises(InputError, match="3 columns"):
        read(tmp_path, rows=["1,2,3"] * len(ROWS))


BAD_CELLS = {
    "fraction of a price": (
        "999900.5,30,1000700,40,999000,35",
        "line 8: column 3 is '999900.5'; allowed: a whole number",
    ),
    "missing cells": ("999900", "line 8: column 4 is None"),
    "too many cells": ("999900,1,2,3,4,5,6,7", "line 8: 10 columns; expected 8"),
    "negative size": ("999900,-30,1000700,40,999000,35", "line 8: negative size"),
}


@pytest.mark.parametrize("what", BAD_CELLS)
def test_a_bad_book_cell_is_named_with_its_file_and_line(tmp_path, what):
    cells, expected = BAD_CELLS[what]
    with pytest.raises(InputError, match=expected) as caught:
        read(tmp_path, rows=[*ROWS[:-1], f"1000500,30,{cells}"])
    assert "orderbook_2.csv" in str(caught.value)


def test_a_book_with_letters_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"line 8.*whole number"):
        read(tmp_path, rows=[*ROWS[:-1], ROWS[-1].replace("9999", "99x9", 1)])


@pytest.mark.parametrize("which", [0, 1])
def test_an_empty_file_is_refused(tmp_path, which):
    paths = write_day(tmp_path, MESSAGES, ROWS)
    paths[which].write_text("")
    with pytest.raises(InputError, match="empty"):
        read_day(*paths)


@pytest.mark.parametrize("which", [0, 1])
def test_a_missing_file_is_named(tmp_path, which):
    paths = write_day(tmp_path, MESSAGES, ROWS)
    paths[which].unlink()
    with pytest.raises(InputError, match="not found"):
        read_day(*paths)


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "day.zip").write_bytes(b"PK not really")
    with pytest.raises(InputError, match="not a readable zip"):
        read_day(tmp_path / "day.zip")


def test_a_zip_that_was_cut_off_is_refused(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    path = tmp_path / "day.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(message, message.name)
        archive.write(book, book.name)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match="not a readable zip"):
        read_day(path)


def test_a_zip_without_a_book_is_refused(tmp_path):
    message, _ = write_day(tmp_path, MESSAGES, ROWS)
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as archive:
        archive.write(message, message.name)
    with pytest.raises(InputError, match="0 orderbook files"):
        read_day(tmp_path / "day.zip")


def damaged(data, what):
    """A zip of two deflated members, damaged in one way."""
    local, central = data.find(b"PK\x03\x04"), data.find(b"PK\x01\x02")
    changes = {
        "encrypted": {local + 6: data[local + 6] | 1, central + 8: data[central + 8] | 1},
        "unknown compression": {local + 8: 99, central + 10: 99},
        "corrupt": {k: data[k] ^ 0x55 for k in range(100, 130)},
    }
    changed = bytearray(data)
    for position, value in changes[what].items():
        changed[position] = value
    return bytes(changed)


@pytest.mark.parametrize("what", ["encrypted", "unknown compression", "corrupt"])
def test_a_damaged_or_unreadable_zip_is_refused_in_one_line(tmp_path, what):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    path = tmp_path / "day.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(message, message.name)
        archive.write(book, book.name)
    path.write_bytes(damaged(path.read_bytes(), what))
    with pytest.raises(InputError, match="not a readable zip") as caught:
        read_day(path)
    assert "\n" not in str(caught.value)


def test_the_resource_forks_of_a_mac_zip_are_no_files_of_the_day(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as archive:
        archive.write(message, message.name)
        archive.write(book, book.name)
        archive.writestr(f"__MACOSX/._{message.name}", b"\0")
    assert len(read_day(tmp_path / "day.zip").messages) == len(MESSAGES)


def test_prices_between_cents_are_refused_by_the_replay(tmp_path):
    from lob.replay import replay

    bad = [MESSAGES[0].replace("999900", "999950"), *MESSAGES[1:]]
    with pytest.raises(InputError, match="not a whole cent"):
        replay(read(tmp_path, bad))
