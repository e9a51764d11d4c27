"""The investor: a Python trader that asks a language model what to do.

It is asked at time t on a frozen view, together with all others who are due; its messages leave t + thinking time
later, drawn from the seed and never taken from the wall clock. A reply that is missing or not of the schema is a
hold, counted by its reason.
"""

from __future__ import annotations

import json
from typing import Any

from agents.llm.decision import Decision
from agents.llm.desk import Answer, Desk, desk_of
from agents.llm.investor_settings import InvestorSettings, checked
from agents.llm.memory import Memory
from agents.llm.observation import CLOSE_MARK, OPEN_MARK, NewsItem, Observation, observation_text, quoted
from agents.llm.persona import Persona
from agents.llm.prompt import PROMPT_VERSION, REFLECT_SYSTEM, SYSTEM, messages_of
from agents.llm.protocol import Reply, Request
from agents.llm.risk import Limits, PlannedOrder, Standing, revise
from lob.types import Phase
from sim.records import Needs, Wake
from sim.rng import exp_portable
from sim.trader import Ask, Trader, TraderView

__all__ = ["Investor"]

SEED, THINKING, VALUE_NOISE = 0, 1, 2
"""Indices of the draws of a decision."""
MAX_PRICES = 64
NEWS_SHOWN_S = 1800.0
IMPORTANCE = {"earnings": 0.9, "rate_decision": 0.9, "regulation": 0.8, "news": 0.7, "rumour": 0.5}
LESSON_LAYER = 2


