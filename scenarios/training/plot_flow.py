"""Pictures of the learned flow: the course of its training."""

from __future__ import annotations

from collections.abc import Sequence

from scenarios.pages.style import BLUE, GREY, INK, RED, new_figure, png

__all__ = ["draw_training"]


def draw_training(history: Sequence[dict[str, float]]) -> bytes:
    """Return training and validation loss against time as PNG; rows of the history of `agents.flow.training.train`."""
    minutes = [row["seconds"] / 60 for row in history]
    with new_figure(8.5, 3.8) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(minutes, [row["training"] for row in history], color=GREY, label="training (orders partly known)")
        left.plot(minutes, [row["total"] for row in history], color=BLUE, label="validation, one step")
        best = min(range(len(history)), key=lambda k: history[k]["total"])
        left.plot(minutes[best], history[best]["total"], "o", color=RED, ms=5, label="best, kept")
        left.set_title("Loss of an order", fontsize=10)
        for name, colour in (("delay", BLUE), ("order", INK), ("detail", RED)):
            right.plot(minutes, [row[name] for row in history], color=colour, label=name)
        right.set_title("Validation by part", fontsize=10)
        for panel in (left, right):
            panel.set_xlabel("minutes of training")
            panel.set_ylabel("nats an order")
            panel.legend(fontsize=8)
        return png(figure)
