"""The picture of a sweep: each outcome against the first parameter, a line for each setting of the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.ticker import FixedLocator, MaxNLocator

from scenarios.experiments.bootstrap import percent
from scenarios.pages.style import GREY, SERIES, new_figure, plain, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.experiments.sweep_result import SweepResult

__all__ = ["draw_sweep"]

MAX_PANELS = 12
LETTERS = 28
"""Of all labels of an axis, as long as they stand side by side."""


def draw_sweep(result: SweepResult) -> bytes:
    """Return a PNG picture of the first instrument: each outcome's means, and beside them the paired differences."""
    names = list(result.cells[0])
    table = result.table.filter(pl.col("symbol") == result.table["symbol"][0])
    known = table.group_by("outcome", maintain_order=True).agg(pl.col("mean").is_finite().any().alias("known"))
    shown = [o for o in result.outcomes if o.name in known.filter("known")["outcome"]][:MAX_PANELS]
    kinds = ("mean", "difference") if len(result.cells) > 1 else ("mean",)
    pairs = [(outcome, kind) for outcome in shown for kind in kinds]
    columns = min(4 if len(kinds) == 2 else 3, max(1, len(pairs)))
    rows = math.ceil(len(pairs) / columns) or 1
    with new_figure(3.6 * columns, 2.8 * rows + 0.8) as figure:
        panels = list(np.atleast_1d(figure.subplots(rows, columns)).ravel())
        for panel, (outcome, kind) in zip(panels, pairs, strict=False):
            _draw_outcome(panel, table.filter(pl.col("outcome") == outcome.name), names, kind)
            name = outcome.name.replace("_", " ")
            panel.set_title(name if kind == "mean" else f"{name}: difference to the first")
            panel.set_ylabel(f"[{outcome.unit}]" if outcome.unit else "")
        for panel in panels[len(pairs) :]:
            panel.set_visible(False)
        if len(names) > 1 and shown:
            figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=7)
        n = result.runs["seed"].n_unique()
        paired = "; differences are paired by seed" if len(kinds) == 2 else ""
        figure.suptitle(f"Means over {n} seeds with {percent(result.confidence)} intervals{paired}", fontsize=10)
        return png(figure)


def _draw_outcome(axes: Axes, rows: pl.DataFrame, names: list[str], kind: str) -> None:
    """Draw the means, or the differences to the first setting, against the first parameter."""
    if kind == "difference":
        axes.axhline(0, color=GREY, lw=0.8)
    if not names:
        axes.errorbar([0], rows["mean"], _bars(rows, kind), fmt="o", color=SERIES[0], capsize=3)
        axes.set_xticks([])
        return
    values = rows[names[0]].unique(maintain_order=True).to_list()
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    place: dict[Any, float] = {v: float(v) if numbers else float(k) for k, v in enumerate(values)}
    others = rows.group_by(names[1:], maintain_order=True) if len(names) > 1 else [((), rows)]
    for k, (key, part) in enumerate(others):
        label = ", ".join(
            f"{'.'.join(name.split('.')[-2:])} = {value}" for name, value in zip(names[1:], key, strict=True)
        )
        label = plain(label)
        x = [place[v] for v in part[names[0]].to_list()]
        y = part[kind].cast(pl.Float64).fill_null(np.nan).to_numpy()
        axes.errorbar(x, y, _bars(part, kind), fmt="o-" if numbers else "o", ms=4, lw=1, capsize=3,
                      color=SERIES[k % len(SERIES)], label=label or None)  # fmt: skip
    if numbers:
        axes.xaxis.set_major_locator(FixedLocator([place[v] for v in values]) if len(values) <= 6 else MaxNLocator(5))
    else:
        labels = [plain(str(v)) for v in values]
        # Labels that would run together are turned.
        turned = sum(map(len, labels)) > LETTERS
        axes.set_xticks(list(place.values()), labels, fontsize=8, rotation=30 if turned else 0,
                        ha="right" if turned else "center")  # fmt: skip
    axes.set_xlabel(plain(".".join(names[0].split(".")[-2:])))


def _bars(rows: pl.DataFrame, kind: str) -> Any:
    ends = ("low", "high") if kind == "mean" else ("difference_low", "difference_high")
    value, low, high = (rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in (kind, *ends))
    return np.nan_to_num(np.maximum([value - low, high - value], 0.0), posinf=0.0)
