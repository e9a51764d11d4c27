"""One order from Python and batches of messages are the same book; reports keep what they say."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lob import Instrument, OrderBook, Reject
from lob.types import MESSAGE, EventKind, Flag, MessageKind, TimeInForce

STOCK = Instrument(min_price_ticks=90, n_prices=21, max_orders=32, n_agents=3, max_order_lots=50)
CALL = st.tuples(
    st.sampled_from(["limit", "limit", "limit", "market", "cancel", "reduce", "replace", "cancel_all"]),
    st.sampled_from(["buy", "sell"]), st.integers(88, 112), st.integers(-1, 60), st.integers(0, 30),
    st.integers(-1, 3), st.sampled_from(["GTC", "IOC", "FOK"]), st.booleans(),
)  # fmt: skip


def sent(book: OrderBook, call: tuple[Any, ...]) -> Any:
    """Make a call; return its report and the message that says the same."""
    what, side, price, lots, order, agent, tif, flag = call
    message = np.zeros(1, MESSAGE)
    message["kind"], message["agent"] = MessageKind[what.upper()], agent
    tracked = int(Flag.TRACKED) if 0 <= agent < STOCK.n_agents else 0
    sign = 1 if side == "buy" else -1
    if what == "limit":
        report = book.limit(side, price, lots, time_in_force=tif, post_only=flag, agent=agent)
        message["time_in_force"], message["flags"] = TimeInForce[tif], tracked | (Flag.POST_ONLY if flag else 0)
        message["side"], message["price_ticks"], message["qty_lots"] = sign, price, lots
    elif what == "market":
        report = book.market(side, lots, fill_or_kill=flag, agent=agent)
        message["time_in_force"], message["flags"] = TimeInForce.FOK if flag else TimeInForce.IOC, tracked
        message["side"], message["qty_lots"] = sign, lots
    elif what == "cancel_all":
        report = book.cancel_all(agent)
    else:
        message["order_id"] = order
        if what == "cancel":
            report = book.cancel(order, agent=agent)
        elif what == "reduce":
            report = book.reduce(order, lots, agent=agent)
            message["qty_lots"] = lots
        else:
            report = book.replace(order, price, lots, post_only=flag, agent=agent)
            message["price_ticks"], message["qty_lots"] = price, lots
            message["flags"] = Flag.POST_ONLY if flag else 0
    return report, message


@given(st.lists(CALL, min_size=1, max_size=40))
def test_calls_and_batches_are_the_same_book(calls: list[Any]) -> None:
    one, batch = OrderBook(STOCK), OrderBook(STOCK)
    reports, messages = zip(*(sent(one, call) for call in calls), strict=True)
    rows = batch.apply(np.concatenate(messages))
    # Reports were made while the book went on, and are looked at only now.
    assert np.concatenate([report.events for report in reports]).tobytes() == rows.tobytes()
    assert (one.block == batch.block).all()
    for report in reports:
        fills = report.events[report.events["kind"] == EventKind.EXECUTE]
        assert report.filled_lots == fills["qty_lots"].sum()
        first_is_reject = len(report.events) > 0 and report.events["kind"][0] == EventKind.REJECT
        assert (report.rejected is not None) == first_is_reject
        if len(fills):
            assert report.average_price_ticks == pytest.approx(
                np.average(fills["price_ticks"], weights=fills["qty_lots"])
            )


def test_a_report_says_what_rests_then_not_now() -> None:
    book = OrderBook()
    first = book.limit("buy", 100, 5)
    book.limit("sell", 100, 3)
    assert (first.resting_lots, first.filled_lots, first.average_price_ticks) == (5, 0, None)
    assert first.events["kind"].tolist() == [EventKind.ADD] and first == book.__class__().limit("buy", 100, 5)
    assert book.limit("buy", 0, 5).rejected is None or isinstance(book.limit("buy", -5, 5).rejected, Reject)
    assert "order_id=1, rejected=None" in repr(first)


def test_a_sweep_of_more_orders_than_the_buffer_holds_is_whole() -> None:
    book = OrderBook(Instrument(max_orders=10_000))
    for _ in range(5_000):
        book.limit("sell", 10, 1)
    report = book.market("buy", 5_000)
    assert report.filled_lots == 5_000 == len(report.events) and book.n_orders == 0
    assert book.limit("buy", 10, 1).resting_lots == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda book: pickle.loads(pickle.dumps(book))])
def test_a_copy_is_a_book_of_its_own(copied: Any) -> None:
    book = OrderBook()
    book.time_ns = 7
    order = book.limit("sell", 101, 5).order_id
    other = copied(book)
    assert other.order(order) == book.order(order) and other.time_ns == 7
    other.limit("buy", 101, 5)
    assert other.n_orders == 0 and book.n_orders == 1
    assert other.limit("buy", 99, 1).order_id == book.limit("buy", 99, 1).order_id + 1


def test_rows_of_a_batch_stay_when_the_next_is_handled() -> None:
    book = OrderBook()
    messages = np.zeros(300, MESSAGE)
    messages["kind"], messages["side"], messages["qty_lots"], messages["agent"] = MessageKind.LIMIT, 1, 1, -1
    messages["price_ticks"] = np.arange(300) + 1
    first = book.apply(messages)
    copy_of_first = first.copy()
    second = book.apply(messages)
    assert (first == copy_of_first).all() and len(second) == 300
    assert second["order_id"].tolist() == list(range(301, 601))
    assert len(book.apply(messages[:0])) == 0
