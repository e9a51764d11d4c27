"""`outcry replay` tells what it found: tick, halts, crosses, orders that nobody knows, or that there was no book."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_commands import one_line, outcry
from tests.replay import test_halts as halted
from tests.replay.days import MESSAGES, ROWS, message_row, write_day


def test_halts_and_crosses_are_told_with_their_times(tmp_path: Path) -> None:
    message, _ = write_day(tmp_path, halted.MESSAGES, halted.ROWS)
    out, _ = outcry(tmp_path, "replay", str(message), "--out", "found")
    assert "Halted: 9:30:01 to 9:30:06, quotes from 9:30:02" in out and "Cross: 9:30:05, 8 at 100.05" in out
    summary = json.loads((tmp_path / "found" / "summary.json").read_text())
    assert summary["passed"] is True and summary["tick_size"] == 0.01 and summary["head_share"] == 1.0
    assert summary["halts"] == [{"start_ns": 34_201 * 10**9, "quotes_ns": 34_202 * 10**9, "end_ns": 34_206 * 10**9}]


def test_an_unknown_delete_is_told_and_the_day_still_passes(tmp_path: Path) -> None:
    messages = [*MESSAGES[:3], message_row("34200.25", 3, 777, 5, 9997, 1), *MESSAGES[3:]]
    message, _ = write_day(tmp_path, messages, [*ROWS[:3], ROWS[2], *ROWS[3:]])
    out, _ = outcry(tmp_path, "replay", str(message))
    assert "message 4, 9:30:00.250000: delete, order 777, 5 at 99.97" in out


def test_messages_alone_say_that_there_was_no_book(tmp_path: Path) -> None:
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    book.unlink()
    out, _ = outcry(tmp_path, "replay", str(message))
    assert "No recorded book" in out and "agree" not in out


def test_a_tick_that_the_prices_contradict_is_one_line(tmp_path: Path) -> None:
    message, _ = write_day(tmp_path, MESSAGES, ROWS)
    _, err = outcry(tmp_path, "replay", str(message), "--tick", "0.05", status=2)
    assert "is between ticks of 0.05" in one_line(err)
