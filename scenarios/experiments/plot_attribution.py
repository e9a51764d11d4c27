"""The picture of an attribution: each group's Shapley value, and how they add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.pages.style import BLUE, GREY, INK, RED, new_figure, plain, png

if TYPE_CHECKING:
    from scenarios.experiments.attribution_result import Attribution

__all__ = ["draw_attribution"]


def draw_attribution(found: Attribution) -> bytes:
    """Return a PNG picture: a waterfall from the outcome without the groups to that with all of them."""
    table = found.table
    values = table["value"].to_numpy()
    ends = found.none + np.cumsum(values)
    starts = np.concatenate([[found.none], ends[:-1]])
    n = len(values)
    with new_figure(8.5, 1.6 + 0.42 * (n + 2)) as figure:
        axes = figure.subplots()
        axes.barh(0, found.none, color=GREY, height=0.6)
        axes.barh(range(1, n + 1), values, left=starts, color=[RED if v > 0 else BLUE for v in values], height=0.6)
        # The interval is of the bar's length; it stands where the bar ends.
        for k, (low, high) in enumerate(table.select("low", "high").rows()):
            if low is None or high is None:
                continue
            axes.plot([starts[k] + low, starts[k] + high], [k + 1, k + 1], color=INK, lw=1.2)
        axes.barh(n + 1, found.all, color=GREY, height=0.6)
        names = ["without all of them", *map(plain, table["group"]), "with all"]
        numbers = [found.none, *values, found.all]
        labels = [f"{name}  ({x:+,.4g})" if 0 < k <= n else f"{name}  ({x:,.4g})" for k, (name, x) in
                  enumerate(zip(names, numbers, strict=True))]  # fmt: skip
        axes.set_yticks(range(n + 2), labels)
        axes.set_ylim(n + 1.6, -0.6)
        axes.axvline(0, color=GREY, lw=0.8)
        axes.grid(axis="y", visible=False)
        unit = f" [{found.outcome.unit}]" if found.outcome.unit else ""
        axes.set_xlabel(f"{found.outcome.name.replace('_', ' ')}{unit}")
        how = "all subsets" if found.exact else "sampled orders"
        axes.set_title(f"Shapley values over {len(found.seeds)} worlds, {how}; lines: intervals")
        return png(figure)
