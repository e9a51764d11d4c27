"""Picture of the book: spread, depth by level, queues at the best prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import MaxNLocator

from scenarios.facts.panels import Panel, draw_panels, lines

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["draw"]

ABOVE = "share of time above"


def draw(sources: Sequence[MarketFacts]) -> bytes:
    """Return the picture as PNG."""
    return draw_panels(
        [
            _panel("spread", "Spread", "spread [ticks]", "share of time at most", logs="x", steps=True),
            _panel("depth", "Depth profile", "level", "mean quantity [lots]", style="o-"),
            _panel("level_distance", "Where the levels are", "level", "distance from the best [ticks]", style="o-"),
            _panel("queue_lots", "Quantity at a best price", "quantity [lots]", ABOVE, logs="x", steps=True),
            _panel("queue_orders", "Orders at a best price", "orders", ABOVE, logs="x", steps=True),
        ],
        sources,
    )  # fmt: skip


def _panel(
    name: str, title: str, x_label: str, y_label: str, *, logs: str = "", style: str = "-", steps: bool = False
) -> Panel:
    def panel(axes: Any, sources: Sequence[MarketFacts]) -> None:
        axes.set_title(title)
        lines(axes, sources, name, style, **({"drawstyle": "steps-post"} if steps else {}))
        if not any(source.curves[name].x for source in sources):
            return
        if logs:
            axes.set_xscale("log")
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(0, 1.03 if steps else None)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)

    return panel
