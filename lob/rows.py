"""Writing rows of the tape: the touch, every kind of row but executions, and rejects (compiled helpers)."""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.blocks import prefetch_for_write
from lob.book import level_at
from lob.codes import LIMIT, NONE, REPLACE, ROW_REJECT, SET_PHASE
from lob.compiled import Record, kernel, leaf
from lob.tape import row_at
from lob.types import NO_PRICE

ROWS_AHEAD = 8

__all__ = ["begin_row", "open_row", "reject", "takes_row", "write_touch"]


@leaf
def write_touch(book: Record, row: Any) -> None:
    """Copy the touch into a row."""
    bid, ask = int64(book.best_bid), int64(book.best_ask)
    if bid >= 0:
        row.bid_ticks = bid + book.min_price_ticks
        row.bid_lots = level_at(book, bid).lots
    else:
        row.bid_ticks = NO_PRICE
        row.bid_lots = 0
    if ask < book.n_prices:
        row.ask_ticks = ask + book.min_price_ticks
        row.ask_lots = level_at(book, book.n_prices + ask).lots
    else:
        row.ask_ticks = NO_PRICE
        row.ask_lots = 0


@leaf
def takes_row(book: Record, tape: Record) -> bool:
    """Count a row that is no execution; return whether the tape takes it."""
    book.sequence += 1
    return tape.executions_only == 0


@leaf
def open_row(book: Record, tape: Record, time_ns: int, kind: int) -> Any:
    """Begin the row that was just counted, with neutral values and the touch; the caller sets what it has to say."""
    row = row_at(tape, int64(tape.cursor))
    # A buffer is larger than the nearest caches, and stores that wait for its lines held up everything behind them.
    ahead = row_at(tape, tape.cursor + ROWS_AHEAD)
    prefetch_for_write(ahead, int64(0))
    prefetch_for_write(ahead, int64(1))
    tape.cursor += 1
    row.time_ns = time_ns
    row.sequence = book.sequence
    row.order_id = 0
    row.contra_order_id = 0
    row.agent = -1
    row.contra_agent = -1
    row.parent_id = 0
    row.contra_parent_id = 0
    row.price_ticks = 0
    row.qty_lots = 0
    row.leaves_lots = 0
    row.contra_leaves_lots = 0
    row.symbol = book.symbol
    row.flags = 0
    row.kind = kind
    row.side = 0
    row.reason = NONE
    row.phase = book.phase
    write_touch(book, row)
    return row


@kernel
def begin_row(book: Record, tape: Record, time_ns: int, kind: int) -> Any:
    """`open_row` as a call: for code that is compiled sooner without twenty copies of it."""
    return open_row(book, tape, time_ns, kind)


@kernel
def reject(book: Record, tape: Record, message: Record, reason: int) -> None:
    """Report a refused message; the book is unchanged."""
    if takes_row(book, tape):
        row = open_row(book, tape, int64(message.time_ns), int64(ROW_REJECT))
        if LIMIT <= message.kind <= REPLACE or message.kind > SET_PHASE:
            row.order_id = message.order_id
        row.agent = message.agent
        row.parent_id = message.parent_id
        row.side = message.side
        row.price_ticks = message.price_ticks
        row.qty_lots = message.qty_lots
        row.reason = reason
        row.contra_leaves_lots = message.kind
