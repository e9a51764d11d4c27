"""TotalView-ITCH 5.0 files: one stock out of many, streamed."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lob.errors import InputError
from lob.recording import CROSS, DELETE, EXECUTE, HALT, HALTED, HIDDEN, NEW, QUOTING, REDUCE, RESUMED
from sim.formats import ReadOptions, read_recording
from sim.formats.itch import LAYOUTS, LENGTHS
from sim.formats.readers import itch
from sim.formats.readers.itch import stocks_of


def head(kind: str, locate: int, at: int) -> bytes:
    return kind.encode() + struct.pack(">HH", locate, 0) + at.to_bytes(6, "big")


def framed(*messages: bytes) -> bytes:
    for message in messages:
        assert len(message) == LENGTHS[chr(message[0])], message
    return b"".join(struct.pack(">H", len(message)) + message for message in messages)


def stock(name: str, locate: int) -> bytes:
    return head("R", locate, 1) + name.encode().ljust(8) + bytes(20)


def add(locate: int, at: int, order: int, side: str, size: int, price: int, kind: str = "A") -> bytes:
    name = b"ABC     "
    body = struct.pack(">Q", order) + side.encode() + struct.pack(">I", size) + name + struct.pack(">I", price)
    return head(kind, locate, at) + body + (b"MPID" if kind == "F" else b"")


def state(locate: int, at: int, letter: str) -> bytes:
    return head("H", locate, at) + b"ABC     " + letter.encode() + b"\0" + b"    "


START = (head("S", 0, 0) + b"O", stock("ABC", 3), stock("XYZ", 4), state(3, 2, "T"))


def day(tmp_path: Path, *messages: bytes, symbol: str | None = "ABC") -> list[tuple[int, ...]]:
    path = tmp_path / "a.itch"
    path.write_bytes(framed(*START, *messages))
    rows = read_recording(path, ReadOptions(symbol=symbol)).messages
    return [tuple(int(r[n]) for n in ("time_ns", "type", "order_id", "direction", "price", "size")) for r in rows]


def test_every_message_about_an_order_is_read(tmp_path: Path) -> None:
    found = day(
        tmp_path,
        add(3, 10, 1, "B", 100, 10_000), add(4, 11, 9, "S", 5, 77), add(3, 12, 2, "S", 50, 10_100, "F"),
        head("E", 3, 13) + struct.pack(">QIQ", 1, 30, 1),
        head("C", 3, 14) + struct.pack(">QIQ", 2, 10, 2) + b"Y" + struct.pack(">I", 10_050),
        head("X", 3, 15) + struct.pack(">QI", 1, 20),
        head("U", 3, 16) + struct.pack(">QQII", 1, 5, 40, 9_900),
        head("D", 3, 17) + struct.pack(">Q", 2),
        head("P", 3, 18) + struct.pack(">QcI", 0, b"B", 7) + b"ABC     " + struct.pack(">IQ", 10_025, 3),
        head("Q", 3, 19) + struct.pack(">Q", 900) + b"ABC     " + struct.pack(">IQ", 10_000, 4) + b"O",
        head("B", 3, 20) + struct.pack(">Q", 3),
    )  # fmt: skip
    assert found == [
        (10, NEW, 1, 1, 10_000, 100), (12, NEW, 2, -1, 10_100, 50), (13, EXECUTE, 1, 1, 10_000, 30),
        (14, EXECUTE, 2, -1, 10_100, 10), (15, REDUCE, 1, 1, 10_000, 20), (16, DELETE, 1, 1, 10_000, 50),
        (16, NEW, 5, 1, 9_900, 40), (17, DELETE, 2, -1, 10_100, 40), (18, HIDDEN, 0, 1, 10_025, 7),
        (19, CROSS, 0, -1, 10_000, 900),
    ]  # fmt: skip


def test_halts_are_told_once_and_the_first_state_of_the_day_is_none(tmp_path: Path) -> None:
    found = day(
        tmp_path, add(3, 3, 1, "B", 1, 100), state(3, 4, "H"), state(3, 5, "H"), state(3, 6, "Q"), state(3, 7, "T"),
        state(4, 8, "H"),
    )  # fmt: skip
    assert [(at, price) for at, kind, _, _, price, _ in found if kind == HALT] == [
        (4, HALTED), (6, QUOTING), (7, RESUMED),
    ]  # fmt: skip


def test_a_stock_is_chosen_by_name_and_the_busiest_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    messages = [add(4, k, k + 1, "B", 1, 100) for k in range(5)] + [add(3, 9, 90, "B", 1, 100)]
    path.write_bytes(gzip.compress(framed(*START, *messages)))
    assert stocks_of(path) == {"XYZ": 5, "ABC": 1}
    with pytest.raises(InputError, match="holds 2 stocks; allowed: one as symbol: XYZ, ABC"):
        read_recording(path)
    with pytest.raises(InputError, match=r"symbol QQQ: .* has no order of this name among its 2 stocks"):
        read_recording(path, ReadOptions(symbol="QQQ"))
    assert len(read_recording(path, ReadOptions(symbol="XYZ")).messages) == 5


def test_nothing_depends_on_where_the_file_is_cut_into_pieces(tmp_path: Path, monkeypatch: Any) -> None:
    messages = [add(3 + k % 2, k, k + 1, "BS"[k % 2], 1 + k, 100 + k) for k in range(200)]
    whole = day(tmp_path, *messages)
    for size in (64, 101, 1000):
        monkeypatch.setattr(itch, "PIECE_BYTES", size)
        assert day(tmp_path, *messages) == whole


@pytest.mark.parametrize(("data", "words"), [
    (framed(*START)[:-3], "bytes of a message; allowed: whole ones"),
    (framed(*START) + b"\0\x05hello", "a message of type 'h' and 5 bytes; allowed: TotalView-ITCH 5.0"),
    (framed(*START) + b"\0\x13zzzzzzzzzzzzzzzzzzz", "a message of type 'z' and 19 bytes"),
    (framed(*START, add(3, 1, 1, "B", 0, 100)), "order 1 has no quantity"),
    (framed(*START)[::-1], "no recording that is known"),
])  # fmt: skip
def test_a_damaged_file_is_one_line(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.itch"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_recording(path, ReadOptions(symbol="ABC"))


def test_the_layouts_have_the_lengths_of_the_specification() -> None:
    assert {kind: layout.itemsize for kind, layout in LAYOUTS.items()} == {kind: LENGTHS[kind] for kind in LAYOUTS}


def test_another_parser_reads_what_we_write(tmp_path: Path) -> None:
    parser = pytest.importorskip("itch.parser")
    from sim.formats import ItchWriter
    from tests.sim.markets import market_of, zero_intelligence_traders

    market = market_of([zero_intelligence_traders(5)], seconds=20, seed=2)
    market.run()
    instrument = market.world.listings[0].instrument
    writer = ItchWriter(tmp_path / "a.itch", "ABC", 0, instrument.min_price_ticks, instrument.n_prices)
    writer(market.tape)
    path = writer.close()[0]
    with path.open("rb") as file:
        theirs = [m.decode() for m in parser.MessageParser(message_type=b"AEXD").parse_file(file)]
    mine = read_recording(path).messages
    assert len(theirs) == len(mine) > 50
    adds = [m for m in theirs if hasattr(m, "buy_sell_indicator")]
    ours = mine[mine["type"] == NEW]
    assert np.allclose([float(m.price) for m in adds], ours["price"] / 1e4)
    assert [int(m.shares) for m in adds] == ours["size"].tolist()
