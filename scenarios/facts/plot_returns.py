"""Picture of returns: the tail beside a Gaussian's, kurtosis by interval, signature plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter
from scipy.stats import norm

from scenarios.facts.panels import draw_panels, has, kinds_legend, lines, log_scale, say
from scenarios.facts.returns import SECONDS
from scenarios.pages.style import GREY, INK, SERIES

if TYPE_CHECKING:
    from scenarios.facts.market_facts import MarketFacts

__all__ = ["draw"]


def draw(sources: Sequence[MarketFacts]) -> bytes:
    """Return the picture as PNG."""
    return draw_panels([_tail, _kurtosis, _signature], sources)


def _tail(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Tail of 10 s returns")
    points = [source.curves["return_tail"].points()[:2] for source in sources]
    lines(axes, sources, "return_tail")
    if has(sources, "return_tail"):
        least = min(float(y.min()) for x, y in points if len(x))
        x = np.geomspace(0.1, float(norm.isf(least / 4)), 100)
        axes.plot(x, 2 * norm.sf(x), "--", color=INK, lw=1)
        axes.set_ylim(least / 2, 1.3)
        log_scale(axes, "x")
        log_scale(axes, "y")
        kinds_legend(axes, {"Gaussian": "--"}, loc="lower left")
        axes.set_xlabel("absolute return [standard deviations]")
        axes.set_ylabel("share beyond")


def _kurtosis(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Excess kurtosis by interval")
    whys = [source.values[f"kurtosis_{s}s"].why for source in sources for s in SECONDS]
    if all(whys):
        say(axes, whys[0])
        return
    width = 0.8 / len(sources)
    axes.axhline(0, color=GREY, lw=0.8)
    heights = []
    for k, source in enumerate(sources):
        values = [source[f"kurtosis_{s}s"] for s in SECONDS]
        at = np.arange(len(SECONDS)) + (k - (len(sources) - 1) / 2) * width
        for x, v in zip(at, values, strict=True):
            if v is not None:
                axes.bar(x, v, width * 0.9, color=SERIES[k])
                heights.append(v)
            else:
                axes.text(x, 0, "-", ha="center", va="bottom", color=SERIES[k], fontsize=14)
    axes.set_xticks(range(len(SECONDS)), [f"{s} s" for s in SECONDS])
    axes.set_xlim(-0.6, len(SECONDS) - 0.4)
    if heights and max(heights) > 10:
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_ylabel("excess kurtosis (0: Gaussian)")


def _signature(axes: Any, sources: Sequence[MarketFacts]) -> None:
    axes.set_title("Signature plot")
    lines(axes, sources, "signature", "o-")
    if has(sources, "signature"):
        log_scale(axes, "x")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("sampling interval [s]")
        axes.set_ylabel("realised volatility [bp a minute]")
