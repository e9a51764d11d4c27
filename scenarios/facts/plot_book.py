"""Picture of the book: spread, depth by level, queues at the best prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import MaxNLocator

from scenarios.facts.panels import Panel, draw_panels, has, lines, log_scale

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["draw"]

ABOVE = "share of time above"
APART = 20.0
"""Sources whose depths differ by more than this share a logarithmic axis."""


def draw(sources: Sequence[MarketFacts]) -> bytes:
    """Return the picture as PNG."""
    return draw_panels(
        [
            _panel("spread", "Spread", "spread [ticks]", "share of time at most", steps=True),
            _panel("depth", "Depth profile", "level", "mean quantity [lots]", style="o-"),
            _panel("level_distance", "Where the levels are", "level", "distance from the best [ticks]", style="o-"),
            _panel("queue_lots", "Quantity at a best price", "quantity [lots]", ABOVE, steps=True),
            _panel("queue_orders", "Orders at a best price", "orders", ABOVE, steps=True),
        ],
        sources,
    )  # fmt: skip


def _panel(name: str, title: str, x_label: str, y_label: str, *, style: str = "-", steps: bool = False) -> Panel:
    def panel(axes: Any, sources: Sequence[MarketFacts]) -> None:
        axes.set_title(title)
        lines(axes, sources, name, style, **({"drawstyle": "steps-post"} if steps else {}))
        if not has(sources, name):
            return
        if steps:
            axes.set_ylim(0, 1.03)
            log_scale(axes, "x")
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            heights = [y for source in sources for y in source.curves[name].y if y]
            if heights and max(heights) > APART * min(heights) and name == "depth":
                log_scale(axes, "y")
            else:
                axes.set_ylim(bottom=0)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)

    return panel
