"""Training pairs for the small model: made-up observations as text, and what the persona's rule decides, as a reply.

Situations are drawn wider than any one market shows them: every style, risk appetite and horizon, spreads of 1 to 12
ticks, trends, gaps, positions up to the limit, resting orders, news of every topic and tone, lessons and other
memories.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.llm.observation import NewsItem, Observation, observation_text
from agents.llm.persona import STYLES, Persona
from agents.llm.rules import rule_decision, rule_reflection
from agents.llm.tone import BAD, GOOD

__all__ = ["TOPICS", "example", "situation"]

TOPICS = ("earnings", "rate_decision", "regulation", "news", "rumour")
_GOOD, _BAD = sorted(GOOD), sorted(BAD)
_FILLER = [
    "a",
    "about",
    "after",
    "again",
    "ahead",
    "all",
    "an",
    "analysts",
    "and",
    "annual",
    "as",
    "at",
    "authority",
    "bank",
    "before",
    "board",
    "by",
    "central",
    "chairman",
    "chief",
    "company",
    "contract",
    "costs",
    "credit",
    "customers",
    "day",
    "deal",
    "demand",
    "division",
    "earnings",
    "executive",
    "expected",
    "expectations",
    "factory",
    "firm",
    "for",
    "forecast",
    "from",
    "government",
    "group",
    "half",
    "has",
    "have",
    "holders",
    "however",
    "in",
    "industry",
    "interest",
    "investors",
    "is",
    "it",
    "its",
    "large",
    "less",
    "maker",
    "management",
    "market",
    "markets",
    "meeting",
    "million",
    "minister",
    "month",
    "more",
    "nearly",
    "new",
    "next",
    "no",
    "not",
    "of",
    "officer",
    "on",
    "one",
    "orders",
    "over",
    "people",
    "per",
    "percent",
    "plan",
    "plans",
    "plant",
    "points",
    "policy",
    "price",
    "product",
    "production",
    "profits",
    "quarter",
    "rate",
    "rates",
    "region",
    "regulator",
    "report",
    "reports",
    "results",
    "rival",
    "rumour",
    "sales",
    "says",
    "sector",
    "seen",
    "shareholders",
    "shares",
    "some",
    "sources",
    "spending",
    "state",
    "statement",
    "strategy",
    "supplier",
    "talk",
    "talks",
    "than",
    "that",
    "the",
    "their",
    "this",
    "to",
    "today",
    "trading",
    "two",
    "under",
    "unit",
    "up",
    "was",
    "week",
    "will",
    "with",
    "workers",
    "year",
]
Generator = np.random.Generator
READING_SHARE = 0.6


def _words(g: Generator, source: Any, count: int) -> list[str]:
    return [str(source[int(k)]) for k in g.integers(len(source), size=count)]


def _news_text(g: Generator) -> str:
    """Words around none to three that have a tone; the label is what `tone` reads, so no grammar is needed."""
    kind = g.random()
    if kind < 0.42:
        toned = _words(g, _GOOD, int(g.integers(1, 4)))
    elif kind < 0.84:
        toned = _words(g, _BAD, int(g.integers(1, 4)))
    else:
        toned = _words(g, _GOOD, int(g.integers(0, 2))) + _words(g, _BAD, int(g.integers(0, 2)))
    n_plain = int(g.integers(3, 9)) if g.random() < 0.97 else int(g.integers(9, 40))
    words = _words(g, _FILLER, n_plain) + toned
    g.shuffle(words)
    words[0] = words[0].capitalize()
    if g.random() < 0.3:
        words.insert(int(g.integers(1, len(words))), str(g.integers(1, 400)))
    return " ".join(words)


def _memory(g: Generator) -> tuple[str, ...]:
    lines = []
    for _ in range(int(g.choice(4, p=(0.35, 0.3, 0.2, 0.15)))):
        kind = g.random()
        if kind < 0.45:
            verb = "bought" if g.random() < 0.5 else "sold"
            lines.append(f"{verb} {g.integers(1, 60)} lots, price {g.integers(10, 60_000)}")
        elif kind < 0.6:
            lines.append(f"heard {_topic(g)} <<<{_news_text(g)}>>>")
        else:
            change = ("smaller_orders", "be_patient", "distrust_rumours")[int(g.integers(3))]
            lines.append(f"lesson: {change}")
    return tuple(dict.fromkeys(lines))


def _topic(g: Generator) -> str:
    return TOPICS[int(g.integers(len(TOPICS)))]


def _move(g: Generator, unit: float) -> float:
    """A signed move whose levels (flat, one way, fast) all come often."""
    return float(g.choice((-1, 1)) * unit * g.choice((0.3, 1.5, 4.0, 9.0)) * g.exponential())


def situation(g: Generator, reads: bool = False) -> tuple[Persona, Observation]:
    """Return a made-up persona and observation; `reads`: one in which the tone of fresh news decides."""
    persona = Persona(
        style=("news", "news", "momentum")[int(g.integers(3))] if reads else STYLES[int(g.integers(len(STYLES)))],
        risk_appetite=int(g.integers(4 if reads else 1, 6)),
        horizon_s=float(g.choice((60, 120, 300, 600, 900, 1800, 3600))),
    )
    spread = int(min(12, g.geometric(0.35)))
    unit = max(2, spread)
    limit = int(10 ** g.uniform(1.3, 3.2))
    share = float(
        g.choice((0.0, g.uniform(-0.4, 0.4), g.uniform(-1, 1), g.choice((-1.0, 1.0))), p=(0.3, 0.35, 0.25, 0.1))
    )
    position = round(share * limit)
    own = []
    for _ in range(int(g.choice(4, p=(0.55, 0.2, 0.15, 0.1)))):
        own.append(("buy" if g.random() < 0.5 else "sell", int(g.integers(0, 12)), int(g.choice((5, 10, 20, 30, 50)))))
    open_buy = sum(lots for side, _, lots in own if side == "buy")
    open_sell = sum(lots for side, _, lots in own if side == "sell")
    news = tuple(
        NewsItem(age, _topic(g), _news_text(g), _move(g, 2 * unit))
        for age in sorted(g.uniform(0, 1.3 * persona.horizon_s, size=int(g.choice(3, p=(0.45, 0.4, 0.15)))))
    )
    if reads:
        position, own = round(0.3 * share * limit), []
        open_buy = open_sell = 0
        age = float(g.uniform(0, persona.horizon_s))
        latest = NewsItem(age, _topic(g), _news_text(g), _move(g, 0.2 * unit))
        older = [
            NewsItem(age + float(g.uniform(1, persona.horizon_s)) * (k + 1), _topic(g), _news_text(g), _move(g, unit))
            for k in range(int(g.choice(3, p=(0.4, 0.35, 0.25))))
        ]
        news = (latest, *older)
    bid, ask = (int(v) for v in 10 ** g.uniform(0, 2.7, size=2))
    return persona, Observation(
        since_open_s=float(g.uniform(1, 23_000)),
        to_close_s=float(g.uniform(1, 23_000)),
        spread_ticks=None if g.random() < 0.02 else spread,
        bid_lots=bid,
        ask_lots=ask,
        bid_depth_lots=bid + int(10 ** g.uniform(1, 3.5)),
        ask_depth_lots=ask + int(10 ** g.uniform(1, 3.5)),
        move_look_ticks=_move(g, unit),
        move_horizon_ticks=_move(g, unit),
        move_open_ticks=_move(g, 3 * unit),
        value_gap_ticks=None if g.random() < 0.15 else _move(g, 2 * unit),
        position_lots=position,
        profit_ticks=float(g.normal() * 10 ** g.uniform(1, 4.5)),
        room_buy_lots=max(0, limit - position - open_buy),
        room_sell_lots=max(0, limit + position - open_sell),
        own_orders=tuple(own),
        news=news,
        memory=_memory(g),
    )


def example(g: Generator, is_short: bool = False) -> tuple[str, str, str]:
    """Return (schema, observation text, reply text); short: without the lines of numbers.

    Most of the short ones are about news: the tone of a hundred words is far more to learn than the rest together.
    """
    persona, o = situation(g, reads=is_short and g.random() < READING_SHARE)
    text = observation_text(persona, o)
    if is_short:
        text = "\n".join(line for line in text.split("\n") if line.startswith(("you: ", "news: ", "memory: ")))
    if g.random() < 0.06:
        return "reflection", text, rule_reflection(persona, o).model_dump_json()
    return "decision", text, rule_decision(persona, o, lambda k: float(g.random())).model_dump_json()
