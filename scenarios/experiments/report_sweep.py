"""The page of a sweep: the question, the answer, the picture; the numbers and the method folded below."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from scenarios.experiments.bootstrap import percent
from scenarios.experiments.plot_sweep import draw_sweep
from scenarios.pages.html import details, interval, number, page, paragraph, picture, preformatted, table
from sim.versions import versions

if TYPE_CHECKING:
    from scenarios.experiments.sweep_result import SweepResult

__all__ = ["answer_of_sweep", "setting_name", "sweep_page"]

MOST_TOLD = 3
METHOD = (
    "Every setting gets the same seeds. Each draw in the simulation is a function of (seed, agent, its decision) "
    "alone, so that two settings of a seed are the same market but for what the setting changes; differences are "
    "taken seed by seed and then averaged.",
    "Intervals are BCa bootstrap intervals (Efron 1987) over seeds, each at its own level: among many comparisons some "
    "will seem different by chance.",
)


def setting_name(row: dict[str, Any], names: list[str]) -> str:
    """Return the values of a setting as people read them."""
    return ", ".join(f"{name.split('.', 1)[-1]}={row[name]}" for name in names) or "as it is"


def answer_of_sweep(result: SweepResult) -> str:
    """Return what a sweep found, in a sentence or two with intervals, for the first instrument."""
    names = list(result.cells[0])
    rows = result.table.filter((pl.col("symbol") == result.table["symbol"][0]) & pl.col("mean").is_finite())
    n = result.runs["seed"].n_unique()
    method = f"{percent(result.confidence)} intervals over {n} seeds"
    if len(result.cells) == 1:
        told = [f"{_words(row)} is {number(row['mean'])}{_unit(row)}{interval(row['low'], row['high'])}"
                for row in rows.head(MOST_TOLD).rows(named=True)]  # fmt: skip
        return f"{'; '.join(told)}. {method}." if told else "No outcome is defined in these runs."
    compared = rows.filter((pl.col("variant") > 0) & pl.col("difference").is_finite()).rows(named=True)
    apart = [row for row in compared if row["difference_low"] is not None
             and (row["difference_low"] > 0 or row["difference_high"] < 0)]  # fmt: skip
    if not compared:
        return "There is nothing to compare: no outcome is defined in two settings of a seed."
    first = setting_name(result.cells[0], names)
    if not apart:
        return f"Nothing measured can be told apart from {first}: {len(compared)} comparisons, {method}, paired."
    # The clearest ones, and one of each outcome: how far from 0, in half widths of its own interval.
    apart.sort(key=_clearness, reverse=True)
    best = list({row["outcome"]: row for row in reversed(apart)}.values())
    best.sort(key=_clearness, reverse=True)
    told = []
    settings = {setting_name(row, names) for row in best[:MOST_TOLD]}
    for row in best[:MOST_TOLD]:
        word = "higher" if row["difference"] > 0 else "lower"
        ends = sorted((abs(row["difference_low"]), abs(row["difference_high"])))
        gap = f"{number(abs(row['difference']), 3)}{_unit(row)}{interval(*ends)}"
        where = "" if len(settings) == 1 else f" with {setting_name(row, names)}"
        told.append(f"{_words(row)} is {gap} {word}{where}")
    which = f"With {settings.pop()} instead of" if len(settings) == 1 else "Against"
    text = f"{which} {first}, {'; '.join(told)}."
    rest = len(compared) - len(apart)
    return f"{text} Of {len(compared)} comparisons {rest} cannot be told apart from none; {method}, paired."


def _clearness(row: dict[str, Any]) -> float:
    half = (row["difference_high"] - row["difference_low"]) / 2
    return float(abs(row["difference"]) / half) if half > 0 else float("inf")


def _words(row: dict[str, Any]) -> str:
    return str(row["outcome"]).replace("_", " ")


def _unit(row: dict[str, Any]) -> str:
    return f" {row['unit']}" if row["unit"] else ""


def sweep_page(result: SweepResult) -> str:
    """Return the page as HTML."""
    names = list(result.cells[0])
    scenario = result.identity.get("scenario", "the market")
    what = " and ".join(names)
    question = f"What does {what} change in {scenario}?" if names else f"What does {scenario} look like?"
    if len(names) > 1:
        question = question.replace("does", "do", 1)
    header = ["outcome", *(name.split(".", 1)[-1] for name in names), "instrument", "mean", "from", "to", "difference",
              "from", "to", "unit", "runs"]  # fmt: skip
    rows = [
        [_words(row), *(str(row[name]) for name in names), row["symbol"],
         *(number(row[key]) for key in ("mean", "low", "high")),
         *(number(row[key]) if row["variant"] > 0 else "" for key in ("difference", "difference_low",
                                                                     "difference_high")),
         row["unit"], str(row["n_runs"])]
        for row in result.table.sort(pl.col("outcome"), pl.col("symbol"), pl.col("variant"), maintain_order=True)
        .rows(named=True)
    ]  # fmt: skip
    seeds = result.runs["seed"]
    again = {
        "scenario": scenario, "config_hash": result.identity.get("config_hash"), "grid": result.identity.get("grid"),
        "seeds": f"{min(seeds.to_list())} to {max(seeds.to_list())}", "versions": versions(),
    }  # fmt: skip
    failed = result.failed.select("variant", "seed", "error").unique(maintain_order=True).rows()
    lines = [[str(cell) for cell in row] for row in failed]
    return page(
        question,
        paragraph(answer_of_sweep(result), "answer"),
        picture(draw_sweep(result), "Means by setting, and paired differences to the first setting"),
        *[paragraph(note, "note") for note in result.notes],
        *([details(f"{len(lines)} runs failed", table(["setting", "seed", "reason"], lines, [2]))] if lines else []),
        details("All numbers", table(header, rows, [0])),
        details("Method", *map(paragraph, METHOD)),
        details("To do it again", preformatted(json.dumps(again, indent=1, ensure_ascii=False, default=str))),
    )
