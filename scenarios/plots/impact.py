"""The picture of an impact experiment: path, scaling, what pairing buys, costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.ticker import NullLocator

from scenarios.plots.style import GREY, INK, SERIES, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.experiments.result import ImpactResult

__all__ = ["draw_impact"]

_COSTS = {
    "arrival_slippage_bps": "arrival slippage",
    "paired_slippage_bps": "slippage, paired",
    "spread_cost_bps": "spread cost",
    "opportunity_cost_bps": "opportunity cost",
    "shortfall_bps": "implementation shortfall",
}


def draw_impact(result: ImpactResult) -> bytes:
    """Return a PNG picture of the result."""
    levels = [level for arm, level in result.arms if arm == "treated"]
    has_costs = (result.estimates["group"] == "cost").any()
    n_panels = 2 + (len(levels) > 1) + has_costs
    with new_figure(5.5 * min(n_panels, 2), 4.0 * (1 + (n_panels > 2))) as figure:
        axes = iter(np.atleast_1d(figure.subplots((n_panels + 1) // 2, 2)).ravel())
        _draw_path(next(axes), result, levels)
        if len(levels) > 1:
            _draw_scaling(next(axes), result, levels)
        _draw_pairing(next(axes), result, levels)
        if has_costs:
            _draw_costs(next(axes), result, levels)
        for unused in axes:
            unused.set_visible(False)
        identity = result.identity
        figure.suptitle(
            f"Impact in {identity['scenario']}: {result.n_pairs} pairs of worlds, {result.confidence:.0%} intervals",
            fontsize=10,
        )
        return png(figure)


def _label(result: ImpactResult, level: int) -> str:
    if result.participation:
        return f"{100 * result.participation[level - 1]:.3g}% of volume"
    data = result.paired("treated", level)
    return f"{data.quantity_lots:,} lots" if data.quantity_lots else "treated"


def _draw_path(axes: Axes, result: ImpactResult, levels: list[int]) -> None:
    duration_min = (result.window.end_ns - result.window.start_ns) / 60e9
    axes.axvspan(0, duration_min, color="#f0f0f0", zorder=0)
    axes.axhline(0, color=GREY, lw=0.8)
    for k, level in enumerate(levels):
        for arm, line in (("treated", "-"), ("mirrored", "--")):
            path = result.paths.filter((pl.col("arm") == arm) & (pl.col("level") == level))
            if len(path) == 0:
                continue
            minutes, colour = path["time_s"].to_numpy() / 60, SERIES[k % len(SERIES)]
            label = _label(result, level) if arm == "treated" else None
            axes.plot(minutes, path["value_bps"], line, color=colour, label=label)
            if arm == "treated":
                axes.fill_between(minutes, path["low_bps"], path["high_bps"], color=colour, alpha=0.2, lw=0)
    mirrored = any(arm == "mirrored" for arm, _ in result.arms)
    axes.set_title("Mean impact; grey: the treatment lasts" + ("; dashed: sides exchanged" if mirrored else ""))
    axes.set_xlabel("time since the start [min]")
    axes.set_ylabel("s (m1 - m0) / m0 [bps]")
    axes.legend(loc="best")


def _draw_scaling(axes: Axes, result: ImpactResult, levels: list[int]) -> None:
    rows = [result.value("impact_end", level=level) for level in levels]
    volumes = [result.paired("treated", level).scale()[:, 1].mean() for level in levels]
    x = np.array([row["quantity_lots"] for row in rows]) / volumes
    y, low, high = (np.array([row[key] for row in rows], float) for key in ("value", "low", "high"))
    shown = y > 0
    # A lower end below zero has no place on a logarithmic axis; the bar then runs to the bottom.
    bars = np.array([y - np.maximum(low, y * 1e-3), high - y])[:, shown]
    axes.errorbar(x[shown], y[shown], bars, fmt="o", color=INK, capsize=3, zorder=3)
    if shown.any():
        anchor = np.flatnonzero(shown)[-1]
        ends = np.array([x.min(), x.max()])
        for slope, line in ((0.5, "-"), (1.0, "--")):
            axes.plot(ends, y[anchor] * (ends / x[anchor]) ** slope, line, color=GREY, lw=1, label=f"slope {slope:g}")
        axes.set(xscale="log", yscale="log")
        axes.set_ylim(0.4 * min(y[shown].min(), y[anchor] * x.min() / x[anchor]), 2.0 * high[shown].max())
    axes.set_xticks(x, [f"{100 * v:.3g}%" for v in x])
    axes.xaxis.set_minor_locator(NullLocator())
    found = result.value("exponent", level=levels[0])
    interval = f"{found['low']:.2f} to {found['high']:.2f}" if found["low"] is not None else "some impact is too near 0"
    exponent = f"{found['value']:.2f} ({interval})" if found["value"] is not None else "not known"
    axes.set_title(f"At the end; exponent {exponent}")
    axes.set_xlabel("Q / V, V the volume of the control in the same time")
    axes.set_ylabel("impact at the end [bps]")
    axes.legend(loc="best")


def _forest(axes: Axes, rows: list[tuple[str, dict[str, Any], str]]) -> None:
    """Draw estimates with their intervals below each other."""
    for k, (_, row, colour) in enumerate(rows):
        low, high = (row[key] if row[key] is not None else row["value"] for key in ("low", "high"))
        axes.plot([low, high], [k, k], color=colour, lw=2, solid_capstyle="butt")
        axes.plot([row["value"]], [k], "o", color=colour, ms=4)
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def _draw_pairing(axes: Axes, result: ImpactResult, levels: list[int]) -> None:
    rows = []
    for k, level in enumerate(levels):
        colour = SERIES[k % len(SERIES)]
        factor = result.value("variance_reduction_end", level=level)["value"]
        rows.append((f"{_label(result, level)}, paired", result.value("impact_end", level=level), colour))
        words = f"not paired: variance x {factor:,.0f}" if factor is not None else "not paired"
        rows.append((words, result.value("impact_end_unpaired", level=level), GREY))
    _forest(axes, rows)
    axes.set_title("Impact at the end: the same runs, paired or not")
    axes.set_xlabel("[bps]")


def _draw_costs(axes: Axes, result: ImpactResult, levels: list[int]) -> None:
    rows = []
    for name, label in _COSTS.items():
        for k, level in enumerate(levels):
            row = result.value(name, level=level)
            rows.append((label if k == 0 else "", row, SERIES[k % len(SERIES)]))
    _forest(axes, rows)
    axes.set_title("Cost of the metaorder; positive: paid")
    axes.set_xlabel("[bps of the price at the start]")
