"""The message stream that engines are timed on: 51% adds, 44% cancels, 5% marketable orders, 3,900 live orders."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64

from lob.book import new_book
from lob.codes import CANCEL, IOC, LIMIT
from lob.compiled import Record, kernel
from lob.matching import apply
from lob.orders import find_order
from lob.rules import Instrument
from lob.tape import new_tape
from lob.types import MESSAGE

__all__ = ["STREAM_INSTRUMENT", "stream"]

STREAM_INSTRUMENT = Instrument(name="STREAM", n_prices=4096, max_orders=8192)
LIVE_ORDERS = 3_900
LEVELS = 105


@kernel
def _fill(
    book: Record, tape: Record, messages: Any, kinds: Any, offsets: Any, sizes: Any, picks: Any, drift: Any, live: Any
) -> None:
    """Write messages one by one, each on the book that the ones before it left."""
    n_live = int64(0)
    anchor = int64(2048)
    for i in range(len(messages)):
        message = messages[i]
        message.time_ns = 1_000 * i
        message.agent = -1
        if drift[i] < 0.002:
            anchor += 1 if drift[i] < 0.001 else -1
            anchor = min(max(anchor, 1024), 3072)
        side = 1 if picks[i] < 0.5 else -1
        # A pull towards the target keeps the number of live orders near it without changing the mix much.
        adds = 0.51 + (0.02 if book.n_orders < LIVE_ORDERS else -0.02)
        target = int64(0)
        if kinds[i] >= adds + 0.05:
            pick = picks[i]
            while n_live > 0 and target == 0:
                slot = min(int64(pick * n_live), n_live - 1)
                target = live[slot]
                live[slot] = live[n_live - 1]
                n_live -= 1
                if find_order(book, target) == 0:
                    target = 0
                pick = (pick * 7919.0) % 1.0
        if target != 0:
            message.kind = CANCEL
            message.order_id = target
        else:
            message.kind = LIMIT
            message.side = side
            marketable = kinds[i] >= adds
            if marketable:
                message.price_ticks = anchor + side * LEVELS
                message.time_in_force = IOC
                message.qty_lots = 1 + (3 * sizes[i]) // 2
            else:
                message.price_ticks = anchor - side * (1 + offsets[i])
                message.qty_lots = sizes[i]
            if not marketable:
                live[n_live] = book.next_order_id
                n_live += 1
        tape.cursor = 0
        apply(book, tape, message)


def stream(n_messages: int, seed: int = 1) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (preload, messages): MESSAGE arrays; the preload brings an empty book to about 3,900 live orders."""
    preload = 2 * LIVE_ORDERS * 10
    n = preload + n_messages
    rng = np.random.default_rng(seed)
    messages = np.zeros(n, MESSAGE)
    _, book = new_book(STREAM_INSTRUMENT)
    _, tape = new_tape(STREAM_INSTRUMENT.max_orders + 8)
    offsets = np.minimum(rng.exponential(35.0, n).astype(np.int64), LEVELS - 1)
    _fill(
        book,
        tape,
        messages,
        rng.random(n),
        offsets,
        rng.integers(1, 20, n),
        rng.random(n),
        rng.random(n),
        np.zeros(n, np.int64),
    )
    return messages[:preload], messages[preload:]
