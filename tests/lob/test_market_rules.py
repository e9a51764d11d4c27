"""Each rule of docs/market-rules.md, in its words: the first line of a test is a line of that page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lob import Allocation, EventKind, Flag, Instrument, OrderBook, Phase, Reject, Report, SelfTrade
from scenarios.schema.market_rules import VENUES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "market-rules.md"


def book_of(**rules: Any) -> OrderBook:
    return OrderBook(Instrument(n_agents=20, n_prices=400, max_orders=200, **rules))


def fills(report: Report) -> list[tuple[int, int, float]]:
    """(resting order, lots, price) of each execution of the report's own order."""
    rows = report.events
    rows = rows[(rows["kind"] == EventKind.EXECUTE) & (rows["order_id"] == report.order_id)]
    half = (rows["flags"] & Flag.HALF_TICK > 0) / 2
    return list(
        zip(rows["contra_order_id"].tolist(), rows["qty_lots"].tolist(), rows["price_ticks"] + half, strict=True)
    )


def kinds(report: Report) -> list[str]:
    return [EventKind(kind).name for kind in report.events["kind"]]


# ---- priority ---------------------------------------------------------------------------------------------------


def test_priority() -> None:
    """An incoming order meets the best price first; at one price displayed orders before others, then the older
    first."""
    book = book_of()
    hidden = book.hidden("sell", 101, 5)
    shown = book.limit("sell", 101, 5)
    later = book.limit("sell", 101, 5)
    better = book.hidden("sell", 100, 5)
    took = book.limit("buy", 101, 20)
    assert [order for order, _, _ in fills(took)] == [better.order_id, shown.order_id, later.order_id, hidden.order_id]


def test_resting_price() -> None:
    """A trade happens at the price of the order that was there before."""
    book = book_of()
    book.limit("sell", 101, 5)
    assert fills(book.limit("buy", 105, 5))[0][2] == 101


# ---- icebergs ---------------------------------------------------------------------------------------------------


def test_iceberg_shows_a_part() -> None:
    """An iceberg shows no more than its display quantity; the rest is there, but not to be seen."""
    book = book_of()
    order = book.iceberg("sell", 101, 100, 10)
    assert book.depth("sell")[0].qty_lots == 10 and order.resting_lots == 100


def test_iceberg_refresh() -> None:
    """When what an iceberg shows has traded, the next part joins the end of its queue: the refresh loses priority."""
    book = book_of()
    iceberg, plain = book.iceberg("sell", 101, 100, 10), book.limit("sell", 101, 10)
    took = book.market("buy", 25)
    assert fills(took) == [(iceberg.order_id, 10, 101), (plain.order_id, 10, 101), (iceberg.order_id, 5, 101)]
    left = book.order(iceberg.order_id)
    assert left is not None and left.qty_lots == 85 and left.shown_lots == 5
    assert kinds(took) == ["EXECUTE", "REFRESH", "EXECUTE", "EXECUTE"]


def test_iceberg_reduce() -> None:
    """Reducing an iceberg takes what it does not show first, and leaves it its place."""
    book = book_of()
    order = book.iceberg("sell", 101, 30, 10)
    book.limit("sell", 101, 10)
    book.reduce(order.order_id, 25)
    assert fills(book.market("buy", 5)) == [(order.order_id, 5, 101)]


# ---- hidden, minimum, all or none ---------------------------------------------------------------------------------


def test_hidden_is_not_shown() -> None:
    """A hidden order changes no displayed quantity, and a trade with it is marked on the tape."""
    book = book_of()
    book.hidden("sell", 101, 5)
    assert book.depth("sell") == []
    took = book.market("buy", 2)
    assert took.events["flags"][0] & Flag.HIDDEN


def test_minimum() -> None:
    """An order with a minimum trades with an incoming order of at least that size, or of at least what is left of
    it."""
    book = book_of()
    order = book.hidden("sell", 101, 20, min_lots=8)
    assert book.limit("buy", 101, 7, time_in_force="IOC").filled_lots == 0
    assert fills(book.market("buy", 15)) == [(order.order_id, 15, 101)]
    assert fills(book.market("buy", 5)) == [(order.order_id, 5, 101)]


def test_all_or_none() -> None:
    """An all-or-none order trades whole, with one incoming order or when it comes in, or not at all."""
    book = book_of()
    order = book.hidden("sell", 101, 20, all_or_none=True)
    assert book.market("buy", 19).filled_lots == 0
    assert book.market("buy", 20).filled_lots == 20
    book.limit("sell", 101, 12)
    book.limit("sell", 101, 12)
    assert book.hidden("buy", 101, 30, all_or_none=True).filled_lots == 0
    assert book.hidden("buy", 101, 24, all_or_none=True).filled_lots == 24
    assert book.order(order.order_id) is None


