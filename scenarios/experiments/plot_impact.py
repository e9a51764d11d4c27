"""The picture of an impact experiment: path, scaling, what pairing buys, costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.ticker import LogLocator, NullLocator

from scenarios.experiments.bootstrap import percent
from scenarios.experiments.estimates import UNPAIRED
from scenarios.pages.style import GREY, INK, SERIES, new_figure, plain, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.experiments.result import ImpactResult

__all__ = ["draw_impact"]

_COSTS = {
    "paired_slippage_bps": "slippage, paired",
    "spread_cost_bps": "spread cost",
    "arrival_slippage_bps": "arrival slippage, not paired",
    "opportunity_cost_bps": "opportunity cost, not paired",
    "shortfall_bps": "shortfall, not paired",
}


def draw_impact(result: ImpactResult) -> bytes:
    """Return a PNG picture of the result."""
    levels = [level for arm, level in result.arms if arm == "treated"]
    has_costs = bool((result.estimates["group"] == "cost").any())
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
            f"Impact in {plain(identity['scenario'])}: {result.n_pairs} pairs of worlds, "
            f"{percent(result.confidence)} intervals",
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
    found = [_known(result, "impact_end", level) for level in levels]
    paired = [result.paired("treated", level) for level in levels]
    volumes = [data.scale()[:, 1].mean() if len(data) else np.nan for data in paired]
    quantities = np.array([data.quantity_lots for data in paired], float)
    x = quantities / np.maximum(volumes, np.finfo(float).tiny)
    y, low, high = (np.array([row[key] if row else np.nan for row in found], float) for key in ("value", "low", "high"))
    # What is not known has no bar; a lower end below zero has no place on a logarithmic axis, and its bar runs to the
    # bottom.
    low, high = np.where(np.isfinite(low), np.maximum(low, y * 1e-3), y), np.where(np.isfinite(high), high, y)
    shown = (y > 0) & (x > 0) & np.isfinite(x)
    if shown.any():
        bars = np.array([y - low, high - y])[:, shown]
        axes.errorbar(x[shown], y[shown], bars, fmt="o", color=INK, capsize=3, zorder=3)
        anchor = np.flatnonzero(shown)[-1]
        ends = np.array([x[shown].min(), x[shown].max()])
        for slope, line in ((0.5, "-"), (1.0, "--")):
            axes.plot(ends, y[anchor] * (ends / x[anchor]) ** slope, line, color=GREY, lw=1, label=f"slope {slope:g}")
        axes.set(xscale="log", yscale="log")
        axes.set_ylim(0.4 * min(y[shown].min(), y[anchor] * ends[0] / x[anchor]), 2.0 * high[shown].max())
        axes.set_xticks(x[shown], [f"{100 * v:.3g}%" for v in x[shown]])
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        axes.legend(loc="best")
    else:
        axes.text(0.5, 0.5, "no impact above 0 at any quantity", ha="center", transform=axes.transAxes)
    row = _known(result, "exponent", levels[0])
    if row is None:
        exponent = "not known"
    elif row["low"] is None or row["high"] is None:
        exponent = f"{row['value']:.2f} (no interval)"
    else:
        exponent = f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
    axes.set_title(f"At the end; exponent {exponent}")
    axes.set_xlabel("Q / V, V the volume of the control in the same time")
    axes.set_ylabel("impact at the end [bps]")


def _known(result: ImpactResult, estimate: str, level: int) -> dict[str, Any] | None:
    """Return the row of an estimate of the treated arm; None if it has no value."""
    rows = result.estimates.filter(
        (pl.col("arm") == "treated")
        & (pl.col("estimate") == estimate)
        & ((pl.col("level") == level) | pl.col("level").is_null())
        & (pl.col("group") != "stopping")
        & pl.col("value").is_not_null()
    )
    return rows.row(0, named=True) if len(rows) else None


def _forest(axes: Axes, rows: list[tuple[str, dict[str, Any] | None, str]]) -> None:
    """Draw estimates with their intervals below each other; a row without a value keeps its place."""
    for k, (_, row, colour) in enumerate(rows):
        if row is None:
            continue
        if row["low"] is not None and row["high"] is not None:
            axes.plot([row["low"], row["high"]], [k, k], color=colour, lw=2, solid_capstyle="butt")
        axes.plot([row["value"]], [k], "o", color=colour, ms=4)
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def _draw_pairing(axes: Axes, result: ImpactResult, levels: list[int]) -> None:
    rows = []
    for k, level in enumerate(levels):
        colour = SERIES[k % len(SERIES)]
        factor = _known(result, "variance_reduction_end", level)
        rows.append((f"{_label(result, level)}, paired", _known(result, "impact_end", level), colour))
        words = f"not paired: variance x {factor['value']:,.0f}" if factor else "not paired"
        rows.append((words, _known(result, "impact_end_unpaired", level), GREY))
    _forest(axes, rows)
    axes.set_title("Impact at the end: the same runs, paired or not")
    axes.set_xlabel("[bps]")


def _draw_costs(axes: Axes, result: ImpactResult, levels: list[int]) -> None:
    rows = []
    for name, label in _COSTS.items():
        for k, level in enumerate(levels):
            colour = GREY if name in UNPAIRED else SERIES[k % len(SERIES)]
            rows.append((label if k == 0 else "", _known(result, name, level), colour))
    _forest(axes, rows)
    axes.set_title("Cost; positive: paid; grey: with the seeds' own drift")
    axes.set_xlabel("[bps of the price at the start]")
