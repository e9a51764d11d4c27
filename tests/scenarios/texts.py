"""Small scenarios for the tests, as text and as built markets."""

from __future__ import annotations

from pathlib import Path

from scenarios.build.market import Built, build
from scenarios.schema.load import load_scenario

SMALL = """
[session]
open = 09:30:00
close = 09:40:00

[[instrument]]
name = "ABC"
reference_ticks = 10_000

[[population]]
name = "zero"
kind = "zero_intelligence"
count = 50
settings = { interval_s = 2.0 }
"""


def written(folder: Path, text: str = SMALL, name: str = "small.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def built(folder: Path, text: str = SMALL, *overrides: str) -> Built:
    return build(load_scenario(str(written(folder, text)), overrides))
