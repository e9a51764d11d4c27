"""The page of a comparison: the question, the answer, the picture; the numbers and the method folded below."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from scenarios.experiments.plot_comparison import draw_comparison
from scenarios.pages.html import details, number, page, paragraph, picture, preformatted, table
from scenarios.schema.times import clock
from sim.versions import versions

if TYPE_CHECKING:
    from scenarios.experiments.comparison_result import ComparisonResult

__all__ = ["comparison_page"]

_METHOD = (
    "Every candidate gets every world: the same seed, hence the same draws of every other agent, and one control world "
    "without any of them. Differences are taken within worlds and then averaged.",
    "Intervals are BCa bootstrap intervals (Efron 1987) over worlds. They are each at their own level: among many "
    "candidates, the lowest of all will look somewhat better than it is.",
)
_COSTS = (
    "Implementation shortfall (Perold 1988) against the midpoint at the start, on the whole quantity. Its parts add up "
    "to it: spread, the price paid against the midpoint just before each fill; impact, that midpoint against the one "
    "of the control world at the same time; timing, what the control world's midpoint had done since the start; "
    "opportunity, the move of the price on what was not executed."
)


def comparison_page(result: ComparisonResult) -> str:
    """Return the page as HTML."""
    names = ", ".join(result.candidates)
    scenario, window = result.identity["scenario"], result.window
    question = (
        f"What does it cost to trade by {names} in {scenario}, from {clock(window.start_ns)} to {clock(window.end_ns)}?"
        if result.has_costs
        else f"What do {names} change in {scenario}?"
    )
    rows = []
    for row in result.table.rows(named=True):
        found = [number(row[name]) for name in ("value", "low", "high", "difference", "difference_low",
                                                "difference_high")]  # fmt: skip
        rows.append([row["measure"], row["candidate"], *found, row["unit"], row["meaning"]])
    header = ["measure", "candidate", "mean", "from", "to", "difference", "from", "to", "unit", "meaning"]
    numbers = table(header, rows, [1, 9])
    seeds = result.runs.select(pl.col("seed").min().alias("first"), pl.col("seed").max().alias("last")).row(0)
    again = {
        "scenario": scenario, "config_hash": result.identity["config_hash"], "seeds": f"{seeds[0]} to {seeds[1]}",
        "start": clock(window.start_ns), "end": clock(window.end_ns), "versions": versions(),
    }  # fmt: skip
    markets = [details(f"The market with {arm['name']}", preformatted(arm["text"])) for arm in result.identity["arms"]]
    return page(
        question,
        paragraph(result.answer, "answer"),
        picture(draw_comparison(result), "Costs with their parts, and paired differences"),
        *[paragraph(note, "note") for note in result.notes],
        details("All numbers", numbers),
        details("Method", *[paragraph(text) for text in ((_COSTS,) if result.has_costs else ()) + _METHOD]),
        details("To do it again", preformatted(json.dumps(again, indent=1, ensure_ascii=False))),
        *markets,
    )