class Investor(Trader):
    """An investor with a persona, a memory and a language model.

    Args:
        index: position in its population; chooses the persona.
        desk: the panel to ask; default: this process's own for the `backend` of the settings.
        settings: fields of InvestorSettings.

    Raises:
        ValueError: if a setting is wrong; InputError if the backend cannot work.
    """

    needs = Needs.OWN | Needs.DEPTH | Needs.SIGNAL
    files = ("backend.weights",)
    Settings = InvestorSettings

    @classmethod
    def check_settings(cls, settings: dict[str, Any]) -> None:
        """Raise ValueError, or InputError, if the backend cannot work."""
        desk_of(checked(settings).backend)

    def __init__(self, index: int = 0, desk: Desk | None = None, **settings: Any) -> None:
        self.settings: InvestorSettings = checked(settings)
        self.persona: Persona = self.settings.persona_of(index)
        self._desk = desk if desk is not None else desk_of(self.settings.backend)
        self._memory = Memory()
        self._prices: list[list[float]] = []
        self._news: list[list[Any]] = []
        self._next_ns = 0
        self._checked = [0, 0.0]
        """Time and profit at the last look at losses."""
        self._last_position = 0
        self.counts: dict[str, Any] = {"n_decisions": 0, "fallbacks": {}, "actions": {}}
        self.traces: list[dict[str, Any]] = []
        """Decisions not yet taken away by `take_traces`; output, not state."""
        self._pending: tuple[Observation, str] | None = None

    # ---- waking -----------------------------------------------------------------------------------------------

    def on_wake(self, view: TraderView) -> float | Ask | None:
        """Look, and ask if it is time to."""
        if Wake.START in view.reason:
            self._checked = [view.time_ns, 0.0]
            self._next_ns = view.time_ns + round(self.settings.first_s * 1e9)
            return self._delay(view)
        price = self._price(view)
        self._look(view, price)
        if view.time_ns >= self._next_ns:
            self._next_ns = view.time_ns + round(self.settings.interval_s * 1e9)
        # Still thinking, or nothing can be traded.
        if view.n_in_flight > 0 or view.phase != Phase.CONTINUOUS:
            return self._delay(view)
        observation = self.observe(view)
        text = observation_text(self.persona, observation, self.settings.max_prompt_tokens)
        self._pending = (observation, text)
        seed = int(view.uniform(SEED) * 2**52)
        requests = [self._request("decision", SYSTEM, text, seed)]
        if self._has_lost(view, price):
            requests.append(self._request("reflection", REFLECT_SYSTEM, text, seed))
        return Ask(self._desk, tuple(requests))

    def on_answer(self, view: TraderView, answer: Answer) -> float | None:
        """Send what the reply says, as far as the risk revision lets it; remember the lesson if there was one."""
        assert self._pending is not None
        _, text = self._pending
        self._pending = None
        for k, (reply, _) in enumerate(answer):
            self._count(reply, is_decision=k == 0)
        (_, decision), *reflections = answer
        if decision is None:
            decision = Decision(view="flat", confidence=0, cancel_open_orders=False, orders=[])
            self.counts["n_fallbacks"] = self.counts.get("n_fallbacks", 0) + 1
        else:
            actions = self.counts["actions"]
            actions[decision.action] = actions.get(decision.action, 0) + 1
        self.counts["n_decisions"] += 1
        standing = self._standing(view)
        orders, changes = revise(decision, standing, self._limits(view))
        thinking_s = self._thinking_s(view)
        view.think(thinking_s)
        parent_id = self._parent_id(view)
        if decision.cancel_open_orders and standing.n_open:
            view.cancel_all()
        for order in orders:
            _send(view, order, parent_id)
        self.counts["thinking_s"] = self.counts.get("thinking_s", 0.0) + thinking_s
        for _, lesson in reflections:
            if lesson is not None and lesson.change != "none":
                self._memory.add(view.time_ns, f"lesson: {lesson.change}", 1.0, LESSON_LAYER)
        self._trace(view, text, answer, decision, changes, orders, thinking_s, parent_id, standing)
        return self._delay(view)

    # ---- looking ----------------------------------------------------------------------------------------------

    def observe(self, view: TraderView) -> Observation:
        """Return what the investor is shown now."""
        bid, ask, price = view.best_bid_ticks, view.best_ask_ticks, self._price(view)
        standing, limit = self._standing(view), self._limits(view).max_position_lots
        levels = {side: sum(lots for _, lots in view.depth(side)) for side in ("buy", "sell")}
        own = []
        for order in view.own_orders[:4]:
            best = (bid if order.side == "buy" else ask) or order.price_ticks
            sign = 1 if order.side == "buy" else -1
            own.append((order.side, sign * (best - order.price_ticks), order.qty_lots))
        news = tuple(
            NewsItem((view.time_ns - at) * 1e-9, topic, text, price - then)
            for at, topic, text, then in reversed(self._news)
            if (view.time_ns - at) * 1e-9 <= NEWS_SHOWN_S
        )[: self.settings.news_shown]
        shown = {_heard(item.topic, item.text) for item in news}
        recalled = self._memory.recall(view.time_ns, 2 * self.settings.memory_shown)
        return Observation(
            since_open_s=(view.time_ns - view.open_ns) * 1e-9,
            to_close_s=(view.close_ns - view.time_ns) * 1e-9,
            spread_ticks=None if bid is None or ask is None else ask - bid,
            bid_lots=view.bid_lots,
            ask_lots=view.ask_lots,
            bid_depth_lots=levels["buy"],
            ask_depth_lots=levels["sell"],
            move_look_ticks=price - (self._prices[-2][1] if len(self._prices) > 1 else price),
            move_horizon_ticks=price - self._price_before(view.time_ns - round(self.persona.horizon_s * 1e9)),
            move_open_ticks=price - (self._prices[0][1] if self._prices else price),
            value_gap_ticks=self._value_gap(view, price),
            position_lots=view.position_lots,
            profit_ticks=view.cash_ticks + view.position_lots * price,
            room_buy_lots=max(0, limit - view.position_lots - standing.open_buy_lots),
            room_sell_lots=max(0, limit + view.position_lots - standing.open_sell_lots),
            own_orders=tuple(own),
            news=news,
            memory=tuple(line for line in recalled if line not in shown)[: self.settings.memory_shown],
        )

    def _look(self, view: TraderView, price: float) -> None:
        """Note the price, news that has come, and what has happened to the own position."""
        known = len(self._news)
        for bulletin in view.bulletins[known:]:
            self._news.append([view.time_ns, bulletin.topic, bulletin.text, price])
            heard = _heard(bulletin.topic, bulletin.text)
            self._memory.add(view.time_ns, heard, IMPORTANCE.get(bulletin.topic, 0.6), 1)
        self._prices.append([view.time_ns, price])
        if len(self._prices) > MAX_PRICES:
            # The first price of the day stays.
            del self._prices[1]
        moved = view.position_lots - self._last_position
        if moved:
            verb = "bought" if moved > 0 else "sold"
            self._memory.add(view.time_ns, f"{verb} {abs(moved)} lots, price {price:.0f}", 0.3)
            self._last_position = view.position_lots

    def _price(self, view: TraderView) -> float:
        mid = view.mid_ticks
        return float(view.last_ticks if mid is None else mid)

    def _price_before(self, time_ns: int) -> float:
        before = [price for at, price in self._prices if at <= time_ns]
        return before[-1] if before else self._prices[0][1]

    def _value_gap(self, view: TraderView, price: float) -> float | None:
        s = self.settings
        if s.fundamentals == "hidden":
            return None
        noise = s.fundamentals_noise_ticks * view.normal(VALUE_NOISE) if s.fundamentals == "noisy" else 0.0
        return view.signal_ticks + noise - price

    def _standing(self, view: TraderView) -> Standing:
        own = view.own_orders
        lots = {side: sum(o.qty_lots for o in own if o.side == side) for side in ("buy", "sell")}
        return Standing(
            view.best_bid_ticks, view.best_ask_ticks, view.last_ticks, view.position_lots, lots["buy"], lots["sell"],
            len(own),
        )  # fmt: skip

    def _limits(self, view: TraderView) -> Limits:
        s = self.settings
        reference = float(view.last_ticks)
        position = min(self.persona.max_position_lots(reference), s.max_position_lots)
        return Limits(position, s.max_order_lots, s.max_open_orders, s.max_distance_ticks)

    def _has_lost(self, view: TraderView, price: float) -> bool:
        """Whether the period since the last look at losses is over and was a losing one."""
        profit = view.cash_ticks + view.position_lots * price
        since_ns, before = self._checked
        if view.time_ns - since_ns < self.settings.reflect_every_s * 1e9:
            return False
        self._checked = [view.time_ns, profit]
        return bool(profit - before < -self.settings.reflect_loss_share * self.persona.capital_ticks)

    # ---- asking and sending -----------------------------------------------------------------------------------

    def _request(self, schema: str, system: str, text: str, seed: int) -> Request:
        s = self.settings.backend
        return Request(
            self._desk.backend.model, messages_of(system, text), schema, seed, s.temperature, s.max_reply_tokens
        )

    def _thinking_s(self, view: TraderView) -> float:
        s = self.settings
        return float(s.thinking_median_s * exp_portable(s.thinking_sigma * view.normal(THINKING)))

    def _parent_id(self, view: TraderView) -> int:
        """Id on the tape of all orders of this decision: above 2^30, then 14 bits of agent and 16 of its count."""
        return (1 << 30) | (view.agent & 0x3FFF) << 16 | (self.counts["n_decisions"] & 0xFFFF)

    def _delay(self, view: TraderView) -> float:
        """Seconds to the next routine look or the next news, whichever is first."""
        following = view.next_bulletin_ns
        at = self._next_ns if following is None else min(self._next_ns, following)
        return max(1, at - view.time_ns) * 1e-9

    # ---- accounts ---------------------------------------------------------------------------------------------

    def _count(self, reply: Reply, is_decision: bool) -> None:
        counts, prices = self.counts, self.settings.backend
        added: dict[str, float] = {
            "n_calls": 1,
            "n_retries": reply.retries,
            "prompt_tokens": reply.prompt_tokens,
            "reply_tokens": reply.reply_tokens,
            # Then tokens and cost are too low, and somebody should know.
            "n_without_usage": reply.text is not None and reply.reply_tokens == 0,
            "n_lost_reflections": not is_decision and reply.failure is not None,
            "wall_s": reply.wall_s,
            "cost": (reply.prompt_tokens * prices.prompt_price + reply.reply_tokens * prices.reply_price) * 1e-6,
        }
        for name, value in added.items():
            counts[name] = counts.get(name, 0) + value
        if is_decision and reply.failure is not None:
            counts["fallbacks"][reply.failure] = counts["fallbacks"].get(reply.failure, 0) + 1

    def _trace(
        self, view: TraderView, text: str, answer: Answer, decision: Decision, changes: list[str],
        orders: list[PlannedOrder], thinking_s: float, parent_id: int, standing: Standing,
    ) -> None:  # fmt: skip
        reply = answer[0][0]
        lesson = answer[1][0].text if len(answer) > 1 else None
        seed = int(view.uniform(SEED) * 2**52)
        self.traces.append(
            {
                "time_ns": view.time_ns,
                "agent": view.agent,
                "persona": self.persona.model_dump_json(),
                "style": self.persona.style,
                "model": self._desk.backend.model,
                "prompt_version": PROMPT_VERSION,
                "seed": seed,
                "view": text,
                "reply": reply.text,
                "failure": reply.failure,
                "action": decision.action,
                "position_lots": view.position_lots,
                "mid_ticks": self._price(view),
                "price_view": decision.view,
                "confidence": decision.confidence,
                "risk_revision": changes,
                "orders": [
                    json.dumps([o.side, o.kind, o.price_ticks, o.qty_lots, o.time_in_force.name.lower()])
                    for o in orders
                ],
                "cancels": bool(decision.cancel_open_orders and standing.n_open),
                "thinking_s": thinking_s,
                "parent_id": parent_id,
                "prompt_tokens": reply.prompt_tokens,
                "reply_tokens": reply.reply_tokens,
                "retries": reply.retries,
                "reflection": lesson,
            }
        )

    def take_traces(self) -> list[dict[str, Any]]:
        """Return the decisions since the last call, oldest first, and forget them."""
        taken, self.traces = self.traces, []
        return taken

    # ---- state ------------------------------------------------------------------------------------------------

    def state(self) -> Any:
        """Return all that it remembers, as plain data."""
        return {
            "memory": self._memory.state(),
            "prices": [list(entry) for entry in self._prices],
            "news": [list(entry) for entry in self._news],
            "next_ns": self._next_ns,
            "checked": list(self._checked),
            "last_position": self._last_position,
            "counts": {**self.counts, **{name: dict(self.counts[name]) for name in ("fallbacks", "actions")}},
        }

    def set_state(self, state: Any) -> None:
        """Take it back."""
        self._memory.set_state(state["memory"])
        self._prices = [list(entry) for entry in state["prices"]]
        self._news = [list(entry) for entry in state["news"]]
        self._next_ns = int(state["next_ns"])
        self._checked = list(state["checked"])
        self._last_position = int(state["last_position"])
        counts = state["counts"]
        self.counts = {**counts, **{name: dict(counts[name]) for name in ("fallbacks", "actions")}}
        self.traces = []


def _heard(topic: str, text: str) -> str:
    return f"heard {topic} {OPEN_MARK}{quoted(text)}{CLOSE_MARK}"


def _send(view: TraderView, order: PlannedOrder, parent_id: int) -> None:
    side: Any = order.side
    if order.price_ticks is None:
        view.market(side, order.qty_lots, parent_id=parent_id)
        return
    view.limit(
        side, order.price_ticks, order.qty_lots, time_in_force=order.time_in_force,
        post_only=order.kind == "post_only", parent_id=parent_id,
    )  # fmt: skip
