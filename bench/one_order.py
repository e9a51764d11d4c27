"""One order from Python through OrderBook, beside bourse's order book in the same run, and batches beside the kernel.

CPU time of a mixed stream: orders that rest, orders that trade, cancels. Both books see the same calls and end with the
same touch and quantities.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

import numpy as np

from bench.yardstick import at_most
from lob.api import OrderBook
from lob.blocks import record_address
from lob.book import new_book
from lob.one_order import apply_from
from lob.rules import Instrument
from lob.tape import new_tape
from lob.types import MESSAGE, MessageKind

__all__ = ["run"]

N = 200_000
BATCH = 1_000
MOST_US, LEAST_SHARE = 2.5, 0.7
STOCK = Instrument(n_prices=4096, min_price_ticks=1, max_orders=2**16)


def _calls() -> list[tuple[int, int, int, int]]:
    """(kind, side, price, quantity or number of the order to cancel): 55% rest, 5% trade, 40% cancel."""
    random = np.random.default_rng(7)
    calls: list[tuple[int, int, int, int]] = []
    n_new = 0
    for u, side, away, lots, which in zip(
        random.random(N), random.integers(0, 2, N), random.integers(1, 60, N), random.integers(1, 50, N),
        random.random(N), strict=True,
    ):  # fmt: skip
        if u < 0.4 and n_new > 100:
            calls.append((2, 0, 0, int(n_new - 1 - int(which * 100))))
        else:
            price = 2000 + (-away if side == 0 else away) + (0 if u < 0.95 else 120 * (1 - 2 * side))
            calls.append((1, 1 - 2 * int(side), int(price), int(lots)))
            n_new += 1
    return calls


def _ours(calls: list[tuple[int, int, int, int]]) -> tuple[float, OrderBook]:
    book = OrderBook(STOCK)
    limit, cancel, ids = book.limit, book.cancel, []
    began = time.process_time()
    for kind, side, price, lots in calls:
        if kind == 1:
            ids.append(limit("buy" if side > 0 else "sell", price, lots).order_id)
        else:
            cancel(ids[lots])
    return (time.process_time() - began) / len(calls) * 1e6, book


def _bourse(calls: list[tuple[int, int, int, int]]) -> tuple[float, Any]:
    import bourse

    book = bourse.core.OrderBook(0, 1)
    place, cancel, tick, ids = book.place_order, book.cancel_order, book.set_time, []
    began = time.process_time()
    for now, (kind, side, price, lots) in enumerate(calls):
        tick(now)  # its queues are sorted by time
        if kind == 1:
            ids.append(place(side > 0, lots, 1, price))
        else:
            cancel(ids[lots])
    return (time.process_time() - began) / len(calls) * 1e6, book


def _messages(calls: list[tuple[int, int, int, int]]) -> np.ndarray[Any, Any]:
    messages = np.zeros(len(calls), MESSAGE)
    messages["agent"] = -1
    for k, (kind, side, price, lots) in enumerate(calls):
        if kind == 1:
            messages[k] = (k, 0, price, lots, -1, *messages[k].tolist()[5:])
            messages["kind"][k], messages["side"][k] = MessageKind.LIMIT, side
        else:
            messages["kind"][k], messages["order_id"][k] = MessageKind.CANCEL, lots + 1
    return messages


def _batches(messages: np.ndarray[Any, Any]) -> float:
    """Return the rate of batches over that of the kernel on all messages at once."""
    shares = []
    for _ in range(5):
        book = OrderBook(STOCK)
        began = time.process_time()
        for first in range(0, len(messages), BATCH):
            book.apply(messages[first : first + BATCH])
        batched = time.process_time() - began
        block, _ = new_book(STOCK)
        tape, _ = new_tape(3 * len(messages))
        began = time.process_time()
        done = apply_from(record_address(block), record_address(tape), record_address(messages), 0, len(messages))
        kernel = time.process_time() - began
        assert done == len(messages)
        shares.append(kernel / batched)
    return float(np.median(shares))


def run() -> dict[str, Any]:
    """Return the figures of this bench; the better of five runs each, in turn."""
    calls = _calls()
    messages = _messages(calls)
    _ours(calls[:1000])
    ours, theirs = [], []
    has_peer, other = find_spec("bourse") is not None, None
    for _ in range(5):
        spent, book = _ours(calls)
        ours.append(spent)
        if has_peer:
            spent, other = _bourse(calls)
            theirs.append(spent)
    whole = OrderBook(STOCK)
    whole.apply(messages)
    same = all(list(whole.orders(side)) == list(book.orders(side)) for side in ("buy", "sell"))
    if other is not None:
        mine = [sum(level.qty_lots for level in book.depth(side, 4096)) for side in ("buy", "sell")]
        same = same and other.bid_ask() == (book.best_bid_ticks, book.best_ask_ticks)
        same = same and mine == [other.bid_vol(), other.ask_vol()]
    share = _batches(messages)
    us = min(ours)
    return {
        "us_per_order": round(us, 2),
        "bourse_us_per_order": round(min(theirs), 2) if theirs else None,
        "ratio_to_bourse": round(us / min(theirs), 2) if theirs else None,
        "batch_share_of_kernel": round(share, 3),
        "same_end_state": same,
        "pass": at_most(us, MOST_US) and share >= LEAST_SHARE and same,
    }
