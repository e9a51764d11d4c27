"""Files that were cut, mixed up or made up: one line, or a recording; nothing else, and no memory without end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lob.errors import InputError
from lob.recording import HIDDEN
from lob.replay import replay
from sim.formats import DbnWriter, HftbacktestWriter, ItchWriter, ReadOptions, read_recording, with_book
from tests.replay.days import MESSAGES, ROWS, write_day
from tests.sim.markets import market_of, zero_intelligence_traders

FORMS = ("lobster", "dbn", "itch", "hftbacktest", "bitstamp", "mapped")
NAMES = {"dbn": "a.dbn", "itch": "a.itch", "hftbacktest": "a.npz", "bitstamp": "a.csv", "mapped": "a.csv"}


class Files(dict[str, bytes]):
    """A file of every format."""

    def __repr__(self) -> str:
        return f"files of {', '.join(self)}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small file of every format."""
    pytest.importorskip("databento_dbn")
    folder = tmp_path_factory.mktemp("whole")
    market = market_of([zero_intelligence_traders(5)], seconds=15, seed=2)
    market.run()
    instrument = market.world.listings[0].instrument
    prices = (instrument.min_price_ticks, instrument.n_prices)
    files = Files()
    for form, writer in (
        ("dbn", DbnWriter(folder / "a.dbn", "ABC", "2024-01-02", *prices)),
        ("itch", ItchWriter(folder / "a.itch", "ABC", 0, *prices)),
        ("hftbacktest", HftbacktestWriter(folder / "a.npz", *prices)),
    ):
        writer(market.tape)
        files[form] = writer.close()[0].read_bytes()
    files["lobster"] = write_day(folder, MESSAGES, ROWS)[0].read_bytes()
    rows = read_recording(folder / "a.itch").messages
    lines = ["id,timestamp,exchange_timestamp,price,volume,action,direction"]
    for k, row in enumerate(rows[:60]):
        words = (int(row["order_id"]), k, k, row["price"] / 1e4, int(row["size"]))
        lines.append(",".join(map(str, words)) + f",{'created' if row['type'] == 1 else 'deleted'},bid")
    files["bitstamp"] = files["mapped"] = "\n".join(lines).encode()
    return files


MAPPING = """
[columns]
time = "timestamp"
id = "id"
side = "direction"
price = "price"
size = "volume"
action = "action"
[actions]
new = "created"
delete = "deleted"
[sides]
bid = "bid"
ask = "ask"
"""


def place(folder: Path, form: str, data: bytes) -> tuple[Path, ReadOptions]:
    if form == "lobster":
        path, _ = write_day(folder, MESSAGES, ROWS)
        path.write_bytes(data)
        return path, ReadOptions()
    (folder / "mapping.toml").write_text(MAPPING)
    path = folder / NAMES[form]
    path.write_bytes(data)
    return path, ReadOptions(mapping=folder / "mapping.toml") if form == "mapped" else ReadOptions()


def looked_at(folder: Path, form: str, data: bytes) -> None:
    """Read, build and replay; nothing but one line may come of it."""
    path, options = place(folder, form, data)
    before = sorted(folder.iterdir())
    try:
        day = read_recording(path, options)
        assert (np.diff(day.messages["time_ns"]) >= 0).all()
        assert ((day.messages["size"] > 0) | (day.messages["type"] > HIDDEN)).all()
        with_book(day, 3)
        if len(day.messages):
            replay(day)
    except InputError as error:
        assert "\n" not in str(error) and str(error)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("form", FORMS)
def test_the_files_themselves_are_read(whole: dict[str, bytes], tmp_path: Path, form: str) -> None:
    path, options = place(tmp_path, form, whole[form])
    assert read_recording(path, options).format == form


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(FORMS),
    how=st.sampled_from(["cut", "flip", "swap", "double", "insert", "reverse", "zero", "max"]),
    places=st.tuples(st.integers(0, 1 << 20), st.integers(0, 1 << 20)),
    size=st.integers(1, 64),
    flips=st.lists(st.integers(1, 255), min_size=1, max_size=5),
    inserted=st.binary(min_size=1, max_size=20),
)
def test_a_damaged_file_is_one_line_or_a_recording(
    whole: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
    how: str,
    places: tuple[int, int],
    size: int,
    flips: list[int],
    inserted: bytes,
) -> None:
    text = bytearray(whole[form])
    at, other = (place % len(text) for place in places)
    if how == "cut":
        text = text[:at]
    elif how == "flip":
        for k, bits in enumerate(flips):
            text[(at + 7 * k) % len(text)] ^= bits
    elif how == "swap":
        first, second = sorted((at, other))
        text = text[:first] + text[second:] + text[first:second]
    elif how == "double":
        text = text + text[at:]
    elif how == "insert":
        text = text[:at] + inserted + text[at:]
    elif how == "reverse":
        text[at : at + size] = text[at : at + size][::-1]
    else:
        part = text[at : at + size]
        text[at : at + size] = (b"\0" if how == "zero" else b"\xff") * len(part)
    looked_at(tmp_path_factory.mktemp("damaged"), form, bytes(text))


TEXTS = {
    "swapped columns": lambda rows: [",".join(reversed(row.split(","))) for row in rows],
    "two days": lambda rows: rows + rows,
    "unsorted": lambda rows: rows[::-1],
    "negative": lambda rows: [row.replace(",1,", ",-1,") for row in rows],
    "huge ids": lambda rows: [row.replace("1", "9" * 30, 1) for row in rows],
    "no digits": lambda rows: [row.replace("1", "\u0661") for row in rows],
    "blanks": lambda rows: [row.replace(",", " , ") for row in rows],
    "empty": lambda rows: [],
    "one column": lambda rows: [row.split(",")[0] for row in rows],
}


@pytest.mark.parametrize("form", ["lobster", "bitstamp", "mapped"])
@pytest.mark.parametrize("how", TEXTS)
def test_text_that_is_mixed_up_is_one_line_or_a_recording(
    whole: dict[str, bytes], tmp_path: Path, form: str, how: str
) -> None:
    lines = whole[form].decode().splitlines()
    head, rows = ([], lines) if form == "lobster" else (lines[:1], lines[1:])
    looked_at(tmp_path, form, "\n".join([*head, *TEXTS[how](rows)]).encode())


def test_records_in_the_wrong_byte_order_are_one_line(whole: dict[str, bytes], tmp_path: Path) -> None:
    body = whole["dbn"]
    start = 8 + int.from_bytes(body[4:8], "little")
    swapped = np.frombuffer(body[start:], "<u8").byteswap().tobytes()
    path, _ = place(tmp_path, "dbn", body[:start] + swapped)
    with pytest.raises(InputError, match=r"record \d+: "):
        read_recording(path)


def test_a_folder_of_several_days_says_which(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_day(tmp_path / name, MESSAGES, ROWS)
    with pytest.raises(InputError, match="is a folder that holds 2 recordings: TEST_2020-01-02"):
        read_recording(tmp_path)
    assert len(read_recording(tmp_path / "one").messages) == len(MESSAGES)
