"""The feed and the built book against their twins, and what a dialect means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lob.recording import DELETE, EXECUTE, HIDDEN, NEW, RECORDED, REDUCE, Recording
from sim.formats.built_book import build_book
from sim.formats.crossing import without_ghosts
from sim.formats.feed import FEED, FINE, LAST, Act, Feed
from sim.formats.units import recording_of
from tests.recordings.plain import PlainFeed, plain_levels

FIELDS = ("time_ns", "type", "order_id", "direction", "price", "size", "flags")


def rows_of(*rows: tuple[Any, ...]) -> Any:
    """Rows of a feed from (act, order, side, price, size[, other id])."""
    out = np.zeros(len(rows), FEED)
    for k, (act, order, side, price, size, *other) in enumerate(rows):
        out[k] = (k, order, other[0] if other else 0, price, size, act, side, LAST)
    return out


def told(rows: Any, cut: int = 0) -> list[tuple[int, ...]]:
    feed = Feed()
    feed(rows[:cut])
    feed(rows[cut:])
    return [tuple(int(m[name]) for name in FIELDS) for m in feed.messages()]


ROW = st.tuples(
    st.integers(0, 13), st.integers(1, 6), st.sampled_from([1, -1]), st.integers(1, 5), st.integers(1, 9),
    st.integers(1, 8), st.integers(0, 3), st.booleans(),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=60), st.integers(0, 60))
def test_the_feed_says_what_its_twin_says_however_it_is_cut(drawn: list[Any], cut: int) -> None:
    rows, time = np.zeros(len(drawn), FEED), 0
    for k, (act, order, side, price, size, other, step, last) in enumerate(drawn):
        time += step
        rows[k] = (time, order, other, price, size, act, side, LAST if last else 0)
    twin = PlainFeed()
    for row in rows:
        twin(row)
    twin.finish()
    mine, theirs = told(rows, cut), twin.messages
    # Which order of a cleared side is told first is nobody's business.
    assert len(mine) == len(theirs)
    for key in (0, 1, 6):
        assert [m[key] for m in mine] == [m[key] for m in theirs]
    assert sorted(mine) == sorted(theirs)
    if not any(row["act"] == Act.CLEAR for row in rows):
        assert mine == theirs


def kinds(rows: Any) -> list[tuple[int, int, int]]:
    return [(m[1], m[2], m[5]) for m in told(rows)]


def test_a_modified_order_keeps_its_place_only_where_nobody_is_worse_off() -> None:
    add = (Act.ADD, 7, 1, 100, 10)
    assert kinds(rows_of(add, (Act.MODIFY, 7, 1, 100, 4))) == [(NEW, 7, 10), (REDUCE, 7, 6)]
    assert kinds(rows_of(add, (Act.MODIFY, 7, 1, 100, 12))) == [(NEW, 7, 10), (DELETE, 7, 10), (NEW, 7, 12)]
    assert kinds(rows_of(add, (Act.MODIFY, 7, 1, 101, 4))) == [(NEW, 7, 10), (DELETE, 7, 10), (NEW, 7, 4)]
    assert kinds(rows_of((Act.MODIFY, 9, -1, 100, 4))) == [(NEW, 9, 4)]


def test_a_fill_is_an_execution_once_the_book_shows_it_and_the_rest_of_a_trade_was_hidden() -> None:
    add, trade = (Act.ADD, 7, 1, 100, 10), (Act.TRADE, 0, 1, 100, 9)
    rows = rows_of(add, trade, (Act.FILL, 7, 1, 100, 6), (Act.CANCEL, 7, 1, 100, 6))
    rows["flags"] = [LAST, 0, 0, LAST]
    assert kinds(rows) == [(NEW, 7, 10), (EXECUTE, 7, 6), (HIDDEN, 0, 3)]
    rows = rows_of(add, (Act.FILL, 7, 1, 100, 4), (Act.MODIFY, 7, 1, 100, 3))
    assert kinds(rows) == [(NEW, 7, 10), (EXECUTE, 7, 4), (REDUCE, 7, 3)]
    assert kinds(rows_of(add, (Act.FILL, 7, 1, 100, 4))) == [(NEW, 7, 10)]


def test_a_level_that_others_trade_past_is_gone_unless_it_trades_later() -> None:
    feed = Feed()
    feed(
        rows_of(
            (Act.ADD, 1, -1, 100, 5), (Act.ADD, 2, -1, 100, 6), (Act.ADD, 3, 1, 101, 1), (Act.EXECUTE, 2, -1, 100, 2)
        )
    )
    clean, n = without_ghosts(feed.messages())
    assert n == 0 and len(clean) == 4  # the newest order there trades later, so the level stood
    feed = Feed()
    feed(rows_of((Act.ADD, 1, -1, 100, 5), (Act.ADD, 3, 1, 101, 1), (Act.DELETE, 1, -1, 100, 5)))
    clean, n = without_ghosts(feed.messages())
    assert n == 1
    assert [(int(m["type"]), int(m["order_id"])) for m in clean] == [(NEW, 1), (DELETE, 1), (NEW, 3)]


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=50), st.integers(1, 4))
def test_the_built_book_is_the_twins(drawn: list[Any], depth: int) -> None:
    rows = rows_of(*((act, order, side, price, size, other) for act, order, side, price, size, other, _, _ in drawn))
    feed = Feed()
    feed(rows)
    recording = recording_of("x", feed.messages(), 1, 1, 1.0, 1.0)
    book, strangers = build_book(recording, depth, every=True)
    assert strangers == 0 and len(book.messages) == len(recording.messages)
    twin = plain_levels(recording.messages, 1, depth)
    assert book.book.tolist() == [[list(level) for level in levels] for levels in twin]
    short, _ = build_book(recording, depth)
    for message, levels in zip(short.messages, short.book, strict=True):
        same = np.flatnonzero(recording.messages["time_ns"] == message["time_ns"])
        assert levels.tolist() in [[list(level) for level in twin[k]] for k in same]


def test_messages_that_change_no_kept_level_are_left_out() -> None:
    feed = Feed()
    feed(rows_of((Act.ADD, 1, 1, 10, 5), (Act.ADD, 2, 1, 9, 5), (Act.ADD, 3, -1, 12, 5), (Act.DELETE, 2, 1, 9, 5)))
    one, _ = build_book(recording_of("x", feed.messages(), 1, 1, 1.0, 1.0), 1)
    assert one.messages["order_id"].tolist() == [1, 3]
    assert one.book[:, 0].tolist() == [[0, 0, 10, 5], [12, 5, 10, 5]]


def fine(*sizes: tuple[int, int, int]) -> Any:
    """Messages of one order each from (type, order, size)."""
    out = np.zeros(len(sizes), FINE)
    for k, (kind, order, size) in enumerate(sizes):
        out[k] = (k, order, 100, size, kind, 1, 0)
    return out


def test_parts_of_lots_are_left_out_so_that_each_order_holds_its_whole_lots() -> None:
    messages = fine((NEW, 1, 27), (REDUCE, 1, 8), (EXECUTE, 1, 9), (DELETE, 1, 10), (NEW, 2, 9), (DELETE, 2, 9))
    found = recording_of("x", messages, 1, 100, 1.0, 0.1)
    # 2.7 lots, then 1.9, 1.0 and 0.
    assert found.messages["size"].tolist() == [2, 1, 1] and found.messages["type"].tolist() == [NEW, REDUCE, DELETE]
    assert found.lot_size == 0.1 and "left out" in found.notes[0]


@pytest.mark.parametrize(("size_units", "sizes", "lot"), [(10**8, [10**7, 3 * 10**6], 0.01), (1, [100, 300], 1.0)])
def test_the_lot_is_the_largest_power_of_ten_up_to_one(size_units: int, sizes: list[int], lot: float) -> None:
    found = recording_of("x", fine(*((NEW, k, s) for k, s in enumerate(sizes))), 1, size_units, 1.0, None)
    assert found.lot_size == lot
    assert found.messages["size"].tolist() == [round(s / size_units / lot) for s in sizes]


def test_a_recording_without_events_has_a_book_without_rows() -> None:
    empty = Recording("x", np.zeros(0, RECORDED), np.zeros((0, 0, 4), np.int32))
    assert build_book(empty, 5)[0].book.shape == (0, 5, 4)
