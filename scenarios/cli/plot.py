"""`outcry plot`: draw the picture of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(run: Annotated[Path, typer.Argument(help="A run folder.")]) -> None:
    """Draw a run's picture from its tape, also of a run that was stopped or killed.

    Examples:
        outcry plot runs/first_market
        outcry plot runs/mine
    """
    from scenarios.run.plot_stored import draw_stored_run

    for picture in draw_stored_run(run):
        print(f"Picture: {picture}")
