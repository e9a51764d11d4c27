"""Picture of orders: mix of events, sizes, lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scenarios.facts.orders import MIX
from scenarios.facts.panels import draw_panels, has, kinds_legend, lines, log_scale
from scenarios.pages.style import SERIES

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["draw"]

SIZES = {"limit orders": "-", "market orders": "--"}
ENDS = {"waiting": "-", "deleted": "--", "first fill": ":"}


def draw(sources: Sequence[MarketFacts]) -> bytes:
    """Return the picture as PNG."""
    return draw_panels([_mix, _sizes, _lives], sources)


def _mix(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Mix of events")
    height = 0.8 / len(sources)
    names = {f"{kind.name.lower()}_share": words for kind, words in MIX.items()}
    names = {name: words for name, words in names.items() if any(source[name] for source in sources)}
    for k, source in enumerate(sources):
        at = [j + (k - (len(sources) - 1) / 2) * height for j in range(len(names))]
        axes.barh(at, [source[name] or 0.0 for name in names], height * 0.9, color=SERIES[k])
    axes.set_yticks(range(len(names)), [words.replace(" ", "\n") for words in names.values()])
    axes.invert_yaxis()
    axes.set_xlabel("share of all events")


def _sizes(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Sizes")
    names = ("submit_size", "market_size")
    if has(sources, *names):
        axes.set_xlabel("size [lots]")
        axes.set_ylabel("share larger")
        for name, style in zip(names, SIZES.values(), strict=True):
            if has(sources, name):
                lines(axes, sources, name, style)
        log_scale(axes, "x")
        log_scale(axes, "y")
        kinds_legend(axes, SIZES, loc="lower left")
    else:
        lines(axes, sources, "submit_size")


def _lives(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Order life")
    lines(axes, sources, "life")
    if has(sources, "life"):
        lines(axes, sources, "deleted", "--")
        lines(axes, sources, "filled", ":", lw=1.6)
        axes.set_ylim(0, 1.03)
        log_scale(axes, "x")
        axes.set_xlabel("time since submission [s]")
        axes.set_ylabel("share of orders")
        kinds_legend(axes, ENDS, loc="center right")
