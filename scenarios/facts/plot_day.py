"""Picture of the session: activity, volume, spread and volatility by part of the day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import FuncFormatter, MaxNLocator

from scenarios.facts.day import CURVES
from scenarios.facts.panels import Panel, draw_panels, lines
from scenarios.pages.style import GREY

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["draw"]

TITLES = ("Events a second", "Volume", "Spread", "Volatility of 10 s returns")


def draw(sources: Sequence[MarketFacts]) -> bytes:
    """Return the picture as PNG."""
    return draw_panels([_panel(name, title) for name, title in zip(CURVES, TITLES, strict=True)], sources, columns=2)


def _clock(hours: float, _: Any) -> str:
    minutes = round(hours * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _panel(name: str, title: str) -> Panel:
    def panel(axes: Any, sources: Sequence[MarketFacts]) -> None:
        axes.set_title(title)
        lines(axes, sources, name, "o-")
        if not any(source.curves[name].x for source in sources):
            return
        axes.axhline(1, color=GREY, lw=0.8, zorder=0)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(_clock))
        axes.set_xlabel("time of day")
        axes.set_ylabel("over its own mean")

    return panel
