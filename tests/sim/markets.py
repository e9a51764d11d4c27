"""Small markets and scripted traders that the tests of the world share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.rules import momentum, zero_intelligence
from lob.inspect import COLUMNS
from lob.inspect import orders as list_orders
from lob.rules import Instrument
from lob.types import TimeInForce
from lob.units import SECOND_NS
from sim.fundamental import ConstantValue, Fundamental
from sim.market import Market
from sim.records import LatencyKind, Needs, Wake
from sim.settings import Latency, Listing, Population, Session
from sim.trader import Trader, TraderView

Rows = npt.NDArray[Any]
OPEN_NS = 34_200 * SECOND_NS
MID_TICKS = 1000
STOCK = Instrument(n_prices=2048, max_orders=2048, reference_ticks=MID_TICKS)


def market_of(
    populations: Sequence[Population],
    *,
    seconds: int = 60,
    seed: int = 1,
    instrument: Instrument = STOCK,
    value: Fundamental | None = None,
    maker_fee_ppm: int = 0,
    taker_fee_ppm: int = 0,
    **extra: Any,
) -> Market:
    """A market in one stock that opens at 09:30 and closes some seconds later."""
    value = value or ConstantValue(float(MID_TICKS))
    listing = Listing(instrument, value, maker_fee_ppm=maker_fee_ppm, taker_fee_ppm=taker_fee_ppm)
    session = Session(OPEN_NS, OPEN_NS + seconds * SECOND_NS)
    return Market([listing], populations, session, seed=seed, **extra)


def zero_intelligence_traders(
    count: int = 30, interval_s: float = 0.5, name: str = "zero intelligence", **fields: Any
) -> Population:
    """Agents that keep a book alive; messages take 1 ms on average, by a lognormal law."""
    policy = zero_intelligence.policy
    settings = policy.settings(interval_s=interval_s, size_lots=3, **fields)
    latency = Latency(LatencyKind.LOGNORMAL, a_ns=1e6, sigma=0.5)
    return Population(name, count, policy, settings, latency=latency)


def momentum_traders(count: int = 5, name: str = "momentum") -> Population:
    """Agents that take liquidity, with a uniform latency and a slower reaction."""
    settings = momentum.policy.settings(interval_s=1.0, warm_up_looks=3, size_lots=5)
    latency = Latency(LatencyKind.UNIFORM, a_ns=1e5, b_ns=5e6)
    return Population(name, count, momentum.policy, settings, latency=latency, reaction_ns=1000)


def python_trader(
    trader: Callable[[], Trader] | Callable[[int], Trader], name: str = "trader", **fields: Any
) -> Population:
    """One Python trader; `trader` is called with no argument or with the index."""

    def factory(index: int) -> Trader:
        return trader()  # type: ignore[call-arg]

    return Population(name, 1, trader=factory, **fields)


Action = Callable[[TraderView], None]


class Scripted(Trader):
    """Acts at set times after the open, and notes every wake-up as (time_ns, reason)."""

    def __init__(
        self,
        script: dict[float, Action] | None = None,
        wakes_on: int = 0,
        needs: int = 0,
        on_event: Action | None = None,
    ) -> None:
        self.script = sorted((round(s * SECOND_NS), action) for s, action in (script or {}).items())
        self.wakes_on, self.needs, self.on_event = Wake(wakes_on), Needs(needs), on_event
        self.wakes: list[tuple[int, Wake]] = []
        self.done = 0

    def on_wake(self, view: TraderView) -> float | None:
        elapsed = view.time_ns - view.open_ns
        self.wakes.append((elapsed, view.reason))
        if self.on_event is not None and not view.reason & (Wake.TIMER | Wake.START):
            self.on_event(view)
        while self.done < len(self.script) and self.script[self.done][0] <= elapsed:
            self.script[self.done][1](view)
            self.done += 1
        if self.done == len(self.script):
            return None
        return (self.script[self.done][0] - elapsed) / SECOND_NS

    def reasons(self) -> list[Wake]:
        return [reason for _, reason in self.wakes]


def play(*traders: Trader, seconds: int = 10, **fields: Any) -> tuple[Market, Rows]:
    """Run a market of these traders alone, "a", "b", ... in this order; return it and its tape."""
    per_trader = {name: fields.pop(name) for name in ("latency", "limits", "reaction_ns") if name in fields}
    populations = [
        Population(chr(ord("a") + k), 1, trader=lambda _, t=trader: t, **per_trader) for k, trader in enumerate(traders)
    ]
    market = market_of(populations, seconds=seconds, **fields)
    market.run()
    return market, market.tape


class Fidget(Trader):
    """Sends messages of every kind at random, good and bad ones, and reacts to its fills."""

    wakes_on = Wake.FILL | Wake.REJECT
    needs = Needs.OWN

    def __init__(self, interval_s: float = 0.05) -> None:
        self.interval_s = interval_s
        self.n_decisions = 0

    def on_wake(self, view: TraderView) -> float | None:
        self.n_decisions += 1
        if Wake.TIMER not in view.reason:
            return self.interval_s
        for k in range(1 + int(3 * view.uniform(0))):
            self._send_one(view, 10 * (k + 1))
        return self.interval_s * (0.5 + view.uniform(1))

    def _send_one(self, view: TraderView, first: int) -> None:
        u, side = view.uniform(first), "buy" if view.uniform(first + 1) < 0.5 else "sell"
        price = MID_TICKS + int(8 * view.normal(first + 2))
        qty = 1 + int(12 * view.uniform(first + 3))
        own = view.own_orders
        target = own[int(len(own) * view.uniform(first + 4))].order_id if own else 10**6
        if u < 0.45:
            tif = TimeInForce(int(view.uniform(first + 5) * 1.5) * int(1 + view.uniform(first + 6) * 2))
            view.limit(side, price, qty, time_in_force=tif)
        elif u < 0.5:
            view.limit(side, price, qty, post_only=True, parent_id=7)
        elif u < 0.6:
            view.market(side, qty)
        elif u < 0.7:
            view.cancel(target)
        elif u < 0.8:
            view.reduce(target, qty)
        elif u < 0.97:
            view.replace(target, price, qty)
        elif u < 0.98:
            view.limit(side, price, -qty)
        else:
            view.cancel_all()

    def state(self) -> Any:
        return self.n_decisions

    def set_state(self, state: Any) -> None:
        self.n_decisions = int(state)


def lively_populations() -> list[Population]:
    """Compiled agents and Python traders together, so that a market sees every kind of message."""
    return [
        zero_intelligence_traders(30),
        momentum_traders(5),
        Population("fidget", 3, trader=lambda k: Fidget(0.05 + 0.01 * k), latency=Latency(a_ns=2e5)),
    ]


def tape_hash(rows: Rows) -> str:
    """A hash of the rows, byte by byte."""
    return hashlib.sha256(rows.tobytes()).hexdigest()


def resting_orders(market: Market, symbol: int = 0) -> Rows:
    """All displayed orders in a book, columns (order_id, side, price_ticks, lots, agent)."""

    book = market.world.book(symbol)
    table = np.zeros((int(book["n_orders"]) + 1, COLUMNS), np.int64)
    bids = list_orders(book, 0, table)
    asks = list_orders(book, 1, table[bids:])
    return table[: bids + asks, :5]
