"""What the twin of the kernel knows of agents and symbols, and its risk gate."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from lob.reference import ReferenceBook
from lob.types import DETAIL_FIELDS, MESSAGE, Flag, MessageKind, Reject, TimeInForce
from lob.units import SECOND_NS
from sim.records import Wake
from sim.settings import Population

LIMIT, MARKET, REPLACE = MessageKind.LIMIT, MessageKind.MARKET, MessageKind.REPLACE
OTHERS = tuple(kind for kind in MessageKind if MessageKind.STOP <= kind <= MessageKind.MARKET_TO_LIMIT)
INSTRUCTIONS = sum(flag for flag in Flag if Flag.HIDDEN <= flag <= Flag.LIMITED)


@dataclass
class TwinAccount:
    """What an agent has and does in one symbol."""

    position: int = 0
    cash2: int = 0
    fees_nano: int = 0
    in_flight: int = 0
    last_arrival: int = 0


@dataclass
class TwinAgent:
    """What is known of one agent."""

    record: Any
    population: Population
    decide: Any
    memory: Any
    accounts: dict[int, TwinAccount] = field(default_factory=lambda: defaultdict(TwinAccount))
    timer: int | None = None
    pending: Wake = field(default_factory=lambda: Wake(0))
    n_timer: int = 0
    n_triggered: int = 0
    window: int = 0
    in_window: int = 0

    @property
    def order(self) -> int:
        """Who comes first at one instant: the upper 49 bits of the key."""
        return int(self.record["key"][0]) >> 15


@dataclass
class TwinSymbol:
    """What is known of one instrument."""

    book: ReferenceBook
    values: Any
    value_step_ns: int
    fees_ppb: tuple[int, int]
    last: int
    last_lots: int = 0
    last_side: int = 0
    volume: int = 0
    news: float = 0.0
    price_step: int = 1
    trades: list[tuple[int, int]] = field(default_factory=list)

    def expiries(self) -> list[int]:
        """When orders expire that have a time for it."""
        return [order.expires_ns for order in self.book.orders.values() if order.time_in_force == TimeInForce.GTD]


def rounded(symbol: TwinSymbol, message: Any) -> int:
    """The price of a message after the gateway: a multiple of the step, a buy's not higher, a sell's not lower."""
    kind, price, side = int(message["kind"]), int(message["price_ticks"]), int(message["side"])
    if kind == REPLACE:
        target = symbol.book.orders.get(int(message["order_id"]))
        side = 0 if target is None else target.side
    limited = kind in (LIMIT, REPLACE, MessageKind.STOP_LIMIT) or message["flags"] & Flag.LIMITED
    if not limited or (kind == REPLACE and side == 0) or abs(price) > 2**30:
        return price
    step = symbol.price_step
    multiples = [p for p in range(price - step + 1, price + step) if p % step == 0]
    return max(p for p in multiples if p <= price) if side > 0 else min(p for p in multiples if p >= price)


def refused(agent: TwinAgent, index: int, symbols: list[TwinSymbol], message: Any, time: int) -> int:
    """Why the risk gate refuses a message; 0 if it does not."""
    limits, kind = agent.population.limits, int(message["kind"])
    symbol = symbols[int(message["symbol"])]
    account = agent.accounts[int(message["symbol"])]
    if limits.max_messages_per_s:
        if time - agent.window >= SECOND_NS:
            agent.window, agent.in_window = time, 0
        agent.in_window += 1
    if message["gateway"]:
        return int(message["gateway"])
    if kind == MessageKind.EXPIRE:
        return Reject.BAD_KIND
    side, lots = int(message["side"]), int(message["qty_lots"])
    added, price = lots, int(message["price_ticks"])
    mine = symbol.book._of_agent.get(index, {})
    if kind == REPLACE:
        target = symbol.book.orders.get(int(message["order_id"]))
        if target is None:
            return 0
        side, added = target.side, lots - target.open_lots
    elif kind not in (LIMIT, MARKET, *OTHERS):
        return 0
    if limits.max_messages_per_s and agent.in_window > limits.max_messages_per_s:
        return Reject.RISK_MESSAGE_RATE
    if limits.max_order_lots and lots > limits.max_order_lots:
        return Reject.RISK_QUANTITY
    value = abs(price if kind in (LIMIT, REPLACE, MessageKind.STOP_LIMIT) else symbol.last) * lots
    if limits.max_notional and value > limits.max_notional:
        return Reject.RISK_NOTIONAL
    resting = sum(o.open_lots for o in mine.values() if o.side == side)
    exposure = side * account.position + resting + added
    if limits.max_position_lots and added > 0 and exposure > limits.max_position_lots:
        return Reject.RISK_POSITION
    at_rest = sum(len(other.book._of_agent.get(index, {})) for other in symbols)
    may_rest = kind not in (MARKET, REPLACE) and message["time_in_force"] not in (1, 2)
    if may_rest and limits.max_open_orders and at_rest >= limits.max_open_orders:
        return Reject.RISK_OPEN_ORDERS
    return 0


class Named:
    """A MESSAGE record with its fields as attributes."""

    def __init__(self, message: Any) -> None:
        for name in MESSAGE.names or ():
            setattr(self, name, int(message[name]))


def put_anything(out: Any, *values: int) -> None:
    """Put a message with any numbers into `out`; sim.plain has another one, which refuses what check_policy should."""
    names = ("kind", "side", "price_ticks", "qty_lots", "order_id", "time_in_force", "flags", "parent_id")
    for name, value in zip(names, values, strict=True):
        out[name][out.n] = value
    for name in ("leg", *DETAIL_FIELDS):
        out[name][out.n] = 0
    out.n += 1


def fitted(fields: dict[str, int]) -> dict[str, int]:
    """A message as it is sent: numbers beyond its range stand at the end of it, `gateway` says what is wrong else."""
    ends = {"price_ticks": 2**31 - 1, "qty_lots": 2**31 - 1, "parent_id": 2**31 - 1, "side": 127}
    fitting = {name: max(-ends[name], min(value, ends[name])) for name, value in fields.items() if name in ends}
    fitting["kind"] = fields["kind"] if 0 <= fields["kind"] < 256 else 0
    fitting["time_in_force"] = fields["time_in_force"] if 0 <= fields["time_in_force"] < 256 else 255
    fitting["flags"] = fields["flags"] & (3 | INSTRUCTIONS)
    if fields["flags"] & ~(3 | INSTRUCTIONS):
        fitting["gateway"] = Reject.BAD_FLAGS
    elif fitting["parent_id"] != fields["parent_id"]:
        fitting["gateway"] = Reject.BAD_PARENT_ID
    told = {**fields, **fitting}
    asked = {
        "display_lots": told["flags"] & Flag.ICEBERG,
        "min_lots": told["flags"] & Flag.MINIMUM,
        "expires_ns": told["time_in_force"] == 4,
        "trigger_ticks": told["kind"] > MessageKind.SET_PHASE,
        "peg": told["kind"] == MessageKind.PEGGED,
        "self_trade": told["flags"] & Flag.SELF_TRADE,
    }
    return told | {name: 0 for name, is_asked in asked.items() if not is_asked}
