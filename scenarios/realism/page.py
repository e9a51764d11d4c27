"""The scorecard as one self-contained HTML page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from scenarios.pages.html import details, number, page, paragraph, picture, table
from scenarios.realism.judge.page import judge_sections, judge_sentences
from scenarios.realism.plot import draw_curves, draw_distributions, draw_scores
from sim.versions import versions

if TYPE_CHECKING:
    from scenarios.realism.scorecard import Scorecard

__all__ = ["answer_of_scorecard", "model_sentences", "realism_page"]

GROUPS = {
    "LOB-Bench": "Distributions: the unconditional scores of LOB-Bench, whose mean is the summary",
    "further": "Further distributions",
    "conditional": "Conditional distributions",
    "impact": "Impact curves by kind of event (mean absolute difference over lags 1 to 1000, in median spreads)",
}
METHOD = (
    "A distribution's distance is the total variation (half the L1 distance of two histograms, 0 to 1) on common "
    "Freedman-Diaconis bins. Its floor is the same distance between two times of the real data (its halves, unless "
    "other real data was named); the floor of blocks is that of random halves made of blocks of ten minutes. W1 is the "
    "Wasserstein distance in standard deviations of the real sample. A fact's floor is its standard deviation over six "
    "parts of the real data.",
    "Inside: no further than the floor; near: up to twice; far: beyond. On one real day a score far below its floor "
    "would be luck or over-fitting, not realism.",
    "Sources: Nagy et al. 2025 (LOB-Bench); Cont 2001, Vyetrenko et al. 2019 (stylised facts); Eisler, Bouchaud and "
    "Kockelkoren 2012 (responses to six kinds of events); Berti, Prenkaj and Velardi 2025 (predictive score).",
)


def model_sentences(card: Scorecard) -> list[str]:
    """Return what the judge and the predictor found, in words; nothing if they were not asked for."""
    if not card.models or card.judgement is None:
        return []
    p = card.models["predictive"]
    return [
        *judge_sentences(card.judgement),
        f"Predictive score: mean absolute error on real flow {p['simulated']:.4f} spreads when trained on simulated "
        f"flow, {p['real']:.4f} when trained on real flow, {p['nothing']:.4f} knowing nothing; share of squared "
        f"error saved {p['skill_simulated']:.1%} and {p['skill_real']:.1%}.",
    ]


def answer_of_scorecard(card: Scorecard, simulated: str, real: str) -> str:
    """Return how real a flow looks, in a few sentences; the floor is what two times of the real data differ by."""
    counts = card.verdicts()
    words = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    scores = card.distances.filter(pl.col("group") == "LOB-Bench").drop_nulls("ratio").sort("ratio", descending=True)
    labels = _labels(card.distances)
    worst = ", ".join(f"{labels[row['name']]} ({number(row['ratio'], 2)})" for row in scores.head(3).rows(named=True))
    return (
        f"{simulated} is {card.mean_l1_over_floor:.2f} noise floors from {real}, on average over LOB-Bench's scores; a "
        f"noise floor is how far two times of the real data are from each other. Mean distance {card.mean_l1:.3f}. "
        f"Farthest, in floors: {worst}. Of all rows: {words}."
    )


def _labels(distances: pl.DataFrame) -> dict[str, str]:
    """Return labels that stand alone, by name: in a table "the same" is what the row above is about."""
    found, about = {}, ""
    for name, label in distances.select("name", "label").rows():
        if not label.startswith("the same"):
            about = label
        found[name] = label.replace("the same", about, 1) if label.startswith("the same") else label
    return found


def realism_page(card: Scorecard, simulated: str, real: str) -> str:
    """Return the page; the names say what was compared."""
    sections = []
    for group, title in GROUPS.items():
        rows = [
            [r["label"], number(r["l1"], 3), number(r["floor"], 3), number(r["floor_blocks"], 3), number(r["ratio"], 3),
             r["verdict"], number(r["w1"], 3), f"{r['n']:,}"]
            for r in card.distances.rows(named=True)
            if r["group"] == group
        ]  # fmt: skip
        head = ["", "distance", "floor", "floor of blocks", "distance / floor", "verdict", "W1", "values"]
        sections.append(details(title, table(head, rows)))
    facts = [
        [r["label"], number(r["simulated"], 3), number(r["real"], 3), number(r["floor"], 3), number(r["ratio"], 3),
         r["verdict"]]
        for r in card.facts.rows(named=True)
    ]  # fmt: skip
    return page(
        f"How real is {simulated}?",
        paragraph(answer_of_scorecard(card, simulated, real), "answer"),
        *[paragraph(text) for text in model_sentences(card)],
        picture(draw_scores(card), "All scores in units of their noise floor"),
        details("Distributions", picture(draw_distributions(card, (simulated, real)), "Distributions, simulated over "
                                                                                      "real")),
        details("Impact curves, and activity through the day",
                picture(draw_curves(card), "Impact curves, error against horizon, and activity through the day")),
        *(judge_sections(card.judgement) if card.judgement is not None else ()),
        *sections,
        details("Stylised facts", table(["", "simulated", "real", "floor", "gap / floor", "verdict"], facts)),
        details("Method", *[paragraph(text) for text in METHOD], paragraph(f"Versions: {json.dumps(versions())}")),
    )  # fmt: skip
