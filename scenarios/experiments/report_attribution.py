"""The page of an attribution: who caused it, in a sentence and a picture; the numbers and the method folded below."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scenarios.experiments.bootstrap import percent
from scenarios.experiments.plot_attribution import draw_attribution
from scenarios.pages.html import details, interval, number, page, paragraph, picture, preformatted, table
from sim.versions import versions

if TYPE_CHECKING:
    from scenarios.experiments.attribution_result import Attribution

__all__ = ["answer_of_attribution", "attribution_page"]

MOST_TOLD = 3
METHOD = (
    "The market is run with every group of populations present or absent, from the same seeds. A group's Shapley value "
    "(Shapley 1953) is what it adds to the outcome when it joins, averaged over all orders in which the groups can "
    "join; the values add up to the difference between the market with all of them and the one without any.",
    "With more than eight groups orders are sampled, each with its reverse (Castro, Gomez and Tejada 2009). Intervals "
    "are BCa bootstrap intervals (Efron 1987) over the worlds.",
    "A group's share is of this market: what it would do elsewhere, or beside others, is another question.",
)


def answer_of_attribution(found: Attribution) -> str:
    """Return who caused an outcome, in a sentence or two with intervals."""
    name, unit = found.outcome.name.replace("_", " "), f" {found.outcome.unit}" if found.outcome.unit else ""
    rows = found.table.rows(named=True)
    apart = [row for row in rows if row["low"] is not None and (row["low"] > 0 or row["high"] < 0)]
    rest = [row["group"] for row in rows if row not in apart and not row["is_idle"]]
    idle = [row["group"] for row in rows if row["is_idle"]]
    value, low, high = found.total
    whole = f"{name} is {number(found.none)}{unit} without these groups and {number(found.all)}{unit} with all"
    change = f"{whole}: {number(value, 3)}{interval(low, high)} more." if value >= 0 else (
        f"{whole}: {number(-value, 3)}{interval(-high, -low)} less.")  # fmt: skip
    told = [f"{row['group']} {_signed(row['value'])}{_ends(row)}" for row in apart[:MOST_TOLD]]
    more = f"; and {len(apart) - MOST_TOLD} more groups" if len(apart) > MOST_TOLD else ""
    sentences = [change[0].upper() + change[1:]]
    if told:
        sentences.append(f"Caused by {'; '.join(told)}{more}.")
    if rest:
        sentences.append(f"The part of {', '.join(rest)} cannot be told apart from none.")
    if idle:
        sentences.append(f"{', '.join(idle)} changes nothing.")
    sentences.append(f"{percent(found.confidence)} intervals over {len(found.seeds)} worlds.")
    return " ".join(sentences)


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value, 3)}"


def _ends(row: dict[str, Any]) -> str:
    return f" ({_signed(row['low'])}, {_signed(row['high'])})"


def attribution_page(found: Attribution) -> str:
    """Return the page as HTML."""
    scenario = found.identity.get("scenario", "this market")
    rows = [
        [row["group"], number(row["value"]), number(row["low"]), number(row["high"]),
         "" if row["share"] is None else f"{row['share']:.0%}", row["populations"]]
        for row in found.table.rows(named=True)
    ]  # fmt: skip
    value, low, high = found.total
    rows.append(["sum", number(value), number(low), number(high), "100%" if value else "", ""])
    how = "all subsets" if found.exact else "sampled orders"
    again = {**{key: found.identity.get(key) for key in ("scenario", "config_hash", "groups", "always")},
             "outcome": found.outcome.name, "seeds": list(found.seeds), "versions": versions()}  # fmt: skip
    failures = [[subset, str(seed), why] for (subset, seed), why in found.failures.items()]
    return page(
        f"Who causes the {found.outcome.name.replace('_', ' ')} of {scenario}?",
        paragraph(answer_of_attribution(found), "answer"),
        picture(draw_attribution(found), "From the market without the groups to the one with all of them"),
        *[paragraph(note, "note") for note in found.notes],
        *(
            [details(f"{len(failures)} runs failed", table(["with", "seed", "reason"], failures, [2]))]
            if failures
            else []
        ),
        details("All numbers", table(["group", "value", "from", "to", "share", "populations"], rows, [5])),
        details("Method", paragraph(f"{found.n_runs:,} runs, {how}."), *map(paragraph, METHOD)),
        details("To do it again", preformatted(json.dumps(again, indent=1, ensure_ascii=False, default=str))),
    )