def test_minimum_at_once() -> None:
    """An IOC or market order with a minimum is refused if less would trade at once."""
    book = book_of()
    book.limit("sell", 101, 5)
    assert book.send("market", side="buy", qty_lots=10, min_lots=6).rejected == Reject.MINIMUM_UNFILLABLE
    assert book.send("market", side="buy", qty_lots=10, min_lots=5).filled_lots == 5


# ---- pegs ---------------------------------------------------------------------------------------------------------


def test_midpoint() -> None:
    """A midpoint peg trades in the middle of the displayed touch, between two ticks if need be."""
    book = book_of()
    book.limit("buy", 100, 5)
    book.limit("sell", 105, 5)
    order = book.pegged("sell", "midpoint", 5)
    assert fills(book.market("buy", 5)) == [(order.order_id, 5, 102.5)]


def test_primary() -> None:
    """A primary peg follows its own side's displayed best, behind it in priority, and never reaches the other
    side's."""
    book = book_of()
    shown = book.limit("buy", 100, 5)
    book.limit("sell", 102, 5)
    peg = book.pegged("buy", "primary", 5)
    assert fills(book.limit("sell", 100, 8)) == [(shown.order_id, 5, 100), (peg.order_id, 3, 100)]
    book.limit("buy", 99, 5)
    bold = book.pegged("buy", "primary", 5, 50)
    assert fills(book.limit("sell", 101, 5)) == [(bold.order_id, 5, 101)]


def test_market_peg() -> None:
    """A market peg follows the other side's displayed best at its offset, at least one tick away from it."""
    book = book_of()
    book.limit("buy", 100, 5)
    book.limit("sell", 106, 5)
    near, far = book.pegged("buy", "market", 5, 0), book.pegged("buy", "market", 5, -3)
    assert fills(book.limit("sell", 103, 10)) == [(near.order_id, 5, 105), (far.order_id, 5, 103)]


def test_peg_limit() -> None:
    """A peg with a limit goes no further than it, and without what it follows it stands nowhere."""
    book = book_of()
    book.limit("buy", 100, 5)
    limited = book.pegged("buy", "midpoint", 5, price_ticks=101)
    assert book.limit("sell", 103, 2).filled_lots == 0  # until now there was no midpoint
    book.limit("sell", 106, 5)
    assert fills(book.limit("sell", 101, 5)) == [(limited.order_id, 5, 101)]


def test_peg_looks_again() -> None:
    """When the displayed touch moves, pegs trade with undisplayed orders that they reach then, and keep their age."""
    book = book_of()
    book.limit("buy", 100, 5)
    book.limit("sell", 110, 5)
    hidden = book.hidden("sell", 106, 5)
    peg = book.pegged("buy", "midpoint", 8)
    moved = book.limit("buy", 103, 5)  # the midpoint is 106.5 now
    rows = moved.events[moved.events["kind"] == EventKind.EXECUTE]
    assert (rows["order_id"].tolist(), rows["contra_order_id"].tolist()) == ([peg.order_id], [hidden.order_id])
    assert rows["price_ticks"].tolist() == [106]


# ---- stops --------------------------------------------------------------------------------------------------------


def test_stop() -> None:
    """A stop waits outside of the book until a trade at its trigger or beyond, and is a market order then."""
    book = book_of()
    book.limit("buy", 99, 50)
    book.limit("sell", 101, 50)
    stop = book.stop("buy", 102, 5)
    book.market("buy", 1)
    assert book.order(stop.order_id) is not None
    book.limit("sell", 102, 10)
    swept = book.market("buy", 50)
    assert kinds(swept)[-2:] == ["TRIGGER", "EXECUTE"]
    assert swept.events["order_id"][-1] == stop.order_id


def test_stop_never_early() -> None:
    """A stop is elected by trades only: no quote sets it off, and no trade short of its trigger."""
    book = book_of()
    book.limit("sell", 105, 5)
    book.limit("buy", 95, 5)
    stop = book.stop("sell", 97, 5)
    book.limit("sell", 97, 5)
    assert book.order(stop.order_id) is not None


def test_stop_already_reached() -> None:
    """A stop whose trigger the last trade has reached already is elected at once."""
    book = book_of()
    book.limit("sell", 101, 5)
    book.limit("buy", 99, 5)
    book.market("buy", 1)
    assert kinds(book.stop("sell", 101, 3)) == ["PARK", "TRIGGER", "EXECUTE"]


