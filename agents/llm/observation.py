"""What an investor is shown, as data and as text.

Prices are told in ticks from the midpoint, and each number that matters comes with a word for its size, so that small
models can read it and large ones need not calculate. Text from outside (news) stands between marks, has its own marks
taken out, and is data: the instructions say so.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.llm.persona import Persona

__all__ = ["NewsItem", "Observation", "describe", "estimate_tokens", "level", "observation_text"]

OPEN_MARK, CLOSE_MARK = "<<<", ">>>"
MAX_NEWS_CHARS = 300
CHARS_PER_TOKEN = 3
"""English text and digits run at 3 to 4.5 characters a token; the budget takes the cautious end."""


@dataclass(frozen=True)
class NewsItem:
    """A text that the investor has learnt of."""

    age_s: float
    topic: str
    text: str
    moved_ticks: float
    """How far the midpoint has moved since."""


@dataclass(frozen=True)
class Observation:
    """A frozen view of the market by one investor.

    Attributes:
        since_open_s, to_close_s: time.
        spread_ticks: None while a side is empty.
        bid_lots, ask_lots: at the touch.
        bid_depth_lots, ask_depth_lots: in ten levels.
        move_look_ticks, move_horizon_ticks, move_open_ticks: change of the midpoint since the last look, over the
            persona's horizon, since the open.
        value_gap_ticks: fundamental value less midpoint as disclosed; None: not disclosed.
        position_lots, profit_ticks: own position, and profit since the open in ticks x lots.
        room_buy_lots, room_sell_lots: what the position limit leaves.
        own_orders: (side, offset_ticks, qty_lots) of own resting orders.
        news: newest first.
        memory: lines, most important first.
    """

    since_open_s: float
    to_close_s: float
    spread_ticks: int | None
    bid_lots: int
    ask_lots: int
    bid_depth_lots: int
    ask_depth_lots: int
    move_look_ticks: float
    move_horizon_ticks: float
    move_open_ticks: float
    value_gap_ticks: float | None
    position_lots: int
    profit_ticks: float
    room_buy_lots: int
    room_sell_lots: int
    own_orders: tuple[tuple[str, int, int], ...] = ()
    news: tuple[NewsItem, ...] = ()
    memory: tuple[str, ...] = ()


_WORDS = {
    "move": ("falling fast", "falling", "flat", "rising", "rising fast"),
    "gap": ("far below", "below", "near", "above", "far above"),
    "since": ("down a lot", "down", "unchanged", "up", "up a lot"),
}


def level(ticks: float, spread_ticks: int | None, small: float, large: float) -> int:
    """Return -2 to 2: how large a move is, against so many spreads (of at least 2 ticks)."""
    unit = max(2, spread_ticks or 2)
    size = abs(ticks)
    step = 0 if size <= small * unit else 1 if size <= large * unit else 2
    return step if ticks > 0 else -step


def describe(kind: str, step: int) -> str:
    """Return the word for a level: of a "move", of a "gap", or of the price "since" a piece of news.

    No word stands in two of the lists, so that one is enough to know what it is about.
    """
    return _WORDS[kind][step + 2]


def trend(o: Observation) -> int:
    """Level of the move over the horizon: more than 1 spread, more than 4."""
    return level(o.move_horizon_ticks, o.spread_ticks, 1.0, 4.0)


def value_gap(o: Observation) -> int:
    """Level of the gap to the disclosed value: more than 2 spreads, more than 6."""
    return 0 if o.value_gap_ticks is None else level(o.value_gap_ticks, o.spread_ticks, 2.0, 6.0)


def is_fresh(persona: Persona, item: NewsItem) -> bool:
    """Whether a piece of news is younger than the persona's horizon."""
    return item.age_s <= persona.horizon_s


def news_move(o: Observation, item: NewsItem) -> int:
    """Level of the move since a piece of news: more than 1 spread, more than 10 (then it is priced in)."""
    return level(item.moved_ticks, o.spread_ticks, 1.0, 10.0)


def position_word(o: Observation) -> str:
    """Return the word for the own position against its limit."""
    limit = max(1, (o.room_buy_lots + o.room_sell_lots) // 2)
    share = abs(o.position_lots) / limit
    if o.position_lots == 0:
        return "no position"
    size = "small" if share < 0.4 else "large" if share < 0.9 else "full"
    return f"{size} {'long' if o.position_lots > 0 else 'short'}"


def signed(value: float) -> str:
    """Return a whole number with its sign; zero has none of its own."""
    return f"{round(value):+d}"


def quoted(text: str) -> str:
    """Return text from outside as one line of data that cannot end its own quotation."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    for mark in (OPEN_MARK, CLOSE_MARK, '"'):
        clean = clean.replace(mark, "'")
    return clean[:MAX_NEWS_CHARS]


def estimate_tokens(text: str) -> int:
    """Return a cautious, deterministic estimate of the tokens of a text, whatever the model."""
    return -(-len(text.encode()) // CHARS_PER_TOKEN)


def observation_text(persona: Persona, o: Observation, max_tokens: int = 1_000_000) -> str:
    """Return the user message; what does not fit the budget goes, memory first, then the oldest news.

    Args:
        persona: who looks.
        o: what there is to see.
        max_tokens: budget by `estimate_tokens`; the lines about the market are never cut.
    """
    news, memory = list(o.news), list(o.memory)
    while True:
        text = _text(persona, o, news, memory)
        if estimate_tokens(text) <= max_tokens or not (news or memory):
            return text
        (memory or news).pop()


def _text(persona: Persona, o: Observation, news: list[NewsItem], memory: list[str]) -> str:
    spread = "one side empty" if o.spread_ticks is None else f"spread {o.spread_ticks}"
    gap = o.value_gap_ticks
    latest = "none"
    if news:
        item = news[0]
        age = "fresh" if is_fresh(persona, item) else "old"
        latest = f"{age} {item.topic}, price {describe('since', news_move(o, item))}"
    # The words first and in one line, always in the same places; the numbers behind them follow.
    lines = [
        f"you: {persona.style}, risk {persona.risk_appetite}; price {describe('move', trend(o))}; "
        f"value {'unknown' if gap is None else describe('gap', value_gap(o))}; {position_word(o)}; "
        f"{'orders resting' if o.own_orders else 'no orders'}; {spread}; news {latest}; "
        f"horizon {persona.horizon_s:.0f} s",
        *([f"note: {quoted(persona.note)}"] if persona.note else []),
        f"time: {o.since_open_s / 60:.0f} min since open, {o.to_close_s / 60:.0f} min to close",
        f"book: bid {o.bid_lots} of {o.bid_depth_lots}, ask {o.ask_lots} of {o.ask_depth_lots}",
        f"price: {signed(o.move_look_ticks)} since last look, {signed(o.move_horizon_ticks)} over horizon, "
        f"{signed(o.move_open_ticks)} since open",
        "value: unknown" if gap is None else f"value: {signed(gap)} from mid",
        f"position: {o.position_lots:+d}, profit {signed(o.profit_ticks)}, can buy {o.room_buy_lots}, "
        f"can sell {o.room_sell_lots}",
        "orders: " + (", ".join(f"{side} {lots} at {offset}" for side, offset, lots in o.own_orders[:4]) or "none"),
    ]
    # The mark ends the line, and no text can hold it.
    lines += [
        f"news: {item.age_s:.0f} s ago, {item.topic}, price {signed(item.moved_ticks)} since: "
        f"{OPEN_MARK}{quoted(item.text)}{CLOSE_MARK}"
        for item in news
    ]
    lines += [f"memory: {line}" for line in memory]
    return "\n".join(lines)
