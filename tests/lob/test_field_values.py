"""What may stand in the fields of an order: whole numbers that a message can hold. Nothing is cut to fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lob import Instrument, OrderBook, Phase, Reject, TimeInForce
from lob.errors import FieldError, InputError

Send = Callable[[OrderBook], Any]


def book_with_an_order() -> OrderBook:
    """One order to buy 10 lots at 1990, id 1."""
    book = OrderBook(Instrument(n_prices=4096, reference_ticks=2000, n_agents=2))
    book.limit("buy", 1990, 10)
    return book


BAD: dict[str, tuple[Send, str]] = {
    "half a tick": (lambda b: b.limit("buy", 1999.5, 1), r"price_ticks = 1999\.5; allowed: whole numbers"),
    "half a lot": (lambda b: b.limit("buy", 1999, 0.5), r"qty_lots = 0\.5; allowed: whole"),
    "no price": (lambda b: b.limit("buy", None, 1), "price_ticks = None"),
    "nan": (lambda b: b.limit("buy", float("nan"), 1), "price_ticks = nan"),
    "infinite": (lambda b: b.limit("buy", 1999, float("inf")), "qty_lots = inf"),
    "NumPy's half": (lambda b: b.limit("buy", np.float32(1999.5), 1), "price_ticks = "),
    "a text": (lambda b: b.limit("buy", "1999", 1), "price_ticks = '1999'"),
    "a truth value": (lambda b: b.limit("buy", 1999, True), "qty_lots = True"),
    "too many lots for a message": (lambda b: b.limit("buy", 1999, 10**10), "qty_lots = 10000000000; allowed"),
    "5,000 digits": (lambda b: b.limit("buy", 10**4000, 1), "price_ticks = an integer of 13288 bits; allowed"),
    "2^32 + 3 lots": (lambda b: b.market("sell", 2**32 + 3), "qty_lots = 4294967299"),
    "an owner beyond 32 bits": (lambda b: b.limit("buy", 1999, 1, agent=2**32), "agent = 4294967296"),
    "half an owner": (lambda b: b.limit("buy", 1999, 1, agent=0.5), r"agent = 0\.5"),
    "a metaorder beyond 32 bits": (lambda b: b.limit("buy", 1999, 1, parent_id=2**40), "parent_id = 1099511627776"),
    "capitals": (lambda b: b.limit("BUY", 1999, 1), r"side = 'BUY'; allowed: 'buy', 'sell'"),
    "a list": (lambda b: b.market(["buy"], 1), r"side = \['buy'\]; allowed"),
    "a sign": (lambda b: b.market(1, 1), "side = 1; allowed"),
    "no such life": (lambda b: b.limit("buy", 1999, 1, time_in_force="day"), "time_in_force = 'day'; allowed: GTC"),
    "half a life": (lambda b: b.limit("buy", 1999, 1, time_in_force=1.7), r"time_in_force = 1\.7; allowed"),
    "a word for no": (lambda b: b.limit("buy", 1999, 1, post_only="no"), "post_only = 'no'; allowed: True, False"),
    "all or a number": (lambda b: b.market("buy", 1, fill_or_kill=1), "fill_or_kill = 1; allowed"),
    "an id as a text": (lambda b: b.cancel("1"), "order_id = '1'"),
    "half an id": (lambda b: b.reduce(1.5, 1), r"order_id = 1\.5"),
    "an id beyond 64 bits": (lambda b: b.cancel(2**64 + 1), "order_id = 18446744073709551617"),
    "a change to half a tick": (lambda b: b.replace(1, 1990.5, 10), r"price_ticks = 1990\.5"),
    "half a phase": (lambda b: b.set_phase(1.7), r"qty_lots = 1\.7"),
    "nobody": (lambda b: b.cancel_all(None), "agent = None"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_an_order_is_refused_with_its_value_and_the_book_stays(name: str) -> None:
    send, words = BAD[name]
    book = book_with_an_order()
    before = book.block.tobytes()
    with pytest.raises(FieldError, match=words) as caught:
        send(book)
    assert isinstance(caught.value, InputError) and isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 120
    assert book.block.tobytes() == before


@pytest.mark.parametrize("number", [int, float, np.int16, np.int64, np.uint32, np.float32, np.float64, np.array])
def test_whole_numbers_of_every_kind_are_welcome(number: Any) -> None:
    book = book_with_an_order()
    report = book.limit("sell", number(1999), number(7))
    assert (report.resting_lots, book.best_ask_ticks) == (7, 1999)
    assert book.reduce(number(report.order_id), number(3)).resting_lots == 4


def test_times_in_force_go_by_name_and_by_member() -> None:
    for time_in_force in ("IOC", TimeInForce.IOC, int(TimeInForce.IOC)):
        assert book_with_an_order().limit("buy", 1999, 1, time_in_force=time_in_force).resting_lots == 0


def test_a_time_that_is_no_whole_number_of_nanoseconds_is_refused() -> None:
    book = book_with_an_order()
    book.time_ns = 0.5  # type: ignore[assignment]
    with pytest.raises(FieldError, match=r"time_ns = 0\.5"):
        book.limit("buy", 1990, 1)


def test_looking_up_takes_whole_numbers_too() -> None:
    book = book_with_an_order()
    with pytest.raises(FieldError, match=r"order_id = 1\.5"):
        book.order(1.5)  # type: ignore[arg-type]
    with pytest.raises(FieldError, match=r"order_id = 'x'"):
        book.queue_position("x")  # type: ignore[arg-type]
    with pytest.raises(FieldError, match="n_levels = -1"):
        book.depth("buy", -1)
    with pytest.raises(FieldError, match="side = 'bid'"):
        book.depth("bid")  # type: ignore[arg-type]
    assert len(book.depth("buy", 10**12)) == 1


def test_a_report_on_a_refused_change_tells_what_still_rests() -> None:
    book = book_with_an_order()
    for refused in (
        book.replace(1, 9999, 10),
        book.replace(1, 1990, 0),
        book.reduce(1, 0),
        book.cancel(1, agent=1),
        book.reduce(1, -5),
    ):
        assert refused.rejected is not None
        assert (refused.order_id, refused.resting_lots) == (1, 10)
    assert book.cancel(2).resting_lots == 0
    assert book.limit("buy", 9999, 5).resting_lots == 0
    book.set_phase(Phase.HALTED)
    assert (book.replace(1, 1991, 10).rejected, book.replace(1, 1991, 10).resting_lots) == (Reject.PHASE, 10)


def test_an_average_price_is_exact_at_the_largest_prices_and_quantities() -> None:
    top = 2**30  # one order of 2^30 lots is worth 2^60, half an order at each of two prices is exact to the half tick
    book = OrderBook(Instrument(min_price_ticks=top, n_prices=4, max_order_lots=2**30))
    book.limit("sell", top, 2**29)
    book.limit("sell", top + 1, 2**29)
    assert book.market("buy", 2**30).average_price_ticks == top + 0.5


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"n_prices": 100.5}, r"instrument STOCK: n_prices = 100\.5; allowed: whole numbers from 1 to 262144"),
        ({"reference_ticks": 1000.5}, r"reference_ticks = 1000\.5"),
        ({"max_orders": "64"}, "max_orders = '64'"),
        ({"min_order_lots": None}, "min_order_lots = None"),
        ({"collar_ticks": True}, "collar_ticks = True"),
        ({"min_price_ticks": float("nan")}, "min_price_ticks = nan"),
        ({"max_order_lots": 2**31}, "max_order_lots = 2147483648; allowed: whole numbers from 1 to 1073741824"),
        ({"replace_keeps_priority": "no"}, "replace_keeps_priority = 'no'; allowed: True, False"),
    ],
)
def test_an_instrument_of_fractions_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(FieldError, match=words):
        Instrument(**fields)


def test_an_instrument_takes_whole_floats_as_the_integers_that_they_are() -> None:
    instrument = Instrument(n_prices=100.0, reference_ticks=np.int32(50))  # type: ignore[arg-type]
    assert (instrument.n_prices, type(instrument.n_prices), instrument.reference_ticks) == (100, int, 50)
