"""All records of the simulated world, in one place; see lob/blocks.py for how a block finds its tables.

A world is one block of bytes: header, symbols, populations, agents, accounts, two heaps, schedule, fundamentals and
books. A snapshot is a copy of it. What is only scratch (the view handed to policies, addresses of compiled
functions) lives in a second block, the RUNTIME, and is never saved.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any

import numpy as np

from lob.blocks import element_of, same_block
from lob.book import BOOK
from lob.types import DETAIL_FIELDS, MESSAGE

__all__ = ["ACCOUNT", "AGENT", "OUT", "POPULATION", "SYMBOL", "VIEW", "WORLD", "Needs", "Status", "Wake"]

MAX_POPULATIONS = 64
N_PARAMS = 16
N_STATE = 16
MAX_OUT = 64
N_DEPTH = 10
N_OWN = 32
N_TRADES = 8
N_HISTORY = 256
N_SLICES = 128


class Wake(IntFlag):
    """Why an agent wakes; also the bits of a population's subscriptions."""

    START = 1
    TIMER = 2
    FILL = 4
    """An own order executed, on either side."""
    ACK = 8
    """An own order was added, cancelled, reduced, replaced or expired."""
    REJECT = 16
    TOUCH = 32
    """The best bid or the best ask price changed."""
    TRADE = 64
    PHASE = 128
    NEWS = 256


class Needs(IntFlag):
    """What of the view the kernel fills for a population beyond the touch, the account and the last trade."""

    DEPTH = 1
    TRADES = 2
    SIGNAL = 4
    OWN = 8
    QUEUE = 16
    BOOK = 32
    """Any price level and any own order can be looked up through the functions of sim.lookup."""
    HISTORY = 64
    """The last N_HISTORY events of the symbol can be read through sim.history."""


class Status(IntEnum):
    """Why the kernel returned to Python."""

    DONE = 0
    TAPE_FULL = 1
    PYTHON_WAKE = 2
    IN_FLIGHT_FULL = 3
    BOOK_FULL = 4
    OUT_FULL = 5
    EVENT_LIMIT = 7
    ACCOUNT_FULL = 8


class LatencyKind(IntEnum):
    """Distribution of the time from decision to arrival."""

    CONSTANT = 0
    UNIFORM = 1
    LOGNORMAL = 2


class ScheduledKind(IntEnum):
    """What the venue or the world does at a set time."""

    PHASE = 1
    NEWS = 2
    KILL = 3
    """The kill switch of a population (its index is the value): no new orders, and all resting ones withdrawn."""


class ConditionKind(IntEnum):
    """What a conditional waits for."""

    FALL = 1
    """A trade so far below the highest one of the window."""
    RISE = 2
    MOVE = 3
    """Either."""
    SPREAD = 4
    """A bid-ask spread so wide, both sides quoted, in continuous trading."""


class Stage(IntEnum):
    """Where a conditional stands."""

    ARMED = 0
    FIRED = 1
    LASTING = 2
    SPENT = 3


def _ints(*names: str) -> list[tuple[str, str]]:
    return [(name, "<i8") for name in names]


WORLD: np.dtype[Any] = np.dtype(
    [
        *_ints("format_version", "n_bytes", "n_symbols", "n_populations", "n_agents", "n_scheduled", "n_conditionals"),
        *_ints("off_symbols", "off_populations", "off_agents", "off_accounts", "off_scheduled", "off_conditionals"),
        *_ints("off_wakes", "off_arrivals", "off_messages", "off_slots", "off_floats", "off_history"),
        *_ints("n_slots", "open_ns", "close_ns"),
        # What changes:
        *_ints("time_ns", "next_scheduled", "n_free_slots", "n_events", "n_messages", "n_wakes"),
        *_ints("wake_agent", "event_limit", "shared_stream", "conditional_ns"),
        # The earliest time at which an order expires; the symbol whose elected stops are still to act, plus 1.
        # The symbol that the venue is about to send a message to, plus 1.
        *_ints("expiry_ns", "cascading", "venue"),
        ("seed", "<u8"),
    ]
)

