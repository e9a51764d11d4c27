"""The event loop once more in plain Python: slow, obvious, what the kernel is compared with.

Shared with the kernel are the layout of agents (their keys and settings), the draws of single numbers, and the source
of each policy, which runs here as plain Python. Everything else is written anew from the rules.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import Any

import numpy as np

from lob.reference import ReferenceBook
from lob.types import (
    BUY,
    EVENT,
    MESSAGE,
    NO_PRICE,
    SELL,
    EventKind,
    Flag,
    MessageKind,
    Phase,
)
from sim import lookup
from sim import policy as public
from sim.market import Market
from sim.plain import PlainView, plain_python, record_of
from sim.records import OUT, VIEW, LatencyKind, Needs, ScheduledKind, Wake
from sim.rng import draw_key, exp_portable, normal_quantile, raw_uniform
from sim.settings import Scheduled
from tests.sim.twin_parts import Named, TwinAgent, TwinSymbol, fitted, put_anything, refused, rounded

FIRST_LATENCY_INDEX = 2**20


class TwinMarket:
    """A market like the one given, before its first event."""

    def __init__(self, market: Market) -> None:
        listings, populations, session, schedule, seed = market._definition
        n_agents = sum(p.count for p in populations)
        self.open_ns, self.close_ns = session.open_ns, session.close_ns
        self.symbols = []
        for s, listing in enumerate(listings):
            book = ReferenceBook(replace(listing.instrument, symbol=s, n_agents=n_agents))
            book.phase = int(Phase.CLOSED)
            fundamental = listing.fundamental
            values = fundamental.grid(seed, listing.instrument.name, self.open_ns, self.close_ns)
            fees = (round(1000 * listing.maker_fee_ppm), round(1000 * listing.taker_fee_ppm))
            first = listing.instrument.reference_ticks
            self.symbols.append(
                TwinSymbol(book, values, fundamental.step_ns, fees, first, price_step=listing.price_step_ticks)
            )
        phases = [Scheduled(self.open_ns, ScheduledKind.PHASE, Phase.CONTINUOUS, s) for s in range(len(listings))]
        closes = [replace(p, time_ns=self.close_ns, value=Phase.CLOSED) for p in phases]
        self.schedule = sorted([*phases, *schedule], key=lambda entry: entry.time_ns) + closes
        self.agents: list[TwinAgent] = []
        self.wakes: list[tuple[int, int, int, int]] = []
        self.arrivals: list[tuple[int, int, int, Any]] = []
        self.n_sent = 0
        self.time = self.open_ns
        self.tape: list[Any] = []
        for population in populations:
            assert population.policy is not None
            decide = plain_python(population.policy.decide, self.lookups())
            cells = population.policy.memory_cells(population.settings)
            for _ in range(population.count):
                record = market.world.agents[len(self.agents) : len(self.agents) + 1].copy()
                self.agents.append(TwinAgent(record, population, decide, np.zeros(max(1, cells))))
        for index in range(n_agents):
            self.wake(index, Wake.START, self.open_ns)

    # ---- the loop ---------------------------------------------------------------------------------------------

    def run(self) -> Any:
        """Run to the close; return the tape."""
        while True:
            scheduled = self.schedule[0].time_ns if self.schedule else self.close_ns + 1
            arrival = self.arrivals[0][0] if self.arrivals else self.close_ns + 1
            wake = self.wakes[0][0] if self.wakes else self.close_ns + 1
            expiry = min((t for symbol in self.symbols for t in symbol.expiries()), default=self.close_ns + 1)
            self.time = min(scheduled, arrival, wake, expiry)
            if self.time > self.close_ns:
                return np.concatenate([np.zeros(0, EVENT), *self.tape])
            if scheduled == self.time:
                self.happen(self.schedule.pop(0))
            elif expiry == self.time:
                self.expire()
            elif arrival == self.time:
                self.arrive(heapq.heappop(self.arrivals)[3])
            else:
                self.decide(heapq.heappop(self.wakes))

    def wake(self, index: int, reason: Wake, time: int) -> None:
        agent = self.agents[index]
        if not agent.pending:
            heapq.heappush(self.wakes, (time, agent.order, 1, index))
        agent.pending |= reason

    def notify(self, index: int, reason: Wake) -> None:
        population = self.agents[index].population
        if reason & population.policy.wakes_on:  # type: ignore[union-attr]
            self.wake(index, reason, self.time + max(1, population.reaction_ns))

    def announce(self, symbol: int, reasons: Wake) -> None:
        for index, agent in enumerate(self.agents):
            if symbol in (agent.population.symbol, agent.population.watch):
                self.notify(index, reasons & agent.population.policy.wakes_on)  # type: ignore[union-attr]

    def happen(self, entry: Scheduled) -> None:
        symbol = self.symbols[entry.symbol]
        if entry.kind == ScheduledKind.PHASE:
            message = np.zeros(1, MESSAGE)
            message["time_ns"], message["kind"], message["agent"] = self.time, MessageKind.SET_PHASE, -1
            message["qty_lots"] = int(entry.value)
            before = symbol.book.touch()
            self.report(entry.symbol, symbol.book.apply(message), before, -1)
            self.announce(entry.symbol, Wake.PHASE)
        else:
            symbol.news = entry.value
            row = np.zeros(1, EVENT)
            symbol.book._sequence += 1
            row["time_ns"], row["sequence"], row["kind"] = self.time, symbol.book._sequence, EventKind.NEWS
            row["agent"], row["contra_agent"], row["flags"] = -1, -1, Flag.FIRST
            row["symbol"], row["phase"] = entry.symbol, symbol.book.phase
            names = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
            for name, value in zip(names, symbol.book.touch(), strict=True):
                row[name] = value
            self.tape.append(row)
            self.announce(entry.symbol, Wake.NEWS)

    def expire(self) -> None:
        for number, symbol in enumerate(self.symbols):
            if self.time in symbol.expiries():
                message = np.zeros(1, MESSAGE)
                message["time_ns"], message["kind"], message["agent"] = self.time, MessageKind.EXPIRE, -1
                before = symbol.book.touch()
                self.report(number, symbol.book.apply(message), before, -1)
                return

    # ---- deciding ---------------------------------------------------------------------------------------------

    def decide(self, entry: tuple[int, int, int, int]) -> None:
        _, _, is_trigger, index = entry
        agent = self.agents[index]
        key = agent.record["key"][0]
        if is_trigger:
            reason, agent.pending = agent.pending, Wake(0)
            agent.n_triggered += 1
            agent.record["draw_key"] = draw_key(key, agent.n_triggered, 1)
        else:
            reason, agent.timer = Wake.TIMER, None
            agent.n_timer += 1
            agent.record["draw_key"] = draw_key(key, agent.n_timer, 0)
        out = np.zeros(1, OUT)
        needs = agent.population.policy.needs  # type: ignore[union-attr]
        delay = agent.decide(
            PlainView(self.view(index, reason, needs)[0], needs), record_of(agent.record), record_of(out)
        )
        if delay > 0 and agent.timer is None:
            agent.timer = self.time + int(delay)
            heapq.heappush(self.wakes, (agent.timer, agent.order, 0, index))
        for k in range(int(out["n"][0])):
            self.send(index, k, {name: int(out[name][0][k]) for name in OUT.names[2:]})  # type: ignore[index]

    def send(self, index: int, k: int, fields: dict[str, int]) -> None:
        agent = self.agents[index]
        fields = dict(fields)
        watch = agent.population.watch
        symbol = watch if fields.pop("leg") and watch is not None else agent.population.symbol
        account = agent.accounts[symbol]
        account.last_arrival = max(self.time + self.latency(agent, k), account.last_arrival + 1)
        account.in_flight += 1
        message = np.zeros(1, MESSAGE)
        for name, value in fitted(fields).items():
            message[name] = value
        message["time_ns"], message["agent"] = account.last_arrival, index
        message["symbol"] = symbol
        message["flags"] |= int(Flag.TRACKED)
        self.n_sent += 1
        heapq.heappush(self.arrivals, (account.last_arrival, agent.order, self.n_sent, message))

    def latency(self, agent: TwinAgent, k: int) -> int:
        latency = agent.population.latency
        u = raw_uniform(agent.record["draw_key"][0], FIRST_LATENCY_INDEX + k)
        if latency.kind == LatencyKind.UNIFORM:
            delay = latency.a_ns + (latency.b_ns - latency.a_ns) * u
        elif latency.kind == LatencyKind.LOGNORMAL:
            delay = latency.a_ns * exp_portable(latency.sigma * normal_quantile(u))
        else:
            delay = latency.a_ns
        return max(1, int(delay))

    def view(self, index: int, reason: Wake, needs: Needs) -> Any:
        agent = self.agents[index]
        account = agent.accounts[agent.population.symbol]
        symbol = self.symbols[agent.population.symbol]
        instrument = symbol.book.instrument
        bid, bid_lots, ask, ask_lots = symbol.book.touch()
        view = np.zeros(1, VIEW)
        row = view[0]
        step = min((self.time - self.open_ns) // symbol.value_step_ns, len(symbol.values) - 1)
        own = list(symbol.book._of_agent.get(index, {}).values())[:32]
        recent = symbol.trades[::-1][:8]
        fields = {
            "time_ns": self.time, "open_ns": self.open_ns, "close_ns": self.close_ns, "reason": int(reason),
            "symbol": agent.population.symbol, "phase": symbol.book.phase,
            "bid_ticks": bid, "bid_lots": bid_lots, "ask_ticks": ask, "ask_lots": ask_lots,
            "last_ticks": symbol.last, "last_lots": symbol.last_lots, "last_side": symbol.last_side,
            "volume_lots": symbol.volume, "n_trades": len(symbol.trades), "position_lots": account.position,
            "cash_ticks": account.cash2 // 2, "n_in_flight": account.in_flight, "agent": index,
            "watch_n_in_flight": 0,
            "memory_address": agent.memory.ctypes.data, "n_memory": len(agent.memory), "news": symbol.news,
            "signal": symbol.values[step], "n_own": len(own), "n_recent": len(recent),
            "min_price_ticks": instrument.min_price_ticks,
            "max_price_ticks": instrument.min_price_ticks + instrument.n_prices - 1,
        }  # fmt: skip
        for name, value in fields.items():
            row[name] = value
        watch = agent.population.watch
        row["watch"] = -1 if watch is None else watch
        row["watch_bid_ticks"] = row["watch_ask_ticks"] = NO_PRICE
        if watch is not None:
            row["watch_bid_ticks"], row["watch_bid_lots"], row["watch_ask_ticks"], row["watch_ask_lots"] = self.symbols[
                watch
            ].book.touch()
            row["watch_last_ticks"] = self.symbols[watch].last
            row["watch_position_lots"] = agent.accounts[watch].position
            row["watch_n_in_flight"] = agent.accounts[watch].in_flight
            row["n_in_flight"] += agent.accounts[watch].in_flight
        for k, order in enumerate(own):
            row["own_id"][k], row["own_side"][k] = order.order_id, order.side
            row["own_ticks"][k], row["own_lots"][k] = order.price_ticks, order.open_lots
            if needs & Needs.QUEUE:
                level = [o for o in symbol.book.queue(order.side) if o.price_ticks == order.price_ticks]
                if order in level:
                    row["own_ahead_lots"][k] = sum(o.shown_lots for o in level[: level.index(order)])
        for k, (price, lots) in enumerate(recent):
            row["trade_ticks"][k], row["trade_lots"][k] = price, lots
        for name, side in (("bid", BUY), ("ask", SELL)):
            levels: dict[int, int] = {}
            for order in symbol.book.queue(side):
                levels[order.price_ticks] = levels.get(order.price_ticks, 0) + order.shown_lots
            row[f"n_{name}_levels"] = min(10, len(levels))
            for k, (price, lots) in enumerate(list(levels.items())[:10]):
                row[f"{name}_depth_ticks"][k], row[f"{name}_depth_lots"][k] = price, lots
        return view

    def lookups(self) -> dict[Any, Any]:
        """The functions of sim.lookup, answered from the books of the twin, and messages with any numbers in them."""

        def at(view: Any, side: int, price: int) -> list[Any]:
            return [o for o in self.symbols[view.symbol].book.queue(side) if o.price_ticks == price]

        def own(view: Any, side: int, price: int) -> list[int]:
            return [o.order_id for o in at(view, side, price) if o.agent == view.agent]

        def beyond(view: Any, side: int, price: int) -> int:
            prices = [o.price_ticks for o in self.symbols[view.symbol].book.queue(side)]
            away = [p for p in prices if side * (price - p) > 0]
            return (max(away) if side == BUY else min(away)) if away else NO_PRICE

        def lots(view: Any, order_id: int) -> int:
            order = self.symbols[view.symbol].book.orders.get(order_id)
            return order.open_lots if order is not None and order.agent == view.agent else 0

        return {
            public._put: put_anything,
            lookup.level_lots: lambda view, side, price: sum(o.shown_lots for o in at(view, side, price)),
            lookup.next_level_ticks: beyond,
            lookup.own_count_at: lambda view, side, price: len(own(view, side, price)),
            lookup.own_order_at: lambda view, side, price, rank: (*own(view, side, price), *[0] * 99)[rank],
            lookup.own_lots: lots,
        }

    # ---- arriving ---------------------------------------------------------------------------------------------

    def arrive(self, message: Any) -> None:
        index, number = int(message["agent"][0]), int(message["symbol"][0])
        agent, symbol = self.agents[index], self.symbols[number]
        agent.accounts[number].in_flight -= 1
        before = symbol.book.touch()
        message["price_ticks"] = rounded(symbol, message[0])
        reason = refused(agent, index, self.symbols, message[0], self.time)
        if reason:
            book = symbol.book
            book._rows, book._time_ns, book._first_row = [], self.time, True
            book._reject(Named(message[0]), reason)  # type: ignore[arg-type]
            rows = np.array(book._rows, dtype=EVENT)
        else:
            rows = symbol.book.apply(message)
        self.report(number, rows, before, index)

    def report(self, number: int, rows: Any, before: tuple[int, ...], sender: int) -> None:
        symbol = self.symbols[number]
        self.tape.append(rows)
        reasons = Wake(0)
        for row in rows:
            if row["kind"] == EventKind.EXECUTE:
                self.settle(symbol, number, row)
                reasons |= Wake.TRADE
                self.notify(int(row["contra_agent"]), Wake.FILL)
                self.notify(int(row["agent"]), Wake.FILL)
            elif row["kind"] == EventKind.REJECT:
                self.notify(sender, Wake.REJECT)
            elif row["kind"] != EventKind.PHASE:
                self.notify(int(row["agent"]), Wake.ACK)
        if (before[0], before[2]) != (symbol.book.touch()[0], symbol.book.touch()[2]):
            reasons |= Wake.TOUCH
        if reasons:
            self.announce(number, reasons)

    def settle(self, symbol: TwinSymbol, number: int, row: Any) -> None:
        price, lots, side = int(row["price_ticks"]), int(row["qty_lots"]), int(row["side"])
        symbol.trades.append((price, side * lots))
        symbol.last, symbol.last_lots, symbol.last_side = price, lots, side
        symbol.volume += lots
        maker_ppb, taker_ppb = symbol.fees_ppb
        for who, sign, ppb in ((row["agent"], side, taker_ppb), (row["contra_agent"], -side, maker_ppb)):
            account = self.agents[int(who)].accounts[number]
            account.position += sign * lots
            value2 = lots * (2 * price + (1 if row["flags"] & Flag.HALF_TICK else 0))
            account.cash2 -= sign * value2
            account.fees_nano += abs(value2 // 2) * ppb
