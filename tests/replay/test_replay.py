"""A recorded day through the engine: hand-made days with known answers, and the real sample days."""

from __future__ import annotations

import pytest

from lob.errors import InputError
from lob.lobster import read_day
from lob.replay import replay
from tests.replay.days import ASKS, CASES, DATA, MESSAGES, ROWS, book_row, message_row, of_tick, write_day


def changed(rows, index, row):
    return [*rows[:index], row, *rows[index + 1 :]]


def test_a_day_that_the_engine_reproduces_agrees_after_every_message(tmp_path):
    found = replay(read_day(*write_day(tmp_path, MESSAGES, ROWS)))
    assert found.agreement == 1.0
    assert found.counts["messages"] == len(MESSAGES)
    assert found.counts["unknown"] == 0
    assert found.counts["executions"] == found.counts["executions_at_head"] == 2
    assert found.counts["hidden"] == 1


def test_depth_that_leaves_the_window_is_forgotten_and_comes_back_with_the_recorded_size(tmp_path):
    found = replay(read_day(*write_day(tmp_path, MESSAGES, ROWS)))
    # The bid at 99.90 left at row 4 with 20 lots and came back at row 5 with 35: seeded, hence not compared, there.
    assert found.counts["forgotten"] == 1
    # All four cells of the first row are the seed of the day.
    assert found.counts["cells_seeded"] == 1 + 4
    assert found.counts["cells"] == 4 * len(ROWS) - 1 - 4


def test_a_share_by_level_counts_compared_cells_only(tmp_path):
    found = replay(read_day(*write_day(tmp_path, MESSAGES, ROWS)))
    assert found.levels_right.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    wrong = changed(ROWS, 7, book_row(ASKS, [(9999, 31), (9990, 35)]))
    found = replay(read_day(*write_day(tmp_path, MESSAGES, wrong)))
    assert found.levels_right[0].tolist() == pytest.approx([6 / 7, 1.0])


def test_a_stub_quote_beyond_the_range_is_counted_and_the_market_is_still_compared(tmp_path):
    stub = (19_999_999, 1)
    first, second = [(9999, 100), (9990, 20)], [(9999, 150), (9990, 20)]
    rows = [book_row([ASKS[0], stub], bids) for bids in (first, second, second, second)]
    messages = [*MESSAGES[:2], message_row("34201", 1, 21, 5, stub[0], -1), message_row("34202", 3, 21, 5, stub[0], -1)]
    found = replay(read_day(*write_day(tmp_path, messages, rows)))
    assert found.agreement == 1.0
    assert found.counts["outside"] == 2
    assert found.counts["cells_outside"] == 4
    assert found.counts["cells"] == 3 * 3


def test_nothing_is_compared_on_a_day_of_one_message(tmp_path):
    found = replay(read_day(*write_day(tmp_path, MESSAGES[:1], ROWS[:1])))
    assert found.counts["cells"] == 0


def test_a_wrong_size_inside_the_window_is_a_disagreement_and_is_never_seeded_away(tmp_path):
    wrong = changed(ROWS, 2, book_row(ASKS, [(9999, 111), (9990, 20)]))
    found = replay(read_day(*write_day(tmp_path, MESSAGES, wrong)))
    assert found.counts["agreeing"] == len(MESSAGES) - 1


def test_a_level_that_the_record_invents_inside_the_window_is_not_seeded(tmp_path):
    wrong = changed(ROWS, 6, book_row(ASKS, [(9999, 50), (9995, 5)]))
    found = replay(read_day(*write_day(tmp_path, MESSAGES, wrong)))
    assert found.counts["agreeing"] < len(MESSAGES)


def test_an_execution_out_of_turn_is_carried_out_counted_and_listed(tmp_path):
    messages = changed(MESSAGES, 3, message_row("34200.3", 4, 12, 50, 9999, 1))
    messages = changed(messages, 7, message_row("34200.7", 4, 11, 20, 9999, 1))
    rows = changed(ROWS, 3, book_row(ASKS, [(9999, 60), (9990, 20)]))
    rows = changed(rows, 4, book_row(ASKS, [(10000, 10), (9999, 60)]))
    for k in (5, 6):
        rows = changed(rows, k, book_row(ASKS, [(9999, 60), (9990, 35)]))
    rows = changed(rows, 7, book_row(ASKS, [(9999, 40), (9990, 35)]))
    found = replay(read_day(*write_day(tmp_path, messages, rows)))
    assert found.agreement == 1.0
    assert found.counts["exceptions"] == 1
    assert found.exceptions.tolist() == [3]
    assert found.head_share == pytest.approx(0.5)


def test_messages_about_unknown_orders_take_from_the_seeded_quantity(tmp_path):
    messages = [MESSAGES[0], message_row("34201", 2, 77, 5, 9990, 1), message_row("34202", 3, 78, 15, 9990, 1)]
    rows = [ROWS[0], book_row(ASKS, [(9999, 100), (9990, 15)]), book_row(ASKS, [(9999, 100), (9980, 3)])]
    found = replay(read_day(*write_day(tmp_path, messages, rows)))
    assert found.agreement == 1.0
    assert found.counts["from_seed"] == 2


