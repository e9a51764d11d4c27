"""What the audit remembers: the rules, the books that it rebuilds, an account for each agent and instrument.

Plain structured arrays in a named tuple. Nothing of the engine's own memory is used: the audit must not share its
mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lob.rules import Instrument
from lob.types import Phase
from sim.audit.faults import FAULTS
from sim.settings import RiskLimits

__all__ = ["BLOCK", "KEEP", "Group", "State", "new_state"]

KEEP = 5
"""Findings of each kind that are kept; all are counted."""
BLOCK = 512
"""Prices of one block; a count of each block's occupied prices makes the next best price quick to find."""
NEVER = 2**62


@dataclass(frozen=True)
class Group:
    """Agents that share limits: a population or a group of traders, numbered from `first`.

    Attributes:
        symbols: instruments that they may trade.
        killed_ns: time of their kill switch, or None.
    """

    name: str
    first: int
    count: int
    symbols: tuple[int, ...] = (0,)
    limits: RiskLimits = field(default_factory=RiskLimits)
    killed_ns: int | None = None


def _ints(*names: str) -> list[tuple[str, str]]:
    return [(name, "<i8") for name in names]


HEAD = np.dtype(
    [
        *_ints("row", "time_ns", "n_live", "free", "n_used", "n_entries"),
        # The message whose rows are being read: see `Stage` in sim/audit/rows.py.
        *_ints("stage", "symbol", "agent", "order_id", "side", "parent_id", "leaves", "total", "is_replace"),
        *_ints("limit", "last_execution", "has_executed", "reference", "n_open", "entry", "n_cancels"),
    ]
)
SYMBOL = np.dtype(
    [
        *_ints("min_price", "n_prices", "collar", "min_order", "max_order", "max_orders", "keeps_priority"),
        *_ints("first_level", "first_block", "n_blocks"),
        *_ints("reference", "phase", "best_bid", "best_ask", "sequence", "next_id", "n_orders", "beyond"),
    ]
)
GROUP = np.dtype(
    _ints(
        "symbol", "watch", "max_order", "max_notional", "max_position", "max_open", "max_rate", "killed_ns"
    )
)  # fmt: skip
AGENT = np.dtype(_ints("group", "n_open", "second", "n_in_second"))
ACCOUNT = np.dtype(
    [
        *_ints("position_lots", "bought_lots", "sold_lots", "n_fills", "n_orders", "ordered_lots", "n_rejects"),
        *_ints("n_messages", "open_buy_lots", "open_sell_lots", "n_open", "last_ns"),
        # Sums of price x lots as high x 2^32 + low: whatever the prices, no sum of a tape overflows.
        *_ints(
            "cash_high",
            "cash_low",
            "maker_high",
            "maker_low",
            "taker_high",
            "taker_low",
            "cash_half",
            "maker_lots",
            "taker_lots",
        ),
    ]
)
ORDER = np.dtype(
    _ints(
        "order_id", "symbol", "agent", "parent_id", "side", "price", "lots", "entry", "before", "after", "chain"
    )
)  # fmt: skip
"""A resting order; `before` and `after` are its neighbours in the queue, `chain` the next of the same id bucket."""
LEVEL = np.dtype(_ints("lots", "head", "tail"))
FINDING = np.dtype(_ints("row", "time_ns", "symbol", "expected", "found"))


class State(NamedTuple):
    """All of it. Order 0 means none; sides are numbered 0 (bids) and 1 (asks)."""

    head: Any
    symbols: Any
    groups: Any
    agents: Any
    accounts: Any
    """By agent x number of symbols + symbol."""
    levels: Any
    blocks: Any
    orders: Any
    buckets: Any
    findings: Any
    """By fault and number."""
    n_found: Any
    """By fault."""


def new_state(instruments: Sequence[Instrument], groups: Sequence[Group]) -> State:
    """Return the state before the first row."""
    n_agents = sum(group.count for group in groups)
    symbols = np.zeros(len(instruments), SYMBOL)
    first_level = first_block = 0
    for row, rules in zip(symbols, instruments, strict=True):
        n_blocks = -(-rules.n_prices // BLOCK)
        row["min_price"], row["n_prices"], row["collar"] = rules.min_price_ticks, rules.n_prices, rules.collar_ticks
        row["min_order"], row["max_order"] = rules.min_order_lots, rules.max_order_lots
        row["max_orders"], row["keeps_priority"] = rules.max_orders, rules.replace_keeps_priority
        row["first_level"], row["first_block"], row["n_blocks"] = first_level, first_block, n_blocks
        row["reference"], row["phase"] = rules.reference_ticks, int(Phase.CLOSED)
        row["best_bid"], row["best_ask"], row["next_id"], row["beyond"] = -1, -1, 1, not rules.is_plain
        first_level += 2 * rules.n_prices
        first_block += 2 * n_blocks
    table = np.zeros(len(groups), GROUP)
    agents = np.zeros(n_agents, AGENT)
    for k, (row, group) in enumerate(zip(table, groups, strict=True)):
        limits = group.limits
        row["symbol"], row["watch"] = group.symbols[0], group.symbols[-1]
        row["max_order"], row["max_notional"] = limits.max_order_lots, limits.max_notional
        row["max_position"], row["max_open"] = limits.max_position_lots, limits.max_open_orders
        row["max_rate"] = limits.max_messages_per_s
        row["killed_ns"] = NEVER if group.killed_ns is None else group.killed_ns
        agents["group"][group.first : group.first + group.count] = k
    head = np.zeros(1, HEAD)
    head["n_used"] = 1
    return State(
        head,
        symbols,
        table,
        agents,
        np.zeros(n_agents * len(instruments), ACCOUNT),
        np.zeros(first_level, LEVEL),
        np.zeros(first_block, np.int64),
        np.zeros(1, ORDER),
        np.zeros(1, np.int64),
        np.zeros((len(FAULTS), KEEP), FINDING),
        np.zeros(len(FAULTS), np.int64),
    )
