"""Layout of one order book in memory: a header record, then tables found by offset; see lob/blocks.py.

    levels      one row per side and price: quantity, first and last order
    words0..2   one bitmap per side, three levels of 64-bit words: which prices hold orders
    nodes       resting orders, doubly linked in FIFO order within their level
    extras      metaorder id and the agent's own list, for TRACKED orders only
    table       order id -> node, open addressing with linear probing
    owners      first and last TRACKED order of each agent

Node 0 stands for "none" in every link: zeroed memory is an empty book, and unlinking needs no branch, since what is
written to node 0 is never read. Side index 0 is the bid, 1 the ask. Prices are stored as an index from
`min_price_ticks`. Sides have tables of their own although a matching book could share one: while an auction collects
orders, both sides may hold a price.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.blocks import allocate, element_of, header_of
from lob.rules import Instrument
from lob.types import Phase

__all__ = ["BOOK", "book_bytes", "extra_at", "init_book", "level_at", "new_book", "node_at", "owner_at"]

BID, ASK = 0, 1

BOOK: np.dtype[Any] = np.dtype(
    [
        ("n_bytes", "<i8"),
        ("n_prices", "<i8"),
        ("max_orders", "<i8"),
        ("n_agents", "<i8"),
        ("table_mask", "<i8"),
        ("table_shift", "<i8"),
        ("off_levels", "<i8"),
        ("off_words0", "<i8"),
        ("off_words1", "<i8"),
        ("off_words2", "<i8"),
        ("off_nodes", "<i8"),
        ("off_extras", "<i8"),
        ("off_table", "<i8"),
        ("off_owners", "<i8"),
        ("n_words0", "<i8"),
        ("n_words1", "<i8"),
        ("min_price_ticks", "<i8"),
        ("min_order_lots", "<i8"),
        ("max_order_lots", "<i8"),
        ("collar_ticks", "<i8"),
        ("replace_keeps_priority", "<i8"),
        ("symbol", "<i8"),
        # What changes with messages:
        ("best_bid", "<i8"),  # index of the best bid, -1: none
        ("best_ask", "<i8"),  # index of the best ask, n_prices: none
        ("reference_ticks", "<i8"),
        ("phase", "<i8"),
        ("sequence", "<i8"),
        ("next_order_id", "<i8"),
        ("n_orders", "<i8"),
        ("free_head", "<i8"),  # first node of the free list
        ("n_fresh", "<i8"),  # nodes never used so far start here
        ("reserved", "<i8"),
    ]
)

LEVEL: np.dtype[Any] = np.dtype([("lots", "<i8"), ("head", "<i4"), ("tail", "<i4")])
NODE: np.dtype[Any] = np.dtype(
    [
        ("order_id", "<i8"),
        ("price", "<i4"),  # index, not ticks
        ("qty_lots", "<i4"),
        ("next", "<i4"),
        ("prev", "<i4"),
        ("agent", "<i4"),
        ("side", "i1"),
        ("tracked", "u1"),
        ("reserved", "<u2"),
    ]
)
EXTRA: np.dtype[Any] = np.dtype(
    [("time_ns", "<i8"), ("parent_id", "<i4"), ("next", "<i4"), ("prev", "<i4"), ("reserved", "<i4")]
)
OWNER: np.dtype[Any] = np.dtype([("head", "<i4"), ("tail", "<i4")])
WORD: np.dtype[Any] = np.dtype([("bits", "<u8")])
SLOT: np.dtype[Any] = np.dtype([("node", "<i4")])

level_at = element_of(BOOK, "off_levels", LEVEL)
word0_at = element_of(BOOK, "off_words0", WORD)
word1_at = element_of(BOOK, "off_words1", WORD)
word2_at = element_of(BOOK, "off_words2", WORD)
node_at = element_of(BOOK, "off_nodes", NODE)
extra_at = element_of(BOOK, "off_extras", EXTRA)
slot_at = element_of(BOOK, "off_table", SLOT)
owner_at = element_of(BOOK, "off_owners", OWNER)

TABLES = {
    "levels": LEVEL,
    "words0": WORD,
    "words1": WORD,
    "words2": WORD,
    "nodes": NODE,
    "extras": EXTRA,
    "table": SLOT,
    "owners": OWNER,
}


def _layout(instrument: Instrument) -> tuple[dict[str, tuple[int, int]], int]:
    """Return {table: (offset in bytes, rows)} and the total bytes of a book; every table starts on a cache line."""
    words0 = -(-instrument.n_prices // 64)
    words1 = -(-words0 // 64)
    # The id table is kept at most a quarter full: most probes then end at the first slot, which is worth 7% of speed.
    slots = 1 << max(4, (4 * instrument.max_orders - 1).bit_length())
    rows = {
        "words2": 2,
        "words1": 2 * words1,
        "words0": 2 * words0,
        "levels": 2 * instrument.n_prices,
        "nodes": instrument.max_orders + 1,
        "extras": instrument.max_orders + 1,
        "table": slots,
        "owners": max(1, instrument.n_agents),
    }
    offset = -(-BOOK.itemsize // 64) * 64
    layout = {}
    for name, count in rows.items():
        layout[name] = (offset, count)
        offset += -(-count * TABLES[name].itemsize // 64) * 64
    return layout, offset


def book_bytes(instrument: Instrument) -> int:
    """Return the bytes of a book for this instrument."""
    return _layout(instrument)[1]


def init_book(block: np.ndarray[Any, np.dtype[np.uint8]], instrument: Instrument) -> Any:
    """Lay out an empty book at the start of a zeroed block and return its header record."""
    layout, n_bytes = _layout(instrument)
    book = header_of(block, BOOK)
    for name, (offset, _) in layout.items():
        book[f"off_{name}"] = offset
    slots = layout["table"][1]
    book["n_bytes"] = n_bytes
    book["n_prices"] = instrument.n_prices
    book["max_orders"] = instrument.max_orders
    book["n_agents"] = instrument.n_agents
    book["table_mask"] = slots - 1
    book["table_shift"] = 64 - (slots.bit_length() - 1)
    book["n_words0"] = layout["words0"][1] // 2
    book["n_words1"] = layout["words1"][1] // 2
    book["min_price_ticks"] = instrument.min_price_ticks
    book["min_order_lots"] = instrument.min_order_lots
    book["max_order_lots"] = instrument.max_order_lots
    book["collar_ticks"] = instrument.collar_ticks
    book["replace_keeps_priority"] = instrument.replace_keeps_priority
    book["symbol"] = instrument.symbol
    book["best_bid"] = -1
    book["best_ask"] = instrument.n_prices
    book["reference_ticks"] = instrument.reference_ticks
    book["phase"] = Phase.CONTINUOUS
    book["next_order_id"] = 1
    book["n_fresh"] = 1
    return book


def new_book(instrument: Instrument) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Any]:
    """Return a block of its own with an empty book, and its header record."""
    block = allocate(book_bytes(instrument))
    return block, init_book(block, instrument)
