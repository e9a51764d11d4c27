"""The picture of orders: fills by distance, by time and by place in the queue, and what a fill is worth afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from scenarios.orders.analytics import CURVE_S
from scenarios.pages.style import BLUE, GREY, RED, SERIES, new_figure, plain, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.orders.analytics import OrderAnalytics

__all__ = ["draw_orders"]

MOST_POPULATIONS = 6


def draw_orders(found: OrderAnalytics) -> bytes:
    """Return the picture as PNG."""
    within = found.within_s[min(1, len(found.within_s) - 1)]
    with new_figure(10, 7.2) as figure:
        (distance, time), (queue, markouts) = figure.subplots(2, 2)
        _fills(distance, found, "distance", within)
        distance.set_title(f"Filled within {within:g} s, by where the order joins")
        _times(time, found)
        _fills(queue, found, "queue", within)
        queue.set_title(f"Filled within {within:g} s, by what stands ahead at the best")
        _markouts(markouts, found)
        figure.suptitle(f"Orders of {plain(found.name)}", x=0.01, ha="left", fontsize=11)
        return png(figure)


def _fills(axes: Axes, found: OrderAnalytics, group: str, within: float) -> None:
    rows = found.fills.filter((pl.col("group") == group) & (pl.col("within_s") == within))
    labels = rows["label"].unique(maintain_order=True).to_list()
    if not labels:
        _say(axes, "too few orders")
        return
    y = np.arange(len(labels))[::-1]
    for question, word, colour, up in (
        ("left", "if left in the book", BLUE, 0.12),
        ("went", "as it went", GREY, -0.12),
    ):
        of = rows.filter(pl.col("question") == question)
        value, low, high = (of[name].fill_null(np.nan).to_numpy() for name in ("value", "low", "high"))
        bars = np.nan_to_num(np.maximum([value - low, high - value], 0))
        axes.errorbar(value, y + up, xerr=bars, fmt="o", ms=4, capsize=2, lw=1.1, color=colour, label=word)
    axes.set_yticks(y, labels)
    axes.set_ylim(-0.6, len(y) - 0.4)
    axes.set_xlim(-0.02, 1.02)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"share of orders with a fill, {100 * found.confidence:g}% intervals")
    axes.legend(loc="best")


def _times(axes: Axes, found: OrderAnalytics) -> None:
    axes.set_title("Time to the first fill, if left in the book")
    for (label, shares), colour in zip(found.curves.items(), SERIES, strict=False):
        axes.plot(CURVE_S, shares, color=colour, lw=1.3, label=label)
    if not found.curves:
        _say(axes, "too few orders")
        return
    axes.set_xscale("log")
    axes.set_xlim(CURVE_S[0], CURVE_S[-1])
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("seconds since submission")
    axes.set_ylabel("share filled")
    axes.legend(loc="upper left", fontsize=7)


def _markouts(axes: Axes, found: OrderAnalytics) -> None:
    axes.set_title("What a fill has gained by the midpoint later on")
    rows = found.markouts.filter(pl.col("population") != "all") if len(found.markouts) else found.markouts
    if len(rows) == 0:
        rows = found.markouts.filter(pl.col("who") == "rests")
    if len(rows) == 0:
        _say(axes, "too few fills")
        return
    times = rows["after_s"].unique(maintain_order=True).to_list()
    x = np.arange(len(times))
    by_size = sorted(rows.partition_by("who", "population", maintain_order=True), key=lambda r: -r["lots"][0])
    shown = by_size[:MOST_POPULATIONS]
    for k, (of, colour) in enumerate(zip(shown, SERIES, strict=False)):
        who = "resting" if of["who"][0] == "rests" else "taking"
        value, low, high = (of[name].fill_null(np.nan).to_numpy() for name in ("value", "low", "high"))
        label = who if of["population"][0] == "all" else f"{plain(of['population'][0])}, {who}"
        bars: Any = np.nan_to_num(np.maximum([value - low, high - value], 0))
        style = "-" if who == "resting" else "--"
        shift = 0.06 * (k - (len(shown) - 1) / 2)
        axes.errorbar(x + shift, value, yerr=bars, fmt=f"o{style}", ms=3, capsize=2, lw=1.1, color=colour, label=label)
    axes.axhline(0, color=RED, lw=0.7)
    axes.set_xticks(x, ["before", *[f"{after:g} s" for after in times[1:]]])
    axes.set_xlabel("midpoint taken")
    axes.set_ylabel("ticks a lot")
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom - 0.3 * (top - bottom), top)  # room for the names
    axes.legend(loc="lower left", ncols=2)


def _say(axes: Axes, why: str) -> None:
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])
