"""The facts as one self-contained HTML page, and its pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import ModuleType

from scenarios.facts import plot_book, plot_day, plot_impact, plot_memory, plot_orders, plot_returns
from scenarios.facts.market_facts import FACTS, TOPICS, MarketFacts
from scenarios.facts.table import label, reasons, topic_rows
from scenarios.facts.values import SAME
from scenarios.pages.html import page, paragraph, picture, section, table
from sim.versions import versions

__all__ = ["draw_pictures", "facts_page"]

PLOTS: dict[str, ModuleType] = {
    "The session": plot_day,
    "Returns and their tails": plot_returns,
    "Memory": plot_memory,
    "The book": plot_book,
    "Orders": plot_orders,
    "Impact": plot_impact,
}
METHOD = (
    "Days of one source are put together into one column: samples are pooled, means are over days, and nothing is "
    "taken across a night. Intervals in brackets are of 95%. Hidden executions count in the mix of events alone.",
    "Sources: Cont 2001 (stylised facts); Hill 1975 (tail index); Andersen, Bollerslev, Diebold and Labys 2000 "
    "(signature plot); Aalen and Johansen 1978 (order life); Bouchaud, Gefen, Potters and Wyart 2004 (response); "
    "Maitrier, Loeper and Bouchaud 2025, arXiv 2503.18199 (proxy metaorders).",
)


def draw_pictures(sources: Sequence[MarketFacts]) -> dict[str, bytes]:
    """Return the picture of each topic as PNG, by title."""
    return {title: plot.draw(sources) for title, plot in PLOTS.items()}


def facts_page(sources: Sequence[MarketFacts], pictures: Mapping[str, bytes] | None = None) -> str:
    """Return the page.

    Args:
        sources: at least one, at most eight.
        pictures: those of `draw_pictures`, if they have been drawn already.
    """
    pictures = draw_pictures(sources) if pictures is None else pictures
    names = [source.name for source in sources]
    parts = []
    for title, rows in topic_rows(sources).items():
        lines = [[label(FACTS[name]), *cells] for name, cells in rows]
        meant = [[FACTS[name].label, FACTS[name].about] for name, _ in rows if FACTS[name].about != SAME]
        notes = paragraph(" ".join(TOPICS[title].CURVES.values()), "note")
        defined = table(["", "what it is"], meant, text_columns=[1])
        parts.append(section(title, picture(pictures[title], title), notes, table(["", *names], lines), defined))
    why = [paragraph(line, "note") for source in sources for line in reasons(source)]
    return page(
        f"Stylised facts: {', '.join(names)}",
        *[paragraph(_what(source)) for source in sources],
        *parts,
        *([section("Not known", *why)] if why else []),
        section("Method", *[paragraph(text) for text in METHOD], paragraph(f"Versions: {json.dumps(versions())}")),
    )


def _what(source: MarketFacts) -> str:
    first, n = source.days[0], len(source.days)
    events = sum(day["events"] for day in source.days)
    days = f" of {n} days, put together; the first" if n > 1 else ""
    tick = f" One tick is {source.tick_size:g}." if source.tick_size else ""
    told = "".join(f" {note}." for note in source.notes)
    return f"{source.name}: {events:,} events{days} from {first['from']} to {first['until']}.{tick}{told}"
