"""What all pictures of the facts share: one colour a source, named above; panels that say why they are empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from scenarios.pages.style import GREY, INK, SERIES, new_figure, plain, png

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["MOST_SOURCES", "draw_panels", "kinds_legend", "lines"]

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


def empty(axes: Any, sources: Sequence[MarketFacts], name: str) -> None:
    """Say in a panel why nothing is in it."""
    why = sources[0].curves[name].why
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=GREY, fontsize=8, wrap=True)
    axes.set_xticks([])
    axes.set_yticks([])


def kinds_legend(axes: Any, styles: dict[str, str], **options: Any) -> None:
    """Name the kinds of lines of a panel, whatever their colour."""
    handles = [Line2D([], [], color=INK, ls=style, lw=1) for style in styles.values()]
    axes.legend(handles, list(styles), **options)
