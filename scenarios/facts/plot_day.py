"""Picture of the session: activity, volume, spread and volatility by part of the day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from scenarios.facts.day import CURVES
from scenarios.facts.panels import Panel, draw_panels, empty, has
from scenarios.pages.style import GREY, SERIES

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["draw"]

TITLES = ("Events a second", "Volume", "Spread", "Volatility of 10 s returns")
ALIKE = 0.4
"""Sessions of which one is shorter than so much of another have no clock in common."""


def draw(sources: Sequence[MarketFacts]) -> bytes:
    """Return the picture as PNG."""
    return draw_panels([_panel(name, title) for name, title in zip(CURVES, TITLES, strict=True)], sources, columns=2)


def _clock(hours: float, _: Any) -> str:
    minutes = round(hours * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _panel(name: str, title: str) -> Panel:
    def panel(axes: Any, sources: Sequence[MarketFacts]) -> None:
        axes.set_title(title)
        if not has(sources, name):
            empty(axes, sources, name)
            return
        points = [source.curves[name].points()[:2] for source in sources]
        spans = [float(np.ptp(x)) for x, _ in points if len(x)]
        together = min(spans) >= ALIKE * max(spans)
        for (x, y), colour in zip(points, SERIES, strict=False):
            if len(x):
                axes.plot(x if together else (x - x[0]) / max(np.ptp(x), 1e-9), y, "o-", color=colour, lw=1.3, ms=3)
        axes.axhline(1, color=GREY, lw=0.8, zorder=0)
        axes.set_ylim(bottom=0)
        if together:
            axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
            axes.xaxis.set_major_formatter(FuncFormatter(_clock))
        axes.set_xlabel("time of day" if together else "share of the source's own session")
        axes.set_ylabel("over its own mean")

    return panel