SYMBOL: np.dtype[Any] = np.dtype(
    [
        *_ints("off_book", "wakes_on", "first_value", "n_values", "value_step_ns", "value_start_ns"),
        *_ints("maker_fee_ppb", "taker_fee_ppb", "last_ticks", "last_lots", "last_side"),
        *_ints("volume_lots", "n_trades", "bid_ticks", "ask_ticks", "n_history", "price_step_ticks"),
        *_ints("maker_lot_fee_nano", "taker_lot_fee_nano", "order_fee_nano", "short_selling"),
        *_ints("order_delay_ns", "cancel_delay_ns", "taker_delay_ns"),
        ("news", "<f8"),
        ("trade_ticks", "<i8", (N_TRADES,)),
        ("trade_lots", "<i8", (N_TRADES,)),
        ("n_rejects", "<i8", (64,)),
    ]
)

POPULATION: np.dtype[Any] = np.dtype(
    [
        *_ints("symbol", "first", "count", "policy", "is_python", "needs", "wakes_on", "reaction_ns"),
        *_ints("latency_kind", "first_value", "n_values", "watch", "first_memory", "n_memory"),
        ("latency_a", "<f8"),
        ("latency_b", "<f8"),
        *_ints("max_order_lots", "max_notional", "max_position_lots", "max_open_orders", "max_messages_per_s"),
        *_ints("max_messages_per_fill"),
        *_ints("n_wakes", "n_messages", "moves_timer"),
    ]
)

AGENT: np.dtype[Any] = np.dtype(
    [
        # The first cache line is all that the kernel itself touches.
        ("key", "<u8"),
        ("draw_key", "<u8"),
        *_ints("n_timer", "n_triggered", "timer_ns", "pending_ns"),
        ("pending_reason", "<i4"),
        ("population", "<i4"),
        ("killed", "<i8"),
        ("params", "<f8", (N_PARAMS,)),
        ("state", "<f8", (N_STATE,)),
    ]
)
"""An agent as its policy sees it (320 bytes): `params` in the order of its settings, `state` its own to use."""

ACCOUNT: np.dtype[Any] = np.dtype(
    [
        # The first cache line serves sending, the gate and resting orders; the others are touched by fills.
        *_ints("position_lots", "cash_ticks", "open_buy_lots", "open_sell_lots", "last_arrival_ns", "n_messages"),
        ("n_open", "<i4"),
        ("n_in_flight", "<i4"),
        *_ints("n_orders", "ordered_lots"),
        *_ints("bought_lots", "sold_lots", "turnover_ticks", "fees_ticks", "fees_nano", "n_fills", "peak_ticks"),
        *_ints("drawdown_ticks", "n_rejects", "window_ns", "window_count", "turnover_carry", "cash_half"),
    ]
)
"""One agent's account in one symbol. Cash, turnover, fees, peak and drawdown in ticks x lots.

Three of them are more than one word can say: the turnover is turnover_carry x TURNOVER_WORD + turnover_ticks, the fees
are fees_ticks and fees_nano (0 to 999,999,999) billionths, the cash is cash_ticks and cash_half (0 or 1) halves, since
a trade at the midpoint can cost half a tick; see sim/worth.py. The message rate is counted (`window_`) in the account
of the agent's own symbol, for all its symbols.
"""

TURNOVER_WORD = 2**62
ACCOUNT_LIMIT = 2**61
"""A run ends when an account's cash, position at its last price and fees together reach this (2.3e18 ticks x lots)."""

ENTRY: np.dtype[Any] = np.dtype([("high", "<u8"), ("low", "<u8")])
HEAP: np.dtype[Any] = np.dtype(_ints("off_entries", "capacity", "size", "reserved"))
SCHEDULED: np.dtype[Any] = np.dtype([*_ints("time_ns", "kind", "symbol"), ("value", "<f8")])
CONDITIONAL: np.dtype[Any] = np.dtype(
    [
        *_ints("symbol", "condition", "slice_ns", "kind", "lasts_ns", "times_left", "stage", "due_ns", "slice"),
        *[(name, "<f8") for name in ("ticks", "share", "value", "end_value")],
        ("highs", "<i8", (N_SLICES,)),
        ("lows", "<i8", (N_SLICES,)),
    ]
)
"""A condition and what happens when it holds: `kind` and `value` as of SCHEDULED, `end_value` after `lasts_ns`."""
SLOT: np.dtype[Any] = np.dtype([("index", "<i4")])
FLOAT: np.dtype[Any] = np.dtype([("value", "<f8")])

