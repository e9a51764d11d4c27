"""The pictures of a run: one for each instrument, with the news of the scenario."""

from __future__ import annotations

from pathlib import Path

from scenarios.run.measures import Measures
from scenarios.schema.scenario import Scenario
from sim.files.atomic import write_atomically
from sim.files.names import file_name
from sim.picture import draw_market

__all__ = ["draw_markets"]


def draw_markets(folder: Path, name: str, seed: int, scenario: Scenario, measures: Measures) -> list[Path]:
    """Draw one picture per instrument: market.png, and market-NAME.png for the others; return their paths.

    Raises:
        RunError: if the disk is full.
    """
    paths = []
    for k, table in enumerate(scenario.instrument):
        path = folder / ("market.png" if k == 0 else f"market-{file_name(table.name)}.png")
        day = f", {scenario.session.date}" if scenario.session.date else ""
        title = f"{table.name} in {name}{day} (seed {seed})"
        news = published(scenario, table.name, is_first=k == 0)
        write_atomically(path, draw_market(title, table.tick_size, measures.series[k], measures.depth[k], news))
        paths.append(path)
    return paths


def published(scenario: Scenario, symbol: str, is_first: bool) -> list[tuple[float, str]]:
    """Return the news of an instrument as (seconds since midnight, topic)."""
    return [
        (scenario.session.ns(event.at) / 1e9, event.topic.replace("_", " ") if event.kind == "bulletin" else "news")
        for event in scenario.event
        if event.kind in ("news", "bulletin") and event.enabled
        and (event.symbol == symbol or (event.symbol is None and is_first))
    ]  # fmt: skip
