"""Messages of every kind and instruments with every rule, for comparing lob.extended with the twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lob.reference import ReferenceBook
from lob.rules import Allocation, Instrument
from lob.types import BUY, CLIENT_ID_BITS, MESSAGE, SELL, Flag, MessageKind, Phase, SelfTrade, TimeInForce

Array = npt.NDArray[Any]
K = MessageKind

KINDS = {
    "plain": ([K.LIMIT] * 8, 0),
    "iceberg": ([K.LIMIT] * 4, Flag.ICEBERG),
    "hidden": ([K.LIMIT] * 4, Flag.HIDDEN),
    "minimum": ([K.LIMIT] * 2, Flag.HIDDEN | Flag.MINIMUM),
    "all_or_none": ([K.LIMIT] * 2, Flag.HIDDEN | Flag.ALL_OR_NONE),
    "stop": ([K.STOP] * 2, 0),
    "stop_limit": ([K.STOP_LIMIT] * 2, 0),
    "trailing": ([K.TRAILING_STOP] * 2, 0),
    "pegged": ([K.PEGGED] * 4, 0),
    "pegged_limited": ([K.PEGGED] * 2, Flag.LIMITED),
    "pegged_minimum": ([K.PEGGED], Flag.MINIMUM),
    "pegged_whole": ([K.PEGGED], Flag.ALL_OR_NONE | Flag.LIMITED),
    "market": ([K.MARKET] * 2, 0),
    "market_minimum": ([K.MARKET], Flag.MINIMUM),
    "market_to_limit": ([K.MARKET_TO_LIMIT] * 2, 0),
}
"""Order kinds by name: as often as they come, and the flags that make them."""

RULES: dict[str, dict[str, Any]] = {
    "fifo": {},
    "pro rata": {"allocation": Allocation()},
    "top and pro rata": {"allocation": Allocation(top_max_lots=5, minimum_lots=2)},
    "all steps": {
        "allocation": Allocation(top_max_lots=2**30, fifo_percent=40, leveling=True, leads=((0, 20), (2, 10)))
    },
    "time pro rata": {"allocation": Allocation(time_power=2)},
    "time pro rata 4": {"allocation": Allocation(time_power=4, top_max_lots=3)},
    "newest": {"self_trade": SelfTrade.CANCEL_NEWEST},
    "oldest": {"self_trade": SelfTrade.CANCEL_OLDEST, "groups": ((0, 2, 1),)},
    "both": {"self_trade": SelfTrade.CANCEL_BOTH},
    "decrement": {"self_trade": SelfTrade.DECREMENT, "groups": ((1, 4, 7),)},
    "pro rata, oldest": {"allocation": Allocation(leveling=True), "self_trade": SelfTrade.CANCEL_OLDEST},
    "pro rata, decrement": {"allocation": Allocation(), "self_trade": SelfTrade.DECREMENT},
    "ticks and lots": {"tick_table": ((-5, 1), (10, 2), (20, 5)), "round_lot": 2},
    "bands": {"static_band_ticks": 12, "collar_ticks": 6, "reference_ticks": 15},
}


def instrument_of(rules: str, rng: np.random.Generator) -> Instrument:
    """A small instrument under rules of a name."""
    settings: dict[str, Any] = {"n_prices": 30, "n_agents": 4, "max_orders": 60, "reference_ticks": 15}
    if rng.random() < 0.2:
        settings |= {"max_orders": int(rng.integers(3, 20)), "max_detailed_orders": int(rng.integers(1, 8))}
    if rng.random() < 0.3:
        settings["replace_keeps_priority"] = False
    return Instrument(**(settings | RULES[rules]))


class ExtendedStream:
    """A seeded stream of messages of some kinds, aimed at what rests and waits in a twin's book."""

    def __init__(self, twin: ReferenceBook, kinds: list[str], rng: np.random.Generator) -> None:
        self.twin, self.kinds, self.rng = twin, kinds, rng
        self.time_ns = 0
        self.fair = 15.0

    def next(self) -> Array:
        """One message, shape (1,); the twin must have handled the earlier ones."""
        rng, rules = self.rng, self.twin.instrument
        messages = np.zeros(1, MESSAGE)
        m = messages[0]
        self.time_ns += int(rng.integers(0, 5))
        self.fair = min(max(self.fair + rng.normal(0, 0.6), 3), rules.n_prices - 4)
        m["time_ns"], m["symbol"] = self.time_ns, rules.symbol
        chance = rng.random()
        if self.twin.phase != Phase.CONTINUOUS and rng.random() < 0.5:
            m["kind"], m["qty_lots"] = K.SET_PHASE, Phase.CONTINUOUS
        elif chance < 0.01:
            m["kind"], m["qty_lots"] = K.SET_PHASE, rng.choice([Phase.CLOSED, Phase.HALTED])
        elif chance < 0.03:
            m["kind"] = K.EXPIRE
        elif chance < 0.05:
            m["kind"], m["agent"] = K.CANCEL_ALL, rng.integers(-1, 5)
        elif chance < 0.3 and self.twin.orders:
            self._change(m)
        else:
            self._order(m)
        if rng.random() < 0.02:
            self._spoil(m)
        return messages

    def _change(self, m: Any) -> None:
        rng = self.rng
        orders = list(self.twin.orders.values())
        order = orders[int(rng.integers(len(orders)))]
        m["kind"] = rng.choice([K.CANCEL, K.REDUCE, K.REPLACE, K.REPLACE])
        m["order_id"], m["agent"] = order.order_id, order.agent
        m["price_ticks"] = order.price_ticks if rng.random() < 0.4 else self._price(order.side)
        m["qty_lots"] = max(0, order.open_lots + int(rng.integers(-4, 4)))
        if m["kind"] == K.REDUCE:
            m["qty_lots"] = rng.integers(1, 6)
        m["flags"] = Flag.POST_ONLY if rng.random() < 0.15 else 0

    def _price(self, side: int) -> int:
        away = self.rng.exponential(2.5) - 1.2
        price = int(np.clip(round(self.fair - side * away), 0, self.twin.instrument.n_prices - 1))
        steps = [step for start, step in self.twin.instrument.tick_table if start <= price]
        return price // steps[-1] * steps[-1] if steps and self.rng.random() < 0.9 else price

    def _order(self, m: Any) -> None:
        rng, rules = self.rng, self.twin.instrument
        kinds, flags = KINDS[self.kinds[int(rng.integers(len(self.kinds)))]]
        m["kind"], m["side"] = kinds[0], rng.choice([BUY, SELL])
        m["price_ticks"] = self._price(int(m["side"]))
        step = rules.round_lot if rng.random() < 0.9 else 1
        m["qty_lots"] = step * int(rng.geometric(0.15))
        m["agent"] = rng.integers(-1, 4)
        tracked = Flag.TRACKED if m["agent"] >= 0 and rng.random() < 0.7 else 0
        m["parent_id"] = rng.integers(0, 3)
        if m["kind"] in (K.LIMIT, K.MARKET) and flags in (0, Flag.MINIMUM):
            if m["kind"] == K.MARKET or rng.random() < 0.15:
                m["time_in_force"] = rng.choice([TimeInForce.IOC, TimeInForce.FOK if not flags else TimeInForce.IOC])
            if m["kind"] == K.LIMIT and m["time_in_force"] == 0 and rng.random() < 0.15:
                flags |= Flag.POST_ONLY
        if m["kind"] != K.MARKET and m["time_in_force"] == 0 and rng.random() < 0.25:
            m["time_in_force"] = rng.choice([TimeInForce.DAY, TimeInForce.GTD])
            m["expires_ns"] = self.time_ns + int(rng.integers(1, 120))
        m["display_lots"] = step * rng.integers(1, max(2, int(m["qty_lots"]) // (2 * step) + 1))
        m["min_lots"] = rng.integers(1, int(m["qty_lots"]) + 1)
        m["peg"] = rng.integers(1, 4)
        m["trigger_ticks"] = {
            K.STOP: self._price(-int(m["side"])),
            K.STOP_LIMIT: self._price(-int(m["side"])),
            K.TRAILING_STOP: int(rng.integers(1, 6)),
            K.PEGGED: int(rng.integers(-3, 1 if m["peg"] == 2 else 4)),
        }.get(int(m["kind"]), 0)
        if rng.random() < 0.1:
            flags |= Flag.SELF_TRADE
            m["self_trade"] = rng.integers(0, 5)
        m["flags"] = int(flags) | int(tracked)
        if m["agent"] >= 0 and rng.random() < 0.1:
            m["order_id"] = (int(m["agent"]) + 1) * 2**CLIENT_ID_BITS + int(rng.integers(1, 9))

    def _spoil(self, m: Any) -> None:
        rng = self.rng
        field, values = [
            ("qty_lots", [0, -1, 2**31 - 1]),
            ("price_ticks", [-1, 30, 2**31 - 1, -(2**31)]),
            ("side", [0, 2]),
            ("time_in_force", [1, 2, 3, 4, 5, 255]),
            ("flags", [16, 32, 64, 128, 256, 512, 48, 80, 65_535, 4]),
            ("kind", [0, 8, 9, 10, 11, 12, 13, 14, 255]),
            ("display_lots", [0, -1, 2**31 - 1]),
            ("min_lots", [0, -1, 2**31 - 1]),
            ("trigger_ticks", [0, -1, 30, 2**31 - 1, -(2**31)]),
            ("peg", [0, 4, 255]),
            ("self_trade", [5, 255]),
            ("expires_ns", [0, -1, 2**62]),
            ("agent", [-1, 4, 2**31 - 1]),
        ][int(rng.integers(13))]
        m[field] = rng.choice(values)
