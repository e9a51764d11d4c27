"""Sinks served by a thread get the rows they would have got in line, in order, or the market hears of it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lob.errors import RunError
from lob.types import EVENT
from scenarios import build_market
from sim import Beside
from sim.hash import TapeHash
from sim.writer import ROWS_FOR_ARROW, ParquetTape, read_tape


def stretch(first: int, count: int) -> np.ndarray[Any, Any]:
    rows = np.zeros(count, EVENT)
    rows["sequence"] = np.arange(first, first + count)
    return rows


def test_rows_arrive_in_order_although_the_buffer_is_used_again() -> None:
    seen: list[np.ndarray[Any, Any]] = []
    buffer = np.zeros(70_000, EVENT)
    with Beside([lambda rows: seen.append(rows["sequence"].copy())]) as beside:
        for k in range(40):
            buffer[:] = stretch(70_000 * k, 70_000)
            beside(buffer)
    assert np.array_equal(np.concatenate(seen), np.arange(40 * 70_000))


def test_a_market_beside_its_sinks_has_the_tape_of_one_in_line(tmp_path: Path) -> None:
    hashes = []
    for name, wrap in (("in_line", False), ("beside", True)):
        market, digest, tape = build_market("first_market", 3), TapeHash(), ParquetTape(tmp_path / name, 10_000)
        if wrap:
            with Beside([digest, tape]) as beside:
                market.run(sinks=[beside])
        else:
            market.run(sinks=[digest, tape])
        tape.close_part()
        hashes.append((digest.hexdigest(), read_tape(tmp_path / name).tobytes()))
    assert hashes[0] == hashes[1]


def test_drain_waits_for_all_and_the_thread_ends() -> None:
    gate, seen = threading.Event(), []

    def slow(rows: np.ndarray[Any, Any]) -> None:
        gate.wait(10)
        seen.append(len(rows))

    before = set(threading.enumerate())
    with Beside([slow]) as beside:
        beside(stretch(0, 5))
        (own,) = [thread for thread in set(threading.enumerate()) - before if thread.name == "sinks"]
        beside(stretch(5, 7))
        assert seen == []
        gate.set()
        beside.drain()
        assert seen == [5, 7]
    assert not own.is_alive()


def test_a_sink_that_fails_stops_the_market_and_all_have_the_same_rows() -> None:
    taken: list[int] = []

    def full(rows: np.ndarray[Any, Any]) -> None:
        raise OSError("no room")

    market = build_market("first_market", 1)
    with pytest.raises(OSError, match="no room"), Beside([full, lambda rows: taken.append(len(rows))]) as beside:
        while market.run(market.time_ns + 10**9, [beside]):
            pass
    assert len(taken) == 1


def test_a_failure_is_told_once_by_drain_and_not_over_another_error() -> None:
    def full(rows: np.ndarray[Any, Any]) -> None:
        raise OSError("no room")

    with Beside([full]) as beside:
        beside(stretch(0, 1))
        with pytest.raises(OSError, match="no room"):
            beside.drain()
        beside.drain()
        with pytest.raises(RunError, match="these rows would reach none"):
            beside(stretch(1, 1))
    with pytest.raises(ValueError, match="first"), Beside([full]) as beside:
        beside(stretch(0, 1))
        raise ValueError("first")


def test_large_parts_and_small_ones_hold_the_same_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = np.frombuffer(rng.bytes(ROWS_FOR_ARROW * EVENT.itemsize), EVENT)
    for name, size in (("large", ROWS_FOR_ARROW), ("small", 50_000)):
        tape = ParquetTape(tmp_path / name, size)
        tape(rows)
        tape.close_part()
    assert len(list((tmp_path / "large").iterdir())) == 1
    assert read_tape(tmp_path / "large").tobytes() == read_tape(tmp_path / "small").tobytes() == rows.tobytes()
