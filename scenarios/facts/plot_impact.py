"""Picture of impact: response to a market order, impact of proxy metaorders with the fitted law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.facts.panels import draw_panels, empty, kinds_legend, lines
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
    if any(source.curves["response"].x for source in sources):
        axes.set_xscale("log")
        axes.set_xlabel("lag [events]")
        axes.set_ylabel("move of the midpoint [mean spreads]")


def _metaorders(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Proxy metaorders")
    name = "metaorder_impact"
    if not any(source.curves[name].x for source in sources):
        empty(axes, sources, name)
        return
    axes.set_xscale("log")
    axes.set_yscale("log", nonpositive="mask")
    for k, source in enumerate(sources):
        x, y, error = source.curves[name].points()
        above = y > 0  # a mean below zero has no place on a log axis; the fit counts it
        reach = np.minimum(error[above], 0.9 * y[above])
        axes.errorbar(x[above], y[above], (reach, error[above]), fmt="o", color=SERIES[k], ms=3.5, lw=0.8)
    lines(axes, sources, "metaorder_fit", "--", lw=1)
    kinds_legend(axes, {"fitted law": "--"}, loc="lower right")
    axes.set_xlabel("Q / V")
    axes.set_ylabel("I / sigma")
