"""The picture of a sweep: each outcome against the first parameter, a line for each setting of the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from scenarios.experiments.bootstrap import percent
from scenarios.pages.style import SERIES, new_figure, plain, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.experiments.sweep_result import SweepResult

__all__ = ["draw_sweep"]

MAX_PANELS = 12


def draw_sweep(result: SweepResult) -> bytes:
    """Return a PNG picture; of the first instrument."""
    names = list(result.cells[0])
    table = result.table.filter(pl.col("symbol") == result.table["symbol"][0])
    known = table.group_by("outcome", maintain_order=True).agg(pl.col("mean").is_finite().any().alias("known"))
    shown = [o for o in result.outcomes if o.name in known.filter("known")["outcome"]][:MAX_PANELS]
    columns = min(3, max(1, len(shown)))
    rows = math.ceil(len(shown) / columns) or 1
    with new_figure(4.2 * columns, 3.0 * rows + 0.6) as figure:
        panels = list(np.atleast_1d(figure.subplots(rows, columns)).ravel())
        for panel, outcome in zip(panels, shown, strict=False):
            _draw_outcome(panel, table.filter(pl.col("outcome") == outcome.name), names)
            panel.set_title(outcome.name.replace("_", " "))
            panel.set_ylabel(f"[{outcome.unit}]" if outcome.unit else "")
        for panel in panels[len(shown) :]:
            panel.set_visible(False)
        if len(names) > 1 and shown:
            panels[0].legend(fontsize=7)
        n = result.runs["seed"].n_unique()
        figure.suptitle(f"Means over {n} seeds with {percent(result.confidence)} intervals", fontsize=10)
        return png(figure)


def _draw_outcome(axes: Axes, rows: pl.DataFrame, names: list[str]) -> None:
    if not names:
        axes.errorbar([0], rows["mean"], _bars(rows), fmt="o", color=SERIES[0], capsize=3)
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
        axes.errorbar(x, part["mean"], _bars(part), fmt="o-", ms=4, lw=1, capsize=3, color=SERIES[k % len(SERIES)],
                      label=label or None)  # fmt: skip
    if not numbers:
        axes.set_xticks(list(place.values()), [plain(str(v)) for v in values], fontsize=8)
    axes.set_xlabel(plain(names[0]))


def _bars(rows: pl.DataFrame) -> Any:
    mean, low, high = (rows[name].to_numpy().astype(float) for name in ("mean", "low", "high"))
    return np.nan_to_num(np.maximum([mean - low, high - mean], 0.0), posinf=0.0)
