"""`python -m bench engine_full`: a stream of every order kind through the engine, beside bourse on its plain stream.

The stream is our own; SHARES says what comes how often. Cancels, reductions and replacements aim at live orders; prices
lie around a slowly moving anchor, as in bench/streams.py. `plain_slowdown` is the time of a plain message in a book
that holds one hidden order, and so sends all messages through lob.extended, over that in a book without it.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numba import int64

from bench.engine import _bourse_rate
from bench.streams import STREAM_INSTRUMENT, stream
from bench.yardstick import at_least, bourse_own_rate
from lob.book import new_book
from lob.codes import (
    ALL_OR_NONE,
    CANCEL,
    FOK,
    GTD,
    HIDDEN,
    ICEBERG,
    IOC,
    LIMIT,
    LIMITED,
    MARKET,
    MARKET_TO_LIMIT,
    MINIMUM,
    PEGGED,
    REDUCE,
    REPLACE,
    SELF_TRADE,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
)
from lob.compiled import Record, kernel
from lob.extended.entry import lend_engine
from lob.matching import handle_next, resume
from lob.orders import find_order
from lob.reference import ReferenceBook
from lob.rules import Instrument
from lob.tape import new_tape, rows_of
from lob.types import BUY, MESSAGE, SELL

__all__ = ["FULL_INSTRUMENT", "SHARES", "full_stream", "run"]

FULL_INSTRUMENT = Instrument(name="FULL", n_prices=4096, max_orders=16_384, n_agents=64)
N_MESSAGES = 1_000_000
RING_ROWS = 1 << 18
LIVE_ORDERS = 3_900
LEVELS = 105
ANCHOR = 2048
N_TWIN = 20_000
SHARES = {
    "limit": 0.253, "timed limit": 0.030, "iceberg": 0.060, "hidden": 0.030, "hidden with minimum": 0.010,
    "all or none": 0.005, "pegged": 0.008, "pegged with limit": 0.004, "stop": 0.015, "stop limit": 0.010,
    "trailing stop": 0.005, "market to limit": 0.005, "limit IOC": 0.040, "limit FOK": 0.005, "market": 0.010,
    "market with minimum": 0.005, "self-trade prevention": 0.020, "replace": 0.045, "reduce": 0.030, "cancel": 0.410,
}  # fmt: skip
"""Share of the messages of each kind; those of "self-trade prevention" are plain limits that ask for it."""
_NAMES = list(SHARES)
(
    _LIMIT, _TIMED, _ICEBERG, _HIDDEN, _MINIMUM, _WHOLE, _PEG, _PEG_LIMIT, _STOP, _STOP_LIMIT, _TRAILING, _MTL, _IOC,
    _FOK, _MARKET, _MARKET_MIN, _STP, _REPLACE, _REDUCE, _CANCEL,
) = range(len(SHARES))  # fmt: skip


@kernel
def _new_order(message: Record, kind: int, side: int, away: int, size: int, pick: float, anchor: int) -> None:
    message.kind = LIMIT
    message.side = side
    message.price_ticks = anchor - side * (1 + away)
    message.qty_lots = size
    message.min_lots = 1 + size // 3
    message.display_lots = 1 + size // 5
    message.trigger_ticks = anchor + side * (3 + away // 2)
    if kind == _TIMED:
        message.time_in_force = GTD
        message.expires_ns = message.time_ns + 1_000_000 + int64(9e6 * pick)
    elif kind == _ICEBERG:
        message.flags = ICEBERG
        message.qty_lots = 4 * size
    elif kind == _HIDDEN:
        message.flags = HIDDEN
    elif kind == _MINIMUM:
        message.flags = HIDDEN | MINIMUM
    elif kind == _WHOLE:
        message.flags = HIDDEN | ALL_OR_NONE
    elif kind == _PEG or kind == _PEG_LIMIT:
        message.kind = PEGGED
        message.peg = 1 + int64(3.0 * pick)
        message.trigger_ticks = -int64(away & 3)
        message.flags = LIMITED if kind == _PEG_LIMIT else 0
    elif kind == _STOP:
        message.kind = STOP
    elif kind == _STOP_LIMIT:
        message.kind = STOP_LIMIT
        message.price_ticks = message.trigger_ticks + side * 2
    elif kind == _TRAILING:
        message.kind = TRAILING_STOP
        message.trigger_ticks = 3 + away
    elif kind == _MTL:
        message.kind = MARKET_TO_LIMIT
    elif kind == _IOC or kind == _FOK:
        message.price_ticks = anchor + side * LEVELS
        message.time_in_force = IOC if kind == _IOC else FOK
        message.qty_lots = 2 * size
    elif kind == _MARKET or kind == _MARKET_MIN:
        message.kind = MARKET
        message.time_in_force = IOC
        message.flags = MINIMUM if kind == _MARKET_MIN else 0
    elif kind == _STP:
        message.flags = SELF_TRADE
        message.self_trade = 1 + int64(4.0 * pick)


@kernel
def _fill(
    book: Record, tape: Record, messages: Any, kinds: Any, away: Any, sizes: Any, picks: Any, drift: Any, live: Any
) -> None:
    """Write messages one by one, each on the book that the ones before it left."""
    n_live = int64(0)
    anchor = int64(ANCHOR)
    for i in range(len(messages)):
        message = messages[i]
        message.time_ns = 1_000 * i
        message.agent = i % 64
        if drift[i] < 0.002:
            anchor += 1 if drift[i] < 0.001 else -1
        kind = int64(kinds[i])
        # What is too much is withdrawn, what is too little is not.
        if kind == _CANCEL and book.n_orders < LIVE_ORDERS:
            kind = int64(_LIMIT)
        elif kind == _LIMIT and book.n_orders > LIVE_ORDERS + 200:
            kind = int64(_CANCEL)
        target = int64(0)
        if kind >= _REPLACE:
            pick = picks[i]
            while n_live > 0 and target == 0:
                slot = min(int64(pick * n_live), n_live - 1)
                target = live[slot, 0]
                if find_order(book, target) == 0 or kind == _CANCEL:
                    message.agent = live[slot, 1]
                    live[slot, 0], live[slot, 1] = live[n_live - 1, 0], live[n_live - 1, 1]
                    n_live -= 1
                    if find_order(book, target) == 0:
                        target = 0
                else:
                    message.agent = live[slot, 1]
                pick = (pick * 7919.0) % 1.0
        side = BUY if picks[i] < 0.5 else SELL
        if target != 0:
            message.kind = CANCEL if kind == _CANCEL else REDUCE if kind == _REDUCE else REPLACE
            message.order_id = target
            message.qty_lots = sizes[i]
            message.price_ticks = anchor - side * (1 + away[i])
        else:
            message.agent = i % 64
            _new_order(message, min(kind, int64(_STP)), side, int64(away[i]), int64(sizes[i]), drift[i], anchor)
            live[n_live, 0], live[n_live, 1] = book.next_order_id, i % 64
            n_live += 1
        tape.cursor = 0
        handle_next(book, tape, message)


def full_stream(n_messages: int, seed: int = 1) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (preload, messages): MESSAGE arrays; the preload brings an empty book to about 3,900 live orders."""
    preload = 40_000
    n = preload + n_messages
    rng = np.random.default_rng(seed)
    messages = np.zeros(n, MESSAGE)
    _, book = new_book(FULL_INSTRUMENT)
    _, tape = new_tape(RING_ROWS)
    lend_engine(tape)
    shares = np.array(list(SHARES.values()))
    _fill(
        book, tape, messages, rng.choice(len(shares), n, p=shares / shares.sum()),
        np.minimum(rng.exponential(35.0, n).astype(np.int64), LEVELS - 1), rng.integers(1, 20, n), rng.random(n),
        rng.random(n), np.zeros((n, 2), np.int64),
    )  # fmt: skip
    return messages[:preload], messages[preload:]


