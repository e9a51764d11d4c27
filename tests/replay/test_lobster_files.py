"""LOBSTER files: exact times, and each way in which a file can be bad is told in one line."""

from __future__ import annotations

import gzip
import os
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lob import recorded_files
from lob.errors import InputError
from lob.lobster import read_book, read_day, read_messages
from tests.replay.days import MESSAGES, ROWS, message_row, of_tick, write_day


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
    "blank row": (f"\n{MESSAGES[-1]}", "line 9"),
    "quote": ('34203,1,1,"5,999900,1', "line 9: size = '\"5'"),
    "fraction of a share": ("34203,1,1,5.5,999900,1", "size = '5.5'; allowed: a whole number"),
    "size beyond any order": (message_row("34203", 1, 1, 2_000_000_000, 9999, 1), "size = 2000000000; allowed: up to"),
    "size that wraps to 1": ("34203,1,1,-4294967295,999900,1", "size = -4294967295; allowed: above 0"),
    "size beyond 32 bits": ("34203,1,1,4294967301,999900,1", "size = 4294967301; allowed: up to"),
    "id beyond 64 bits": (f"34203,1,{10**20},5,999900,1", f"order_id = '{10**20}'; allowed: at most 64 bits"),
    "endless number": (f"34203,1,{'9' * 5000},5,999900,1", r"order_id = '9{40}...'; allowed: at most 64 bits"),
    "not a number": ("34203,1,1,nan,999900,1", "size = 'nan'; allowed: a whole number"),
    "digits of another script": ("34203,1,1,\uff15,999900,1", "size = '\uff15'; allowed: a whole number"),
    "time in another script": ("\uff13\uff14203,1,1,5,999900,1", "line 9: time '\uff13\uff14203'"),
    "price of a halt": ("34203,7,0,0,999900,-1", "price = 999900; allowed: -1, 0 or 1 on a halt"),
    "size of a cross": ("34203,6,-1,-8,999900,-1", "size = -8; allowed: 0 or more"),
    "header in the middle": ("time,type,id,size,price,direction", "line 9: time 'time'"),
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


def zipped(path, *names, folder):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(folder / name, name)
    return path


def test_a_zip_without_messages_is_refused(tmp_path):
    _, book = write_day(tmp_path, MESSAGES, ROWS)
    with pytest.raises(InputError, match="0 message files"):
        read_day(zipped(tmp_path / "day.zip", book.name, folder=tmp_path))