def test_stop_limit() -> None:
    """A stop-limit order is a limit order once it is elected, and rests with what does not trade."""
    book = book_of()
    book.limit("sell", 101, 10)
    book.stop("buy", 101, 8, 100)
    book.market("buy", 1)
    assert [(level.price_ticks, level.qty_lots) for level in book.depth("buy")] == [(100, 8)]


def test_trailing() -> None:
    """A trailing stop's trigger follows the best trade since its entry at its distance, and never goes back."""
    book = book_of()
    for price in (100, 103, 104):
        book.limit("sell", price, 1)
    book.limit("buy", 90, 100)
    book.market("buy", 1)
    stop = book.trailing_stop("sell", 5, 10)
    assert book.order(stop.order_id).price_ticks == 95  # type: ignore[union-attr]
    book.market("buy", 2)
    assert book.order(stop.order_id).price_ticks == 99  # type: ignore[union-attr]
    book.limit("buy", 101, 1)
    book.market("sell", 1)
    assert book.order(stop.order_id).price_ticks == 99  # type: ignore[union-attr]
    book.limit("buy", 99, 1)
    assert "TRIGGER" in kinds(book.market("sell", 1))


def test_cascade_order() -> None:
    """Stops that one trade elects act one after the other: buys from the lowest trigger, then sells from the
    highest."""
    book = book_of()
    for price in (100, 99, 98, 97):
        book.limit("buy", price, 10)
    lower, upper = book.stop("sell", 99, 3), book.stop("sell", 100, 3)
    rows = book.market("sell", 1).events
    assert rows["order_id"][rows["kind"] == EventKind.TRIGGER].tolist() == [upper.order_id]
    rows = book.market("sell", 9).events
    assert rows["order_id"][rows["kind"] == EventKind.TRIGGER].tolist() == [lower.order_id]


def test_market_to_limit() -> None:
    """A market-to-limit order trades at the best opposite price, and what is left of it rests there."""
    book = book_of()
    book.limit("sell", 102, 40)
    book.limit("sell", 104, 40)
    report = book.market_to_limit("buy", 80)
    assert report.filled_lots == 40 and report.average_price_ticks == 102
    assert [(level.price_ticks, level.qty_lots) for level in book.depth("buy")] == [(102, 40)]
    assert book_of().market_to_limit("buy", 1).rejected == Reject.NO_LIQUIDITY


# ---- life ---------------------------------------------------------------------------------------------------------


def test_gtd() -> None:
    """A GTD order is withdrawn by the venue at its time, with the reason EXPIRED."""
    book = book_of()
    order = book.send("limit", side="sell", price_ticks=101, qty_lots=5, expires_ns=1_000)
    book.time_ns = 999
    assert book.expire().events.size == 0
    book.time_ns = 1_000
    rows = book.expire().events
    assert rows["reason"].tolist() == [Reject.EXPIRED] and book.order(order.order_id) is None


def test_day() -> None:
    """A day order is withdrawn when the phase becomes CLOSED."""
    book = book_of()
    day, good = book.limit("sell", 101, 5, time_in_force="DAY"), book.limit("sell", 101, 5)
    book.set_phase(Phase.CLOSED)
    assert book.order(day.order_id) is None and book.order(good.order_id) is not None


def test_combinations() -> None:
    """Instructions that make no sense together are refused with BAD_COMBINATION, numbers that do not with
    BAD_INSTRUCTION."""
    book = book_of()
    limit = {"side": "buy", "price_ticks": 100, "qty_lots": 10}
    for more in (
        {"display_lots": 2, "hidden": True},
        {"display_lots": 2, "time_in_force": "IOC"},
        {"min_lots": 2},
        {"all_or_none": True},
        {"hidden": True, "min_lots": 2, "all_or_none": True},
        {"hidden": True, "time_in_force": "FOK"},
    ):
        assert book.send("limit", **limit, **more).rejected == Reject.BAD_COMBINATION, more
    assert book.send("stop", side="buy", trigger_ticks=5, qty_lots=1, hidden=True).rejected == Reject.BAD_COMBINATION
    assert book.send("limit", **limit, display_lots=11).rejected == Reject.BAD_INSTRUCTION
    assert book.send("limit", **limit, hidden=True, min_lots=11).rejected == Reject.BAD_INSTRUCTION
    assert book.pegged("buy", "midpoint", 5, 1).rejected == Reject.BAD_INSTRUCTION
    assert book.trailing_stop("sell", 5, 5).rejected == Reject.BAD_INSTRUCTION  # nothing has traded


