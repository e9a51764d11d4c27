"""One message from Python in one compiled call: addresses and integers in, integers out.

A record as an argument costs Numba's dispatcher some 25 us, an integer 30 ns; so the book, the tape's buffer and the
scratch message go in as addresses. Whoever calls sees to it that they live as long as the call.
"""

from __future__ import annotations

from numba import int64

from lob.blocks import record_at_address
from lob.book import BOOK, detail_at, node_at
from lob.codes import ROW_EXECUTE, ROW_REJECT
from lob.compiled import kernel
from lob.matching import apply, handle_next, resume, rows_bound, rows_needed
from lob.orders import find_order
from lob.tape import TAPE, row_at
from lob.types import MESSAGE

__all__ = ["apply_from", "send_one"]

book_at = record_at_address(BOOK)
tape_at = record_at_address(TAPE)
message_at = record_at_address(MESSAGE)


@kernel
def send_one(
    book_address: int, tape_address: int, message_address: int, time_ns: int, kind: int, side: int, price_ticks: int,
    qty_lots: int, order_id: int, time_in_force: int, agent: int, parent_id: int, flags: int,
) -> tuple[int, int, int, int, int]:  # fmt: skip
    """Handle one message, whose further fields stand in the record; its rows are the tape's from the front.

    Returns:
        The number of rows (-1: the buffer may be too small, or lob.extended was not lent; nothing was done), the id of
        the order, the reason of a reject (0: none), the lots it has executed, and its lots that are open afterwards.
    """
    book, tape = book_at(int64(book_address), int64(0)), tape_at(int64(tape_address), int64(0))
    message = message_at(int64(message_address), int64(0))
    message.time_ns = time_ns
    message.kind = kind
    message.side = side
    message.price_ticks = price_ticks
    message.qty_lots = qty_lots
    message.order_id = order_id
    message.time_in_force = time_in_force
    message.agent = agent
    message.parent_id = parent_id
    message.flags = flags
    tape.cursor = 0
    if tape.capacity < rows_needed(book, tape, message):
        return int64(-1), int64(0), int64(0), int64(0), int64(0)
    fresh = int64(book.next_order_id)
    apply(book, tape, message)
    n = int64(tape.cursor)
    filled, reason, own = int64(0), int64(0), int64(order_id)
    if own == 0 and book.next_order_id != fresh:
        own = fresh
    for k in range(n):
        row = row_at(tape, k)
        if row.kind == ROW_EXECUTE and row.order_id == own:
            filled += row.qty_lots
        elif row.kind == ROW_REJECT:
            reason = int64(row.reason)
    index = find_order(book, own) if own > 0 else int64(0)
    resting = int64(node_at(book, index).qty_lots) if index != 0 else int64(0)
    if index != 0 and node_at(book, index).detail != 0:
        resting += detail_at(book, int64(node_at(book, index).detail)).reserve_lots
    return n, own, reason, filled, resting


@kernel
def apply_from(book_address: int, tape_address: int, messages_address: int, start: int, count: int) -> int:
    """Handle messages from number `start` on until they end or the tape is full; return the number of the next.

    While `n_elected` stops are still to act, nothing else is handled; they are the last message's.
    """
    book, tape = book_at(int64(book_address), int64(0)), tape_at(int64(tape_address), int64(0))
    position = int64(start)
    if book.n_elected != 0 and tape.capacity - tape.cursor >= rows_bound(book):
        resume(book, tape, message_at(int64(messages_address), position - 1))
    while position < count and book.n_elected == 0:
        if not handle_next(book, tape, message_at(int64(messages_address), position)):
            break
        position += 1
    return position
