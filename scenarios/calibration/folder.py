"""The folder of a calibration: fitted.toml, moments.json and moments.png."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from scenarios.calibration.fitting import Fit, Problem
from scenarios.calibration.plot_moments import draw_moments
from scenarios.schema.toml_text import toml_text
from sim.files.atomic import write_atomically
from sim.files.claim import has_json

__all__ = ["is_calibration", "save_fit"]


def is_calibration(folder: Path) -> bool:
    """Whether a folder holds what `save_fit` leaves."""
    return has_json(folder / "moments.json", "fitted")


def save_fit(
    folder: Path, fit: Fit, problem: Problem, data: str, held_back: dict[str, float] | None, seed: int
) -> None:
    """Write a fit into a folder.

    Args:
        folder: it is there.
        fit: what was found.
        problem: what was fitted.
        data: name of what it was fitted to.
        held_back: moments of a part that was only compared with.
        seed: of the search.

    Raises:
        RunError: if the disk is full.
        InputError: if the folder cannot be written to.
    """
    record = {
        "format_version": 1, "distance": fit.distance, "first_distance": fit.first_distance, "values": fit.values,
        "fitted": _known(fit.moments), "target": problem.target, "scale": problem.scale,
        "held_back": _known(held_back) if held_back else None, "evaluations": fit.evaluations,
        "seeds": list(problem.seeds), "seed": seed,
    }  # fmt: skip
    write_atomically(folder / "fitted.toml", toml_text(fit.tables).encode())
    write_atomically(folder / "moments.json", json.dumps(record, indent=1, allow_nan=False).encode())
    title = f"{problem.path.stem} fitted to {data}"
    picture = draw_moments(title, fit.moments, problem.target, problem.scale, held_back, fit.history)
    write_atomically(folder / "moments.png", picture)


def _known(moments: Mapping[str, float]) -> dict[str, float | None]:
    """Return moments for JSON, which has no word for what is not a number."""
    return {name: value if math.isfinite(value) else None for name, value in moments.items()}
