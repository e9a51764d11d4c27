"""The picture of a run folder, from its tape alone."""

from __future__ import annotations

from pathlib import Path

from lob.errors import InputError
from scenarios.run.folder import SCENARIO, TAPE
from scenarios.run.measures import Measures
from scenarios.run.summary import read_summary
from scenarios.schema.load import load_scenario
from sim.writer import read_parts

__all__ = ["draw_stored_run"]


def draw_stored_run(folder: Path) -> list[Path]:
    """Draw the pictures of a run folder and return their paths.

    Raises:
        InputError: if the folder holds no run or no tape.
        RunError: if the disk is full.
    """
    summary = read_summary(folder)
    if summary is None or not (folder / SCENARIO).is_file():
        raise InputError(f"{folder}: not a run folder; allowed: a folder that `outcry run` wrote")
    scenario = load_scenario(str(folder / SCENARIO)).scenario
    measures = Measures(scenario)
    for rows in read_parts(folder / TAPE):
        measures(rows)
    if measures.counts.n_rows == 0:
        raise InputError(f"{folder}: its tape holds no rows yet")
    measures.finish()
    from scenarios.run.plot_market import draw_markets

    return draw_markets(folder, summary["name"], summary["seed"], scenario, measures)
