"""Picture of memory: autocorrelations of returns, absolute returns, signs of market orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scenarios.facts.panels import Panel, draw_panels, has, lines, log_scale
from scenarios.pages.style import GREY, SERIES

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["draw"]


def draw(sources: Sequence[MarketFacts]) -> bytes:
    """Return the picture as PNG."""
    return draw_panels(
        [
            _panel("return_acf", "Returns of 1 s", "lag [s]"),
            _panel("abs_return_acf", "Absolute returns of 1 s", "lag [s]"),
            _panel("sign_acf", "Signs of market orders", "lag [market orders]"),
        ],
        sources,
    )


def _panel(name: str, title: str, unit: str) -> Panel:
    def panel(axes: Any, sources: Sequence[MarketFacts]) -> None:
        axes.set_title(title)
        axes.axhline(0, color=GREY, lw=0.8)
        lines(axes, sources, name, "o-")
        known = [source.curves[name].points() for source in sources]
        for (x, _, band), colour in zip(known, SERIES, strict=False):
            for sign in (1, -1):
                axes.plot(x, sign * band, color=colour, lw=0.6, alpha=0.6)
        if has(sources, name):
            log_scale(axes, "x")
            axes.set_xlabel(unit)
            axes.set_ylabel("autocorrelation")

    return panel
