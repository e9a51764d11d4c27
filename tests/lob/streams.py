"""Messages for the tests: few hostile ones by Hypothesis, and long streams of a living market."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from lob.reference import ReferenceBook
from lob.rules import Instrument
from lob.types import BUY, CLIENT_ID_BITS, MESSAGE, SELL, Flag, MessageKind, Phase, TimeInForce

Array = npt.NDArray[Any]

INT32 = 2**31 - 1
INT64 = 2**63 - 1

# ---- small and hostile ---------------------------------------------------------------------------

SET_PHASE = MessageKind.SET_PHASE
CHANGES = (MessageKind.CANCEL, MessageKind.REDUCE, MessageKind.REPLACE)
USUAL_KINDS = [MessageKind.LIMIT] * 6 + [MessageKind.MARKET, *CHANGES, MessageKind.REPLACE]
USUAL_KINDS += [*USUAL_KINDS, MessageKind.CANCEL_ALL, SET_PHASE]
ODD_LOTS = (0, -1, 50, INT32, -INT32 - 1)
BITMAP_BORDERS = (0, 1, 63, 64, 65, 127, 128, 4095, 4096, 4097, 4159, 4160, 8191, 8192)
"""Price indices where a word of the occupancy bitmap, or of the level above it, begins or ends."""


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    """Small books: few prices or word borders among them, few orders, narrow collars."""
    n_prices = draw(st.sampled_from([1, 2, 8, 9, 63, 64, 65, 66, 127, 128, 129, 130, 4096, 4097, 8200]))
    lowest = draw(st.sampled_from([0, 1, 100, -5, -4096]))
    smallest = draw(st.sampled_from([1, 1, 1, 3]))
    return Instrument(
        symbol=draw(st.sampled_from([0, 7])),
        min_price_ticks=lowest,
        n_prices=n_prices,
        max_orders=draw(st.sampled_from([40, 40, 8, 40, 5, 8, 3, 2, 1])),
        n_agents=draw(st.sampled_from([1, 0, 3])),
        min_order_lots=smallest,
        max_order_lots=draw(st.sampled_from([smallest, 6, 50, 2**30])),
        collar_ticks=draw(st.sampled_from([0, 0, 0, 1, 3, 60, 2**30])),
        reference_ticks=lowest + draw(st.sampled_from([-2, 0, n_prices // 2, n_prices - 1, n_prices + 1])),
        replace_keeps_priority=draw(st.booleans()),
    )


def usual_or(usual: st.SearchStrategy[int], *hostile: int, one_in: int = 12) -> st.SearchStrategy[int]:
    """Mostly the usual value, now and then a hostile one."""
    # Hypothesis likes to try the ends of a range, so the rare case is in the middle.
    return st.integers(1, one_in).flatmap(lambda n: st.sampled_from(hostile) if n == one_in // 2 else usual)


@st.composite
def small_markets(draw: st.DrawFn) -> tuple[Instrument, Array]:
    """An instrument and messages that crowd onto a few of its prices, agents and resting orders.

    A twin handles each message as it is drawn, so that the next one can aim at what rests.
    """
    rules = draw(instruments())
    lowest, n = rules.min_price_ticks, rules.n_prices
    borders = [index for index in (*BITMAP_BORDERS, n // 2, n - 2, n - 1) if 0 <= index < n]
    anchors = draw(st.lists(st.sampled_from(borders), min_size=1, max_size=3))
    near = sorted({lowest + a + d for a in anchors for d in (-2, -1, 0, 1, 2) if 0 <= a + d < n})
    far = (lowest - 1, lowest + n, INT32, -INT32 - 1)
    agents = st.sampled_from([-1, *range(rules.n_agents)])
    smallest, largest = rules.min_order_lots, min(rules.max_order_lots, rules.min_order_lots + 5)
    if draw(st.integers(1, 8)) != 4:
        rules = replace(rules, reference_ticks=lowest + anchors[0])
    twin = ReferenceBook(rules)
    lengths = (1, 2, 3, 5, 8, 12, 20, 30, 40, 50, 50, 50, 50)
    messages = np.zeros(draw(st.sampled_from(lengths)), MESSAGE)
    messages["symbol"] = rules.symbol
    messages["time_ns"] = 10 * np.arange(len(messages))
    for i in range(len(messages)):
        m = messages[i]
        kinds = USUAL_KINDS if twin.orders else [MessageKind.LIMIT] * 9 + USUAL_KINDS
        m["kind"] = draw(usual_or(st.sampled_from(kinds), 0, 8, 255, one_in=60))
        m["price_ticks"] = draw(usual_or(st.sampled_from(near), *far, one_in=20))
        m["qty_lots"] = draw(usual_or(st.integers(smallest, largest), *ODD_LOTS, one_in=15))
        m["agent"] = draw(usual_or(agents, 3, INT32, -INT32 - 1, one_in=20))
        m["parent_id"] = draw(st.sampled_from([0, 5, 9]))
        m["side"] = draw(usual_or(st.sampled_from([BUY, SELL]), 0, 2, -128, one_in=40))
        tracked = Flag.TRACKED if 0 <= m["agent"] < rules.n_agents else Flag(0)
        usual_flags = st.sampled_from([0, tracked, tracked, tracked | Flag.POST_ONLY])
        m["flags"] = draw(usual_or(usual_flags, 2, 4, 65_535, one_in=20))
        if m["flags"] & Flag.POST_ONLY == 0:
            lives = st.sampled_from([0, 0, 0, 0, 1, 2])
            m["time_in_force"] = draw(usual_or(lives, 3, 255, one_in=40))
        if m["kind"] in CHANGES:
            resting = sorted(twin.orders)
            m["order_id"] = draw(
                usual_or(st.sampled_from(resting), 0, -1, 1, 2, INT64, -INT64 - 1, one_in=15)
                if resting
                else st.integers(0, 9)
            )
            order = twin.orders.get(int(m["order_id"]))
            if order is not None:
                m["agent"] = draw(usual_or(st.just(order.agent), -1, 0, 1, one_in=15))
                m["price_ticks"] = draw(st.sampled_from([order.price_ticks, m["price_ticks"]]))
                lots = [max(0, order.open_lots + d) for d in (-1, 0, 1)]
                m["qty_lots"] = draw(st.sampled_from([*lots, m["qty_lots"]]))
        elif draw(st.integers(1, 6)) == 3:  # the sender chooses the id of a new order, mostly well
            own = max(-9, min(int(m["agent"]) + 1, 9)) * 2**CLIENT_ID_BITS + draw(st.integers(1, 3))
            m["order_id"] = draw(usual_or(st.just(own), 1, -1, 2**CLIENT_ID_BITS, INT64, -INT64 - 1, one_in=8))
        if twin.phase != Phase.CONTINUOUS and draw(st.booleans()):
            m["kind"], m["qty_lots"] = SET_PHASE, Phase.CONTINUOUS
        elif m["kind"] == SET_PHASE:
            m["qty_lots"] = draw(st.sampled_from([0, 1, 2, 3, -1]))
        twin.apply(messages[i : i + 1])
    return rules, messages


# ---- long and alive ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Climate:
    """What kind of market a long stream makes.

    Attributes:
        orders: resting orders that arrivals and cancels balance around.
        spread_of_prices: mean distance of a new limit order from the fair price, in ticks.
        drift: step of the fair price per chunk, in ticks.
        jump: chance per chunk that the fair price moves anywhere in the range.
        mean_lots: mean size of an order.
    """

    orders: int = 200
    spread_of_prices: float = 6.0
    drift: float = 3.0
    jump: float = 0.0
    mean_lots: float = 10.0

    @property
    def chunk(self) -> int:
        """Messages to draw at once: few enough that most orders they aim at are still there."""
        return min(500, max(10, self.orders // 2))


class LivingStream:
    """An endless seeded stream of messages of every kind, aimed at what rests in a twin's book.

    Most cancels name a live order and its owner, most orders are placed near a wandering fair
    price. Some name orders given out moments ago, or long gone, or never; some have impossible
    prices, sizes, sides.
    """

    KINDS = (
        MessageKind.LIMIT,
        MessageKind.MARKET,
        MessageKind.CANCEL,
        MessageKind.REDUCE,
        MessageKind.REPLACE,
        MessageKind.CANCEL_ALL,
        0,
    )

    def __init__(self, twin: ReferenceBook, climate: Climate, seed: int) -> None:
        self.twin = twin
        self.climate = climate
        self.rng = np.random.default_rng(seed)
        self.fair = float(self.rng.uniform(0, twin.instrument.n_prices))
        self.time_ns = 0

    def next(self, n: int) -> Array:
        """Return the next n messages; the twin must have handled the earlier ones."""
        rng, rules = self.rng, self.twin.instrument
        messages = np.zeros(n, MESSAGE)
        messages["time_ns"] = self.time_ns + np.cumsum(rng.integers(0, 2_000_000, n))
        self.time_ns = int(messages["time_ns"][-1])
        live = len(self.twin.orders)
        leaving = 0.26 * min(2.0, live / self.climate.orders)
        weights = np.array([0.55, 0.04, leaving, 0.06, 0.12, 0.1 / max(20.0, live), 0.001])
        messages["kind"] = rng.choice(self.KINDS, n, p=weights / weights.sum())
        messages["symbol"] = rules.symbol
        messages["side"] = rng.choice([BUY, SELL], n)
        messages["price_ticks"] = self._prices(messages["side"], n)
        messages["qty_lots"] = self._quantities(n)
        messages["parent_id"] = rng.integers(0, 50, n) * (rng.random(n) < 0.3)
        messages["time_in_force"] = rng.choice(
            [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK], n, p=[0.86, 0.09, 0.05]
        )
        post_only = (rng.random(n) < 0.15) & (rng.random(n) < np.where(messages["time_in_force"] == 0, 1.0, 0.05))
        messages["agent"] = rng.integers(-1, max(1, rules.n_agents), n)
        tracked = (messages["agent"] >= 0) & (messages["agent"] < rules.n_agents) & (rng.random(n) < 0.7)
        messages["flags"] = np.where(post_only, Flag.POST_ONLY, 0) | np.where(tracked, Flag.TRACKED, 0)
        self._aim(messages)
        self._spoil(messages)
        self._interrupt(messages)
        return messages

    def _prices(self, side: Array, n: int) -> Array:
        rng, rules, climate = self.rng, self.twin.instrument, self.climate
        last = rules.n_prices - 1
        self.fair += rng.normal(0.0, climate.drift)
        if rng.random() < climate.jump:
            self.fair = float(rng.uniform(0, rules.n_prices))
        self.fair = float(np.clip(self.fair, 0, last))
        center = self.fair
        if rules.collar_ticks:  # a market within a collar can only walk, one execution at a time
            reference = self.twin.reference_ticks - rules.min_price_ticks
            center = float(
                np.clip(
                    center,
                    reference - 0.9 * rules.collar_ticks,
                    reference + 0.9 * rules.collar_ticks,
                )
            )
        away = rng.exponential(climate.spread_of_prices, n) - 0.25 * climate.spread_of_prices
        price = np.rint(center + np.where(rng.random(n) < 0.02, rng.normal(0, 70, n), -side * away))
        return rules.min_price_ticks + np.clip(price, 0, last).astype(np.int64)

    def _quantities(self, n: int) -> Array:
        rules = self.twin.instrument
        lots = self.rng.geometric(1 / max(1.0, self.climate.mean_lots), n) * np.where(self.rng.random(n) < 0.02, 40, 1)
        return np.clip(lots, rules.min_order_lots, rules.max_order_lots)

    def _aim(self, messages: Array) -> None:
        """Give cancels and changes a target, mostly a live order, and its owner as their sender."""
        rng, twin = self.rng, self.twin
        n = len(messages)
        ids = np.zeros(n, np.int64)
        changes = np.isin(messages["kind"], (MessageKind.CANCEL, MessageKind.REDUCE, MessageKind.REPLACE))
        if twin.orders:
            orders = list(twin.orders.values())
            pick = rng.integers(0, len(orders), n)
            ids = np.array([o.order_id for o in orders])[pick]
            owners = np.array([o.agent for o in orders])[pick]
            known = changes & (rng.random(n) < 0.97)
            messages["agent"][known] = owners[known]
            same_price = changes & (rng.random(n) < 0.3)
            messages["price_ticks"][same_price] = np.array([o.price_ticks for o in orders])[pick][same_price]
            same_lots = changes & (rng.random(n) < 0.1)
            messages["qty_lots"][same_lots] = np.array([o.open_lots for o in orders])[pick][same_lots]
        recent = twin.last_order_id + 1 + (0.5 * rng.random(n) * np.arange(n)).astype(np.int64)
        old = rng.integers(-2, max(1, twin.last_order_id), n)
        which = rng.random(n)
        ids = np.where(which < 0.85, ids, np.where(which < 0.97, recent, old))
        # Some senders choose the ids of their orders, from a few numbers, so that some still rest under that name.
        chosen = (messages["agent"].astype(np.int64) + 1) * 2**CLIENT_ID_BITS + rng.integers(0, 40, n)
        messages["order_id"] = np.where(changes, ids, chosen * (rng.random(n) < 0.1))

    def _spoil(self, messages: Array) -> None:
        rng, rules = self.rng, self.twin.instrument
        lowest, beyond = rules.min_price_ticks, rules.min_price_ticks + rules.n_prices
        impossible: dict[str, list[int]] = {
            "qty_lots": [
                0,
                -1,
                rules.min_order_lots - 1,
                rules.max_order_lots + 1,
                INT32,
                -INT32 - 1,
            ],
            "price_ticks": [lowest - 1, lowest, beyond - 1, beyond, INT32, -INT32 - 1],
            "side": [0, 2, -2, -128, 127],
            "time_in_force": [3, 255],
            "agent": [-1, -2, rules.n_agents, INT32, -INT32 - 1],
            "flags": [4, 65_535, Flag.TRACKED],
            "kind": [0, 8, 255, MessageKind.SET_PHASE],
        }
        for field, values in impossible.items():
            hit = rng.random(len(messages)) < (0.0005 if field == "kind" else 0.004)
            messages[field][hit] = rng.choice(values, int(hit.sum()))

    def _interrupt(self, messages: Array) -> None:
        """Now and then halt or close the market; the next messages begin with its opening."""
        n = len(messages)
        if self.rng.random() < n / 5_000:
            start = int(self.rng.integers(0, n))
            messages["kind"][start] = MessageKind.SET_PHASE
            messages["qty_lots"][start] = self.rng.choice([Phase.CLOSED, Phase.HALTED])
        if self.twin.phase != Phase.CONTINUOUS:
            messages["kind"][0] = MessageKind.SET_PHASE
            messages["qty_lots"][0] = Phase.CONTINUOUS


MARKETS: dict[str, tuple[Instrument, Climate]] = {
    "liquid": (
        Instrument(n_prices=4_096, max_orders=4_000, n_agents=25),
        Climate(orders=1_000, spread_of_prices=8.0),
    ),
    "crowded, decrease loses priority": (
        Instrument(n_prices=20, max_orders=90, n_agents=4, min_price_ticks=1, replace_keeps_priority=False),
        Climate(orders=130, spread_of_prices=3.0, drift=0.5, mean_lots=4.0),
    ),
    "collared": (
        Instrument(
            n_prices=2_000,
            max_orders=600,
            n_agents=12,
            min_price_ticks=9_000,
            collar_ticks=12,
            reference_ticks=10_000,
            min_order_lots=2,
            max_order_lots=500,
        ),
        Climate(orders=300, drift=6.0),
    ),
    "word borders": (
        Instrument(n_prices=130, max_orders=64, n_agents=3, min_price_ticks=-65, symbol=3),
        Climate(orders=40, spread_of_prices=10.0, drift=10.0, jump=0.2, mean_lots=2.0),
    ),
    "sparse": (
        Instrument(n_prices=262_144, max_orders=500, n_agents=8, min_price_ticks=-100_000),
        Climate(orders=120, spread_of_prices=9_000.0, drift=3_000.0, jump=0.05),
    ),
    "around 4096": (
        Instrument(n_prices=8_200, max_orders=300, n_agents=8, replace_keeps_priority=False),
        Climate(orders=100, spread_of_prices=300.0, drift=400.0, jump=0.02),
    ),
    "almost empty": (
        Instrument(n_prices=65, max_orders=5, n_agents=2),
        Climate(orders=4, spread_of_prices=12.0, drift=5.0, jump=0.1, mean_lots=3.0),
    ),
    "huge lots": (
        Instrument(n_prices=600, max_orders=3_000, n_agents=6, max_order_lots=2**30),
        Climate(orders=800, spread_of_prices=20.0, mean_lots=2.0**24),
    ),
}
"""The markets of the long comparisons."""
