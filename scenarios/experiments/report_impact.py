"""The report of an impact experiment: what was done, what was found, how sure one can be, how to do it again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from scenarios.experiments.bootstrap import percent
from scenarios.experiments.estimates import UNPAIRED
from scenarios.experiments.plot_impact import draw_impact
from scenarios.pages.html import details, number, page, paragraph, picture, preformatted, table
from scenarios.schema.times import clock
from sim.versions import versions

if TYPE_CHECKING:
    from scenarios.experiments.result import ImpactResult

__all__ = ["answer", "impact_page"]

_TITLES = {
    "scaling": "Impact against quantity",
    "stopping": "Stopped early: intervals that hold for all looks",
    "impact": "Impact",
    "cost": "Cost of the metaorder",
    "quality": "Market quality: treated less control",
    "profit": "Who paid: change of each population's profit",
}
_GREY = "Grey: not paired, so that whatever the price did in these seeds anyway is in it."
_ABOUT = {"impact": (_GREY,), "cost": (f"Positive: paid. {_GREY}",)}
_METHOD = (
    "Every draw in the simulation is a function of (seed, agent, its decision) alone. The control and the treated "
    "world of a pair have the same seed: up to the treatment they are the same, and then they differ only by what it "
    "causes. Impact at a time is s (m1 - m0) / m0(start), with m1 and m0 the midpoints with and without the treatment "
    "at that time, and s its side.",
    "Intervals are BCa bootstrap intervals (Efron 1987) over pairs: pairs are resampled, never runs of one arm. The "
    "line impact_end_unpaired is what the same runs say to somebody who compares the mean returns of both arms "
    "(Welch); the variance reduction is the ratio of the two variances.",
    "Slippage is against the midpoint at the start. Paired slippage is against the midpoint of the world without the "
    "metaorder at the moment of each fill, which takes out the move that would have come anyway. Implementation "
    "shortfall (Perold 1988) values what was not executed at the midpoint at the end of the metaorder.",
    "sigma is the control's realised volatility over the time of the treatment, V its volume in that time.",
)


def impact_page(result: ImpactResult) -> str:
    """Return the report as one HTML page."""
    identity, window = result.identity, result.window
    parts = [
        paragraph(answer(result), "answer"),
        paragraph(_what(result)),
        picture(draw_impact(result), "Impact through time, against quantity, paired and not paired; costs"),
    ]
    parts += [paragraph(note, "note") for note in result.notes]
    if result.placebo_identical is not None:
        same = "byte-identical to" if result.placebo_identical else "NOT identical to"
        parts.append(paragraph(f"Placebo (the agent is there with quantity 0): every tape is {same} its control's."))
    if result.failures:
        parts.append(paragraph(f"{len(result.failures)} pairs failed and are left out:"))
        parts.append(table(["pair", "reason"], [[str(k), why] for k, why in sorted(result.failures.items())], [1]))
    for group, title in _TITLES.items():
        rows = result.estimates.filter(pl.col("group") == group)
        if len(rows):
            parts.append(details(title, _estimates(result, rows, group), *map(paragraph, _ABOUT.get(group, ()))))
    if len(result.structure):
        parts.append(details("Order flow of the control market", _structure(result)))
    method = _METHOD if _is_metaorder(result) else (*_METHOD[:2], *_METHOD[3:])
    parts.append(details("Method", *map(paragraph, method)))
    seeds = result.runs["seed"].to_list()
    again = {
        "scenario": identity["scenario"],
        "config_hash": identity["config_hash"],
        "seeds": f"{min(seeds)} to {max(seeds)}",
        "start": clock(window.start_ns),
        "end": clock(window.end_ns),
        "until": clock(window.until_ns),
        "branch": identity["branch"],
        "versions": versions(),
    }
    parts.append(details("To do it again", preformatted(json.dumps(again, indent=1, ensure_ascii=False))))
    arm = identity["arms"][0]
    text = f"# {arm['name']}, level {arm['level']}\n{arm['text']}"
    parts.append(details("The treated market", preformatted(text)))
    return page(_question(result), *parts)


def _question(result: ImpactResult) -> str:
    where = result.identity["scenario"]
    return f"How does a metaorder move {where}?" if _is_metaorder(result) else f"What does the treatment do to {where}?"


def _is_metaorder(result: ImpactResult) -> bool:
    return bool(result.identity["arms"][0]["population"])


def answer(result: ImpactResult) -> str:
    """Return what an experiment found, in a sentence or two with intervals."""
    levels = sorted({level for arm, level in result.arms if arm == "treated"})
    table = result.estimates.filter((pl.col("arm") == "treated") & (pl.col("group") != "stopping"))

    def told(name: str, level: int) -> str:
        rows = table.filter((pl.col("estimate") == name) & (pl.col("level") == level))
        if not len(rows) or rows["value"][0] is None:
            return "not known"
        row = rows.row(0, named=True)
        return f"{row['value']:.3g} {row['unit']} {interval(row)}".strip()

    if not _is_metaorder(result):
        quality = table.filter((pl.col("group") == "quality") & pl.col("low").is_not_null())
        changed = [row for row in quality.rows(named=True) if row["low"] > 0 or row["high"] < 0]
        if not changed:
            return (
                f"At {percent(result.confidence)} nothing that was measured is different with the treatment, over "
                f"{result.n_pairs} pairs of worlds."
            )
        words = [f"{_plain(row)} by {row['value']:+.3g} {row['unit']} {interval(row)}" for row in changed[:4]]
        more = f", and {len(changed) - 4} more" if len(changed) > 4 else ""
        return f"The treatment changes {'; '.join(words)}{more}, over {result.n_pairs} pairs of worlds."
    words = []
    for level in levels:
        lots = result.paired("treated", level).quantity_lots
        words.append(f"{lots:,} lots move the price by {told('impact_end', level)} by their end")
    largest = " of the largest" if len(levels) > 1 else ""
    late = f"of that{largest}, {told('impact_late', levels[-1])} are left when the runs end"
    cost = f"they cost {told('paired_slippage_bps', levels[-1])} against the world without them"
    return f"{'; '.join(words)}; {late}; {cost}. {result.n_pairs} pairs of worlds."


def interval(row: dict[str, Any]) -> str:
    """Return the interval of an estimate's row in brackets; nothing if it is not known."""
    return f"({row['low']:.3g}, {row['high']:.3g})" if row["low"] is not None else ""


