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
    "truncated row": ("34203,1,1", "order_id|size|columns|csv"),
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


def test_prices_between_cents_are_refused_by_the_replay(tmp_path):
    from lob.replay import replay

    bad = [MESSAGES[0].replace("999900", "999950"), *MESSAGES[1:]]
    with pytest.raises(InputError, match="not a whole cent"):
        replay(read(tmp_path, bad))
