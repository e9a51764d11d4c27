"""Picture of impact: response to a market order, impact of proxy metaorders with the fitted law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.facts.panels import draw_panels, empty, has, kinds_legend, lines, log_scale
from scenarios.pages.style import GREY, SERIES

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["draw"]


def draw(sources: Sequence[MarketFacts]) -> bytes:
    """Return the picture as PNG."""
    return draw_panels([_response, _metaorders], sources)


def _response(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Response to a market order")
    axes.axhline(0, color=GREY, lw=0.8)
    lines(axes, sources, "response", "o-")
    if has(sources, "response"):
        log_scale(axes, "x")
        axes.set_xlabel("lag [events]")
        axes.set_ylabel("response [mean spreads]")


def _metaorders(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Proxy metaorders")
    name = "metaorder_impact"
    if not has(sources, name):
        empty(axes, sources, name)
        return
    for k, source in enumerate(sources):
        x, y, error = source.curves[name].points()
        above = y > 0  # a mean below zero has no place on a log axis; the fit counts it
        reach = np.minimum(error[above], 0.9 * y[above])
        axes.errorbar(x[above], y[above], (reach, error[above]), fmt="o", color=SERIES[k], ms=3.5, lw=0.8)
    lines(axes, sources, "metaorder_fit", "--", lw=1)
    log_scale(axes, "x")
    log_scale(axes, "y")
    kinds_legend(axes, {"fitted law": "--"}, loc="lower right")
    axes.set_xlabel("Q / V")
    axes.set_ylabel("I / sigma")
