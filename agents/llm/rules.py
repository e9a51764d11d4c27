"""What each persona does by rule: the teacher of the small model, and the yardstick for any model's character.

The rules restate policies of agents/rules in terms of what an investor is shown: `value` trades towards the disclosed
value (value.py), `momentum` and `contrarian` with and against the trend (momentum.py, mean_reversion.py), `news` on the
tone of fresh news until the price has moved (news_trader.py), `maker` quotes both sides with a skew (makers/), `noise`
at random (noise.py). Draws are given, so that one decision can be made twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from agents.llm.decision import Decision, OrderIdea, Reflection
from agents.llm.observation import NewsItem, Observation, is_fresh, news_move, position_word, trend, value_gap
from agents.llm.persona import Persona
from agents.llm.tone import tone

__all__ = ["base_lots", "rule_decision", "rule_reflection"]

Side = Literal["buy", "sell"]
View = Literal["up", "flat", "down"]
Draw = Callable[[int], float]
BASE_LOTS = {1: 5, 2: 10, 3: 20, 4: 30, 5: 50}
CONFIDENCE = (50, 65, 85)
TRUSTED = ("earnings", "rate_decision", "regulation", "news")


def base_lots(persona: Persona, o: Observation) -> int:
    """Size of an order by risk appetite; half of it after the lesson to trade smaller."""
    lots = BASE_LOTS[persona.risk_appetite]
    return max(1, lots // 2) if "lesson: smaller_orders" in o.memory else lots


def news_push(persona: Persona, o: Observation, item: NewsItem) -> int:
    """-2 to 2: how much a piece of news pushes this persona. Rumours push the bold only; what is priced in does not."""
    if not is_fresh(persona, item):
        return 0
    sign = tone(item.text)
    bold = persona.risk_appetite >= 4 and "lesson: distrust_rumours" not in o.memory
    strength = 2 if item.topic in TRUSTED or (item.topic == "rumour" and bold) else 0
    priced_in = sign * news_move(o, item) == 2
    return 0 if priced_in else sign * strength


def push(persona: Persona, o: Observation, draw: Draw) -> int:
    """-2 to 2: which way this persona wants to trade, and how much."""
    news = news_push(persona, o, o.news[0]) if o.news else 0
    style = persona.style
    if style == "news":
        return news
    if style == "value":
        return value_gap(o)
    if style == "momentum":
        return max(-2, min(2, trend(o) + news // 2))
    if style == "contrarian":
        return -trend(o)
    if style == "noise":
        u = draw(0)
        return 0 if u < 0.5 else (1 if u < 0.75 else -1)
    return 0


def rule_decision(persona: Persona, o: Observation, draw: Draw) -> Decision:
    """Return what the persona does by rule.

    Args:
        persona: who decides.
        o: what it is shown.
        draw: uniform draws on (0, 1) by index.
    """
    wanted = push(persona, o, draw)
    lots = base_lots(persona, o)
    view: View = "up" if wanted > 0 else "down" if wanted < 0 else "flat"
    rests = bool(o.own_orders)
    if persona.style == "maker" and o.spread_ticks is not None:
        return _quotes(persona, o, lots, rests)
    confidence = CONFIDENCE[abs(wanted)]
    side: Side = "buy" if wanted >= 0 else "sell"
    is_full = position_word(o) == ("full long" if side == "buy" else "full short")
    if o.spread_ticks is None or wanted == 0 or is_full:
        return Decision(view=view, confidence=confidence, cancel_open_orders=rests, orders=[])
    takes = abs(wanted) == 2 and persona.risk_appetite >= 3 and "lesson: be_patient" not in o.memory
    order = (
        OrderIdea(side=side, kind="market", offset_ticks=0, qty_lots=lots, time_in_force="ioc")
        if takes
        else OrderIdea(side=side, kind="limit", offset_ticks=0, qty_lots=lots, time_in_force="gtc")
    )
    return Decision(view=view, confidence=confidence, cancel_open_orders=rests, orders=[order])


def _quotes(persona: Persona, o: Observation, lots: int, rests: bool) -> Decision:
    """Both sides at the touch; the side that would add to a large position one step back, or not at all when full."""
    word = position_word(o)
    offset = 2 if "lesson: be_patient" in o.memory else 1 if persona.risk_appetite <= 2 else 0
    orders = []
    sides: tuple[tuple[Side, str], ...] = (("buy", "long"), ("sell", "short"))
    for side, heavy in sides:
        if word == f"full {heavy}":
            continue
        back = 3 if word == f"large {heavy}" else 0
        orders.append(
            OrderIdea(
                side=side, kind="post_only", offset_ticks=offset + back, qty_lots=lots, time_in_force="gtc"
            )
        )  # fmt: skip
    return Decision(view="flat", confidence=CONFIDENCE[0], cancel_open_orders=rests, orders=orders)


def rule_reflection(persona: Persona, o: Observation) -> Reflection:
    """Return what the persona learns from a loss by rule."""
    if any(item.topic == "rumour" for item in o.news):
        return Reflection(cause="false_news", change="distrust_rumours")
    if "full" in position_word(o) or "large" in position_word(o):
        return Reflection(cause="price_moved_against", change="smaller_orders")
    if persona.style in ("momentum", "news", "value") and persona.risk_appetite >= 3:
        return Reflection(cause="paid_the_spread", change="be_patient")
    return Reflection(cause="bad_luck", change="none")
