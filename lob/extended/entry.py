"""The way into this package: one message, whatever it is, and the stops that it has elected (compiled)."""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import int64
from numba import types as nb_types
from numba.np.numpy_support import from_dtype

from lob.book import BOOK
from lob.codes import (
    BAD_KIND,
    CANCEL,
    CANCEL_ALL,
    CLOSED,
    EXPIRE,
    FIRST,
    HALTED,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    REDUCE,
    REPLACE,
    ROW_PHASE,
    SET_PHASE,
    STOP,
)
from lob.compiled import Record, function_address, kernel
from lob.extended.changes import change_order, expire_due, withdraw_all
from lob.extended.elected import act_elected
from lob.extended.following import settle_pegs
from lob.extended.new_orders import new_order
from lob.matching import rows_bound
from lob.rows import begin_row, reject, takes_row
from lob.tape import TAPE, row_at
from lob.types import MESSAGE

__all__ = ["lend_engine"]


@kernel
def _handle(book: Record, tape: Record, message: Record) -> None:
    kind = int64(message.kind)
    if kind == LIMIT or kind == MARKET or STOP <= kind <= MARKET_TO_LIMIT:
        new_order(book, tape, message)
    elif kind == CANCEL or kind == REDUCE or kind == REPLACE:
        change_order(book, tape, message)
    elif kind == CANCEL_ALL:
        withdraw_all(book, tape, message)
    elif kind == SET_PHASE and CLOSED <= message.qty_lots <= HALTED:
        book.phase = message.qty_lots
        if takes_row(book, tape):
            row = begin_row(book, tape, int64(message.time_ns), int64(ROW_PHASE))
            row.agent = message.agent
            row.qty_lots = message.qty_lots
        if message.qty_lots == CLOSED:
            expire_due(book, tape, int64(message.time_ns), True)
    elif kind != EXPIRE:
        reject(book, tape, message, int64(BAD_KIND))


@kernel
def handle(book: Record, tape: Record, message: Record) -> int:
    """Handle one message, or with `tape.resuming` what the last one has set off; return the elected stops still to act.

    They act as long as the tape has room for what one of them can write.
    """
    time_ns = int64(message.time_ns)
    if tape.resuming == 0:
        if time_ns >= book.next_expiry_ns:
            expire_due(book, tape, time_ns, False)
        start = int64(tape.cursor)
        bid, ask = int64(book.best_bid), int64(book.best_ask)
        _handle(book, tape, message)
        settle_pegs(book, tape, time_ns, bid, ask, message.kind == SET_PHASE)
        if tape.cursor > start:
            first = row_at(tape, start)
            first.flags = int64(first.flags) | FIRST
    tape.resuming = 0
    while book.n_elected > 0 and tape.capacity - tape.cursor >= rows_bound(book):
        bid, ask = int64(book.best_bid), int64(book.best_ask)
        act_elected(book, tape, time_ns)
        settle_pegs(book, tape, time_ns, bid, ask, False)
    return int64(book.n_elected)


ARGUMENTS = (from_dtype(BOOK), from_dtype(TAPE), from_dtype(MESSAGE))
RESULT = nb_types.int64


@cache
def _address() -> int:
    return function_address(handle, *ARGUMENTS)


def lend_engine(tape: Any) -> None:
    """Let messages that come with this tape reach this package; compiles it if it has never been."""
    tape["extended"], tape["asked"] = _address(), 0