VIEW: np.dtype[Any] = np.dtype(
    [
        *_ints("time_ns", "open_ns", "close_ns", "reason", "symbol", "phase"),
        *_ints("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"),
        *_ints("last_ticks", "last_lots", "last_side", "volume_lots", "n_trades"),
        *_ints("position_lots", "cash_ticks", "n_in_flight", "watch_n_in_flight"),
        *_ints("n_own", "n_bid_levels", "n_ask_levels", "n_recent"),
        *_ints("block_address", "n_block", "min_price_ticks", "max_price_ticks"),
        *_ints("agent", "book_address", "memory_address", "n_memory"),
        *_ints("watch", "watch_bid_ticks", "watch_bid_lots", "watch_ask_ticks", "watch_ask_lots"),
        *_ints("watch_last_ticks", "watch_position_lots", "history_address", "n_history"),
        ("signal", "<f8"),
        ("news", "<f8"),
        ("own_id", "<i8", (N_OWN,)),
        ("own_side", "<i8", (N_OWN,)),
        ("own_ticks", "<i8", (N_OWN,)),
        ("own_lots", "<i8", (N_OWN,)),
        ("own_ahead_lots", "<i8", (N_OWN,)),
        ("bid_depth_ticks", "<i8", (N_DEPTH,)),
        ("bid_depth_lots", "<i8", (N_DEPTH,)),
        ("ask_depth_ticks", "<i8", (N_DEPTH,)),
        ("ask_depth_lots", "<i8", (N_DEPTH,)),
        ("trade_ticks", "<i8", (N_TRADES,)),
        ("trade_lots", "<i8", (N_TRADES,)),
    ]
)
"""What a policy sees. Empty sides of the touch: NO_PRICE and 0 lots. `last_ticks` is the reference price before the
first trade. Filled on request (`Needs`): depth, recent trades (newest first, lots signed by the aggressor), own
orders (oldest first, the first N_OWN), lots ahead of them (QUEUE), `signal` (the fundamental value, in ticks).
The `watch_` fields show a second symbol, if the population watches one (`watch` is its index, else -1). Position and
cash are those in the own symbol; `n_in_flight` counts the messages under way to either, `watch_n_in_flight` those of
them that go to the watched one."""

OUT: np.dtype[Any] = np.dtype(
    [
        *_ints("n", "overflow"),
        *[
            (name, "<i8", (MAX_OUT,))
            for name in (
                "kind",
                "side",
                "price_ticks",
                "qty_lots",
                "order_id",
                "time_in_force",
                "flags",
                "parent_id",
                "leg",
                *DETAIL_FIELDS,
            )
        ],
    ]
)
"""The messages of one decision; filled through the send_ helpers of sim.policy. `leg` 1: to the watched symbol."""

HISTORY: np.dtype[Any] = np.dtype(
    _ints(
        "time_ns",
        "kind",
        "side",
        "price_ticks",
        "qty_lots",
        "order_id",
        "agent",
        "bid_ticks",
        "bid_lots",
        "ask_ticks",
        "ask_lots",
    )
)
"""One of the symbol's latest events: a tape row of kind ADD, CANCEL, REDUCE, REPLACE or EXECUTE in short, with the
touch after it. Of an execution `order_id` and `agent` are the aggressor's."""

RUNTIME: np.dtype[Any] = np.dtype(
    [
        *_ints("off_view", "off_out", "off_message"),
        ("policy_address", "<i8", (MAX_POPULATIONS,)),
    ]
)

symbol_at = element_of(WORLD, "off_symbols", SYMBOL)
population_at = element_of(WORLD, "off_populations", POPULATION)
agent_at = element_of(WORLD, "off_agents", AGENT)
account_at = element_of(WORLD, "off_accounts", ACCOUNT)
scheduled_at = element_of(WORLD, "off_scheduled", SCHEDULED)
message_at = element_of(WORLD, "off_messages", MESSAGE)
conditional_at = element_of(WORLD, "off_conditionals", CONDITIONAL)
slot_at = element_of(WORLD, "off_slots", SLOT)
float_at = element_of(WORLD, "off_floats", FLOAT)
history_at = element_of(WORLD, "off_history", HISTORY)
entry_at = element_of(HEAP, "off_entries", ENTRY)
heap_in = same_block(HEAP)
book_in = same_block(BOOK)
view_of = element_of(RUNTIME, "off_view", VIEW)
out_of = element_of(RUNTIME, "off_out", OUT)
scratch_message_of = element_of(RUNTIME, "off_message", MESSAGE)