def test_an_order_that_nobody_knows_is_counted_and_shows_as_a_disagreement(tmp_path):
    messages = [MESSAGES[0], message_row("34201", 3, 77, 5, 9995, 1)]
    found = replay(read_day(*write_day(tmp_path, messages, ROWS[:2])))
    assert found.counts["unknown"] == 1
    assert found.counts["agreeing"] == 1


def test_the_share_at_the_head_counts_executions_alone(tmp_path):
    """Deletes of orders that nobody knows say nothing about whose turn an execution was."""
    strangers = [message_row("34200.25", 3, 777 + k, 5, 9997, 1) for k in range(9)]
    messages = [*MESSAGES[:3], *strangers, *MESSAGES[3:]]
    found = replay(read_day(*write_day(tmp_path, messages, [*ROWS[:3], *[ROWS[2]] * 9, *ROWS[3:]])))
    assert found.counts["unknown"] == 9 and found.strangers.tolist() == list(range(3, 12))
    assert found.counts["executions"] == found.counts["executions_at_head"] == 2
    assert found.head_share == 1.0 and found.agreement == 1.0


def test_an_execution_of_an_order_that_nobody_knows_is_not_at_the_head(tmp_path):
    messages = [*MESSAGES[:2], message_row("34201", 4, 77, 5, 9995, 1)]
    found = replay(read_day(*write_day(tmp_path, messages, [*ROWS[:2], ROWS[1]])))
    assert found.counts["executions"] == 1 and found.head_share == 0.0


@pytest.mark.parametrize("units", [1, 5, 50, 500, 2500, 10_000])
def test_a_day_of_any_tick_replays_as_at_one_cent(tmp_path, units):
    paths = write_day(tmp_path, of_tick(MESSAGES, units, is_book=False), of_tick(ROWS, units, is_book=True))
    found = replay(read_day(*paths))
    assert found.agreement == 1.0 and found.head_share == 1.0
    assert (found.counts["forgotten"], found.counts["cells_seeded"], found.counts["cells"]) == (1, 5, 4 * len(ROWS) - 5)


def test_messages_alone_build_the_book_with_nothing_to_compare(tmp_path):
    message, book = write_day(tmp_path, MESSAGES, ROWS)
    book.unlink()
    found = replay(read_day(message))
    assert found.counts["cells"] == found.counts["agreeing"] == found.counts["unknown"] == 0
    assert found.counts["executions"] == found.counts["executions_at_head"] == 2


def test_prices_that_no_book_can_hold_are_refused(tmp_path):
    far = 2 * 10**12
    messages = [message_row("34200", 1, 1, 5, far, 1, 1), message_row("34201", 1, 2, 5, far + 1, -1, 1)]
    book = [book_row([], [(far, 5)], 1, 1), book_row([(far + 1, 5)], [(far, 5)], 1, 1)]
    with pytest.raises(InputError, match="allowed: a larger tick"):
        replay(read_day(*write_day(tmp_path, messages, book, 1)))


EXPECTED = {  # of 19, 10, ... messages: executions in continuous trading, messages without effect, tick
    "v04_halt_with_crossed_quotes_then_cross": (3, 0, 0.01),
    "v09_gz": (3, 0, 0.01),
    "v11_sub_dollar_stock": (3, 0, 0.0001),
    "v12_half_penny_ticks_of_rule_612": (3, 0, 0.005),
    "v21_blank_lines_at_end": (3, 0, 0.01),
    "v50_one_unknown_delete": (3, 2, 0.01),
}


@pytest.mark.skipif(not CASES.is_dir(), reason="the small cases are not beside the project")
@pytest.mark.parametrize("name", EXPECTED)
def test_files_that_people_have_replay_with_equal_books(name):
    executions, unknown, tick = EXPECTED[name]
    (message,) = (CASES / "lobster" / name).glob("*_message_*")
    day = read_day(message)
    found = replay(day)
    assert found.agreement == found.head_share == 1.0 and day.tick_size == tick
    assert (found.counts["executions"], found.counts["unknown"]) == (executions, unknown)


@pytest.mark.skipif(not DATA.is_dir(), reason="the LOBSTER sample days are not beside the project")
@pytest.mark.parametrize("name", ["GOOG_2012-06-21_10", "AMZN_2012-06-21_5"])
def test_a_real_day_agrees_and_executes_at_the_head_of_the_queue(name):
    day = read_day(DATA / f"LOBSTER_SampleFile_{name}.zip")
    found = replay(day)
    assert found.counts["messages"] == len(day.messages) == found.by_type.sum()
    assert found.agreement >= 0.9999
    assert found.head_share >= 0.999
    assert found.counts["unknown"] == 0
    assert found.counts["crossed"] == 0
