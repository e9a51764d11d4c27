"""The book on five regimes of one order flow, from a fixed mid to a flash crash: messages a CPU second with tape rows.

The flow has the statistics that a public benchmark of matching engines publishes for its own five workloads
(github.com/flash1-dev/matching-engine-benchmark, docs/METHODOLOGY.md; arXiv 2606.01183), drawn by our own generator in
bench/flash_stream.py. As its adapters do, the loop that is timed translates the senders' ids, which arrive shuffled, to
the exchange's by an array of a million. `alone`: one message after the other, as most of its engines are driven.
Otherwise the loop looks AHEAD messages ahead in its batch for that array, which takes most of the time.

CppTrader (C++) cannot be installed from here. On the original workloads, one by one, version 0.1 of this book took
AGAINST_CPPTRADER times its rate (CPU time, rows written, one machine), and on these streams RATE_0_1 times bourse's own
benchmark of the same moment. Hence `ratio_to_cpptrader_*`: an estimate by way of these ratios, not a measurement.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from numba import int64

from bench.flash_stream import FLASH_INSTRUMENT, REGIMES, flash_stream
from bench.yardstick import bourse_own_rate
from lob.blocks import prefetch_for_write
from lob.book import new_book
from lob.codes import LIMIT
from lob.compiled import Record, kernel
from lob.matching import handle_next
from lob.tape import new_tape
from lob.types import MESSAGE

__all__ = ["run"]

RING_ROWS = 16_384
AHEAD = 12
ID = np.dtype([("own", "<i8")])
AGAINST_CPPTRADER = {"static": 1.37, "normal": 1.25, "swing-25": 1.11, "swing-40": 1.14, "flash-crash": 1.09}
RATE_0_1 = {"static": 3.56, "normal": 3.51, "swing-25": 3.22, "swing-40": 3.41, "flash-crash": 3.36}
LEAST_RATIO = 1.5


@kernel
def _through(book: Record, tape: Record, messages: Any, ids: Any, sent: Any, ahead: int) -> int:
    """Send every message under the exchange's id of its order; rows go to a ring, as in a run whose writer keeps up."""
    rows = 0
    message = sent[0]
    for i in range(len(messages)):
        told = messages[i]
        if ahead > 0:
            prefetch_for_write(ids[messages[min(i + ahead, len(messages) - 1)].order_id], int64(0))
        message.kind = told.kind
        message.side = told.side
        message.time_in_force = told.time_in_force
        message.price_ticks = told.price_ticks
        message.qty_lots = told.qty_lots
        message.time_ns = told.time_ns
        if told.kind == LIMIT:
            ids[told.order_id].own = book.next_order_id
            message.order_id = 0
        else:
            message.order_id = ids[told.order_id].own
        if not handle_next(book, tape, message):
            rows += tape.cursor
            tape.cursor = 0
            handle_next(book, tape, message)
    return rows + tape.cursor


def _measured(ahead: int, repeats: int = 9) -> dict[str, list[tuple[float, float]]]:
    """Return (messages a CPU second, bourse's of the same moment) of each repeat, in each regime.

    All take turns within a fraction of a second: a machine that others use may halve its speed within one.
    """
    sent = np.zeros(1, MESSAGE)
    sent["agent"] = -1
    streams = {name: flash_stream(name) for name in REGIMES}
    ids = np.zeros(1 + max(int(stream["order_id"].max()) for stream in streams.values()), ID)
    _through(new_book(FLASH_INSTRUMENT)[1], new_tape(RING_ROWS)[1], streams["normal"][:100], ids, sent, ahead)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in REGIMES}
    for _ in range(repeats):
        for name, messages in streams.items():
            peer = bourse_own_rate()
            _, book = new_book(FLASH_INSTRUMENT)
            _, tape = new_tape(RING_ROWS)
            start = time.process_time()
            _through(book, tape, messages, ids, sent, ahead)
            found[name].append((len(messages) / (time.process_time() - start), peer))
    return found


def run() -> dict[str, Any]:
    """Return the figures of this bench: the best rates, and medians of the ratios."""
    figures: dict[str, Any] = {}
    for way, ahead in (("", AHEAD), ("_alone", 0)):
        for name, pairs in _measured(ahead).items():
            word = name.replace("-", "_") + way
            ratio = statistics.median(rate / peer for rate, peer in pairs)
            figures[f"messages_per_s_{word}"] = round(max(rate for rate, _ in pairs))
            figures[f"ratio_to_bourse_{word}"] = round(ratio, 2)
            figures[f"ratio_to_cpptrader_{word}"] = round(AGAINST_CPPTRADER[name] * ratio / RATE_0_1[name], 2)
    ratios = [figures[f"ratio_to_cpptrader_{name.replace('-', '_')}"] for name in REGIMES]
    figures["pass"] = min(ratios) >= LEAST_RATIO
    return figures
