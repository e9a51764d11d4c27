"""The fast engine and its plain-Python twin write the same tape, byte for byte."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings

from lob import MESSAGE, EventKind, Instrument, MessageKind, OrderBook, Reject
from lob.invariants import check_invariants
from lob.reference import ReferenceBook
from lob.types import BUY, NO_PRICE, SELL
from tests.lob.compare import Array, long_run, same, step_by_step
from tests.lob.streams import MARKETS, LivingStream, small_markets

MESSAGES_PER_MARKET = 130_000
"""Times the eight MARKETS: more than a million messages in all."""


def books_hold_the_same(book: OrderBook, twin: ReferenceBook) -> None:
    """The book is sound and shows the orders, levels and places in the queue of the twin."""
    check_invariants(book)
    bid, _, ask, _ = twin.touch()
    assert book.best_bid_ticks == (None if bid == NO_PRICE else bid)
    assert book.best_ask_ticks == (None if ask == NO_PRICE else ask)
    assert book.phase == twin.phase
    assert book.n_orders == len(twin.orders)
    sides: list[tuple[Literal["buy", "sell"], int]] = [("buy", BUY), ("sell", SELL)]
    for name, side in sides:
        resting = list(twin.queue(side))
        shown = [(o.order_id, o.side, o.price_ticks, o.qty_lots, o.agent) for o in book.orders(name)]
        assert shown == [(o.order_id, name, o.price_ticks, o.open_lots, o.agent) for o in resting]
        levels: dict[int, list[int]] = {}
        for order in resting:
            ahead = levels.setdefault(order.price_ticks, [])
            assert book.queue_position(order.order_id) == (len(ahead), sum(ahead))
            ahead.append(order.open_lots)
        depth = [(level.price_ticks, level.qty_lots, level.n_orders) for level in book.depth(name, len(levels) + 1)]
        assert depth == [(price, sum(lots), len(lots)) for price, lots in levels.items()]


@settings(max_examples=400)
@given(small_markets())
def test_any_few_messages_in_any_small_market_are_answered_alike(
    market: tuple[Instrument, Array],
) -> None:
    instrument, messages = market
    step_by_step(instrument, messages, look=books_hold_the_same)


@settings(max_examples=100)
@given(small_markets())
def test_messages_in_one_batch_are_answered_as_messages_one_by_one(
    market: tuple[Instrument, Array],
) -> None:
    instrument, messages = market
    at_once, one_by_one = OrderBook(instrument), OrderBook(instrument)
    rows = [one_by_one.apply(messages[i : i + 1]) for i in range(len(messages))]
    assert same(at_once.apply(messages), np.concatenate(rows))


@pytest.mark.parametrize("name", MARKETS)
def test_a_long_life_of_a_market_is_told_alike(name: str) -> None:
    instrument, climate = MARKETS[name]
    seen = long_run(
        instrument,
        climate,
        seed=20_240_607,
        n_messages=MESSAGES_PER_MARKET,
        look=books_hold_the_same,
    )
    kinds = {EventKind(kind) for kind in np.flatnonzero(seen.sum(axis=1)).tolist()}
    assert kinds >= {kind for kind in EventKind if kind < EventKind.NEWS}


def test_long_streams_meet_every_reason_of_the_exchange_to_refuse() -> None:
    met: set[int] = set()
    for instrument, climate in MARKETS.values():
        seen = long_run(instrument, climate, seed=1, n_messages=10_000)
        met.update(np.flatnonzero(seen[EventKind.REJECT]).tolist())
    of_plain_orders = {reason for reason in Reject if 0 < reason <= Reject.DUPLICATE_ORDER_ID}
    assert met >= of_plain_orders - {Reject.UNKNOWN_SYMBOL}


def test_one_sweep_may_write_more_rows_than_a_batch_has_messages() -> None:
    instrument = Instrument(n_prices=100, max_orders=20_000)
    messages = np.zeros(10_001, MESSAGE)
    messages["kind"] = MessageKind.LIMIT
    messages["price_ticks"] = 10 + np.arange(10_001) % 80
    messages["side"] = SELL
    messages["qty_lots"] = 1
    messages["kind"][-1], messages["side"][-1], messages["qty_lots"][-1] = (
        MessageKind.MARKET,
        BUY,
        10_000,
    )
    rows = OrderBook(instrument).apply(messages)
    assert len(rows) == 20_000
    assert same(rows, ReferenceBook(instrument).apply(messages))


def test_the_same_seed_gives_the_same_stream() -> None:
    instrument, climate = MARKETS["liquid"]
    first, again = (LivingStream(ReferenceBook(instrument), climate, seed=5).next(200) for _ in range(2))
    assert same(first, again)