# ---- self-trade prevention ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "filled", "own_left", "lost"),
    [
        (SelfTrade.NONE, 10, 0, 0),
        (SelfTrade.CANCEL_NEWEST, 4, 6, 6),
        (SelfTrade.CANCEL_OLDEST, 8, None, 0),
        (SelfTrade.CANCEL_BOTH, 4, None, 6),
        (SelfTrade.DECREMENT, 4, None, 6),
    ],
)
def test_self_trade(mode: SelfTrade, filled: int, own_left: int | None, lost: int) -> None:
    """Self-trade prevention cancels the newest, the oldest, both, or decrements both; who is ahead still trades
    first."""
    book = book_of(self_trade=mode)
    book.limit("sell", 101, 4, agent=2)
    own = book.limit("sell", 101, 6, agent=1)
    book.limit("sell", 102, 4, agent=2)
    took = book.limit("buy", 102, 10, agent=1, time_in_force="IOC")
    assert took.filled_lots == filled
    left = book.order(own.order_id)
    assert (left.qty_lots if left else None) == (own_left or None)
    rows = took.events
    assert rows["qty_lots"][(rows["kind"] == EventKind.EXPIRE) & (rows["reason"] > 0)].sum() == lost


def test_decrement() -> None:
    """Decrementing takes the smaller quantity from both: the larger order goes on with what is left."""
    book = book_of(self_trade=SelfTrade.DECREMENT)
    own = book.limit("sell", 101, 6, agent=1)
    took = book.limit("buy", 101, 10, agent=1)
    assert took.filled_lots == 0 and took.resting_lots == 4 and book.order(own.order_id) is None


def test_groups() -> None:
    """Agents of one group count as one, and an order may ask for another mode than the instrument's."""
    book = book_of(self_trade=SelfTrade.CANCEL_OLDEST, groups=((3, 6, 1),))
    book.limit("sell", 101, 5, agent=3)
    assert book.limit("buy", 101, 5, agent=5).filled_lots == 0
    book.cancel_all(5)
    book.limit("sell", 101, 5, agent=3)
    assert book.send("limit", side="buy", price_ticks=101, qty_lots=5, self_trade="none", agent=5).filled_lots == 5


# ---- matching -----------------------------------------------------------------------------------------------------

