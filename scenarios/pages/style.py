"""What the pictures of studies share: colours, figure, PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sim.picture_style import BLUE, GRID, INK, RED, STYLE

__all__ = ["BLUE", "GREY", "GRID", "INK", "RED", "SERIES", "new_figure", "plain", "png"]

GREY = "#999999"
SERIES = (BLUE, RED, "#4d9221", "#8073ac", "#b35806", "#35978f", "#c51b7d", "#666666")
_PANELS: Any = {
    **STYLE,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
}


@contextmanager
def new_figure(width: float, height: float) -> Iterator[Figure]:
    """Yield a figure in our style, without touching the user's matplotlib settings or back end."""
    with matplotlib.rc_context(_PANELS):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def plain(text: str) -> str:
    """Return a user's own word as it is; two dollar signs in it would be read as a formula."""
    return text.replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
