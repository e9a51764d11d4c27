"""All that the audit can find wrong in the rows of a tape: each fault has a code, a check it belongs to, and words."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

__all__ = ["CHECKS", "FAULTS", "F", "Fault"]


class Fault(NamedTuple):
    """One kind of fault: what of a row is compared, as part of which check."""

    code: str
    check: str
    what: str


CHECKS = {
    "sequence": "the rows of each instrument are numbered 1, 2, 3, ...",
    "time": "never back; one for all rows of a message, later for an agent's next one",
    "rows": "kinds, flags and reasons are known; what does not apply is empty",
    "messages": "rows of a message belong together and finish what it asked for",
    "agents": "ids are of the scenario, each in the instruments of its population",
    "phases": "nothing trades or rests in a halt, nothing changes after the close",
    "orders": "ids, owners, sides, prices, metaorders are those that orders rested with",
    "priority": "executions take the oldest order at the best price",
    "leaves": "executions stay within what is open; quantities add up, none below zero",
    "touch": "after each row it is that of the book rebuilt from the tape",
    "rules": "price range, sizes, collar; nothing rests or expires that could trade",
    "limits": "size, notional, position, open orders, message rate, kill switch",
    "rejects": "the reason holds, the book is unchanged",
}
"""The checks of rows, in the order of a report, and what each means when nothing is found."""

FAULTS = tuple(
    Fault(*entry)
    for entry in (
        ("sequence", "sequence", "sequence"),
        ("time_back", "time", "time_ns, at least"),
        ("message_time", "time", "time_ns within one message"),
        ("agent_time", "time", "time_ns of the agent's next message, later than"),
        ("symbol", "rows", "symbol, below"),
        ("kind", "rows", "kind (a row that this audit does not know)"),
        ("flags", "rows", "flags"),
        ("reason", "rows", "reason"),
        ("unused", "rows", "a field that does not apply to this kind of row"),
        ("side", "rows", "side"),
        ("first_missing", "messages", "Flag.FIRST: the row belongs to no message before it"),
        ("first_again", "messages", "Flag.FIRST: lots of the message before that have neither traded nor come to rest"),
        ("reinserted", "messages", "Flag.REINSERTED"),
        ("other_order", "messages", "order_id within one message"),
        ("other_agent", "messages", "agent within one message"),
        ("other_side", "messages", "side within one message"),
        ("other_parent", "messages", "parent_id within one message"),
        ("not_a_part", "messages", "kind: cannot follow within this message"),
        ("cancel_all_left", "messages", "orders that a cancel-all left at rest"),
        ("agent", "agents", "agent, below"),
        ("agent_symbol", "agents", "symbol: not one that the agent's population trades"),
        ("venue_agent", "agents", "agent of a row of the venue"),
        ("phase_field", "phases", "phase"),
        ("phase_trades", "phases", "phase in which an order is executed, added, replaced or expires"),
        ("phase_changes", "phases", "phase in which an order is cancelled or reduced: not"),
        ("phase_unknown", "phases", "the new phase"),
        ("order_unknown", "orders", "order_id: no such order rests; resting orders"),
        ("order_agent", "orders", "owner of the order"),
        ("order_side", "orders", "side of the order"),
        ("order_price", "orders", "price_ticks of the order"),
        ("order_parent", "orders", "metaorder of the order"),
        ("id_next", "orders", "order_id given by the exchange"),
        ("id_own", "orders", "order_id chosen by the agent, of the range"),
        ("id_rests", "orders", "order_id of a new order: rests already, with open lots"),
        ("price_best", "priority", "price_ticks of the execution: the best price"),
        ("oldest", "priority", "contra_order_id: the oldest order at the price"),
        ("keeps_place", "priority", "REPLACE at the same price without more lots: keeps its place as a REDUCE of"),
        ("cancel_order", "priority", "cancel-all takes the oldest order first: not before entry"),
        ("qty", "leaves", "qty_lots, at least"),
        ("qty_open", "leaves", "qty_lots, at most what is open"),
        ("leaves", "leaves", "leaves_lots"),
        ("contra_leaves", "leaves", "contra_leaves_lots"),
        ("both_left", "leaves", "lots left on both sides of an execution"),
        ("bid_ticks", "touch", "bid_ticks"),
        ("bid_lots", "touch", "bid_lots"),
        ("ask_ticks", "touch", "ask_ticks"),
        ("ask_lots", "touch", "ask_lots"),
        ("price_range", "rules", "price_ticks, at most (or below the range)"),
        ("order_size", "rules", "lots of the order, within the instrument's bounds"),
        ("collar", "rules", "price_ticks, within the collar up to"),
        ("beyond_limit", "rules", "price_ticks of the execution, within the order's limit"),
        ("rests_crossed", "rules", "price_ticks of a resting order that could have traded at"),
        ("expires_early", "rules", "what expires could have traded at"),
        ("capacity", "rules", "resting orders, at most"),
        ("limit_size", "limits", "lots of the order, at most max_order_lots"),
        ("limit_notional", "limits", "price x lots of the order, at most max_notional"),
        ("limit_position", "limits", "position if all orders of one side fill, at most max_position_lots"),
        ("limit_open", "limits", "open orders of the agent, at most max_open_orders"),
        ("limit_rate", "limits", "orders of the agent in one second of the clock, at most 2 max_messages_per_s"),
        ("limit_killed", "limits", "time_ns of an order after the kill switch at"),
        ("reject_false", "rejects", "reason: does not hold; code of the reason"),
        ("reject_unknown", "rejects", "reason: unknown code"),
    )
)
F: Any = namedtuple("F", [fault.code for fault in FAULTS])(*range(len(FAULTS)))
"""Codes of the faults as plain integers, for compiled code: F.sequence, F.time_back, ..."""
