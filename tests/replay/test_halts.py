"""A halt as NASDAQ runs it: quotes are shown and may cross, nothing trades before the cross, then trading goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from lob.lobster import read_day
from lob.replay import Halt, replay, replayed_rows
from lob.types import EventKind, Phase
from tests.replay.days import ASKS, book_row, message_row, write_day

HALT = ["34201,7,0,0,-1,-1", "34202,7,0,0,0,-1"]
RESUME = "34206,7,0,0,1,-1"
BIDS = [(9999, 100), (9990, 20)]
# A bid above the best ask, and an ask below that bid, are shown; 8 of each trade in a cross at 100.05.
MESSAGES = [
    message_row("34200.5", 1, 11, 100, 9999, 1),
    *HALT,
    message_row("34203", 1, 50, 8, 10006, 1),
    message_row("34204", 1, 51, 9, 10004, -1),
    message_row("34205", 4, 50, 8, 10006, 1),
    message_row("34205", 4, 51, 8, 10004, -1),
    "34205,6,-1,8,1000500,-1",
    RESUME,
    message_row("34207", 4, 51, 1, 10004, -1),
]
ROWS = [
    *[book_row(ASKS, BIDS)] * 3,
    book_row(ASKS, [(10006, 8), (9999, 100)]),
    book_row([(10004, 9), *ASKS], [(10006, 8), (9999, 100)]),
    book_row([(10004, 9), *ASKS], BIDS),
    *[book_row([(10004, 1), *ASKS], BIDS)] * 3,
    book_row(ASKS, BIDS),
]


def test_crossed_quotes_are_shown_and_do_not_trade_and_both_books_stay_equal(tmp_path: Path) -> None:
    found = replay(read_day(*write_day(tmp_path, MESSAGES, ROWS)))
    assert found.agreement == 1.0 and found.counts["unknown"] == found.counts["crossed"] == 0
    assert found.counts["halted_orders"] == found.counts["halted_executions"] == 2
    # The one execution outside the cross is of the only order at its price.
    assert found.counts["executions"] == found.counts["executions_at_head"] == 1 and found.head_share == 1.0
    assert found.halts == [Halt(34_201 * 10**9, 34_202 * 10**9, 34_206 * 10**9)]


def test_the_tape_of_a_halted_day_has_its_phases_and_no_trade_within_them(tmp_path: Path) -> None:
    rows, _ = replayed_rows(read_day(*write_day(tmp_path, MESSAGES, ROWS)))
    phases = rows[rows["kind"] == EventKind.PHASE]
    assert phases["qty_lots"].tolist() == [Phase.HALTED, Phase.CONTINUOUS]
    halted = rows[(rows["time_ns"] >= phases["time_ns"][0]) & (rows["time_ns"] < phases["time_ns"][1])]
    assert not (halted["kind"] == EventKind.EXECUTE).any() and not (rows["kind"] == EventKind.REJECT).any()
    assert (halted["bid_ticks"] > halted["ask_ticks"]).any()  # shown crossed


def test_a_cross_has_no_turns(tmp_path: Path) -> None:
    """Two bids are executed worst first, which a cross may do; nobody was overtaken."""
    messages = [
        *MESSAGES[:3],
        message_row("34203", 1, 50, 8, 10006, 1),
        message_row("34204", 1, 52, 8, 10004, 1),
        message_row("34205", 4, 52, 8, 10004, 1),
        message_row("34205", 4, 50, 8, 10006, 1),
        RESUME,
    ]
    rows = [
        *[book_row(ASKS, BIDS)] * 3,
        book_row(ASKS, [(10006, 8), (9999, 100)]),
        book_row(ASKS, [(10006, 8), (10004, 8)]),
        book_row(ASKS, [(10006, 8), (9999, 100)]),
        *[book_row(ASKS, BIDS)] * 2,
    ]
    found = replay(read_day(*write_day(tmp_path, messages, rows)))
    assert found.agreement == 1.0
    assert (found.counts["executions"], found.counts["exceptions"], found.counts["halted_executions"]) == (0, 0, 2)
    assert found.head_share == 1.0


def test_a_record_that_begins_inside_a_halt_says_so_by_its_first_resumption(tmp_path: Path) -> None:
    found = replay(read_day(*write_day(tmp_path, MESSAGES[2:], ROWS[2:])))
    assert found.halts == [Halt(None, 34_202 * 10**9, 34_206 * 10**9)]
    assert found.agreement == 1.0 and found.counts["crossed"] == 0


def test_a_halt_that_the_record_does_not_end_lasts_to_its_end(tmp_path: Path) -> None:
    found = replay(read_day(*write_day(tmp_path, MESSAGES[:8], ROWS[:8])))
    assert found.halts == [Halt(34_201 * 10**9, 34_202 * 10**9, None)]
    assert found.agreement == 1.0


@pytest.mark.parametrize("again", [HALT[0], HALT[1], RESUME])
def test_a_phase_that_is_told_twice_is_one_phase(tmp_path: Path, again: str) -> None:
    at = MESSAGES.index(again)
    messages, rows = [*MESSAGES[: at + 1], *MESSAGES[at:]], [*ROWS[: at + 1], *ROWS[at:]]
    found = replay(read_day(*write_day(tmp_path, messages, rows)))
    assert found.agreement == 1.0 and len(found.halts) == 1
