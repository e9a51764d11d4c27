"""What a participant may rely on, one claim about the exchange per test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lob import (
    MESSAGE,
    NO_PRICE,
    EventKind,
    Flag,
    Instrument,
    MessageKind,
    OrderBook,
    Phase,
    Reject,
)

ANN, BOB, CLEO = 0, 1, 2


def new_book(**rules: Any) -> OrderBook:
    """A book of 200 prices and three agents, unless told otherwise."""
    return OrderBook(Instrument(**{"n_prices": 200, "max_orders": 100, "n_agents": 3, **rules}))


def contents(book: OrderBook) -> list[tuple[str, int, int, int]]:
    """Every resting order: side, id, price, open lots, in the order in which it would trade."""
    return [(o.side, o.order_id, o.price_ticks, o.qty_lots) for s in ("buy", "sell") for o in book.orders(s)]


def kinds(rows: Any) -> list[EventKind]:
    """The kinds of tape rows."""
    return [EventKind(kind) for kind in rows["kind"]]


# ---- priority and price --------------------------------------------------------------------------


def test_the_better_price_trades_first() -> None:
    book = new_book()
    dear = book.limit("sell", 102, 5)
    cheap = book.limit("sell", 101, 5)
    fills = book.market("buy", 7).events
    assert fills["contra_order_id"].tolist() == [cheap.order_id, dear.order_id]
    assert fills["price_ticks"].tolist() == [101, 102]
    assert fills["qty_lots"].tolist() == [5, 2]


def test_at_one_price_the_older_order_trades_first() -> None:
    book = new_book()
    ids = [book.limit("buy", 100, 3).order_id for _ in range(3)]
    assert book.market("sell", 9).events["contra_order_id"].tolist() == ids


def test_a_trade_happens_at_the_resting_price_and_improves_on_the_limit() -> None:
    book = new_book()
    book.limit("sell", 100, 5)
    report = book.limit("buy", 110, 5)
    assert report.average_price_ticks == 100
    assert report.resting_lots == 0


def test_the_rest_of_a_crossing_limit_order_joins_the_book_at_its_own_limit() -> None:
    book = new_book()
    book.limit("sell", 100, 4)
    report = book.limit("buy", 105, 10)
    assert kinds(report.events) == [EventKind.EXECUTE, EventKind.ADD]
    assert (report.filled_lots, report.resting_lots) == (4, 6)
    assert book.best_bid_ticks == 105
    assert book.best_ask_ticks is None


def test_orders_of_one_agent_may_trade_with_each_other() -> None:
    book = new_book()
    book.limit("sell", 100, 5, agent=ANN)
    assert book.limit("buy", 100, 5, agent=ANN).filled_lots == 5


# ---- time in force, post-only --------------------------------------------------------------------


def test_an_immediate_order_never_rests() -> None:
    book = new_book()
    book.limit("sell", 100, 4)
    report = book.limit("buy", 100, 10, time_in_force="IOC")
    assert kinds(report.events) == [EventKind.EXECUTE, EventKind.EXPIRE]
    assert report.events["qty_lots"].tolist() == [4, 6]
    assert book.n_orders == 0


def test_fill_or_kill_takes_all_or_nothing() -> None:
    book = new_book()
    book.limit("sell", 100, 4)
    book.limit("sell", 101, 4)
    before = contents(book)
    assert book.limit("buy", 100, 5, time_in_force="FOK").rejected == Reject.FOK_UNFILLABLE
    assert contents(book) == before
    assert book.limit("buy", 101, 5, time_in_force="FOK").filled_lots == 5


def test_a_market_order_may_be_fill_or_kill_too() -> None:
    book = new_book()
    book.limit("sell", 100, 4)
    assert book.market("buy", 5, fill_or_kill=True).rejected == Reject.FOK_UNFILLABLE
    assert book.market("buy", 4, fill_or_kill=True).filled_lots == 4


def test_a_market_order_expires_in_an_empty_book_without_a_price() -> None:
    report = new_book().market("buy", 5)
    assert kinds(report.events) == [EventKind.EXPIRE]
    assert report.events["price_ticks"].tolist() == [NO_PRICE]
    assert report.rejected is None


def test_a_market_order_trades_as_far_as_the_price_range_goes() -> None:
    book = new_book(min_price_ticks=10, n_prices=10)
    book.limit("buy", 10, 1)
    assert book.market("sell", 1).average_price_ticks == 10
    book.limit("sell", 19, 1)
    assert book.market("buy", 1).average_price_ticks == 19


def test_a_post_only_order_that_would_cross_is_rejected_and_the_book_is_unchanged() -> None:
    book = new_book()
    book.limit("sell", 100, 4)
    before = contents(book)
    assert book.limit("buy", 100, 1, post_only=True).rejected == Reject.WOULD_CROSS
    assert contents(book) == before


def test_a_post_only_order_that_does_not_cross_rests() -> None:
    book = new_book()
    book.limit("sell", 100, 4)
    assert book.limit("buy", 99, 1, post_only=True).resting_lots == 1


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
def test_post_only_and_immediate_contradict_each_other(time_in_force: str) -> None:
    report = new_book().limit("buy", 99, 1, time_in_force=time_in_force, post_only=True)
    assert report.rejected == Reject.BAD_TIME_IN_FORCE


# ---- cancel, reduce, replace ---------------------------------------------------------------------


def test_a_cancel_takes_the_whole_order_away() -> None:
    book = new_book()
    order = book.limit("buy", 100, 7, agent=ANN)
    report = book.cancel(order.order_id, agent=ANN)
    assert report.events["qty_lots"].tolist() == [7]
    assert book.order(order.order_id) is None
    assert book.cancel(order.order_id, agent=ANN).rejected == Reject.UNKNOWN_ORDER


@pytest.mark.parametrize("change", ["cancel", "reduce", "replace"])
def test_nobody_may_touch_the_order_of_another(change: str) -> None:
    book = new_book()
    order_id = book.limit("buy", 100, 7, agent=ANN).order_id
    answer = {
        "cancel": lambda: book.cancel(order_id, agent=BOB),
        "reduce": lambda: book.reduce(order_id, 1, agent=BOB),
        "replace": lambda: book.replace(order_id, 101, 7, agent=BOB),
    }[change]()
    assert answer.rejected == Reject.NOT_OWNER
    assert contents(book) == [("buy", order_id, 100, 7)]


def test_a_reduced_order_keeps_its_place() -> None:
    book = new_book()
    first, second = (book.limit("buy", 100, 7).order_id for _ in range(2))
    assert book.reduce(first, 3).resting_lots == 4
    assert book.queue_position(first) == (0, 0)
    assert book.queue_position(second) == (1, 4)


def test_an_order_reduced_by_all_that_is_open_is_cancelled() -> None:
    book = new_book()
    order = book.limit("buy", 100, 7)
    assert kinds(book.reduce(order.order_id, 9).events) == [EventKind.CANCEL]
    assert book.n_orders == 0


def test_a_replace_that_asks_for_what_is_there_already_changes_nothing() -> None:
    book = new_book()
    first, second = (book.limit("buy", 100, 7).order_id for _ in range(2))
    row = book.replace(first, 100, 7).events[0]
    assert (row["kind"], row["qty_lots"], row["leaves_lots"]) == (EventKind.REDUCE, 0, 7)
    assert contents(book) == [("buy", first, 100, 7), ("buy", second, 100, 7)]


@pytest.mark.parametrize(("venue_says_so", "place"), [(True, 0), (False, 1)])
def test_a_pure_decrease_keeps_its_place_if_the_venue_says_so(venue_says_so: bool, place: int) -> None:
    book = new_book(replace_keeps_priority=venue_says_so)
    first, _ = (book.limit("buy", 100, 7).order_id for _ in range(2))
    book.replace(first, 100, 5)
    position = book.queue_position(first)
    assert position is not None
    assert position[0] == place


def test_a_replace_that_raises_the_quantity_goes_to_the_end_of_the_queue() -> None:
    book = new_book()
    first, second = (book.limit("buy", 100, 7).order_id for _ in range(2))
    book.replace(first, 100, 8)
    assert contents(book) == [("buy", second, 100, 7), ("buy", first, 100, 8)]


def test_a_replaced_order_keeps_its_id_and_trades_when_it_crosses() -> None:
    book = new_book()
    ask = book.limit("sell", 101, 4)
    bid = book.limit("buy", 99, 6)
    report = book.replace(bid.order_id, 101, 6)
    assert kinds(report.events) == [EventKind.REPLACE, EventKind.EXECUTE, EventKind.ADD]
    assert set(report.events["order_id"].tolist()) == {bid.order_id}
    assert report.events["contra_order_id"][1] == ask.order_id
    assert report.events["flags"][2] & Flag.REINSERTED
    assert contents(book) == [("buy", bid.order_id, 101, 2)]


def test_the_touch_on_a_replace_row_is_that_without_the_old_order() -> None:
    book = new_book()
    book.limit("buy", 98, 1)
    order = book.limit("buy", 99, 6)
    rows = book.replace(order.order_id, 97, 6).events
    assert rows["bid_ticks"].tolist() == [98, 98]
    assert rows["bid_lots"].tolist() == [1, 1]


def test_a_post_only_replace_that_would_cross_leaves_the_order_where_it_was() -> None:
    book = new_book()
    book.limit("sell", 101, 4)
    bid = book.limit("buy", 99, 6)
    before = contents(book)
    assert book.replace(bid.order_id, 101, 6, post_only=True).rejected == Reject.WOULD_CROSS
    assert contents(book) == before


def test_a_full_book_still_lets_its_orders_be_replaced() -> None:
    book = new_book(max_orders=2)
    bid = book.limit("buy", 99, 6)
    book.limit("sell", 101, 4)
    assert book.replace(bid.order_id, 98, 9).rejected is None
    assert book.n_orders == 2


def test_withdrawing_everything_takes_ones_own_orders_oldest_first() -> None:
    book = new_book()
    first = book.limit("buy", 99, 1, agent=ANN)
    other = book.limit("buy", 99, 2, agent=BOB)
    second = book.limit("sell", 101, 3, agent=ANN)
    third = book.limit("buy", 98, 4, agent=ANN)
    book.replace(first.order_id, 97, 1, agent=ANN)  # as good as new: now the youngest
    rows = book.cancel_all(ANN).events
    assert rows["order_id"].tolist() == [second.order_id, third.order_id, first.order_id]
    assert contents(book) == [("buy", other.order_id, 99, 2)]
    assert len(book.cancel_all(ANN).events) == 0


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("price", [9, 20])
def test_prices_outside_the_range_are_refused_and_the_ends_are_inside(price: int) -> None:
    book = new_book(min_price_ticks=10, n_prices=10)
    assert book.limit("buy", price, 1).rejected == Reject.PRICE_OUT_OF_RANGE
    assert book.limit("buy", 10, 1).rejected is None
    assert book.limit("sell", 19, 1).rejected is None


@pytest.mark.parametrize("lots", [-1, 0, 4, 51])
def test_sizes_outside_the_range_are_refused_and_the_ends_are_inside(lots: int) -> None:
    book = new_book(min_order_lots=5, max_order_lots=50)
    assert book.limit("buy", 100, lots).rejected == Reject.QTY_OUT_OF_RANGE
    assert book.limit("buy", 100, 5).rejected is None
    assert book.limit("buy", 100, 50).rejected is None


def test_a_full_book_takes_no_order_that_must_rest_but_still_trades() -> None:
    book = new_book(max_orders=1)
    book.limit("sell", 100, 5)
    assert book.limit("buy", 99, 5).rejected == Reject.BOOK_FULL
    assert book.limit("buy", 100, 2, time_in_force="IOC").filled_lots == 2
    assert book.market("buy", 3).filled_lots == 3
    assert book.limit("buy", 100, 5).resting_lots == 5


def test_an_order_trades_with_a_full_book_and_rests_in_the_place_that_it_made() -> None:
    book = new_book(max_orders=1)
    book.limit("sell", 100, 5)
    assert book.limit("buy", 100, 2).filled_lots == 2
    report = book.limit("buy", 100, 10)
    assert (report.filled_lots, report.resting_lots, report.rejected) == (3, 7, None)


def test_a_refused_order_uses_no_id() -> None:
    book = new_book()
    assert book.limit("buy", 100, 1).order_id == 1
    assert book.limit("buy", 100, 0).order_id == 0
    assert book.limit("buy", 100, 1).order_id == 2


def test_a_refusal_repeats_what_was_asked() -> None:
    row = new_book().limit("sell", 999, 5, agent=BOB, parent_id=8).events[0]
    asked = (
        ("price_ticks", 999),
        ("qty_lots", 5),
        ("side", -1),
        ("agent", BOB),
        ("parent_id", 8),
        ("leaves_lots", 0),
    )
    assert row["kind"] == EventKind.REJECT
    assert [(name, int(row[name])) for name, _ in asked] == list(asked)


# ---- collar --------------------------------------------------------------------------------------


def test_the_collar_keeps_limit_prices_near_the_last_trade_on_the_dangerous_side_only() -> None:
    book = new_book(collar_ticks=5, reference_ticks=100)
    assert book.limit("buy", 106, 1).rejected == Reject.COLLAR
    assert book.limit("sell", 94, 1).rejected == Reject.COLLAR
    assert book.limit("buy", 50, 1).rejected is None
    assert book.limit("sell", 150, 1).rejected is None
    assert book.limit("buy", 105, 1).rejected is None


def test_the_collar_stops_a_market_order() -> None:
    book = new_book(collar_ticks=5, reference_ticks=100)
    for price in (104, 105, 106):
        book.limit("sell", price, 1)
    report = book.market("buy", 3)
    assert report.events["price_ticks"].tolist() == [104, 105, NO_PRICE]
    assert book.best_ask_ticks == 106


def test_the_collar_follows_the_last_trade() -> None:
    book = new_book(collar_ticks=5, reference_ticks=100)
    book.limit("sell", 104, 1)
    book.limit("buy", 104, 1)
    assert book.limit("buy", 109, 1).rejected is None
    assert book.limit("buy", 110, 1).rejected == Reject.COLLAR


# ---- phases --------------------------------------------------------------------------------------


def test_a_halted_market_takes_cancels_and_nothing_else() -> None:
    book = new_book()
    order = book.limit("buy", 100, 5)
    book.set_phase(Phase.HALTED)
    assert book.limit("sell", 100, 5).rejected == Reject.PHASE
    assert book.market("sell", 5).rejected == Reject.PHASE
    assert book.replace(order.order_id, 99, 5).rejected == Reject.PHASE
    assert book.reduce(order.order_id, 1).rejected is None
    assert book.cancel(order.order_id).rejected is None


def test_a_closed_market_takes_nothing_until_it_opens_again() -> None:
    book = new_book()
    order = book.limit("buy", 100, 5, agent=ANN)
    book.set_phase(Phase.CLOSED)
    assert book.cancel(order.order_id, agent=ANN).rejected == Reject.PHASE
    assert book.reduce(order.order_id, 1, agent=ANN).rejected == Reject.PHASE
    assert book.cancel_all(ANN).rejected == Reject.PHASE
    book.set_phase(Phase.CONTINUOUS)
    assert book.phase == Phase.CONTINUOUS
    assert book.market("sell", 5).filled_lots == 5


# ---- the tape ------------------------------------------------------------------------------------


def test_every_message_begins_with_one_flagged_row_and_rows_are_counted_from_one() -> None:
    book = new_book()
    reports = [
        book.limit("sell", 100, 1),
        book.limit("sell", 101, 1),
        book.market("buy", 5),
        book.cancel(77),
    ]
    rows = np.concatenate([report.events for report in reports])
    assert rows["sequence"].tolist() == list(range(1, len(rows) + 1))
    firsts = [(report.events["flags"] & Flag.FIRST != 0).tolist() for report in reports]
    assert firsts == [[True], [True], [True, False, False], [True]]


def test_every_row_shows_the_touch_that_it_left_behind() -> None:
    book = new_book()
    book.limit("buy", 99, 7)
    book.limit("sell", 100, 1)
    book.limit("sell", 102, 3)
    rows = book.limit("buy", 102, 6).events
    assert rows["ask_ticks"].tolist() == [102, NO_PRICE, NO_PRICE]
    assert rows["ask_lots"].tolist() == [3, 0, 0]
    assert rows["bid_ticks"].tolist() == [99, 99, 102]
    assert rows["bid_lots"].tolist() == [7, 7, 2]


def test_an_execution_names_both_orders_their_agents_and_metaorders() -> None:
    book = new_book()
    resting = book.limit("sell", 100, 9, agent=ANN, parent_id=7)
    taking = book.limit("buy", 100, 4, agent=BOB, parent_id=8)
    row = taking.events[0]
    assert (row["order_id"], row["agent"], row["parent_id"], row["leaves_lots"]) == (
        taking.order_id,
        BOB,
        8,
        0,
    )
    assert row["contra_order_id"] == resting.order_id
    assert (row["contra_agent"], row["contra_parent_id"], row["contra_leaves_lots"]) == (ANN, 7, 5)
    assert row["side"] == 1


def test_the_metaorder_of_an_untracked_order_is_forgotten_once_it_rests() -> None:
    book = new_book()
    order = book.limit("sell", 100, 9, agent=-1, parent_id=7)
    assert order.events["parent_id"].tolist() == [7]
    assert book.market("buy", 1).events["contra_parent_id"].tolist() == [0]
    assert book.cancel(order.order_id).events["parent_id"].tolist() == [0]


def test_a_tracked_order_needs_an_agent_that_the_book_knows() -> None:
    message = np.zeros(1, MESSAGE)
    message["kind"], message["side"], message["qty_lots"] = MessageKind.LIMIT, 1, 1
    message["agent"], message["flags"] = 3, Flag.TRACKED
    assert new_book(n_agents=3).apply(message)["reason"].tolist() == [Reject.UNKNOWN_AGENT]
    assert new_book(n_agents=4).apply(message)["reason"].tolist() == [Reject.NONE]


def test_an_unknown_kind_of_message_is_refused() -> None:
    rows = new_book().apply(np.zeros(1, MESSAGE))
    assert rows["reason"].tolist() == [Reject.BAD_KIND]
