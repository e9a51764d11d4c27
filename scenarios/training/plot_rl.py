"""The learning curve of a training: mean return of training episodes and of evaluations on untouched seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scenarios.pages.style import BLUE, GREY, RED, new_figure, png

__all__ = ["draw_training"]


def draw_training(
    title: str,
    history: Sequence[Mapping[str, float]],
    evaluations: Sequence[Mapping[str, float]],
    baselines: Mapping[str, float],
) -> bytes:
    """Return a PNG picture.

    Args:
        title: above it.
        history: rows with `steps` and `return` of training episodes.
        evaluations: rows with `steps`, `mean`, `low`, `high`.
        baselines: mean return of untrained policies on the same seeds, by name.
    """
    with new_figure(6.4, 3.8) as figure:
        axes = figure.subplots()
        steps = np.array([row["steps"] for row in history], float)
        returns = np.array([row["return"] for row in history], float)
        known = np.isfinite(returns)
        axes.plot(steps[known], returns[known], color=GREY, lw=0.7, label="training episodes")
        if evaluations:
            x, mean, low, high = (
                np.array([row[name] for row in evaluations]) for name in ("steps", "mean", "low", "high")
            )
            axes.fill_between(x, low, high, color=BLUE, alpha=0.2, lw=0)
            axes.plot(x, mean, "o-", ms=3, color=BLUE, label="untouched seeds, 95% interval")
        for k, (name, value) in enumerate(baselines.items()):
            axes.axhline(value, color=RED, lw=0.9, ls=("--", ":", "-.")[k % 3], label=name)
        axes.set_xlabel("decisions")
        axes.set_ylabel("return of an episode")
        axes.set_title(title)
        axes.legend(loc="lower right")
        return png(figure)
