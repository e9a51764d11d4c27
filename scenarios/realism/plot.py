"""The pictures of a scorecard: distributions, scores in units of their floor, impact curves, error against horizon."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scenarios.pages.style import BLUE, GREY, INK, RED, new_figure, png
from sim.metrics.distances import bin_edges

if TYPE_CHECKING:
    from scenarios.realism.scorecard import Scorecard

__all__ = ["draw_curves", "draw_distributions", "draw_scores"]

COLOURS = {"inside": "#4d9221", "near": "#b35806", "far": "#b2182b", "unknown": GREY}
COLUMNS = 4
REACH = 12.0


def draw_distributions(card: Scorecard, names: tuple[str, str]) -> bytes:
    """Return histograms of all samples as PNG; `names` are those of the simulated and the real flow."""
    rows = [row for row in card.distances.rows(named=True) if row["name"] in card.real]
    n_lines = math.ceil(len(rows) / COLUMNS)
    with new_figure(3.1 * COLUMNS, 2.1 * n_lines + 0.5) as figure:
        panels = list(np.ravel(figure.subplots(n_lines, COLUMNS)))
        for panel, row in zip(panels, rows, strict=False):
            one, other = card.simulated[row["name"]], card.real[row["name"]]
            if len(one) and len(other):
                edges = bin_edges(one, other)
                middles = (edges[1:] + edges[:-1]) / 2
                for values, colour, filled in ((other, GREY, True), (one, BLUE, False)):
                    share = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
                    if filled:
                        panel.fill_between(middles, share, step="mid", color=colour, alpha=0.5, lw=0)
                    else:
                        panel.step(middles, share, where="mid", color=colour, lw=1)
            panel.set_title(row["label"], fontsize=7)
            panel.set_yticks([])
            panel.tick_params(labelsize=7)
            panel.annotate(f"{row['l1']:.2f} / {row['floor']:.2f}", (0.98, 0.86), xycoords="axes fraction", ha="right",
                           fontsize=7, color=COLOURS[row["verdict"]])  # fmt: skip
        for panel in panels[len(rows) :]:
            panel.set_visible(False)
        figure.suptitle(f"{names[0]} (blue) against {names[1]} (grey); numbers: distance / noise floor", fontsize=10)
        return png(figure)


def draw_scores(card: Scorecard) -> bytes:
    """Return all scores in units of their floor as PNG."""
    rows = [*card.distances.rows(named=True), *card.facts.rows(named=True)]
    with new_figure(8.5, 0.24 * len(rows) + 1.2) as figure:
        axes = figure.subplots()
        axes.axvspan(0, 1, color="#e8f3df")
        for k, row in enumerate(rows):
            ratio = row["ratio"]
            if not math.isfinite(ratio):
                continue
            axes.plot([0, min(ratio, REACH)], [k, k], color=COLOURS[row["verdict"]], lw=1)
            axes.plot([min(ratio, REACH)], [k], "o", color=COLOURS[row["verdict"]], ms=4)
            if ratio > REACH:
                axes.annotate(f"{ratio:.0f}", (REACH, k), (4, -3), textcoords="offset points", fontsize=7, color=RED)
        axes.axhline(len(card.distances) - 0.5, color=INK, lw=0.5)
        axes.set_yticks(range(len(rows)), [row["label"] for row in rows], fontsize=7)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(0, REACH + 0.6)
        axes.set_xlabel("distance [noise floors]; green: inside the floor")
        axes.set_title("Distributions and impact curves above, stylised facts below", fontsize=10)
        return png(figure)


def draw_curves(card: Scorecard) -> bytes:
    """Return impact curves by kind of event, error against horizon, and the day's profile as PNG."""
    with new_figure(11, 6.4) as figure:
        panels = figure.subplots(2, 4)
        for panel, kind in zip(np.ravel(panels[:, :3]), card.curves["kind"].unique(maintain_order=True), strict=True):
            part = card.curves.filter(card.curves["kind"] == kind)
            panel.axhline(0, color=GREY, lw=0.5)
            panel.semilogx(part["lag"], part["real"], color=INK, lw=1.2, label="real")
            panel.semilogx(part["lag"], part["simulated"], color=BLUE, lw=1.2, label="simulated")
            panel.set_title(f"response to {kind}", fontsize=8)
            panel.set_xlabel("lag [events at the best]", fontsize=7)
            panel.set_ylabel("[median spreads]", fontsize=7)
        panels[0, 0].legend(fontsize=7)
        panel = panels[0, 3]
        minutes = card.horizon["until_s"] / 60
        panel.plot(minutes, card.horizon["l1"], "o-", color=BLUE, ms=3, lw=1, label="simulated")
        panel.plot(minutes, card.horizon["l1_real"], color=INK, lw=1, ls="--", label="parts of the real flow")
        panel.set_ylim(bottom=0)
        panel.set_title("error against horizon", fontsize=8)
        panel.set_xlabel("minutes since the start", fontsize=7)
        panel.set_ylabel("mean distance of successive parts", fontsize=7)
        panel.legend(fontsize=7)
        panel = panels[1, 3]
        events = card.profile.filter(card.profile["measure"] == "events")
        for column, colour in (("real", INK), ("simulated", BLUE)):
            known = events.drop_nulls(column)
            panel.plot(known["time"], known[column], "o-", color=colour, ms=3, lw=1, label=column)
        panel.set_ylim(bottom=0)
        panel.set_title("events in each half hour", fontsize=8)
        panel.tick_params(axis="x", rotation=90)
        for panel in np.ravel(panels):
            panel.tick_params(labelsize=7)
        return png(figure)