@kernel
def _through(book: Record, tape: Record, messages: Any) -> int:
    """Send every message; rows go to a ring, as they do in a run whose writer keeps up."""
    rows = int64(0)
    for i in range(len(messages)):
        if not handle_next(book, tape, messages[i]):
            rows += tape.cursor
            tape.cursor = 0
            handle_next(book, tape, messages[i])
        while book.n_elected != 0:  # stops for which the ring had no room
            rows += tape.cursor
            tape.cursor = 0
            resume(book, tape, messages[i])
    return rows + tape.cursor


def _rate(instrument: Instrument, first: Any, messages: Any, repeats: int = 5) -> tuple[float, int, Any]:
    best, rows, book = np.inf, 0, None
    for _ in range(repeats):
        _, book = new_book(instrument)
        _, tape = new_tape(RING_ROWS)
        lend_engine(tape)
        for part in first:
            _through(book, tape, part)
        start = time.perf_counter()
        rows = _through(book, tape, messages)
        best = min(best, time.perf_counter() - start)
    return len(messages) / best, rows, book


def _twin_agrees(preload: Any, messages: Any) -> bool:
    """Whether the engine's rows on the first messages are the twin's."""
    part = np.concatenate([preload, messages])[:N_TWIN]
    block, tape = new_tape(8 * N_TWIN)
    lend_engine(tape)
    _through(new_book(FULL_INSTRUMENT)[1], tape, part)
    return bool(np.array_equal(rows_of(block), ReferenceBook(FULL_INSTRUMENT).apply(part)))


def run() -> dict[str, Any]:
    """Return the figures of this bench."""
    preload, messages = full_stream(N_MESSAGES)
    rate, rows, book = _rate(FULL_INSTRUMENT, [preload], messages)
    plain_first, plain = stream(N_MESSAGES)
    hidden = np.zeros(1, MESSAGE)
    hidden["kind"], hidden["side"], hidden["price_ticks"], hidden["qty_lots"] = LIMIT, BUY, 1, 1
    hidden["flags"] = HIDDEN
    through_all, _, _ = _rate(STREAM_INSTRUMENT, [plain_first, hidden], plain)
    through_plain, _, _ = _rate(STREAM_INSTRUMENT, [plain_first], plain)
    peer = max(_bourse_rate(plain_first, plain, 200) for _ in range(3))
    agrees = _twin_agrees(preload, messages)
    return {
        "messages_per_s": round(rate),
        "bourse_messages_per_s_plain": round(peer),
        "ratio_to_bourse": round(rate / peer, 1),
        "bourse_messages_per_s_own_benchmark": round(max(bourse_own_rate() for _ in range(3))),
        "plain_slowdown": round(through_plain / through_all, 2),
        "twin_agrees": agrees,
        "live_orders": int(book["n_orders"]),
        "detailed_orders": int(book["n_details"]),
        "rows_per_message": round(rows / len(messages), 3),
        "pass": agrees and at_least(rate, 8e6) and rate >= 4 * peer,
    }
