"""Moments of a fitted market against the data's, each in units of how much it varies within the data."""

from __future__ import annotations

import io
import math

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scenarios.pages.style import plain
from sim.metrics import MOMENTS

__all__ = ["draw_moments"]

FITTED, HELD_BACK, FLOOR = "#2166ac", "#d6604d", "#e8e8e8"
REACH = 8.0
Moments = dict[str, float]


def draw_moments(
    title: str, fitted: Moments, target: Moments, scale: Moments, held_back: Moments | None, history: list[float]
) -> bytes:
    """Return a PNG picture.

    Args:
        title: of the picture.
        fitted: moments of the fitted market.
        target: moments of the data that it was fitted to; the zero of the axis.
        scale: what counts as a distance of 1; the grey band.
        held_back: moments of data that the fit has not seen, if there are any.
        history: best distance after each generation.
    """
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes, path = figure.subplots(1, 2, width_ratios=[4, 1])
    axes.axvspan(-1, 1, color=FLOOR, label="varies by this much within the data")
    names = list(MOMENTS)
    rows = range(len(names))
    for values, colour, marker, label in (
        (fitted, FITTED, "o", "fitted market"),
        (held_back, HELD_BACK, "D", "data held back"),
    ):
        if values is None:
            continue
        gaps = [(values[name] - target[name]) / scale[name] for name in names]
        # A moment that is not known (a market without trades has none of them) has no point.
        known = [(row, gap) for row, gap in zip(rows, gaps, strict=True) if math.isfinite(gap)]
        shown = [min(max(gap, -REACH), REACH) for _, gap in known]
        axes.plot(shown, [row for row, _ in known], marker, color=colour, label=label, ms=6)
        for row, gap in known:
            if abs(gap) > REACH:
                where = "right" if gap > 0 else "left"
                axes.annotate(f"{gap:+.0f}", (min(max(gap, -REACH), REACH), row), (0, 6), color=colour, fontsize=7,
                              textcoords="offset points", ha=where)  # fmt: skip
    axes.axvline(0, color="#555555", lw=0.8)
    axes.set_yticks(list(rows), [f"{MOMENTS[name]}  ({target[name]:.3g})" for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-REACH - 0.5, REACH + 0.5)
    axes.set_xlabel("gap to the fitted data (its value in brackets) [noise floors]")
    figure.suptitle(plain(title), fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3)
    path.plot(range(len(history)), history, color=FITTED, marker="o" if len(history) == 1 else None)
    path.set_ylim(0, None)
    path.set_xlabel("generation")
    path.set_ylabel("mean distance [noise floors]")
    path.set_title("search", fontsize=9)
    for part in (axes, path):
        part.spines[["top", "right"]].set_visible(False)
        part.grid(axis="x", color="#dddddd", lw=0.5)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