def test_a_zip_with_two_days_is_refused(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    other = message.rename(tmp_path / message.name.replace("-02_", "-03_"))
    write_day(tmp_path, MESSAGES, ROWS)
    path = zipped(tmp_path / "day.zip", message.name, other.name, book.name, folder=tmp_path)
    with pytest.raises(InputError, match="2 message files; expected exactly one"):
        read_day(path)


def test_a_book_of_another_day_is_refused(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    other = book.rename(tmp_path / book.name.replace("01-02", "01-03"))
    with pytest.raises(InputError, match="is of 2020-01-03, the messages are of 2020-01-02"):
        read_day(message, other)


def test_messages_alone_are_a_day_without_a_book(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    assert read_day(message).levels == 2  # the book beside it is found
    book.unlink()
    day = read_day(message)
    assert day.levels == 0 and day.book.shape == (len(MESSAGES), 0, 4) and len(day.messages) == len(MESSAGES)
    assert read_day(zipped(tmp_path / "day.zip", message.name, folder=tmp_path)).levels == 0


def same_day(one, other):
    return (one.messages == other.messages).all() and (one.book == other.book).all() and one.name == other.name


WAYS = {
    "blank lines at the end": (lambda text: text + "\n\n  \n", lambda text: text + "\n\n"),
    "nothing at the end": (str.rstrip, str.rstrip),
    "Windows line ends": (lambda text: text.replace("\n", "\r\n"), lambda text: text.replace("\n", "\r\n") + "\r\n"),
    "a header": (
        lambda text: "Time,Type,Order ID,Size,Price,Direction\n" + text,
        lambda text: "Ask Price 1,Ask Size 1,Bid Price 1,Bid Size 1,Ask 2,AS 2,Bid 2,BS 2\n" + text,
    ),
    "a byte order mark": (lambda text: "\ufeff" + text, lambda text: "\ufeff" + text),
    "an empty seventh column": (lambda text: text.replace("\n", ",\n"), str),
    "a seventh column of text": (lambda text: text.replace("\n", ",NSDQ\n"), str),
    "blanks after commas": (lambda text: text.replace(",", ", "), lambda text: text.replace(",", ", ")),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_day_written_another_way_is_the_same_day(tmp_path, way):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    usual = read_day(message, book)
    for path, change in zip((message, book), WAYS[way], strict=True):
        path.write_bytes(change(path.read_text()).encode())
    assert same_day(read_day(message, book), usual)


def test_a_bad_row_below_a_header_is_named_by_its_line_in_the_file(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    lines = ["time,type,id,size,price,direction", *MESSAGES[:-1], MESSAGES[-1].replace(",4,", ",9,")]
    message.write_text("\n".join(lines))
    with pytest.raises(InputError, match="line 9: type = 9"):
        read_day(message, book)


def test_a_first_row_with_a_bad_value_is_no_header(tmp_path):
    with pytest.raises(InputError, match="line 1: time 'noon'"):
        read(tmp_path, ["noon" + MESSAGES[0][MESSAGES[0].index(",") :], *MESSAGES[1:]])


def test_gzip_files_read_like_plain_ones_with_the_book_found_beside(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    usual = read_day(message, book)
    for path in (message, book):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert same_day(read_day(tmp_path / f"{message.name}.gz"), usual)


def test_a_gzip_file_that_was_cut_off_is_refused(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    packed = message.with_name(message.name + ".gz")
    for data in (gzip.compress(message.read_bytes())[:-9], b"\x1f\x8b" + b"no gzip" * 9):
        packed.write_bytes(data)
        with pytest.raises(InputError, match="not a readable gzip file"):
            read_day(packed, book)


@pytest.mark.parametrize("way", ["zip", "gz"])
def test_a_file_that_unpacks_to_far_more_than_it_is_is_left_early(tmp_path, monkeypatch, way):
    monkeypatch.setattr(recorded_files, "FREE_BYTES", 1 << 16)
    message, _ = write_day(tmp_path, MESSAGES, ROWS)
    bomb = b"0" * 8_000_000
    if way == "zip":
        path = tmp_path / "day.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(message.name, bomb)
    else:
        path = tmp_path / f"{message.name}.gz"
        path.write_bytes(gzip.compress(bomb))
    with pytest.raises(InputError, match=r"bytes unpack to more than .*; allowed: at most 250 times the size"):
        read_day(path)


@pytest.mark.parametrize(
    ("start", "words"), [(b"7z\xbc\xaf\x27\x1c", "not a readable 7z"), (b"(\xb5/\xfd", "not a readable zip")]
)
def test_a_file_packed_in_another_way_is_told_by_what_is_read(tmp_path, start, words):
    path = tmp_path / "day.7z"
    path.write_bytes(start + b"\0" * 50)
    with pytest.raises(InputError, match=words):
        read_day(path)


def test_text_that_is_none_is_refused_with_its_line(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    text = message.read_bytes()
    for bad, words in ((b"\0", "line 3: a byte of value 0"), (b"\xff", "line 3: not text")):
        lines = text.split(b"\n")
        lines[2] += bad
        message.write_bytes(b"\n".join(lines))
        with pytest.raises(InputError, match=words):
            read_day(message, book)
    message.write_bytes(text.decode().encode("utf-16"))
    with pytest.raises(InputError, match="a byte of value 0"):
        read_day(message, book)


def test_a_folder_or_a_pipe_is_no_file(tmp_path):
    with pytest.raises(InputError, match="is a folder; allowed: a file"):
        read_day(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is no regular file"):
        read_day(tmp_path / "pipe")


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


@pytest.mark.parametrize("units", [1, 5, 10, 50, 100, 500, 2500, 10000])
def test_the_tick_is_the_largest_usual_one_that_fits_all_prices(tmp_path, units):
    day = read(tmp_path, of_tick(MESSAGES, units, is_book=False), of_tick(ROWS, units, is_book=True))
    assert day.tick_units == units and day.tick_size == units / 10_000


def test_prices_between_ticks_that_were_named_are_refused_with_their_row(tmp_path):
    bad = [*MESSAGES[:2], MESSAGES[2].replace("999900", "999950"), *MESSAGES[3:]]
    message, book = write_day(tmp_path, bad, ROWS)
    assert read_day(message, book).tick_size == 0.005
    with pytest.raises(
        InputError, match=r"message 3: price 999950 .* is between ticks of 0.01; allowed: multiples of 100"
    ):
        read_day(message, book, tick_size=0.01)
    write_day(tmp_path, MESSAGES, [*ROWS[:4], ROWS[4].replace("1000500", "1000550"), *ROWS[5:]])
    with pytest.raises(InputError, match="row 5: price 1000550"):
        read_day(message, book, tick_size=0.01)
    for tick in (0.0, -0.01, 0.00005, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"LOBSTER prices are multiples of 0\.0001"):
            read_day(message, book, tick_size=tick)


def test_the_price_of_a_hidden_execution_may_lie_between_ticks(tmp_path):
    hidden = MESSAGES.index(next(m for m in MESSAGES if ",5,0," in m))
    bad = [*MESSAGES[:hidden], MESSAGES[hidden].replace("1000000", "999950"), *MESSAGES[hidden + 1 :]]
    assert read(tmp_path, bad).tick_size == 0.01


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_is_done_to_the_text_is_read_or_refused_in_one_line(data):
    texts = ["\n".join([*MESSAGES, ""]).encode(), "\n".join([*ROWS, ""]).encode()]
    which = data.draw(st.integers(0, 1))
    text = bytearray(texts[which])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        piece = data.draw(
            st.sampled_from([b",", b"\n", b"\r", b"-", b"9" * 30, b".", b"\xff", b"e5", b"nan", b'"', b"\0", b" ", b""])
        )
        text[at : at + data.draw(st.integers(0, 20))] = piece
        if not text:
            break
    read_it = (read_messages, read_book)[which]
    try:
        rows = read_it(bytes(text), "a file")
    except InputError as error:
        assert "a file" in str(error) and "\n" not in str(error)
    else:
        assert len(rows) > 0
