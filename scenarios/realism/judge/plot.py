"""The picture of a judgement: how often the flow is found out, and what gives it away."""

from __future__ import annotations

from scenarios.pages.style import BLUE, GREY, INK, RED, new_figure, png
from scenarios.realism.judge.judgement import NETWORK_LENGTH, Judgement

__all__ = ["draw_judgement"]

MOST = 12


def draw_judgement(found: Judgement) -> bytes:
    """Return areas by judge beside those of real against real, and the summaries that give the flow away, as PNG."""
    with new_figure(11, 3.9) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        rows = found.apart.rows(named=True)
        for k, row in enumerate(rows):
            for value, low, high, colour, shift in (
                (row["auc"], row["low"], row["high"], BLUE, -0.12),
                (row["floor"], row["floor_low"], row["floor_high"], GREY, 0.12),
            ):
                left.plot([low, high], [k + shift] * 2, color=colour, lw=1.5)
                left.plot([value], [k + shift], "o", color=colour, ms=5)
        left.axvline(0.5, color=INK, lw=0.6)
        left.text(0.505, len(rows) - 0.55, "guessing", fontsize=7, color=INK)
        left.set_yticks(range(len(rows)), [f"{row['judge']}, {row['length']} events" for row in rows], fontsize=8)
        left.set_ylim(len(rows) - 0.4, -0.6)
        left.set_xlim(0.35, 1.02)
        left.set_xlabel("area under the ROC curve: how often the simulated window is found out", fontsize=8)
        left.set_title("Simulated against real (blue), real against real (grey), 95%", fontsize=9)
        worst = found.giveaways.filter(found.giveaways["length"] == NETWORK_LENGTH).head(MOST)
        for k, row in enumerate(worst.rows(named=True)):
            right.plot([0.5, row["auc"]], [k, k], color=RED, lw=5, solid_capstyle="butt")
            right.annotate(f"{row['simulated']:.3g}, real {row['real']:.3g}", (row["auc"], k), (5, -3),
                           textcoords="offset points", fontsize=7)  # fmt: skip
        right.set_yticks(range(len(worst)), worst["name"].to_list(), fontsize=8)
        right.set_ylim(max(len(worst), 1) - 0.4, -0.6)
        right.set_xlim(0.5, 1.12)
        right.set_xticks([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
        right.set_xlabel("area of this summary alone", fontsize=8)
        right.set_title(f"What gives it away in {NETWORK_LENGTH} events: means, simulated and real", fontsize=9)
        return png(figure)
