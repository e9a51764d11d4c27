"""Layout of one order book in memory: a header record, then tables found by offset; see lob/blocks.py.

    levels      one row per side and price: displayed quantity, first and last order
    words0..2   one bitmap per side, three levels of 64-bit words: which prices hold orders
    nodes       orders that rest or wait, doubly linked in FIFO order within their level
    extras      metaorder id and the agent's own list, for TRACKED orders only
    table       order id -> node, open addressing with linear probing
    owners      first and last TRACKED order of each agent

and what only lob/extended touches:

    heads       first hidden order or waiting stop of each price; their queues are rings
    details     what an order is beyond a limit order until cancelled
    anchors     ends of the lists of pegged, trailing, elected and timed orders
    members     group and lead percentage of each agent, if the rules know any
    shares      lots allocated to each node, if the rules share out

Node 0 stands for "none" in every link: zeroed memory is an empty book, and unlinking needs no branch, since what is
written to node 0 is never read. Side index 0 is the bid, 1 the ask. Prices are stored as an index from
`min_price_ticks`. Sides have tables of their own although a matching book could share one: while an auction collects
orders, both sides may hold a price. The bitmaps have six: displayed, hidden, and waiting stops, each bid and ask.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lob.blocks import allocate, element_of, header_of
from lob.rules import MAX_TICK_BANDS, Instrument
from lob.types import Matching, Phase

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
        ("extended", "<i8"),  # 0: plain orders under plain rules; otherwise lob/extended handles every message
        # What only lob/extended touches; rules first:
        ("off_heads", "<i8"),
        ("off_details", "<i8"),
        ("off_anchors", "<i8"),
        ("off_members", "<i8"),
        ("off_shares", "<i8"),
        ("max_details", "<i8"),
        ("n_members", "<i8"),
        ("matching", "<i8"),
        ("top_max_lots", "<i8"),
        ("fifo_percent", "<i8"),
        ("minimum_lots", "<i8"),
        ("leveling", "<i8"),
        ("time_power", "<i8"),
        ("self_trade", "<i8"),
        ("round_lot", "<i8"),
        ("lowest_band", "<i8"),  # price indices of the static band
        ("highest_band", "<i8"),
        ("n_tick_bands", "<i8"),
        ("tick_from", "<i8", (MAX_TICK_BANDS,)),
        ("tick_step", "<i8", (MAX_TICK_BANDS,)),
        # What changes:
        ("last_trade2", "<i8"),  # price index of the last trade in half ticks, -1: none so far
        ("n_details", "<i8"),
        ("detail_free", "<i8"),
        ("detail_fresh", "<i8"),
        ("next_rank", "<i8"),
        ("n_slices", "<i8"),  # parts that icebergs have not yet shown
        ("n_hidden", "<i8"),  # on both sides, pegs not among them
        ("n_pegs", "<i8"),
        ("n_stops", "<i8"),
        ("n_elected", "<i8"),
        ("trail_low", "<i8"),  # a trade above this index moves the trigger of a trailing sell stop
        ("trail_high", "<i8"),  # a trade below this index moves the trigger of a trailing buy stop
        ("next_expiry_ns", "<i8"),
        ("stamp", "<i8"),
        ("top_bid", "<i8"),
        ("top_ask", "<i8"),
        # The incoming order while it is matched:
        ("taker_id", "<i8"),
        ("taker_agent", "<i8"),
        ("taker_parent", "<i8"),
        ("taker_side", "<i8"),
        ("taker_mode", "<i8"),
        ("taker_bid", "<i8"),
        ("taker_ask", "<i8"),
        ("found2", "<i8"),
        # The best price that a pegged bid and a pegged ask may have at a displayed touch; see pegs.py.
        ("peg_bid2", "<i8"),
        ("peg_ask2", "<i8"),
        ("pegs_at_bid", "<i8"),
        ("pegs_at_ask", "<i8"),
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
        ("detail", "<u2"),  # 0: a plain order
    ]
)
EXTRA: np.dtype[Any] = np.dtype(
    [("time_ns", "<i8"), ("parent_id", "<i4"), ("next", "<i4"), ("prev", "<i4"), ("reserved", "<i4")]
)
OWNER: np.dtype[Any] = np.dtype([("head", "<i4"), ("tail", "<i4")])
WORD: np.dtype[Any] = np.dtype([("bits", "<u8")])
SLOT: np.dtype[Any] = np.dtype([("node", "<i4")])
DETAIL: np.dtype[Any] = np.dtype(
    [
        ("rank", "<i8"),  # age among undisplayed orders
        ("expires_ns", "<i8"),  # NEVER_NS: not at a time
        ("reserve_lots", "<i4"),  # of an iceberg: not yet shown
        ("display_lots", "<i4"),
        ("min_lots", "<i4"),
        ("trigger_ticks", "<i4"),  # trailing distance or offset of a peg
        ("limit", "<i4"),  # price index of a stop-limit order or a peg, NO_LIMIT: none
        ("next", "<i4"),  # pegged, trailing or elected orders
        ("prev", "<i4"),
        ("due_next", "<i4"),  # timed orders
        ("due_prev", "<i4"),
        ("mark", "<i4"),
        ("kind", "u1"),
        ("peg", "u1"),
        ("time_in_force", "u1"),
        ("self_trade", "u1"),
        ("all_or_none", "u1"),
        ("reserved", "u1", (3,)),
    ]
)
ANCHOR: np.dtype[Any] = np.dtype([("head", "<i4"), ("tail", "<i4")])
MEMBER: np.dtype[Any] = np.dtype([("group", "<i4"), ("lead_percent", "<i4")])
SHARE: np.dtype[Any] = np.dtype([("lots", "<i8")])
N_SIDES = 6
N_ANCHORS = 6
NEVER_NS = 2**62
UNKNOWN = -2
"""In `pegs_at_bid`: the best prices of pegged orders have to be found anew."""

level_at = element_of(BOOK, "off_levels", LEVEL)
word0_at = element_of(BOOK, "off_words0", WORD)
word1_at = element_of(BOOK, "off_words1", WORD)
word2_at = element_of(BOOK, "off_words2", WORD)
node_at = element_of(BOOK, "off_nodes", NODE)
extra_at = element_of(BOOK, "off_extras", EXTRA)
slot_at = element_of(BOOK, "off_table", SLOT)
owner_at = element_of(BOOK, "off_owners", OWNER)
head_at = element_of(BOOK, "off_heads", SLOT)
detail_at = element_of(BOOK, "off_details", DETAIL)
anchor_at = element_of(BOOK, "off_anchors", ANCHOR)
member_at = element_of(BOOK, "off_members", MEMBER)
share_at = element_of(BOOK, "off_shares", SHARE)

TABLES = {
    "levels": LEVEL,
    "words0": WORD,
    "words1": WORD,
    "words2": WORD,
    "nodes": NODE,
    "extras": EXTRA,
    "table": SLOT,
    "owners": OWNER,
    "heads": SLOT,
    "details": DETAIL,
    "anchors": ANCHOR,
    "members": MEMBER,
    "shares": SHARE,
}


def _layout(instrument: Instrument) -> tuple[dict[str, tuple[int, int]], int]:
    """Return {table: (offset in bytes, rows)} and the total bytes of a book; every table starts on a cache line."""
    words0 = -(-instrument.n_prices // 64)
    words1 = -(-words0 // 64)
    # The id table is kept at most a quarter full: most probes then end at the first slot, which is worth 7% of speed.
    slots = 1 << max(4, (4 * instrument.max_orders - 1).bit_length())
    rows = {
        "words2": N_SIDES,
        "words1": N_SIDES * words1,
        "words0": N_SIDES * words0,
        "levels": 2 * instrument.n_prices,
        "nodes": instrument.max_orders + 1,
        "extras": instrument.max_orders + 1,
        "table": slots,
        "owners": max(1, instrument.n_agents),
        "heads": (N_SIDES - 2) * instrument.n_prices,
        "details": min(instrument.max_detailed_orders, instrument.max_orders) + 1,
        "anchors": N_ANCHORS,
        "members": instrument.n_agents if _members(instrument) else 1,
        "shares": instrument.max_orders + 1 if instrument.allocation is not None else 1,
    }
    offset = -(-BOOK.itemsize // 64) * 64
    layout = {}
    for name, count in rows.items():
        layout[name] = (offset, count)
        offset += -(-count * TABLES[name].itemsize // 64) * 64
    return layout, offset


def _members(instrument: Instrument) -> bool:
    """Whether the rules tell agents apart."""
    return bool(instrument.groups or (instrument.allocation and instrument.allocation.leads))


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
    book["n_words0"] = layout["words0"][1] // N_SIDES
    book["n_words1"] = layout["words1"][1] // N_SIDES
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
    _init_rules(block, book, layout, instrument)
    return book


def _init_rules(
    block: np.ndarray[Any, np.dtype[np.uint8]], book: Any, layout: dict[str, tuple[int, int]], instrument: Instrument
) -> None:
    """Write what only lob/extended reads."""
    book["extended"] = 0 if instrument.is_plain else 1
    book["max_details"] = layout["details"][1] - 1
    book["detail_fresh"] = 1
    book["next_rank"] = 1
    book["last_trade2"] = -1
    book["trail_low"], book["trail_high"] = instrument.n_prices, -1
    book["next_expiry_ns"] = NEVER_NS
    book["pegs_at_bid"] = UNKNOWN
    book["self_trade"] = instrument.self_trade
    book["round_lot"] = instrument.round_lot
    book["lowest_band"], book["highest_band"] = 0, instrument.n_prices - 1
    if instrument.static_band_ticks:
        middle, width = instrument.reference_ticks - instrument.min_price_ticks, instrument.static_band_ticks
        book["lowest_band"], book["highest_band"] = max(0, middle - width), min(instrument.n_prices - 1, middle + width)
    book["n_tick_bands"] = len(instrument.tick_table)
    for k, (start, step) in enumerate(instrument.tick_table):
        book["tick_from"][k], book["tick_step"][k] = start, step
    rules = instrument.allocation
    if rules is not None:
        book["matching"] = Matching.MIXED
        for name in ("top_max_lots", "fifo_percent", "minimum_lots", "leveling", "time_power"):
            book[name] = getattr(rules, name)
    if _members(instrument):
        offset, count = layout["members"]
        book["n_members"] = count
        members = block[offset : offset + count * MEMBER.itemsize].view(MEMBER)
        for first, end, number in instrument.groups:
            members["group"][first:end] = number
        for agent, percent in rules.leads if rules is not None else ():
            members["lead_percent"][agent] = percent


def new_book(instrument: Instrument) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Any]:
    """Return a block of its own with an empty book, and its header record."""
    block = allocate(book_bytes(instrument))
    return block, init_book(block, instrument)
