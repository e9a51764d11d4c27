"""The picture of a comparison: what each candidate costs and why, and how it differs from the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from scenarios.experiments.bootstrap import percent
from scenarios.experiments.comparison_result import PARTS
from scenarios.pages.style import BLUE, GREY, INK, SERIES, new_figure, plain, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.experiments.comparison_result import ComparisonResult

__all__ = ["draw_comparison"]

MOST_PANELS = 6


def draw_comparison(result: ComparisonResult) -> bytes:
    """Return a PNG picture."""
    if result.has_costs:
        with new_figure(9.5, 1.9 + 0.45 * len(result.candidates)) as figure:
            left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.35, 1])
            _costs(left, result)
            _differences(right, result, result.measures[0], "bp")
            return png(figure)
    shown = result.measures[:MOST_PANELS]
    with new_figure(9.5, (1.3 + 0.4 * len(result.candidates)) * len(shown)) as figure:
        panels = figure.subplots(len(shown), 2, sharey=True, squeeze=False)
        for (left, right), measure in zip(panels, shown, strict=True):
            rows = result.table.filter(pl.col("measure") == measure)
            unit = rows["unit"][0]
            _points(left, result, rows, "value", "low", "high")
            left.set_title(f"{measure.removesuffix(f'_{unit}').replace('_', ' ')}: mean over the worlds")
            left.set_xlabel(f"[{unit}]" if unit else "")
            _differences(right, result, measure, unit)
        return png(figure)


def _costs(axes: Axes, result: ComparisonResult) -> None:
    """Draw the parts of the shortfall as bars that add up, and the whole with its interval."""
    y = np.arange(len(result.candidates))[::-1]
    up, down = np.zeros(len(y)), np.zeros(len(y))
    for k, part in enumerate(PARTS):
        values = _column(result, part, "value")
        starts = np.where(values >= 0, up, down)
        axes.barh(y, values, left=starts, height=0.55, color=SERIES[k], label=part.removesuffix("_bps"))
        up, down = up + np.maximum(values, 0), down + np.minimum(values, 0)
    whole = [_column(result, "shortfall_bps", name) for name in ("value", "low", "high")]
    axes.errorbar(whole[0], y, xerr=_bars(*whole), fmt="D", ms=4, color=INK, capsize=3, lw=1, label="shortfall")
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_yticks(y, [plain(name) for name in result.candidates])
    axes.set_ylim(-0.6, len(y) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.set_title("Cost and what it is made of (positive: paid)")
    axes.set_xlabel("Basis points of the price at the start")
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=6)


def _differences(axes: Axes, result: ComparisonResult, measure: str, unit: str) -> None:
    rows = result.table.filter(pl.col("measure") == measure)
    _points(axes, result, rows, "difference", "difference_low", "difference_high")
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_title(
        f"Difference to {plain(result.candidates[0])} in the same world, {percent(result.confidence)} intervals"
    )
    axes.set_xlabel({"bp": "Basis points", "": ""}.get(unit, f"[{unit}]"))


def _points(axes: Axes, result: ComparisonResult, rows: pl.DataFrame, value: str, low: str, high: str) -> None:
    y = np.arange(len(result.candidates))[::-1]
    found = [rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in (value, low, high)]
    axes.errorbar(found[0], y, xerr=_bars(*found), fmt="o", ms=5, color=BLUE, capsize=3, lw=1.2)
    axes.set_yticks(y, [plain(name) for name in result.candidates])
    axes.set_ylim(-0.6, len(y) - 0.4)
    axes.grid(axis="y", visible=False)


def _column(result: ComparisonResult, measure: str, name: str) -> Any:
    rows = result.table.filter(pl.col("measure") == measure)
    return rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _bars(value: Any, low: Any, high: Any) -> Any:
    return np.nan_to_num(np.maximum([value - low, high - value], 0.0), posinf=0.0)
