"""Writing rows of the tape: the touch, every kind of row but executions, and rejects (compiled helpers)."""

from __future__ import annotations

from typing import Any

from numba import int64

from lob.book import level_at
from lob.codes import LIMIT, REPLACE, ROW_REJECT
from lob.compiled import Record, kernel, leaf
from lob.tape import row_at
from lob.types import NO_PRICE

__all__ = ["reject", "write_row", "write_touch"]


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
def write_row(
    book: Record,
    tape: Record,
    time_ns: int,
    kind: int,
    side: int,
    order_id: int,
    agent: int,
    parent_id: int,
    price_ticks: int,
    qty_lots: int,
    leaves_lots: int,
    reason: int,
    flags: int,
) -> None:
    """Write any row but an execution."""
    book.sequence += 1
    if tape.executions_only == 0:
        row = row_at(tape, int64(tape.cursor))
        tape.cursor += 1
        row.time_ns = time_ns
        row.sequence = book.sequence
        row.order_id = order_id
        row.contra_order_id = 0
        row.agent = agent
        row.contra_agent = -1
        row.parent_id = parent_id
        row.contra_parent_id = 0
        row.price_ticks = price_ticks
        row.qty_lots = qty_lots
        row.leaves_lots = leaves_lots
        row.contra_leaves_lots = 0
        row.symbol = book.symbol
        row.flags = flags
        row.kind = kind
        row.side = side
        row.reason = reason
        row.phase = book.phase
        write_touch(book, row)


@kernel
def reject(book: Record, tape: Record, message: Record, reason: int) -> None:
    """Report a refused message; the book is unchanged."""
    target = int64(0)
    if LIMIT <= message.kind <= REPLACE:
        target = int64(message.order_id)
    write_row(
        book,
        tape,
        int64(message.time_ns),
        int64(ROW_REJECT),
        int64(message.side),
        int64(target),
        int64(message.agent),
        int64(message.parent_id),
        int64(message.price_ticks),
        int64(message.qty_lots),
        int64(0),
        int64(reason),
        int64(0),
    )
