"""The folder of a scorecard: realism.json, distances.parquet, facts.parquet and realism.html."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from scenarios.realism.page import realism_page
from scenarios.realism.scorecard import Scorecard
from sim.files.atomic import write_atomically, write_parquet
from sim.files.claim import has_json
from sim.versions import versions

__all__ = ["is_scorecard", "save_scorecard"]


def is_scorecard(folder: Path) -> bool:
    """Whether a folder holds what `save_scorecard` leaves."""
    return has_json(folder / "realism.json", "against")


def save_scorecard(
    folder: Path, card: Scorecard, flows: Mapping[str, tuple[Path, str]], windows: Mapping[str, str | None]
) -> None:
    """Write a scorecard into a folder.

    Args:
        folder: it is there.
        card: the scores.
        flows: place and name of the two flows, "simulated" and "against".
        windows: the parts of them that were used, as a user wrote them.

    Raises:
        RunError: if the disk is full.
        InputError: if the folder cannot be written to.
    """
    html = realism_page(card, flows["simulated"][1], flows["against"][1])
    record = {
        "format_version": 1,
        **{key: str(place) for key, (place, _) in flows.items()},
        "windows": dict(windows),
        **card.record(),
        "versions": versions(),
    }
    write_atomically(folder / "realism.json", (json.dumps(record, indent=1) + "\n").encode())
    write_parquet(folder / "distances.parquet", card.distances)
    write_parquet(folder / "facts.parquet", card.facts)
    write_atomically(folder / "realism.html", html.encode())
