"""What all pictures share, of markets and of studies: colours and the look of axes."""

from __future__ import annotations

from typing import Any

__all__ = ["BLUE", "GRID", "INK", "RED", "STYLE"]

BLUE, RED, INK, GRID = "#2166ac", "#d6604d", "#222222", "#dddddd"
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
}