def _plain(row: dict[str, Any]) -> str:
    return str(row["estimate"]).removesuffix(f"_{row['unit']}").replace("_", " ")


def _what(result: ImpactResult) -> str:
    window, identity = result.window, result.identity
    minutes = (window.end_ns - window.start_ns) / 60e9
    after = (window.until_ns - window.end_ns) / 60e9
    quantities = [
        f"{result.paired('treated', level).quantity_lots:,}" for arm, level in result.arms if arm == "treated"
    ]
    what = f"{', '.join(quantities)} lots" if any(q != "0" for q in quantities) else "a change of the scenario"
    branch = identity["branch"]
    history = (
        f" All pairs share the history of seed {branch['seed']} up to {clock(branch['time_ns'])}." if branch else ""
    )
    return (
        f"{result.n_pairs} pairs of worlds of {identity['scenario']}: {what}, from {clock(window.start_ns)} for "
        f"{minutes:g} minutes, watched for another {after:g}. Intervals are at {percent(result.confidence)}.{history}"
    )


def _estimates(result: ImpactResult, rows: pl.DataFrame, group: str) -> str:
    with_control = group in ("quality", "profit")
    header = ["estimate", "arm", "quantity", "value", "from", "to", "unit"]
    header += ["control"] if with_control else []
    header += ["pairs", "meaning"]
    body = []
    # By estimate, so that quantities and arms stand below each other.
    place = {name: k for k, name in enumerate(rows["estimate"].unique(maintain_order=True))}
    ordered = sorted(rows.rows(named=True), key=lambda row: (place[row["estimate"]], row["arm"] != "treated"))
    for row in ordered:
        quantity = f"{row['quantity_lots']:,}" if row["quantity_lots"] else ""
        cells = [
            row["estimate"].removeprefix("pnl."), row["arm"], quantity, number(row["value"]), number(row["low"]),
            number(row["high"]), row["unit"],
        ]  # fmt: skip
        cells += [number(row["control"])] if with_control else []
        body.append([*cells, str(row["n_pairs"]), row["meaning"]])
    grey = [k for k, row in enumerate(ordered) if row["estimate"] in UNPAIRED]
    out = table(header, body, [len(header) - 1], grey)
    if group == "scaling":
        out += paragraph(_against_laws(rows))
    return out


def _against_laws(rows: pl.DataFrame) -> str:
    row: dict[str, Any] = rows.filter(pl.col("estimate") == "exponent").row(0, named=True)
    if row["low"] is None:
        return (
            "The exponent's interval is not known: there are fewer than three worlds, or at some quantity the mean "
            "impact is too near zero for a logarithm. More pairs or larger quantities would help."
        )
    words = [
        f"{'covers' if row['low'] <= law <= row['high'] else 'does not cover'} {law:g} ({name})"
        for law, name in ((0.5, "the square-root law"), (1.0, "a linear law"))
    ]
    return f"The interval {words[0]} and {words[1]}."


def _structure(result: ImpactResult) -> str:
    rows = [
        [row["statistic"], "" if row["lag"] is None else number(row["lag"]), number(row["value"]), number(row["low"]),
         number(row["high"]), row["unit"], str(row["n_runs"]), row["meaning"]]
        for row in result.structure.rows(named=True)
    ]  # fmt: skip
    return table(["statistic", "lag", "value", "from", "to", "unit", "runs", "meaning"], rows, [7])
