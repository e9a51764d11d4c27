"""The folder of a facts page: facts.json, facts.csv, facts.html and a PNG of each topic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scenarios.facts.market_facts import FACTS, TOPICS, MarketFacts
from scenarios.facts.page import draw_pictures, facts_page
from scenarios.facts.table import facts_frame
from sim.files.atomic import write_atomically
from sim.files.claim import has_json
from sim.versions import versions

__all__ = ["facts_record", "is_facts", "save_facts"]

PICTURES = {
    "The session": "session.png", "Returns and their tails": "returns.png", "Memory": "memory.png",
    "The book": "book.png", "Orders": "orders.png", "Impact": "impact.png",
}  # fmt: skip


def is_facts(folder: Path) -> bool:
    """Whether a folder holds what `save_facts` leaves."""
    return has_json(folder / "facts.json", "sources")


def facts_record(sources: Sequence[MarketFacts]) -> dict[str, Any]:
    """Return everything as JSON can hold it: definitions, and for each source its days, facts and curves."""
    definitions = {name: {"label": f.label, "unit": f.unit, "about": f.about} for name, f in FACTS.items()}
    curves = {name: about for topic in TOPICS.values() for name, about in topic.CURVES.items()}
    return {
        "format_version": 1,
        "definitions": {"facts": definitions, "curves": curves},
        "sources": [source.record() for source in sources],
        "versions": versions(),
    }


def save_facts(folder: Path, sources: Sequence[MarketFacts]) -> None:
    """Write the facts into a folder, each file whole or not at all.

    Args:
        folder: it is there.
        sources: at least one, at most eight.

    Raises:
        RunError: if the disk is full.
        InputError: if the folder cannot be written to.
    """
    pictures = draw_pictures(sources)
    html = facts_page(sources, pictures)
    record = json.dumps(facts_record(sources), indent=1, allow_nan=False)
    write_atomically(folder / "facts.json", f"{record}\n".encode())
    write_atomically(folder / "facts.csv", facts_frame(sources).write_csv().encode())
    for title, png in pictures.items():
        write_atomically(folder / PICTURES[title], png)
    write_atomically(folder / "facts.html", html.encode())
