"""Messages a second through the matching engine, with and without tape rows, beside bourse in the same run."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numba import int64

from bench.streams import STREAM_INSTRUMENT, stream
from bench.yardstick import at_least, bourse_own_rate
from lob.book import new_book
from lob.compiled import Record, kernel
from lob.matching import apply_batch, handle_next
from lob.reference import ReferenceBook
from lob.tape import new_tape, rows_of
from lob.types import MessageKind

__all__ = ["run"]

N_MESSAGES = 2_000_000
RING_ROWS = 16_384


@kernel
def _through(book: Record, tape: Record, messages: Any) -> int:
    """Send every message; rows go to a ring, as they do in a run whose writer keeps up."""
    rows = int64(0)
    for i in range(len(messages)):
        if not handle_next(book, tape, messages[i]):
            rows += tape.cursor
            tape.cursor = 0
            handle_next(book, tape, messages[i])
    return rows + tape.cursor


def _rate(executions_only: bool, preload: Any, messages: Any, repeats: int) -> tuple[float, int]:
    best, rows = np.inf, 0
    for _ in range(repeats):
        _, book = new_book(STREAM_INSTRUMENT)
        _, tape = new_tape(RING_ROWS, executions_only)
        _through(book, tape, preload)
        start = time.perf_counter()
        rows = _through(book, tape, messages)
        best = min(best, time.perf_counter() - start)
    return len(messages) / best, rows


def _bourse_rate(preload: Any, messages: Any, batch: int) -> float:
    """Messages a second of bourse on the same stream, handed over in arrays of `batch` instructions a step.

    Only its submit and step calls are timed. bourse has no IOC: a marketable order that exhausts the other side would
    rest there, which does not happen on this stream.
    """
    import bourse

    both = np.concatenate([preload, messages])
    columns = (
        np.where(both["kind"] == MessageKind.LIMIT, 1, 2).astype(np.uint32),
        both["side"] > 0,
        both["qty_lots"].astype(np.uint32),
        np.zeros(len(both), np.uint32),
        both["price_ticks"].astype(np.uint32),
        np.maximum(both["order_id"] - 1, 0).astype(np.uint64),
    )
    env = bourse.core.StepEnvNumpy(101, 0, 1, 100_000)
    start, spent = 0.0, 0
    for position in range(0, len(both), batch):
        if position >= len(preload) and spent == 0:
            spent, start = position, time.perf_counter()
        env.submit_instructions(tuple(column[position : position + batch] for column in columns))
        env.step()
    return (len(both) - spent) / (time.perf_counter() - start)


def _twin_agrees(preload: Any, messages: Any) -> bool:
    """Whether the twin writes the same rows over the start of the stream."""
    part = np.concatenate([preload, messages[:20_000]])
    _, book = new_book(STREAM_INSTRUMENT)
    block, tape = new_tape(4 * len(part))
    apply_batch(book, tape, part, 0)
    return bool(np.array_equal(rows_of(block), ReferenceBook(STREAM_INSTRUMENT).apply(part)))


def run() -> dict[str, Any]:
    """Return the figures of this bench."""
    preload, messages = stream(N_MESSAGES)
    _through(new_book(STREAM_INSTRUMENT)[1], new_tape(RING_ROWS)[1], preload[:100])
    rate, _ = _rate(True, preload, messages, 5)
    rate_tape, rows = _rate(False, preload, messages, 5)
    _, book = new_book(STREAM_INSTRUMENT)
    _, tape = new_tape(RING_ROWS)
    _through(book, tape, preload)
    _through(book, tape, messages)
    peer_own = max(bourse_own_rate() for _ in range(3))
    peer = max(_bourse_rate(preload, messages, 200) for _ in range(3))
    kinds = messages["kind"]
    marketable = float(np.mean((kinds == MessageKind.LIMIT) & (messages["time_in_force"] > 0)))
    return {
        "messages_per_s": round(rate),
        "messages_per_s_tape": round(rate_tape),
        # On this very stream: the same work for both. Its own benchmark has about 90 prices and shallow queues.
        "bourse_messages_per_s": round(peer),
        "ratio_to_bourse": round(rate / peer, 1),
        "bourse_messages_per_s_own_benchmark": round(peer_own),
        "ratio_to_bourse_own_benchmark": round(rate / peer_own, 1),
        "twin_agrees": _twin_agrees(preload, messages),
        "share_cancel": round(float(np.mean(kinds == MessageKind.CANCEL)), 3),
        "share_marketable": round(marketable, 3),
        "live_orders": int(book["n_orders"]),
        "rows_per_message": round(rows / len(messages), 3),
        "pass": at_least(rate, 40e6) and at_least(rate_tape, 25e6) and rate >= 10 * peer,
    }
