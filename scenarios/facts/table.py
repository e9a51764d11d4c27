"""The facts as tables: for people side by side, for programs one row a fact and source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from scenarios.facts.market_facts import FACTS, TOPICS, MarketFacts

if TYPE_CHECKING:
    from scenarios.facts.values import Fact, Value

__all__ = ["cell", "facts_frame", "label", "reasons", "topic_rows"]


def label(fact: Fact) -> str:
    """Return what stands at the head of a row."""
    return f"{fact.label} [{fact.unit}]" if fact.unit else fact.label


def cell(found: Value) -> str:
    """Return a number with its interval as people read it; "-" if it is not there."""
    if found.value is None:
        return "-"
    if found.low is None or found.high is None:
        return _number(found.value)
    return f"{_number(found.value)} ({_number(found.low)}, {_number(found.high)})"


def _number(x: float) -> str:
    if abs(x) >= 1000 or (x == int(x) and abs(x) >= 1):
        return f"{x:,.0f}"
    return f"{x:.3g}"


def topic_rows(sources: Sequence[MarketFacts]) -> dict[str, list[tuple[str, list[str]]]]:
    """Return by topic the rows of the table: name of the fact, and a cell for each source.

    A fact that no source shows at all (hidden executions, mostly) has no row.
    """
    return {
        title: [
            (name, [cell(source.values[name]) for source in sources])
            for name in topic.FACTS
            if name != "hidden_share" or any(source.values[name].value for source in sources)
        ]
        for title, topic in TOPICS.items()
    }


def reasons(source: MarketFacts) -> list[str]:
    """Return why facts of a source are not there, a line for each reason."""
    by_why: dict[str, list[str]] = {}
    for name, found in source.values.items():
        if found.value is None and name != "hidden_share":
            by_why.setdefault(found.why, []).append(FACTS[name].label)
    return [f"{source.name}: no {'; '.join(labels)}: {why}" for why, labels in by_why.items()]


def facts_frame(sources: Sequence[MarketFacts]) -> pl.DataFrame:
    """Return one row a fact and source: topic, fact, label, unit, source, value, low, high, why."""
    rows = [
        (
            title,
            name,
            FACTS[name].label,
            FACTS[name].unit or None,
            source.name,
            found.value,
            found.low,
            found.high,
            found.why or None,
        )
        for title, topic in TOPICS.items()
        for name in topic.FACTS
        for source in sources
        for found in (source.values[name],)
    ]
    text, number = pl.String, pl.Float64
    schema = {"topic": text, "fact": text, "label": text, "unit": text, "source": text,
              "value": number, "low": number, "high": number, "why": text}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")
