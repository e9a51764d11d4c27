"""What a judge found, in words and as sections of a page."""

from __future__ import annotations

from typing import Any

from scenarios.pages.html import details, interval, number, paragraph, picture, table
from scenarios.realism.judge.judgement import Judgement
from scenarios.realism.judge.plot import draw_judgement

__all__ = ["judge_sections", "judge_sentences"]


def judge_sentences(found: Judgement) -> list[str]:
    """Return how well the flow is told from the real one, and by what."""
    said = []
    for row in found.apart.rows(named=True):
        who = "Trees" if row["judge"] == "trees" else "A network"
        said.append(
            f"{who} on windows of {row['length']} events: of a simulated and a real window of the same time the "
            f"simulated one is found out in {row['auc']:.1%} ({row['low']:.1%}, {row['high']:.1%}) of cases; 50% is "
            f"guessing, real blocks against real blocks {row['floor']:.1%} ({row['floor_low']:.1%}, "
            f"{row['floor_high']:.1%})."
        )
    if len(found.giveaways):
        longest = found.giveaways["length"].max()
        worst = [row for row in found.giveaways.rows(named=True) if row["length"] == longest][:3]
        words = "; ".join(f"{r['name']} {number(r['simulated'], 3)} (real {number(r['real'], 3)})" for r in worst)
        said.append(f"What gives it away first: {words}.")
    return said


def judge_sections(found: Judgement) -> list[str]:
    """Return the judge's tables: told apart, giveaways, structure, proxy metaorders, returns."""

    def within(row: dict[str, Any], name: str) -> list[str]:
        return [number(row[name], 3), interval(row[f"{name}_low"], row[f"{name}_high"])]

    apart = [
        [row["judge"], str(row["length"]), number(row["auc"], 3), interval(row["low"], row["high"]),
         *within(row, "floor"), f"{row['n']:,}"]
        for row in found.apart.rows(named=True)
    ]  # fmt: skip
    away = [
        [str(row["length"]), row["name"], number(row["auc"], 3), number(row["simulated"], 3), number(row["real"], 3)]
        for row in found.giveaways.rows(named=True)
    ]
    structure = [
        [row["label"], number(row["simulated"], 3), number(row["real"], 3), interval(row["low"], row["high"])]
        for row in found.structure.rows(named=True)
    ]
    proxies = [
        [str(row["traders"]), row["flow"], *within(row, "exponent"), *within(row, "y"), *within(row, "late")]
        for row in found.proxies.rows(named=True)
    ]
    returns = [
        [f"{row['horizon_s']} s", number(row["simulated"], 3), number(row["real"], 3), f"{row['covered']:.1%}"]
        for row in found.returns.rows(named=True)
    ]
    return [
        details(
            "Judge: can it be told from the real flow?",
            picture(draw_judgement(found), "How often the flow is found out, and what gives it away"),
            table(["judge", "events", "area under the ROC curve", "95%", "real against real", "95%", "windows"], apart),
            paragraph("What gives it away: how well each summary of a window alone tells the two apart."),
            table(["events", "summary", "area", "simulated", "real"], away),
        ),
        details("Judge: structure", table(["", "simulated", "real", "95% of the real"], structure)),
        details(
            "Judge: returns, and impact of proxy metaorders",
            table(["returns over", "simulated [bp]", "real [bp]", "real ones in the middle 80%"], returns),
            paragraph(
                "Market orders given at random to N traders; runs of one sign of one trader, of at least three, are "
                "proxy metaorders. Impact / sigma = Y (Q / V)^exponent, sigma and V of the session, Y at exponent 1/2; "
                "late: one duration after the end, over the end. Maitrier, Loeper and Bouchaud 2025 (arXiv 2503.18199)."
            ),
            table(["N", "flow", "exponent", "95%", "Y", "95%", "late / end", "95%"], proxies),
        ),
    ]