TOP = Allocation(top_max_lots=2**30)
CASES = {
    "A: TOP, then pro rata": (TOP, [2, 56, 42], 50, [2, 28, 20]),
    "C: pro rata": (Allocation(), [2, 42, 56], 50, [1, 21, 28]),
    "O: TOP up to 100": (Allocation(top_max_lots=100), [150, 8, 160], 200, [124, 3, 73]),
    "Q: TOP up to 250, one lead": (
        Allocation(top_max_lots=250, leads=((2, 40),)), [300, 15, 160], 400, [278, 8, 114],
    ),
    "K: all steps": (
        Allocation(top_max_lots=2**30, fifo_percent=40, leveling=True, leads=((1, 10), (2, 20))),
        [2, 51, 47, 100, 1, 1, 1, 1], 202, [2, 51, 47, 98, 1, 1, 1, 1],
    ),
    "K with 100% by time": (
        Allocation(top_max_lots=2**30, fifo_percent=100, leveling=True, leads=((1, 20), (2, 10))),
        [1, 59, 40], 50, [1, 45, 4],
    ),
    "K with 0% by time": (
        Allocation(top_max_lots=2**30, leveling=True, leads=((1, 20), (2, 10))), [1, 59, 40], 50, [1, 30, 19],
    ),
    "time pro rata, k = 1": (Allocation(time_power=1), [20, 20, 50], 25, [7, 5, 13]),
    "time pro rata, k = 2": (Allocation(time_power=2), [20, 20, 50], 25, [11, 7, 7]),
    "time pro rata, k = 4": (Allocation(time_power=4), [20, 20, 50], 25, [17, 6, 2]),
    # "The Pro Rata algorithm will only allocate to resting orders that will receive 2 or more contracts" (CME Group,
    # Globex reference guide): 10 over 40, 8, 2 is 8, 1.6 and 0.4; what is cut goes by time.
    "pro rata of at least two lots": (Allocation(minimum_lots=2), [40, 8, 2], 10, [10, 0, 0]),
    # "A 10-lot order that receives an allocation of 7.89 lots will be rounded down to 7" (same source): 10 of 19 for
    # 15 is 7.89, 9 of 19 is 7.1; the lot that is left goes to the oldest.
    "fractions are cut": (Allocation(), [10, 9], 15, [8, 7]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_allocation(name: str) -> None:
    """Orders of one price share what cannot fill them all: TOP, leads, a share by time, pro rata, leveling, the
    rest by time."""
    rules, sizes, lots, expected = CASES[name]
    book = book_of(allocation=rules)
    orders = [book.limit("sell", 101, size, agent=agent).order_id for agent, size in enumerate(sizes)]
    took = dict.fromkeys(orders, 0)
    for order, got, _ in fills(book.limit("buy", 101, lots)):
        took[order] += got
    assert list(took.values()) == expected


def test_takes_all() -> None:
    """An incoming order that is at least as large as what a price displays takes all of it."""
    book = book_of(allocation=Allocation())
    first, second = book.limit("sell", 101, 7), book.limit("sell", 101, 30)
    assert fills(book.limit("buy", 101, 40)) == [(first.order_id, 7, 101), (second.order_id, 30, 101)]


def test_top_is_one() -> None:
    """The TOP order of a side is the one that bettered its price last; when it has gone, or shown its next part,
    there is none."""
    book = book_of(allocation=TOP)
    old, young = book.limit("sell", 101, 10), book.limit("sell", 101, 30)
    book.cancel(book.limit("sell", 100, 5).order_id)
    assert fills(book.limit("buy", 101, 20)) == [(old.order_id, 5, 101), (young.order_id, 15, 101)]


# ---- limits of prices and sizes -----------------------------------------------------------------------------------


def test_ticks() -> None:
    """A price must be a multiple of the tick size in force there, a quantity one of the round lot."""
    book = book_of(tick_table=((0, 1), (100, 5)), round_lot=10)
    assert book.limit("buy", 99, 10).rejected is None
    assert book.limit("buy", 101, 10).rejected == Reject.OFF_TICK
    assert book.limit("buy", 105, 15).rejected == Reject.ODD_LOT


def test_bands() -> None:
    """Nothing is limited, and nothing trades, outside of the static band; the collar does the same around the last
    trade."""
    book = book_of(static_band_ticks=10, reference_ticks=100)
    assert book.limit("sell", 111, 5).rejected == Reject.STATIC_BAND
    assert book.limit("sell", 110, 5).rejected is None
    assert book.market("buy", 9).filled_lots == 5


def test_change() -> None:
    """A replacement keeps what an order is; pegs and waiting stops can be reduced and cancelled, not replaced."""
    book = book_of()
    iceberg = book.iceberg("sell", 101, 30, 10)
    book.replace(iceberg.order_id, 102, 50)
    assert book.depth("sell")[0].qty_lots == 10
    book.limit("buy", 90, 1)
    peg, stop = book.pegged("buy", "primary", 5), book.stop("buy", 120, 5)
    for order in (peg, stop):
        assert book.replace(order.order_id, 100, 4).rejected == Reject.BAD_COMBINATION
        assert book.reduce(order.order_id, 1).resting_lots == 4
        assert kinds(book.cancel(order.order_id)) == ["CANCEL"]


def test_no_promise_broken_by_own_orders() -> None:
    """What must trade at once counts no own orders that self-trade prevention would withdraw, and none behind one
    that would stop it."""
    book = book_of(self_trade=SelfTrade.CANCEL_OLDEST)
    book.limit("sell", 101, 5, agent=1)
    book.limit("sell", 101, 5, agent=2)
    assert book.limit("buy", 101, 8, agent=1, time_in_force="FOK").rejected == Reject.FOK_UNFILLABLE
    assert book.limit("buy", 101, 5, agent=1, time_in_force="FOK").filled_lots == 5


# ---- the page -----------------------------------------------------------------------------------------------------


def rules_of_the_page() -> list[str]:
    text = PAGE.read_text("utf-8")
    return [
        " ".join(rule.split()) for rule in re.findall(r"^- ((?:.+\n(?:  .+\n)*))", text, re.M) if "`" not in rule[:2]
    ]


def test_every_rule_of_the_page_has_a_test_in_its_words() -> None:
    tests = {
        " ".join((function.__doc__ or "").split())
        for name, function in globals().items()
        if name.startswith("test_") and function.__doc__
    }
    page = set(rules_of_the_page())
    assert page == tests, (page - tests, tests - page)


def test_the_page_names_every_venue() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in VENUES if f"`{name}`" not in text] == []
