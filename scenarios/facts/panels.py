"""What all pictures of the facts share: one colour a source, named above; panels that say why they are empty."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from scenarios.pages.style import GREY, INK, SERIES, new_figure, plain, png

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["MOST_SOURCES", "Panel", "draw_panels", "empty", "has", "kinds_legend", "lines", "log_scale", "say"]

MOST_SOURCES = len(SERIES)
Panel = Callable[[Any, "Sequence[MarketFacts]"], None]


def draw_panels(panels: Sequence[Panel], sources: Sequence[MarketFacts], columns: int = 3) -> bytes:
    """Return a picture of panels as PNG, with the names of the sources above."""
    columns = min(columns, len(panels))
    n_lines = -(-len(panels) // columns)
    with new_figure(3.6 * columns, 2.9 * n_lines + 0.35) as figure:
        grid = figure.subplots(n_lines, columns, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            panel(axes, sources)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        handles = [Line2D([], [], color=colour, lw=2) for colour in SERIES[: len(sources)]]
        figure.legend(handles, [plain(source.name) for source in sources], loc="outside upper left", ncols=4)
        return png(figure)


def lines(axes: Any, sources: Sequence[MarketFacts], name: str, style: str = "-", **options: Any) -> None:
    """Draw a curve of each source in its colour; if none has it, say why."""
    drawn = False
    for source, colour in zip(sources, SERIES, strict=False):
        x, y, _ = source.curves[name].points()
        if len(x):
            axes.plot(x, y, style, color=colour, **{"lw": 1.3, "ms": 3, **options})
            drawn = True
    if not drawn:
        empty(axes, sources, name)


def has(sources: Sequence[MarketFacts], *names: str) -> bool:
    """Whether a source has points of one of these curves."""
    return any(source.curves[name].x for source in sources for name in names)


def log_scale(axes: Any, which: str) -> None:
    """Make an axis logarithmic with plain numbers at it; to be called once everything is drawn."""
    if (axes.dataLim.x1 if which == "x" else axes.dataLim.y1) <= 0:
        return  # spreads of a locked market
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if high < 60 * low else (1,), numticks=8))
    axis.set_major_formatter(FuncFormatter(_plain_number))
    axis.set_minor_formatter(NullFormatter())


def _plain_number(x: float, _: Any) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if x >= unit:
            return f"{x / unit:g}{letter}"
    return f"{x:g}"


def empty(axes: Any, sources: Sequence[MarketFacts], name: str) -> None:
    """Say in a panel why none of its curve is in it."""
    say(axes, sources[0].curves[name].why)


def say(axes: Any, why: str) -> None:
    """Write a reason into an empty panel."""
    axes.text(
        0.5, 0.5, textwrap.fill(why, 36), transform=axes.transAxes, ha="center", va="center", color=GREY, fontsize=8
    )
    axes.set_xticks([])
    axes.set_yticks([])


def kinds_legend(axes: Any, styles: dict[str, str], **options: Any) -> None:
    """Name the kinds of lines of a panel, whatever their colour."""
    handles = [Line2D([], [], color=INK, ls=style, lw=1) for style in styles.values()]
    axes.legend(handles, list(styles), **options)
